"""Results of a run of the benchmarks that never took place."""

from __future__ import annotations

from typing import Any

from benchmarks.contenders import CONTENDERS, FLOOR, FLOOR_STACK, OURS, OURS_BLOCKING, RELEASED
from benchmarks.measures.buffer import BufferRow, BufferRows
from benchmarks.measures.bulk import BulkRow, BulkRows
from benchmarks.measures.everything import Results
from benchmarks.measures.growth import GrowthRow
from benchmarks.measures.ingest import FILES, LATENCIES, MEMORY, IngestRow
from benchmarks.measures.large import LargeRow
from benchmarks.measures.pairs import planned
from benchmarks.measures.rate import RateRow
from benchmarks.measures.sandbox import STORES, SandboxRow
from benchmarks.measures.single import CALLERS, SingleRow
from benchmarks.measures.start import FIGURES, NAMES, StartRow, Starts, command_rows
from benchmarks.plan import QUICK
from benchmarks.runs import Runs

CPU = {FLOOR: 5.0, FLOOR_STACK: 10.0, OURS: 14.0, OURS_BLOCKING: 15.0, RELEASED: 100.0}
"""Seconds of CPU, whatever the number of events; of other clients, 50."""


def runs(*reports: dict[str, Any]) -> Runs:
    """Return reports as those of the rounds 0, 1 and so on."""
    made = Runs()
    for number, report in enumerate(reports):
        made.add(number, report)
    return made


def _bulk(shape: str, events: int) -> BulkRows:
    def run(cpu: float) -> dict[str, Any]:
        counts = {"events": events, "different": events, "accepted": events, "requests": 1, "connections": 1}
        return {"cpu": cpu, "seconds": 2.0, "memory": 2**20, **counts}

    return BulkRows(shape, events, [BulkRow(one, shape, events, runs(run(CPU.get(one, 50.0)))) for one in CONTENDERS])


def results() -> Results:
    """Return results that keep every promise."""
    calls = {"seconds": 1.0, "cpu": 0.1, "calls": 10_000, "failed": 0, "events": 10_000, "different": 10_000}
    calls |= {"p50": 0.03, "p99": 0.04, "connections": 32, "requests": 10_000, "calling": 1.0}
    sent = {"seconds": 1.0, "cpu": 1.0, "memory": 2**20, "connections": 16}
    buffered = [BufferRow(name, f"`{name}`", 10_000, runs=runs(calls)) for name in ("ours", "buffered")]
    buffered[1].runs[0]["cpu"] = 0.01
    pairs = planned(QUICK)
    for pair in pairs:
        pair.runs.add(0, {"each": 1.0})
        pair.beside_runs.add(0, {"each": 1.0})
    starts = Starts([StartRow(name, is_cold) for is_cold in (False, True) for name in NAMES], command_rows())
    for client in starts.clients:
        client.runs.add(0, dict.fromkeys(FIGURES, 0.1))
    for command in starts.commands:
        command.runs.add(0, {"cpu": 0.1})
        command.beside_runs.add(0, {"cpu": 0.1})
    memory = {"cpu": 1.0, "memory": 2**20, "first_tenth": 1, "first_half": 2, "whole": 3}
    sandbox = {"start": 0.1, "seconds": 0.01, "cpu": 0.01, "page": 0.01, "opening": 0.09, "search": 0.01}
    return Results(
        plan=QUICK,
        seconds=90.0,
        bulk=[_bulk(shape, events) for shape, events in QUICK.bulk],
        one_bulk=None,
        single=[SingleRow(caller, 32, 0.0, runs(calls)) for caller in CALLERS],
        single_promise=SingleRow("ours", 50, 0.03, runs(calls)),
        growth=[GrowthRow(shape, events, runs(memory)) for shape, events in QUICK.growth],
        rate=[RateRow(one, 32_000, runs(sent)) for one in (OURS, OURS_BLOCKING, RELEASED)],
        start=starts,
        sandbox=[SandboxRow(store, 5_000, runs(sandbox)) for store in STORES],
        ingest=[IngestRow(name, latency, 5_000, runs(sent)) for latency in LATENCIES for name in (MEMORY, *FILES)],
        buffer=BufferRows(buffered, []),
        large=LargeRow(200, runs({"memory": 2**28})),
        pairs=pairs,
    )
