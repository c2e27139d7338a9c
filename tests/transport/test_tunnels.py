"""A proxy that opens no tunnel: that takes no longer than a connection may, with every client."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import pytest
from httpx_aiohttp import HttpxAiohttpClient
from tests.faults.server import FaultServer

from suprsend_async import AsyncSuprsend, Event
from suprsend_async.transport.connector import watch
from suprsend_async.transport.sending import Sending, current

if TYPE_CHECKING:
    from tests.faults.exchange import Exchange

# Reserved for names that do not exist; the proxy is the one who would look it up.
SECURE = "https://nowhere.invalid/"


async def silent(exchange: Exchange) -> None:
    await exchange.head()
    await asyncio.Event().wait()


async def refusing(exchange: Exchange) -> None:
    await exchange.head()
    await exchange.answer(407, b"<html>log in</html>", {"Content-Type": "text/html"})
    await exchange.connection.close()


@pytest.mark.parametrize("engine", ["default", "httpx", "aiohttp"])
async def test_a_silent_proxy_leaves_time_for_another_attempt(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer() as proxy:
        proxy.script.always(refusing)
        proxy.script.plan(silent)
        given: Any = None
        if engine == "default":
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        else:
            kind: Any = httpx.AsyncClient if engine == "httpx" else HttpxAiohttpClient
            given = kind(proxy=proxy.url, trust_env=False)
        options: dict[str, Any] = {"http_client": given, "timeout": 6.0, "max_retries": 1}
        async with AsyncSuprsend("k" * 20, "s", base_url=SECURE, **options) as client:
            response = await client.track_event(Event("user-1", "signed_up"))
        if given is not None:
            await given.aclose()
        assert proxy.requests == 2
    assert (response.outcome, response.attempts) == ("not_sent", 2), response.message
    assert "407" in response.message


async def test_the_platform_has_the_time_that_the_proxy_has_not() -> None:
    sending = Sending(tunnel_seconds=5.0)
    timeouts = {"connect": 5.0, "read": 30.0, "write": 30.0, "pool": 30.0}
    connect = SimpleNamespace(method=b"CONNECT", extensions={"timeout": timeouts})
    post = SimpleNamespace(method=b"POST", extensions={"timeout": timeouts})
    await sending.httpcore_trace("http11.send_request_headers.started", {"request": connect})
    await sending.httpcore_trace("http11.receive_response_headers.started", {"request": connect})
    assert timeouts["read"] == 5.0
    await sending.httpcore_trace("http11.receive_response_headers.complete", {"return_value": ()})
    assert timeouts == {"connect": 5.0, "read": 30.0, "write": 30.0, "pool": 30.0}
    assert not sending.sent
    await sending.httpcore_trace("http11.send_request_headers.started", {"request": post})
    assert timeouts["read"] == 30.0
    assert sending.sent


@pytest.mark.parametrize("is_ours", [True, False])
async def test_the_time_for_a_tunnel_begins_when_the_proxy_is_reached_and_is_for_our_requests_only(
    is_ours: bool,
) -> None:
    """Until then aiohttp goes on to the proxy's next address, with the limit that it has for each."""
    sending, made = Sending(), object()
    limits: list[bool | None] = []

    def note() -> None:
        limits.append(None if sending.tunnel is None else sending.tunnel.when() is not None)

    class Making(aiohttp.TCPConnector):
        async def _create_direct_connection(self, *_: Any, **__: Any) -> Any:
            return made

        async def _create_proxy_connection(self, *arguments: Any) -> Any:
            note()
            await self._create_direct_connection(*arguments)
            note()
            return made

    async with aiohttp.ClientSession(connector=Making()) as session:
        watch(session)
        making: Any = session.connector
        token = current.set(sending if is_ours else None)
        assert await making._create_proxy_connection(None, [], aiohttp.ClientTimeout(sock_connect=5.0)) is made
        current.reset(token)
    assert limits == ([False, True] if is_ours else [None, None])
    assert sending.tunnel is None
