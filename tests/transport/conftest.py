"""Clients over each of the engines."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import httpx
import pytest
from httpx_aiohttp import HttpxAiohttpClient

from suprsend_async import AsyncSuprsend

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    Using = Callable[..., AsyncSuprsend]

KINDS: dict[str, type[httpx.AsyncClient] | None] = {
    "default": None,
    "given aiohttp": HttpxAiohttpClient,
    "httpx": httpx.AsyncClient,
}


@pytest.fixture(params=KINDS)
async def using(request: pytest.FixtureRequest, make_client: Using) -> AsyncIterator[Using]:
    """Make clients over one of the engines."""
    kind = KINDS[request.param]
    async with contextlib.AsyncExitStack() as stack:

        async def given() -> httpx.AsyncClient | None:
            return None if kind is None else await stack.enter_async_context(kind(trust_env=False))

        http_client = await given()
        yield lambda url, **options: make_client(url, http_client=http_client, **options)
