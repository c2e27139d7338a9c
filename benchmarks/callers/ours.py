"""This project: an event made, checked, encoded, signed and sent."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from benchmarks.credentials import WORKSPACE_KEY, WORKSPACE_SECRET
from benchmarks.records import EVENT_NAME
from suprsend_async import AsyncSuprsend, Event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from benchmarks.records import Record


@asynccontextmanager
async def opened(url: str, records: list[Record]) -> AsyncIterator[Callable[[int], Awaitable[bool]]]:
    """Give the function that sends the event of one record."""
    async with AsyncSuprsend(WORKSPACE_KEY, WORKSPACE_SECRET, base_url=url) as client:

        async def call(number: int) -> bool:
            user, properties = records[number]
            response = await client.track_event(Event(user, EVENT_NAME, properties))
            return response.success

        yield call
