"""Ingest: a file of JSON Lines with a checkpoint, beside the same events from memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.processes import Server, run_worker
from benchmarks.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Callable

LATENCIES = (0.0, 0.05)
MEMORY, FILE = "memory", "json_lines"


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
    rows = [IngestRow(subject, latency, events) for latency in LATENCIES for subject in (MEMORY, FILE)]
    with Server() as server:
        for number in range(rounds):
            for row in rows:
                say(f"ingest, {row.latency * 1000:.0f} ms, round {number + 1} of {rounds}: {row.subject}")
                report = run_worker(server, "ingest", row.subject, {"events": events}, latency=row.latency, keep=False)
                if report and report["accepted"] == report["events"] == events:
                    row.runs.append(report)
    return rows


def share(rows: list[IngestRow], latency: float) -> float | None:
    """Return the rate from a file, as a share of the rate from memory; None if no run of either ended well."""
    memory, file = (
        next(row for row in rows if (row.subject, row.latency) == (name, latency)) for name in (MEMORY, FILE)
    )
    return file.rate / memory.rate if memory.runs and file.runs else None
