"""What was found once is kept up to date rather than searched again."""

from __future__ import annotations

from suprsend_async.sandbox.state.search import Filters, Matches, newest


def found(*ids: int, whole_requests: tuple[int, ...] = ()) -> Matches:
    matches = Matches()
    matches.add(ids, whole_requests, seen=max(ids, default=0))
    return matches


def test_pages_are_newest_first_and_name_what_is_before_the_next() -> None:
    ids = found(1, 3, 5, 7).ids
    assert newest(ids, None, 3) == ([7, 5, 3], 3)
    assert newest(ids, 3, 3) == ([1], None)
    assert newest(ids, 4, 3) == ([3, 1], None)
    assert newest(ids, 1, 3) == ([], None)
    assert newest(ids, None, 4) == ([7, 5, 3, 1], None)


def test_newer_matches_come_after_those_that_were_found() -> None:
    matches = found(1, 3, whole_requests=(3,))
    matches.add([8], [8], seen=9)
    assert (list(matches.ids), list(matches.whole_requests), matches.seen) == ([1, 3, 8], [3, 8], 9)


def test_what_is_kept_no_more_is_forgotten() -> None:
    matches = found(1, 3, 5, whole_requests=(1, 5))
    matches.forget(3)
    assert (list(matches.ids), list(matches.whole_requests), matches.seen) == ([3, 5], [5], 5)
    matches.forget(9)
    assert (list(matches.ids), list(matches.whole_requests), matches.seen) == ([], [], 8)


def test_no_filter_is_no_condition() -> None:
    assert Filters().where() == ("1", [])


def test_values_are_parameters_and_wildcards_are_text() -> None:
    condition, values = Filters(name="x' OR 1", text="100%_\\").where()
    assert "x'" not in condition
    assert values == ["x' OR 1", r"%100\%\_\\%", r"%100\%\_\\%", "100%_\\"]
