"""How much is measured: the whole, or a quick look."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.flights import ALL_FLIGHTS


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes of all measurements; each is made `rounds` times, and medians are shown."""

    name: str
    rounds: int
    bulk_events: tuple[int, ...]
    """Sizes of the comparison; the first one is that of the promised ratios."""
    in_flight: tuple[int, ...]
    single_seconds: float
    growth_events: tuple[int, ...]
    rate_events: int
    ingest_events: int
    starts: int
    sandbox_events: int
    buffer_calls: int


PROMISED_EVENTS = 50_000
# Enough for the released SDK to fail with all in one bulk; more would only take more memory.
ONE_BULK_EVENTS = 100_000
SINGLE_LATENCIES = (0.0, 0.03)
WHOLE = Plan(
    name="whole",
    rounds=3,
    bulk_events=(PROMISED_EVENTS, ALL_FLIGHTS),
    in_flight=(1, 16, 100, 500),
    single_seconds=0.8,
    growth_events=(1_000, 10_000, 100_000, 1_000_000),
    rate_events=200_000,
    ingest_events=100_000,
    starts=10,
    sandbox_events=100_000,
    buffer_calls=10_000,
)
QUICK = Plan(
    name="quick",
    rounds=1,
    bulk_events=(PROMISED_EVENTS,),
    in_flight=(1, 100),
    single_seconds=0.5,
    growth_events=(1_000, 10_000, 100_000),
    rate_events=50_000,
    ingest_events=50_000,
    starts=3,
    sandbox_events=20_000,
    buffer_calls=10_000,
)
