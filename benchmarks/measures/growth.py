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
    """One number of events."""

    events: int
    runs: Runs = field(default_factory=Runs)


def measure(sizes: Sequence[int], rounds: int, say: Callable[[str], None]) -> list[GrowthRow]:
    """Return a row for each number of events."""
    rows = [GrowthRow(events) for events in sizes]
    with Server() as server:
        for number in range(rounds):
            for row in rows:
                say(f"growth, {row.events:,} events, round {number + 1} of {rounds}")
                report = run_worker(server, "growth", "ours", {"events": row.events}, keep=False)
                if report and report["accepted"] == report["events"] == row.events:
                    row.runs.append(report)
    return rows
