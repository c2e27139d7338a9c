"""httpx with its own engine, with bodies made beforehand and nothing signed."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx

from benchmarks.clients.floor import encode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from benchmarks.records import Record


@asynccontextmanager
async def opened(url: str, records: list[Record]) -> AsyncIterator[Callable[[int], Awaitable[bool]]]:
    """Give the function that posts the body of one record."""
    bodies = [encode(user, properties) for user, properties in records]
    headers = {"Content-Type": "application/json; charset=utf-8"}
    async with httpx.AsyncClient(headers=headers, timeout=30) as client:

        async def call(number: int) -> bool:
            try:
                response = await client.post(url + "v2/event/", content=bodies[number])
            except httpx.HTTPError:
                return False
            return response.status_code == 202

        yield call
