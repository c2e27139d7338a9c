"""The page of the benchmarks, as it is written from results."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from benchmarks.contenders import OURS, RELEASED
from benchmarks.page.page import page
from benchmarks.page.promises import NO_TENTH, verdicts
from tests.benchmarks.made_up import results, runs

if TYPE_CHECKING:
    from benchmarks.measures.everything import Results

MOST_COLUMNS = 8


def verdict_on(promise: str, made: Results) -> tuple[str, bool | None]:
    """Return what was measured of the one promise that has these words, and whether it is kept."""
    [found] = [each for each in verdicts(made) if promise in each.promise]
    return found.measured, found.kept


def test_the_page_opens_with_what_a_user_wants_to_know_and_goes_on_with_the_promises() -> None:
    text = page(results(), [("date", "today")])
    places = [
        text.index(part) for part in ("1,500 events a second", "| **suprsend_async** |", "## Promises", "## Bulk")
    ]
    assert places == sorted(places)
    assert "the released SDK, `suprsend-py-sdk`, takes 7.1 times as much" in text


def test_the_floor_is_explained_where_it_first_stands() -> None:
    text = page(results(), [])
    assert text[: text.index("floor")].endswith("The *")
    assert text.index("The *floor of the stack* is") < text.index("| promise |")


def test_tables_fit_and_have_no_row_that_is_longer_or_shorter_than_their_head() -> None:
    tables = re.findall(r"(?:^\|.*\|\n)+", page(results(), [("date", "today")]), re.MULTILINE)
    assert len(tables) > 15
    for table in tables:
        columns = {line.count(" | ") + 1 for line in table.splitlines()}
        assert len(columns) == 1, table
        assert columns.pop() <= MOST_COLUMNS, table


def test_good_results_keep_every_promise() -> None:
    assert {each.promise for each in verdicts(results()) if each.kept is False} == set()


@pytest.mark.parametrize(("shape", "share"), [("flat flights", 0.16), ("nested sample", 0.17), ("five lines", 0.2)])
def test_the_share_of_the_released_sdk_is_judged_for_each_shape(shape: str, share: float) -> None:
    words = {
        each.promise: each.kept for each in verdicts(results()) if shape in each.promise and "released" in each.promise
    }
    [(promise, kept)] = words.items()
    assert kept
    assert promise.endswith(f"at most {share:.2f} of the released SDK's")
    made = results()
    for bulk in made.bulk:
        bulk.of(OURS).runs[0]["cpu"] = share * 100 + 0.1
    assert verdict_on(promise, made)[1] is False


def test_no_tenth_is_promised_and_the_page_says_why() -> None:
    text = page(results(), [])
    assert NO_TENTH in text
    assert not any("tenth" in each.promise for each in verdicts(results()))


def test_a_round_that_slowed_both_sides_down_changes_no_ratio() -> None:
    made = results()
    for bulk in made.bulk:
        for contender, cpu in ((OURS, 14.0), (RELEASED, 100.0)):
            row = bulk.of(contender)
            row.runs = runs(*[{**row.runs[0], "cpu": cpu * slow} for slow in (1, 3, 2)])
    assert verdict_on("flat flights, CPU for each event: at most 0.16", made) == ("0.140 (1/7.1)", True)


def test_a_client_of_which_no_run_ended_well_has_dashes_and_keeps_no_promise() -> None:
    made = results()
    for bulk in made.bulk:
        bulk.of(RELEASED).runs.clear()
    assert verdict_on("flat flights, CPU for each event: at most 0.16", made) == ("no run ended well", False)
    text = page(made, [])
    assert "| suprsend-py-sdk | - | - | - |" in text
    assert "times as much" not in text[: text.index("## Promises")]


def test_a_pair_is_a_promise_and_a_line_of_a_table() -> None:
    made = results()
    made.pairs.growth[0].runs[0]["each"] = 1.6
    promise = made.pairs.growth[0].side.name
    assert verdict_on(f"{promise}, CPU for each: at most 1.5 times", made) == ("1.60 times", False)
    assert any(promise in line and line.endswith("| 1.60 |") for line in page(made, []).splitlines())


def test_a_pair_without_a_promise_is_a_line_of_a_table_only() -> None:
    made = results()
    typed = next(row for row in made.pairs.shapes if row.most is None)
    typed.runs[0]["each"] = 2.84
    assert not any(typed.side.name in each.promise for each in verdicts(made))
    assert any(typed.side.name in line and line.endswith("| 2.84 |") for line in page(made, []).splitlines())


def test_memory_is_judged_where_each_shape_has_the_most_events() -> None:
    promises = [each.promise for each in verdicts(results()) if "16.0 MiB at most" in each.promise]
    assert [promise.partition(": ")[0] for promise in promises] == [
        "50,000 events from a generator, flat flights",
        "50,000 events from a generator, the platform documentation's nested sample",
        "20,000 events from a generator, an order with five lines",
    ]


def test_files_are_beside_memory_of_the_same_latency() -> None:
    made = results()
    for row in made.ingest:
        row.runs[0]["seconds"] = (2.0 if row.subject == "csv" else 1.0) * (10 if row.latency else 1)
    assert verdict_on("ingest of CSV with a checkpoint, 0 ms of latency: at least 65 %", made) == ("50 %", False)
    assert verdict_on("ingest of CSV with a checkpoint, 50 ms of latency: at least 75 %", made) == ("50 %", False)
    assert verdict_on("ingest of JSON Lines with a checkpoint, 50 ms of latency: at least", made) == ("100 %", True)
