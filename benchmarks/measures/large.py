"""Large chunks: as many in flight as a caller may ask for, each as large as it may be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.processes import Server, run_worker
from benchmarks.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Callable

IN_FLIGHT = 200
CHUNK_BYTES = 800 * 1024
LATENCY = 1.0
"""Long enough that all are in flight before the first is answered."""


@dataclass(slots=True)
class LargeRow:
    """One number of chunks in all, of which so many are in flight."""

    events: int
    runs: Runs = field(default_factory=Runs)

    @property
    def times(self) -> float:
        """The most memory of the rounds, by that of the chunks in flight."""
        return self.runs.most("memory") / (IN_FLIGHT * CHUNK_BYTES)


def measure(events: int, rounds: int, say: Callable[[str], None]) -> LargeRow:
    """Return the row."""
    row = LargeRow(events)
    with Server() as server:
        for number in range(rounds):
            say(f"large chunks, {events} of them, round {number + 1} of {rounds}")
            numbers = {"events": events, "flying": IN_FLIGHT}
            report = run_worker(server, "large", "ours", numbers, latency=LATENCY, keep=False)
            if report and report["accepted"] == report["events"] == events:
                row.runs.add(number, report)
    return row
