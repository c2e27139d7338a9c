"""All measurements of a plan, one after another."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.measures import buffer, bulk, growth, ingest, rate, sandbox, start
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
    bulk: dict[int, list[bulk.BulkRow]]
    one_bulk: dict[str, Any] | None
    single: list[single_calls.SingleRow]
    single_promise: single_calls.SingleRow
    growth: list[growth.GrowthRow]
    rate: list[rate.RateRow]
    start: list[start.StartRow]
    sandbox: list[sandbox.SandboxRow]
    ingest: list[ingest.IngestRow]
    buffer: buffer.BufferRows


def measure(plan: Plan, say: Callable[[str], None]) -> Results:
    """Carry the plan out."""
    started = time.perf_counter()
    starts = start.measure(plan.starts, say)
    bulks = {events: bulk.measure(events, plan.rounds, say) for events in plan.bulk_events}
    one_bulk = bulk.measure_one_bulk(ONE_BULK_EVENTS, say) if len(plan.bulk_events) > 1 else None
    singles = single_calls.measure(plan.in_flight, SINGLE_LATENCIES, plan.single_seconds, plan.rounds, say)
    (promise,) = single_calls.measure(
        (PROMISED_IN_FLIGHT,), (PROMISED_LATENCY,), plan.single_seconds, plan.rounds, say, callers=("ours",)
    )
    buffers = buffer.measure(plan.buffer_calls, plan.rounds, say)
    rates = rate.measure(plan.rate_events, plan.rounds, say)
    sandboxes = sandbox.measure(plan.sandbox_events, plan.rounds, say)
    growths = growth.measure(plan.growth_events, plan.rounds, say)
    ingests = ingest.measure(plan.ingest_events, plan.rounds, say)
    seconds = time.perf_counter() - started
    return Results(
        plan, seconds, bulks, one_bulk, singles, promise, growths, rates, starts, sandboxes, ingests, buffers
    )
