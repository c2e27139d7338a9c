"""Single calls: one event a request, so many of them side by side."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.processes import Server, run_worker
from benchmarks.runs import Runs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CALLERS = {"ours": "suprsend_async", "aiohttp_bare": "bare aiohttp", "httpx_plain": "plain httpx"}


@dataclass(slots=True)
class SingleRow:
    """One client with one number of calls in flight and one latency of the server."""

    caller: str
    in_flight: int
    latency: float
    runs: Runs = field(default_factory=Runs)

    @property
    def name(self) -> str:
        """The client's name."""
        return CALLERS[self.caller]

    @property
    def rate(self) -> float:
        """Calls a second."""
        return self.runs.middle_of("calls", "seconds")

    @property
    def lost(self) -> int:
        """Calls that were told to be accepted and did not arrive, in the worst round."""
        return int(max(run["calls"] - run["events"] for run in self.runs))


def measure(
    in_flight: Sequence[int],
    latencies: Sequence[float],
    seconds: float,
    rounds: int,
    say: Callable[[str], None],
    callers: Sequence[str] = tuple(CALLERS),
) -> list[SingleRow]:
    """Return a row for each latency, number in flight and client."""
    rows = [SingleRow(caller, lanes, latency) for latency in latencies for lanes in in_flight for caller in callers]
    with Server() as server:
        for number in range(rounds):
            for row in rows:
                place = f"{row.in_flight} in flight, {row.latency * 1000:.0f} ms"
                say(f"single calls, {place}, round {number + 1} of {rounds}: {row.name}")
                numbers = {"flying": row.in_flight, "seconds": seconds}
                report = run_worker(server, "single", row.caller, numbers, latency=row.latency)
                if report and report["calls"]:
                    row.runs.add(number, report)
    return rows
