"""Bulk: the same events sent by each client in turn, round after round."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.contenders import CONTENDERS, OURS, RELEASED, Contender
from benchmarks.processes import Server, run_worker
from benchmarks.runs import Runs, paired

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS_AT_MOST = 300.0
# A client that took longer than this has no further rounds.
SECONDS_FOR_MORE_ROUNDS = 30.0


@dataclass(slots=True)
class BulkRow:
    """One client with one number of events."""

    contender: Contender
    shape: str
    events: int
    runs: Runs = field(default_factory=Runs)
    errors: list[str] = field(default_factory=list)

    def add(self, number: int, report: dict[str, Any] | None) -> None:
        """Take what the run of a round reported."""
        if report is None or report["error"]:
            self.errors.append("did not end" if report is None else report["error"])
        else:
            self.runs.add(number, report)

    @property
    def is_slow(self) -> bool:
        """Whether more rounds of it would take too long."""
        return any(run["seconds"] > SECONDS_FOR_MORE_ROUNDS for run in self.runs)

    @property
    def cpu(self) -> float:
        """CPU seconds for each event."""
        return self.runs.middle("cpu") / self.events

    @property
    def cpu_range(self) -> tuple[float, float]:
        """The lowest and the highest of the rounds."""
        return min(run["cpu"] for run in self.runs) / self.events, self.runs.most("cpu") / self.events

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.runs.middle("seconds")

    @property
    def lost(self) -> int:
        """Events that never arrived, in the worst round."""
        return int(self.events - min(run["different"] for run in self.runs))

    @property
    def double(self) -> int:
        """Arrivals of events that had arrived before, in the worst round."""
        return int(max(run["events"] - run["different"] for run in self.runs))

    @property
    def unconfirmed(self) -> int:
        """Events that the client did not call accepted, in the worst round."""
        return int(self.events - min(run["accepted"] for run in self.runs))


@dataclass(frozen=True, slots=True)
class BulkRows:
    """All clients with events of one shape."""

    shape: str
    events: int
    rows: list[BulkRow]

    def of(self, contender: Contender) -> BulkRow:
        """Return a client's row."""
        return next(row for row in self.rows if row.contender == contender)

    def beside(self, peer: Contender, contender: Contender = OURS) -> float | None:
        """Return a client's CPU by a peer's, the rounds in pairs; None if no round has both."""
        return paired(self.of(contender).runs, self.of(peer).runs, "cpu")


def measure(shape: str, events: int, rounds: int, say: Callable[[str], None]) -> BulkRows:
    """Return a row for each client."""
    rows = [BulkRow(contender, shape, events) for contender in CONTENDERS]
    with Server() as server:
        for number in range(rounds):
            for row in rows:
                if row.is_slow:
                    continue
                say(f"bulk, {events:,} events, {shape}, round {number + 1} of {rounds}: {row.contender.name}")
                numbers = {"events": events}
                module = row.contender.module
                row.add(number, run_worker(server, "bulk", module, numbers, shape=shape, limit=SECONDS_AT_MOST))
    return BulkRows(shape, events, rows)


def measure_one_bulk(events: int, say: Callable[[str], None]) -> dict[str, Any] | None:
    """Return what comes of giving the released SDK all events in one bulk."""
    say(f"bulk, {events:,} events in one: {RELEASED.name}")
    with Server() as server:
        return run_worker(server, "bulk", RELEASED.module, {"events": events}, limit=SECONDS_AT_MOST)
