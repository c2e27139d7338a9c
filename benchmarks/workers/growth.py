"""Any number of events from a generator, with a look at the memory all along."""

from __future__ import annotations

import asyncio
from itertools import cycle, islice
from typing import TYPE_CHECKING

from benchmarks import memory
from benchmarks.cost import Meter
from benchmarks.credentials import WORKSPACE_KEY, WORKSPACE_SECRET
from benchmarks.handshake import arguments, report, wait_for_the_word
from benchmarks.records import EVENT_NAME, read_records
from suprsend_async import AsyncSuprsend, Event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.records import Record

DIFFERENT_RECORDS = 10_000
WARM_UP_EVENTS = 300
LOOKS = 200


class Source:
    """Makes events from records that come again and again, and looks at the memory."""

    def __init__(self, records: list[Record], events: int) -> None:
        """Begin with the memory of now."""
        self._records = records
        self._events = events
        self._before = memory.resident_now()
        self.looks: list[int] = []

    def __iter__(self) -> Iterator[Event]:
        """Yield the events."""
        each = max(1, self._events // LOOKS)
        for number, (user, properties) in enumerate(islice(cycle(self._records), self._events)):
            if number % each == 0:
                self.looks.append(memory.resident_now() - self._before)
            yield Event(user, EVENT_NAME, properties)


async def _measure(url: str, shape: str, events: int) -> None:
    records = read_records(shape, DIFFERENT_RECORDS)
    async with AsyncSuprsend(WORKSPACE_KEY, WORKSPACE_SECRET, base_url=url) as client:
        await client.bulk_events.send(Source(records, WARM_UP_EVENTS))
        wait_for_the_word()
        source = Source(records, events)
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
    asyncio.run(_measure(chosen.url, chosen.shape, int(chosen.events)))


if __name__ == "__main__":
    main()
