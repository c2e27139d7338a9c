"""A number of calls, so many in flight, and what is left sent at the end: all of it counts."""

from __future__ import annotations

import asyncio
import importlib
import time
from itertools import count
from statistics import quantiles
from typing import TYPE_CHECKING

from benchmarks.cost import Meter
from benchmarks.handshake import arguments, report, wait_for_the_word
from benchmarks.records import FLAT, read_records

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

DIFFERENT_RECORDS = 1000
WARM_UP_CALLS = 300


async def _calls(call: Callable[[int], Awaitable[bool]], lanes: int, calls: int) -> tuple[list[float], int]:
    """Make the calls; returns the seconds that each took, and how many failed."""
    numbers = count()
    times: list[float] = []
    failed = 0

    async def lane() -> None:
        nonlocal failed
        while (number := next(numbers)) < calls:
            started = time.perf_counter()
            failed += not await call(number % DIFFERENT_RECORDS)
            times.append(time.perf_counter() - started)

    await asyncio.gather(*[lane() for _ in range(lanes)])
    return times, failed


async def _measure(subject: str, url: str, lanes: int, calls: int) -> None:
    caller = importlib.import_module(f"benchmarks.callers.{subject}")
    records = read_records(FLAT, DIFFERENT_RECORDS)
    async with caller.opened(url, records) as call:
        await _calls(call, lanes, WARM_UP_CALLS)
    wait_for_the_word()
    meter = Meter()
    async with caller.opened(url, records) as call:
        begun = time.perf_counter()
        times, failed = await _calls(call, lanes, calls)
        calling = time.perf_counter() - begun
    cost = meter.read()
    centiles = quantiles(times, n=100)
    report(
        {**cost, "calls": len(times), "failed": failed, "calling": calling, "p50": centiles[49], "p99": centiles[98]}
    )


def main() -> None:
    """Run the caller that the arguments name."""
    chosen = arguments("flying", "calls")
    asyncio.run(_measure(chosen.subject, chosen.url, int(chosen.flying), int(chosen.calls)))


if __name__ == "__main__":
    main()
