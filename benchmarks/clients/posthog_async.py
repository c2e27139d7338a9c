"""PostHog's client for asyncio: a queue in memory and a task that sends it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from posthog import AsyncPosthog

from benchmarks.contenders import QUEUE_EVENTS
from benchmarks.records import EVENT_NAME

if TYPE_CHECKING:
    from benchmarks.records import Record


def send(records: list[Record], url: str) -> int:
    """Send the records; returns how many were taken into the queue: it does not tell what came of them."""
    return asyncio.run(_send(records, url))


async def _send(records: list[Record], url: str) -> int:
    taken = 0
    async with AsyncPosthog("benchmark-key", host=url) as client:
        for start in range(0, len(records), QUEUE_EVENTS):
            for user, properties in records[start : start + QUEUE_EVENTS]:
                taken += client.capture(EVENT_NAME, distinct_id=user, properties=properties) is not None
            await client.flush(timeout_seconds=None)
    return taken
