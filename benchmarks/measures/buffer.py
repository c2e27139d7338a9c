"""The buffer: many calls in few requests, with an answer for each, from memory or from the disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.processes import Server, run_worker
from benchmarks.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Callable

LATENCY = 0.03
IN_FLIGHT = 200


@dataclass(slots=True)
class BufferRow:
    """One way to make the calls."""

    caller: str
    name: str
    calls: int
    in_flight: int = IN_FLIGHT
    runs: Runs = field(default_factory=Runs)

    @property
    def cpu(self) -> float:
        """Seconds of CPU for each call, delivery included."""
        return self.runs.middle_of("cpu", "calls")

    @property
    def rate(self) -> float:
        """Calls a second, until the last has returned."""
        return self.runs.middle_of("calls", "calling")

    @property
    def lost(self) -> int:
        """Calls that returned well and whose events did not arrive, in the worst round."""
        return int(max(run["calls"] - run["failed"] - run["different"] for run in self.runs))


@dataclass(frozen=True, slots=True)
class BufferRows:
    """Calls that wait for an answer, and calls that do not."""

    answered: list[BufferRow]
    enqueued: list[BufferRow]


def measure(calls: int, rounds: int, say: Callable[[str], None]) -> BufferRows:
    """Return a row for each way."""
    answered = [BufferRow("ours", "`client.track_event`", calls), BufferRow("buffered", "`tracker.track_event`", calls)]
    enqueued = [
        BufferRow("enqueued", "`tracker.enqueue`", calls),
        BufferRow("spooled", "`tracker.enqueue`, with a spool", calls),
        BufferRow("spooled", "the same, one caller", calls // 5, in_flight=1),
        BufferRow("posthog_capture", "`AsyncPosthog.capture`", calls),
    ]
    with Server() as server:
        for number in range(rounds):
            for row in answered + enqueued:
                say(f"buffer, {row.calls:,} calls, round {number + 1} of {rounds}: {row.name}")
                numbers = {"flying": row.in_flight, "calls": row.calls}
                report = run_worker(server, "calls", row.caller, numbers, latency=LATENCY)
                if report:
                    row.runs.add(number, report)
    return BufferRows(answered, enqueued)
