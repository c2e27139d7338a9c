"""aiohttp alone, with bodies made beforehand and nothing signed."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp

from benchmarks.clients.floor import encode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from benchmarks.records import Record


@asynccontextmanager
async def opened(url: str, records: list[Record]) -> AsyncIterator[Callable[[int], Awaitable[bool]]]:
    """Give the function that posts the body of one record."""
    bodies = [encode(user, properties) for user, properties in records]
    headers = {"Content-Type": "application/json; charset=utf-8"}
    async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=30)) as session:

        async def call(number: int) -> bool:
            try:
                async with session.post(url + "v2/event/", data=bodies[number]) as response:
                    await response.read()
                    return response.status == 202
            except (aiohttp.ClientError, TimeoutError):
                return False

        yield call
