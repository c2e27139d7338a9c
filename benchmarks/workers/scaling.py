"""The same amount of work in pieces of a size: what a record costs where there is little at once, and where much is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from benchmarks.cost import Meter
from benchmarks.credentials import WORKSPACE_KEY, WORKSPACE_SECRET
from benchmarks.handshake import arguments, report, wait_for_the_word
from benchmarks.records import EVENT_NAME, read_records
from suprsend_async import AsyncSuprsend, Event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.records import Record

WARM_UP_EVENTS = 300
PENDING_BYTES = 2**30


def _events(records: list[Record]) -> Iterator[Event]:
    return (Event(user, EVENT_NAME, properties) for user, properties in records)


async def _sources(client: AsyncSuprsend, records: list[Record], size: int) -> int:
    """Send sources of so many events, one after another."""
    return sum([(await client.bulk_events.send(_events(part))).total for part in _parts(records, size)])


async def _users(client: AsyncSuprsend, records: list[Record], size: int) -> int:
    """Send in order the events of so many users."""
    events = (Event(f"user-{number % size}", EVENT_NAME, properties) for number, (_, properties) in enumerate(records))
    return (await client.bulk_events.send(events, ordered=True)).total


async def _chunks(client: AsyncSuprsend, records: list[Record], size: int) -> int:
    """Send with so many chunks in flight at most."""
    return (await client.bulk_events.send(_events(records), concurrency=size)).total


async def _pending(client: AsyncSuprsend, records: list[Record], size: int) -> int:
    """Put so many events into a buffer before it can send one, and let it send them, again and again."""
    for part in _parts(records, size):
        async with client.buffer(max_pending=size, max_pending_bytes=PENDING_BYTES, drain_timeout=60) as tracker:
            for event in _events(part):
                tracker.enqueue(event)
    return len(records)


def _parts(records: list[Record], size: int) -> Iterator[list[Record]]:
    return (records[start : start + size] for start in range(0, len(records), size))


JOBS = {"sources": _sources, "users": _users, "chunks": _chunks, "pending": _pending}


async def _measure(subject: str, url: str, shape: str, events: int, size: int) -> None:
    job = JOBS[subject]
    records = read_records(shape, events)
    async with AsyncSuprsend(WORKSPACE_KEY, WORKSPACE_SECRET, base_url=url) as client:
        await job(client, records[:WARM_UP_EVENTS], min(size, WARM_UP_EVENTS))
        wait_for_the_word()
        meter = Meter()
        done = await job(client, records, size)
        report({**meter.read(), "done": done})


def main() -> None:
    """Run the job that the arguments name."""
    chosen = arguments("events", "size")
    asyncio.run(_measure(chosen.subject, chosen.url, chosen.shape, int(chosen.events), int(chosen.size)))


if __name__ == "__main__":
    main()
