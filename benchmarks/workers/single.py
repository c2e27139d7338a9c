"""Single calls: so many in flight, for so many seconds."""

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
WARM_UP_SECONDS = 0.3


class Lanes:
    """Calls made side by side, each lane one after another."""

    def __init__(self, call: Callable[[int], Awaitable[bool]], lanes: int) -> None:
        """Take the function that makes one call."""
        self._call = call
        self._lanes = lanes

    async def run(self, seconds: float) -> None:
        """Make calls for some seconds, and let the last ones end."""
        self.times: list[float] = []
        self.failed = 0
        self._numbers = count()
        end = time.perf_counter() + seconds
        await asyncio.gather(*[self._lane(end) for _ in range(self._lanes)])

    async def _lane(self, end: float) -> None:
        while (started := time.perf_counter()) < end:
            if await self._call(next(self._numbers) % DIFFERENT_RECORDS):
                self.times.append(time.perf_counter() - started)
            else:
                self.failed += 1


async def _measure(subject: str, url: str, in_flight: int, seconds: float) -> None:
    caller = importlib.import_module(f"benchmarks.callers.{subject}")
    async with caller.opened(url, read_records(FLAT, DIFFERENT_RECORDS)) as call:
        lanes = Lanes(call, in_flight)
        await lanes.run(WARM_UP_SECONDS)
        wait_for_the_word()
        meter = Meter()
        await lanes.run(seconds)
        cost = meter.read()
    centiles = quantiles(lanes.times, n=100) if len(lanes.times) > 1 else [0.0] * 99
    report({**cost, "calls": len(lanes.times), "failed": lanes.failed, "p50": centiles[49], "p99": centiles[98]})


def main() -> None:
    """Run the caller that the arguments name."""
    chosen = arguments("flying", "seconds")
    asyncio.run(_measure(chosen.subject, chosen.url, int(chosen.flying), chosen.seconds))


if __name__ == "__main__":
    main()
