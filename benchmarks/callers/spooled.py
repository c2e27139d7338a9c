"""This project: events put into the spool; each call returns when its event is on the disk."""

from __future__ import annotations

import tempfile
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
    """Give the function that stores the event of one record; what is left is sent at the end."""
    with tempfile.TemporaryDirectory(dir=".") as directory:
        async with (
            AsyncSuprsend(WORKSPACE_KEY, WORKSPACE_SECRET, base_url=url) as client,
            client.buffer(spool=f"{directory}/spool", drain_timeout=60) as tracker,
        ):

            async def call(number: int) -> bool:
                user, properties = records[number]
                await tracker.enqueue(Event(user, EVENT_NAME, properties))
                return True

            yield call
