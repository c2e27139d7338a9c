"""Clients over each of three engines, and the check that each call was given its own answer."""

from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING

import httpx
from httpx_aiohttp import HttpxAiohttpClient
from tests.faults.clients import TLS, async_client
from tests.faults.judge import Judge
from tests.faults.server import FaultServer

from suprsend_async import AsyncSuprsend, Event, EventResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ENGINES = ("default", "given aiohttp", "httpx")


@contextlib.asynccontextmanager
async def opened(url: str, engine: str, verify: ssl.SSLContext = TLS, **options: int) -> AsyncIterator[AsyncSuprsend]:
    """Give a client over an engine."""
    async with contextlib.AsyncExitStack() as stack:
        given: httpx.AsyncClient | None = None
        if engine != "default":
            kind = httpx.AsyncClient if engine == "httpx" else HttpxAiohttpClient
            given = await stack.enter_async_context(kind(verify=verify, trust_env=False))
        yield await stack.enter_async_context(async_client(url, timeout=20.0, http_client=given, **options))


def check(server: FaultServer, said: list[tuple[Event, EventResponse]]) -> None:
    """Check that no call was given the answer to another, and that what was said is true."""
    judge = Judge()
    for event, response in said:
        judge.hear_response(event, response)
    assert [response for event, response in said if response.message_id not in (None, event.insert_id)] == []
    found = judge.compare(server.ledger.entries)
    assert found.is_clean, str(found)
    assert server.complaints == []
