"""Parts of the benchmarks that need no server and no clock."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from benchmarks.counting import count_events
from benchmarks.measures.pairs import CHUNKS, MANY_CHUNKS, TIMES, planned
from benchmarks.plan import QUICK, WHOLE
from benchmarks.records import LINES, NESTED, ORDER, SHAPES, made_records
from benchmarks.runs import Runs, paired
from benchmarks.server import Ledger
from tests.benchmarks.made_up import runs

import benchmarks

WORKERS = Path(benchmarks.__file__).parent / "workers"
MADE = (NESTED, ORDER)


def containers(value: Any) -> list[int]:
    """Return the identities of all containers in a value."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return [] if parts is None else [id(value), *[one for part in parts for one in containers(part)]]


@pytest.mark.parametrize("shape", MADE)
def test_made_records_are_all_different_and_share_no_container(shape: str) -> None:
    records = made_records(shape, 50)
    assert len({json.dumps(properties) for _, properties in records}) == 50
    found = [one for _, properties in records for one in containers(properties)]
    assert len(set(found)) == len(found)


def test_an_order_has_five_lines_and_eighteen_containers() -> None:
    [(_, properties)] = made_records(ORDER, 1)
    assert len(properties["lines"]) == LINES == 5
    assert len(containers(properties)) == 19, "eighteen, and the properties themselves"


def test_figures_are_compared_within_a_round() -> None:
    ours, peer = runs({"cpu": 1.0}, {"cpu": 9.0}, {"cpu": 2.0}), runs({"cpu": 2.0}, {"cpu": 18.0}, {"cpu": 4.0})
    assert paired(ours, peer, "cpu") == 0.5
    del ours[0]
    assert paired(ours, peer, "cpu") == 0.5


def test_rounds_of_which_one_side_is_missing_are_not_compared() -> None:
    ours, peer = Runs(), Runs()
    ours.add(0, {"cpu": 1.0})
    peer.add(1, {"cpu": 1.0})
    assert paired(ours, peer, "cpu") is None
    peer.add(0, {"cpu": 0.0})
    assert paired(ours, peer, "cpu") is None, "what takes no time that can be measured is no measure"


@pytest.mark.parametrize("plan", [QUICK, WHOLE], ids=lambda plan: plan.name)
def test_each_shape_is_in_the_bulk_and_in_the_memory_of_a_plan(plan: Any) -> None:
    assert {shape for shape, _ in plan.bulk} == set(SHAPES) == {shape for shape, _ in plan.growth}
    assert 32 in plan.in_flight


def test_a_pair_names_a_worker_that_there_is_and_both_sides_do_the_same_work() -> None:
    for row in planned(WHOLE):
        assert {side.work for side in (row.side, row.beside)} == {row.side.work}
        for side in (row.side, row.beside):
            assert (WORKERS / f"{side.worker}.py").is_file(), side


def test_the_large_case_is_a_hundred_times_the_small_one_whatever_the_plan() -> None:
    for plan in (QUICK, WHOLE, replace(QUICK, pair_growth=5_000)):
        sizes = {
            row.side.subject: (row.beside.size, row.side.size)
            for row in planned(plan).growth
            if row.side.worker == "scaling" or row.side.subject == "spans"
        }
        assert sizes.pop("chunks") == (CHUNKS, MANY_CHUNKS) == (16, 128)
        assert set(sizes) == {"sources", "users", "pending", "spans"}
        for small, large in sizes.values():
            assert small is not None
            assert large == small * TIMES
        assert sizes["sources"] == (plan.pair_growth // TIMES, plan.pair_growth)


def test_events_are_counted_in_each_wire_format_and_again_if_they_come_again() -> None:
    body = json.dumps([{"$insert_id": "a"}, {"$insert_id": "b"}]).encode()
    batch = gzip.compress(json.dumps({"batch": [{"messageId": "c"}]}).encode())
    counted = count_events([(b"/v2/bulk/event/", body, False)] * 2 + [(b"/v1/batch", batch, True)])
    assert (counted["events"], counted["different"]) == (5, 3)


def test_no_answer_comes_again_after_a_reset() -> None:
    ledger = Ledger()
    first = next(ledger.numbers)
    ledger.reset()
    assert next(ledger.numbers) != first
