"""How much is measured: the whole, or a quick look."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.records import FLAT, NESTED, ORDER


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes of all measurements; each is made several times, and medians are shown.

    Attributes:
        rounds: How often each is made that is not named below.
        pair_rounds: How often those are made whose figure is a ratio. A machine with neighbours has its slow minutes,
            and a ratio needs more rounds, each of them short, than a rate does.
        growth_rounds: How often a memory is measured that grows; time plays no part in it.
    """

    name: str
    rounds: int
    pair_rounds: int
    growth_rounds: int
    bulk: tuple[tuple[str, int], ...]
    """Shapes and sizes of the comparison; of each shape, the first is that of the promised ratios."""
    has_one_bulk: bool
    in_flight: tuple[int, ...]
    single_seconds: float
    growth: tuple[tuple[str, int], ...]
    """Shapes and sizes from a generator; of each shape, the last is that of the promised memory."""
    rate_events: int
    ingest_events: int
    starts: int
    cold_starts: int
    sandbox_events: int
    buffer_calls: int
    large_events: int
    pair_calls: int
    pair_events: int
    pair_pieces: int
    pair_growth: int


PROMISED_EVENTS = 20_000
MILLION = 1_000_000
# Enough for the released SDK to fail with all in one bulk; more would only take more memory.
ONE_BULK_EVENTS = 100_000
SINGLE_LATENCIES = (0.0, 0.03)
WHOLE = Plan(
    name="whole",
    rounds=3,
    pair_rounds=5,
    growth_rounds=1,
    bulk=((FLAT, PROMISED_EVENTS), (NESTED, PROMISED_EVENTS), (ORDER, PROMISED_EVENTS)),
    has_one_bulk=True,
    in_flight=(1, 16, 32, 100, 500),
    single_seconds=0.8,
    growth=(
        *[(FLAT, events) for events in (1_000, 10_000, 100_000, MILLION)],
        (NESTED, MILLION),
        (ORDER, MILLION),
    ),
    rate_events=100_000,
    ingest_events=100_000,
    starts=10,
    cold_starts=5,
    sandbox_events=100_000,
    buffer_calls=10_000,
    large_events=400,
    pair_calls=5_000,
    pair_events=20_000,
    pair_pieces=50_000,
    pair_growth=50_000,
)
QUICK = Plan(
    name="quick",
    rounds=1,
    pair_rounds=1,
    growth_rounds=1,
    bulk=((FLAT, 3_000), (NESTED, 3_000), (ORDER, 3_000)),
    has_one_bulk=False,
    in_flight=(32,),
    single_seconds=0.3,
    growth=((FLAT, 1_000), (FLAT, 50_000), (NESTED, 50_000), (ORDER, 20_000)),
    rate_events=20_000,
    ingest_events=5_000,
    starts=1,
    cold_starts=1,
    sandbox_events=5_000,
    buffer_calls=1_000,
    large_events=200,
    pair_calls=500,
    pair_events=5_000,
    pair_pieces=10_000,
    pair_growth=10_000,
)
