"""What was found once is kept up to date rather than searched again."""

from __future__ import annotations

from suprsend_async.sandbox.search import Filters, Matches


def found(*ids: int) -> Matches:
    matches = Matches(Filters(name="x"))
    matches.update(ids, seen=max(ids, default=0), oldest=0)
    return matches


def test_pages_are_newest_first() -> None:
    matches = found(1, 3, 5, 7)
    assert matches.page(None, 3) == [7, 5, 3]
    assert matches.page(3, 3) == [1]
    assert matches.page(4, 3) == [3, 1]
    assert matches.page(1, 3) == []


def test_newer_matches_come_after_those_that_were_found() -> None:
    matches = found(1, 3)
    matches.update([8], seen=9, oldest=0)
    assert (matches.ids, matches.seen) == ([1, 3, 8], 9)


def test_what_is_kept_no_more_is_forgotten() -> None:
    matches = found(1, 3, 5)
    matches.update([], seen=9, oldest=3)
    assert matches.ids == [3, 5]
    matches.update([], seen=9, oldest=9)
    assert matches.ids == []


def test_no_filter_is_no_condition() -> None:
    assert Filters().where() == ("1", [])


def test_values_are_parameters_and_wildcards_are_text() -> None:
    condition, values = Filters(name="x' OR 1", text="100%_\\").where()
    assert "x'" not in condition
    assert values == ["x' OR 1", r"%100\%\_\\%", r"%100\%\_\\%", "100%_\\"]
