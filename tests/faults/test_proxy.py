"""Proxies that refuse: what did not get past the proxy was not sent."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.faults import transport_faults
from tests.faults.cases import AMPLE, BRIEF
from tests.faults.clients import ENGINES, async_client, opened
from tests.faults.places import black_hole, refused
from tests.faults.server import FaultServer
from tests.faults.wire import HTML

from suprsend_async import ConnectionFailed, DeadlineExceeded, Event, ResponseError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.faults.exchange import Exchange

    from suprsend_async import AsyncSuprsend

pytestmark = pytest.mark.parametrize("engine", ENGINES)

# Reserved for names that do not exist; the proxy is the one who would look it up.
SECURE = "https://nowhere.invalid/"
PLAIN = "http://nowhere.invalid/"


@contextlib.asynccontextmanager
async def through(
    proxy: str, engine: str, monkeypatch: pytest.MonkeyPatch, url: str = SECURE, timeout: float = BRIEF
) -> AsyncIterator[AsyncSuprsend]:
    """Give a client that goes through a proxy: the environment's, or the given client's own."""
    if engine == "httpx":
        async with (
            httpx.AsyncClient(proxy=proxy) as given,
            async_client(url, http_client=given, timeout=timeout) as client,
        ):
            yield client
        return
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv("HTTP_PROXY", proxy)
    async with opened(url, timeout=timeout) as client:
        yield client


async def authentication_required(exchange: Exchange) -> None:
    await exchange.head()
    headers = {"Proxy-Authenticate": "Basic", "Content-Type": HTML}
    await exchange.answer(407, b"<html>log in</html>", headers)
    await exchange.connection.close()


async def bad_gateway(exchange: Exchange) -> None:
    await exchange.head()
    await exchange.answer(502, b"<html>no such host</html>", {"Content-Type": HTML})
    await exchange.connection.close()


async def noise(exchange: Exchange) -> None:
    await exchange.head()
    await exchange.connection.send(b"\x00\x01\x02" * 100 + b"\r\n\r\n")
    await exchange.connection.close()


@pytest.mark.parametrize("fault", [authentication_required, bad_gateway, noise, transport_faults.reset_before_any_byte])
@pytest.mark.parametrize("user", ["", "someone:password@"])
async def test_a_tunnel_that_is_not_opened(
    engine: str, user: str, fault: transport_faults.Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaultServer() as proxy:
        proxy.script.always(fault)
        address = proxy.url.replace("http://", f"http://{user}")
        async with through(address, engine, monkeypatch, timeout=AMPLE) as client:
            response = await client.track_event(Event("user-1", "order_placed"))
        assert proxy.requests == 3
    assert response.outcome == "not_sent", response.message
    assert "password" not in response.message
    with pytest.raises(ConnectionFailed):
        response.raise_for_status()


async def test_a_proxy_that_cannot_be_reached(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with refused() as proxy:
        async with through(proxy, engine, monkeypatch) as client:
            response = await client.track_event(Event("user-1", "order_placed"))
    assert response.outcome == "not_sent", response.message
    with pytest.raises(ConnectionFailed):
        response.raise_for_status()


async def test_a_proxy_that_does_not_answer(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with black_hole() as proxy:
        async with through(proxy, engine, monkeypatch) as client:
            response = await client.track_event(Event("user-1", "order_placed"))
    assert response.outcome == "not_sent", response.message
    with pytest.raises(DeadlineExceeded):
        response.raise_for_status()


@pytest.mark.filterwarnings("ignore:base_url is plain http")
async def test_a_proxy_that_answers_itself(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer() as proxy:
        proxy.script.always(authentication_required)
        async with through(proxy.url, engine, monkeypatch, PLAIN) as client:
            response = await client.track_event(Event("user-1", "order_placed"))
        assert proxy.requests == 1
    assert (response.outcome, response.status_code) == ("rejected", 407)
    with pytest.raises(ResponseError):
        response.raise_for_status()
