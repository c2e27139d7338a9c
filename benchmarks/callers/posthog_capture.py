"""PostHog's client for asyncio: events put into its queue, and nobody can wait."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from posthog import AsyncPosthog

from benchmarks.records import EVENT_NAME

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from benchmarks.records import Record


@asynccontextmanager
async def opened(url: str, records: list[Record]) -> AsyncIterator[Callable[[int], Awaitable[bool]]]:
    """Give the function that captures the event of one record; what is left is sent at the end."""
    async with AsyncPosthog("benchmark-key", host=url) as client:

        async def call(number: int) -> bool:
            user, properties = records[number]
            return client.capture(EVENT_NAME, distinct_id=user, properties=properties) is not None

        yield call
        await client.flush(timeout_seconds=None)
