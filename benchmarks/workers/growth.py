"""Any number of events from a generator, with a look at the memory all along."""

from __future__ import annotations

import asyncio
from itertools import cycle, islice
from typing import TYPE_CHECKING

from benchmarks import memory
from benchmarks.cost import Meter
from benchmarks.credentials import WORKSPACE_KEY, WORKSPACE_SECRET
from benchmarks.flights import EVENT_NAME, read_flights
from benchmarks.handshake import arguments, report, wait_for_the_word
from suprsend_async import AsyncSuprsend, Event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.flights import Flight

DIFFERENT_FLIGHTS = 10_000
WARM_UP_EVENTS = 300
LOOKS = 200


class Source:
    """Makes events from flights that come again and again, and looks at the memory."""

    def __init__(self, flights: list[Flight], events: int) -> None:
        """Begin with the memory of now."""
        self._flights = flights
        self._events = events
        self._before = memory.resident_now()
        self.looks: list[int] = []

    def __iter__(self) -> Iterator[Event]:
        """Yield the events."""
        each = max(1, self._events // LOOKS)
        for number, (user, properties) in enumerate(islice(cycle(self._flights), self._events)):
            if number % each == 0:
                self.looks.append(memory.resident_now() - self._before)
            yield Event(user, EVENT_NAME, properties)


async def _measure(url: str, events: int) -> None:
    flights = read_flights(DIFFERENT_FLIGHTS)
    async with AsyncSuprsend(WORKSPACE_KEY, WORKSPACE_SECRET, base_url=url) as client:
        await client.bulk_events.send(Source(flights, WARM_UP_EVENTS))
        wait_for_the_word()
        source = Source(flights, events)
        meter = Meter()
        response = await client.bulk_events.send(source)
        cost = meter.read()
    looks = source.looks
    report(
        {
            **cost,
            "accepted": response.success,
            "first_tenth": max(looks[: max(1, len(looks) // 10)]),
            "first_half": max(looks[: max(1, len(looks) // 2)]),
            "whole": max(looks),
        }
    )


def main() -> None:
    """Run with as many events as the arguments say."""
    chosen = arguments("events")
    asyncio.run(_measure(chosen.url, int(chosen.events)))


if __name__ == "__main__":
    main()
