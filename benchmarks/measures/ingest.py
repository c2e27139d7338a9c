"""Ingest: files with a checkpoint, beside the same events from memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.processes import Server, run_worker
from benchmarks.runs import Runs, paired

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LATENCIES = (0.0, 0.05)
MEMORY = "memory"
FILES = {"jsonl": "JSON Lines", "csv": "CSV", "parquet": "Parquet"}


@dataclass(slots=True)
class IngestRow:
    """One way to send, to a server with one latency."""

    subject: str
    latency: float
    events: int
    runs: Runs = field(default_factory=Runs)

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.runs.middle("seconds")


def measure(events: int, rounds: int, say: Callable[[str], None]) -> list[IngestRow]:
    """Return the rows; those of one latency stand beside each other, and take turns."""
    rows = [IngestRow(subject, latency, events) for latency in LATENCIES for subject in (MEMORY, *FILES)]
    with Server() as server:
        for number in range(rounds):
            for row in rows:
                say(f"ingest, {row.latency * 1000:.0f} ms, round {number + 1} of {rounds}: {row.subject}")
                report = run_worker(server, "ingest", row.subject, {"events": events}, latency=row.latency, keep=False)
                if report and report["accepted"] == report["events"] == events:
                    row.runs.add(number, report)
    return rows


def beside_memory(rows: Sequence[IngestRow], row: IngestRow, name: str) -> float | None:
    """Return a figure of a row by that from memory at the same latency; None if no round has both."""
    memory = next(each for each in rows if (each.subject, each.latency) == (MEMORY, row.latency))
    return paired(row.runs, memory.runs, name)
