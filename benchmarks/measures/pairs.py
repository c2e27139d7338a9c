"""Pairs: two pieces of work side by side, round after round; what is told is the ratio of their CPU times."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.processes import Server, run_worker
from benchmarks.records import FLAT, NESTED, SHAPES
from benchmarks.runs import Runs, paired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.plan import Plan

TIMES = 100
"""How much more there is at once in the large case."""
SMALL_USERS = 20
SMALL_CALLERS = 100
SMALL_SPANS = 80
CHUNKS, MANY_CHUNKS = 16, 128
LEVELS, MANY_LEVELS = 10, 17
"""A value that stands twice in the next one, so often: a thousand of it, or a hundred thousand."""
GROWTH_TIMES = 1.5


@dataclass(frozen=True, slots=True)
class Side:
    """A worker with its arguments, and how many pieces its work has."""

    name: str
    worker: str
    subject: str
    work: int
    size: int | None = None
    flying: int | None = None
    shape: str = FLAT
    path: str = ""

    @property
    def numbers(self) -> dict[str, float]:
        """The worker's numbers."""
        counted = "calls" if self.worker in ("calls", "blocking_calls") else "events"
        numbers = {counted: self.work, "size": self.size, "flying": self.flying}
        return {name: number for name, number in numbers.items() if number is not None}


@dataclass(slots=True)
class PairRow:
    """One piece of work beside another, and how many times as much CPU it may take; None if nothing is promised."""

    side: Side
    beside: Side
    most: float | None
    runs: Runs = field(default_factory=Runs)
    beside_runs: Runs = field(default_factory=Runs)

    @property
    def ratio(self) -> float | None:
        """How many times as much CPU it takes for each piece; None if no round has both."""
        return paired(self.runs, self.beside_runs, "each")


@dataclass(frozen=True, slots=True)
class Pairs:
    """The pairs by what they are about."""

    calls: list[PairRow]
    shapes: list[PairRow]
    encoding: list[PairRow]
    growth: list[PairRow]

    def __iter__(self) -> Iterator[PairRow]:
        """Yield all."""
        yield from (*self.calls, *self.shapes, *self.encoding, *self.growth)


def planned(plan: Plan) -> Pairs:
    """Return the pairs of a plan, not yet measured."""
    return Pairs(_calls(plan), _shapes(plan), _encoding(plan), _growth(plan))


def _calls(plan: Plan) -> list[PairRow]:
    calls, events = plan.pair_calls, plan.pair_events
    return [
        PairRow(
            Side("`client.track_event`, 32 in flight", "calls", "ours", calls, flying=32),
            Side("bare aiohttp", "calls", "aiohttp_bare", calls, flying=32),
            2.1,
        ),
        PairRow(
            Side("blocking `track_event`, one after another", "blocking_calls", "ours", calls),
            Side("the asynchronous one", "calls", "ours", calls, flying=1),
            2.0,
        ),
        PairRow(
            Side("blocking `bulk_events.send`", "bulk", "ours_blocking", events),
            Side("the asynchronous one", "bulk", "ours", events),
            1.3,
        ),
    ]


def _shapes(plan: Plan) -> list[PairRow]:
    nested = Side(SHAPES[NESTED], "bulk", "ours", plan.pair_events, shape=NESTED)
    return [
        PairRow(nested, Side(SHAPES[FLAT], "bulk", "ours", plan.pair_events), 1.2),
        PairRow(
            Side("a typed event of five fields, made and encoded", "pieces", "typed", plan.pair_pieces, size=0),
            Side("an `Event` with the same properties", "pieces", "plain", plan.pair_pieces, size=0),
            None,
        ),
    ]


def _encoding(plan: Plan) -> list[PairRow]:
    return [
        PairRow(
            Side(f"`Encoder`, {name}", "pieces", "encoder", plan.pair_pieces, size=0, shape=shape),
            Side("`json.dumps`", "pieces", "json_dumps", plan.pair_pieces, size=0, shape=shape),
            1.5,
        )
        for shape, name in SHAPES.items()
    ]


def _growth(plan: Plan) -> list[PairRow]:
    events = plan.pair_growth

    def sizes(what: str, subject: str, small: int, large: int, worker: str = "scaling") -> PairRow:
        one, other = (Side(f"{size:,} {what}", worker, subject, events, size=size) for size in (large, small))
        return PairRow(one, other, GROWTH_TIMES)

    many = SMALL_CALLERS * TIMES
    return [
        sizes("events in a source", "sources", events // TIMES, events),
        sizes("users, `ordered=True`", "users", SMALL_USERS, SMALL_USERS * TIMES),
        sizes("events pending in a buffer", "pending", events // TIMES, events),
        sizes("chunks in flight at most", "chunks", CHUNKS, MANY_CHUNKS),
        PairRow(
            Side(f"{many:,} callers in line", "calls", "ours", many, flying=many),
            Side(f"{SMALL_CALLERS:,} callers in line", "calls", "ours", many, flying=SMALL_CALLERS),
            GROWTH_TIMES,
        ),
        sizes("spans in flight of an ingest", "spans", SMALL_SPANS, SMALL_SPANS * TIMES, "pieces"),
        PairRow(_levels(MANY_LEVELS), _levels(LEVELS), GROWTH_TIMES),
        PairRow(
            Side("events that the platform rejects", "bulk", "ours", events, path="refused/"),
            Side("events that it accepts", "bulk", "ours", events),
            GROWTH_TIMES,
        ),
    ]


def _levels(size: int) -> Side:
    return Side(f"{size} levels, each holding the one below it twice", "pieces", "sharing", 2**MANY_LEVELS, size=size)


def measure(plan: Plan, say: Callable[[str], None]) -> Pairs:
    """Return the pairs with their runs; which of two goes first changes from round to round."""
    pairs = planned(plan)
    with Server() as server:
        for number in range(plan.pair_rounds):
            for row in pairs:
                say(f"pairs, round {number + 1} of {plan.pair_rounds}: {row.side.name}; {row.beside.name}")
                order = [(row.side, row.runs), (row.beside, row.beside_runs)]
                for side, runs in order if number % 2 else reversed(order):
                    report = run_worker(
                        server, side.worker, side.subject, side.numbers, shape=side.shape, keep=False, path=side.path
                    )
                    # Pieces send nothing; of all others, each has to arrive, and once.
                    if report and (side.worker == "pieces" or report["events"] == side.work):
                        runs.add(number, {**report, "each": report["cpu"] / side.work})
    return pairs
