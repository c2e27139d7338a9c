"""Rate: what share of the possible comes out of a server that takes its time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.contenders import OURS, OURS_BLOCKING, RELEASED, Contender
from benchmarks.processes import Server, run_worker
from benchmarks.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Callable

LATENCY = 0.05
CHUNKS_IN_FLIGHT = 16
CHUNK_EVENTS = 100
IDEAL_RATE = CHUNKS_IN_FLIGHT / LATENCY * CHUNK_EVENTS
# It sends one chunk after another: as many events as for the others would take minutes.
FEWER = {RELEASED: 20}


@dataclass(slots=True)
class RateRow:
    """One client."""

    contender: Contender
    events: int
    runs: Runs = field(default_factory=Runs)

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.runs.middle("seconds")

    @property
    def share(self) -> float:
        """Share of the ideal rate."""
        return self.rate / IDEAL_RATE


def measure(events: int, rounds: int, say: Callable[[str], None]) -> list[RateRow]:
    """Return a row for each client."""
    rows = [RateRow(client, events // FEWER.get(client, 1)) for client in (OURS, OURS_BLOCKING, RELEASED)]
    with Server() as server:
        for number in range(rounds):
            for row in rows:
                say(f"rate, {row.events:,} events, round {number + 1} of {rounds}: {row.contender.name}")
                report = run_worker(server, "bulk", row.contender.module, {"events": row.events}, latency=LATENCY)
                if report and not report["error"]:
                    row.runs.add(number, report)
    return rows
