"""All measurements of a plan, one after another."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.measures import buffer, bulk, growth, ingest, large, pairs, rate, sandbox, start
from benchmarks.measures import single as single_calls
from benchmarks.plan import ONE_BULK_EVENTS, SINGLE_LATENCIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.plan import Plan

PROMISED_IN_FLIGHT = 50
PROMISED_LATENCY = 0.03


@dataclass(frozen=True, slots=True)
class Results:
    """What came out."""

    plan: Plan
    seconds: float
    bulk: list[bulk.BulkRows]
    one_bulk: dict[str, Any] | None
    single: list[single_calls.SingleRow]
    single_promise: single_calls.SingleRow
    growth: list[growth.GrowthRow]
    rate: list[rate.RateRow]
    start: start.Starts
    sandbox: list[sandbox.SandboxRow]
    ingest: list[ingest.IngestRow]
    buffer: buffer.BufferRows
    large: large.LargeRow
    pairs: pairs.Pairs


def measure(plan: Plan, say: Callable[[str], None]) -> Results:
    """Carry the plan out."""
    started = time.perf_counter()
    starts = start.measure(plan.starts, plan.cold_starts, say)
    bulks = [bulk.measure(shape, events, plan.pair_rounds, say) for shape, events in plan.bulk]
    one_bulk = bulk.measure_one_bulk(ONE_BULK_EVENTS, say) if plan.has_one_bulk else None
    singles = single_calls.measure(plan.in_flight, SINGLE_LATENCIES, plan.single_seconds, plan.rounds, say)
    (promise,) = single_calls.measure(
        (PROMISED_IN_FLIGHT,), (PROMISED_LATENCY,), plan.single_seconds, plan.rounds, say, callers=("ours",)
    )
    buffers = buffer.measure(plan.buffer_calls, plan.rounds, say)
    rates = rate.measure(plan.rate_events, plan.rounds, say)
    sandboxes = sandbox.measure(plan.sandbox_events, plan.rounds, say)
    growths = growth.measure(plan.growth, plan.growth_rounds, say)
    ingests = ingest.measure(plan.ingest_events, plan.rounds, say)
    larges = large.measure(plan.large_events, plan.rounds, say)
    side_by_side = pairs.measure(plan, say)
    return Results(
        plan=plan,
        seconds=time.perf_counter() - started,
        bulk=bulks,
        one_bulk=one_bulk,
        single=singles,
        single_promise=promise,
        growth=growths,
        rate=rates,
        start=starts,
        sandbox=sandboxes,
        ingest=ingests,
        buffer=buffers,
        large=larges,
        pairs=side_by_side,
    )
