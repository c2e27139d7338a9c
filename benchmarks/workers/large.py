"""Chunks as large as they may be, so many of them in flight: what memory that takes."""

from __future__ import annotations

import asyncio

from benchmarks.cost import Meter
from benchmarks.credentials import WORKSPACE_KEY, WORKSPACE_SECRET
from benchmarks.handshake import arguments, report, wait_for_the_word
from benchmarks.records import EVENT_NAME
from suprsend_async import AsyncSuprsend, Event

EVENT_BYTES = 790_000
"""One such event fills a chunk, and is within the limit of an event, which is 800 KB."""


async def _measure(url: str, events: int, flying: int) -> None:
    # All events have the same text: what is counted is what the client makes of them.
    properties = {"text": "x" * EVENT_BYTES}
    async with AsyncSuprsend(WORKSPACE_KEY, WORKSPACE_SECRET, base_url=url) as client:
        await client.bulk_events.send([Event("user", EVENT_NAME, {})])
        wait_for_the_word()
        meter = Meter()
        source = (Event("user", EVENT_NAME, properties) for _ in range(events))
        response = await client.bulk_events.send(source, concurrency=flying)
        report({**meter.read(), "accepted": response.success})


def main() -> None:
    """Run with as many events as the arguments say."""
    chosen = arguments("events", "flying")
    asyncio.run(_measure(chosen.url, int(chosen.events), int(chosen.flying)))


if __name__ == "__main__":
    main()
