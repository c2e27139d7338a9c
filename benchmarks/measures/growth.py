"""Growth: more and more events from a generator; CPU for each and memory should stay where they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.processes import Server, run_worker
from benchmarks.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(slots=True)
class GrowthRow:
    """One number of events of one shape."""

    shape: str
    events: int
    runs: Runs = field(default_factory=Runs)


def measure(sizes: Sequence[tuple[str, int]], rounds: int, say: Callable[[str], None]) -> list[GrowthRow]:
    """Return a row for each shape and number of events."""
    rows = [GrowthRow(shape, events) for shape, events in sizes]
    with Server() as server:
        for number in range(rounds):
            for row in rows:
                say(f"growth, {row.events:,} events, {row.shape}, round {number + 1} of {rounds}")
                numbers = {"events": row.events}
                report = run_worker(server, "growth", "ours", numbers, shape=row.shape, keep=False)
                if report and report["accepted"] == report["events"] == row.events:
                    row.runs.add(number, report)
    return rows
