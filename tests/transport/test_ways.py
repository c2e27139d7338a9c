"""Whoever stands between a client and the network sees every request; where nobody does, httpx has no part in it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import respx
from httpx_aiohttp import AiohttpTransport, HttpxAiohttpClient

from suprsend_async import AsyncSuprsend, Event
from suprsend_async.api.call import fetch
from suprsend_async.transport.request import Request

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator

    from tests.conftest import Server

    Make = Callable[..., AsyncSuprsend]

EVENT = Event("user-1", "signed_up", {"n": 1}, insert_id="0" * 36, time=1_704_164_645_000)
REQUESTS = [
    Request("POST", "v2/event/", body=b'{"a": "\xc3\xa9"}'),
    Request("GET", "v1/user/{id}/", ids={"id": "a@b/c d~é"}, query={"q": "x y+z", "more": ["1", "2"]}),
    Request("PATCH", "v1/user/{id}/", ids={"id": "user-1"}, body=b"{}"),
    Request("DELETE", "v1/user/{id}/", ids={"id": "user-1"}),
    Request("POST", "v1/user/"),
]


async def call_all(client: AsyncSuprsend) -> None:
    """Make one call of each kind."""
    assert (await client.track_event(EVENT)).success
    assert (await client.bulk_events.send([EVENT, EVENT])).success == 2
    await fetch(client.sender.transport, Request("GET", "v1/user/{id}/", ids={"id": "user-1"}), "users.get")


def passing() -> respx.MockRouter:
    """Return a mock that lets every request pass."""
    router = respx.MockRouter(using="httpx", assert_all_called=False)
    router.route().pass_through()
    return router


def as_received(server: Server) -> list[tuple[Any, ...]]:
    return [(one.method, one.target, one.headers, one.body) for one in server.requests]


class Counting(httpx.AsyncBaseTransport):
    """Counts what it passes on."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._inner = AiohttpTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request.url.path)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


@contextlib.asynccontextmanager
async def nobody(server: Server, monkeypatch: pytest.MonkeyPatch, make: Make) -> AsyncGenerator[tuple[Any, Any]]:
    yield make(server.url), lambda: [one.target for one in server.requests]


@contextlib.asynccontextmanager
async def a_mock(server: Server, monkeypatch: pytest.MonkeyPatch, make: Make) -> AsyncGenerator[tuple[Any, Any]]:
    with passing() as router:
        calls: Any = router.calls
        yield make(server.url), lambda: [call.request.url.path for call in calls]


@contextlib.asynccontextmanager
async def a_proxy(server: Server, monkeypatch: pytest.MonkeyPatch, make: Make) -> AsyncGenerator[tuple[Any, Any]]:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    # A name that does not exist: nothing but the proxy can answer for it.
    yield make("http://nowhere.invalid/"), lambda: [httpx.URL(one.target).path for one in server.requests]


@contextlib.asynccontextmanager
async def hooks(server: Server, monkeypatch: pytest.MonkeyPatch, make: Make) -> AsyncGenerator[tuple[Any, Any]]:
    seen: list[str] = []

    async def on_request(request: httpx.Request) -> None:
        seen.append(request.url.path)

    async with HttpxAiohttpClient(trust_env=False, event_hooks={"request": [on_request]}) as given:
        yield make(server.url, http_client=given), lambda: seen


@contextlib.asynccontextmanager
async def mounts(server: Server, monkeypatch: pytest.MonkeyPatch, make: Make) -> AsyncGenerator[tuple[Any, Any]]:
    counting = Counting()
    async with httpx.AsyncClient(trust_env=False, mounts={"http://": counting}) as given:
        yield make(server.url, http_client=given), lambda: counting.seen


@contextlib.asynccontextmanager
async def a_transport(server: Server, monkeypatch: pytest.MonkeyPatch, make: Make) -> AsyncGenerator[tuple[Any, Any]]:
    counting = Counting()
    async with httpx.AsyncClient(trust_env=False, transport=counting) as given:
        yield make(server.url, http_client=given), lambda: counting.seen


@pytest.mark.filterwarnings("ignore:base_url is plain http")  # it is asked of a proxy
@pytest.mark.parametrize("between", [nobody, a_mock, a_proxy, hooks, mounts, a_transport], ids=lambda one: one.__name__)
async def test_whoever_stands_in_between_sees_every_request(
    between: Any, server: Server, monkeypatch: pytest.MonkeyPatch, make_client: Make
) -> None:
    async with between(server, monkeypatch, make_client) as (client, seen):
        for _ in range(2):
            await call_all(client)
        assert seen() == ["/v2/event/", "/v2/bulk/event/", "/v1/user/user-1/"] * 2
    assert len(server.requests) == 6


async def test_a_mock_may_come_and_go(client: AsyncSuprsend, server: Server) -> None:
    await client.track_event(EVENT)
    with respx.mock(using="httpx") as router:
        route = router.post(f"{server.url}v2/event/").respond(202, json={"status": "success", "message_id": "mocked"})
        assert (await client.track_event(EVENT)).message_id == "mocked"
    assert (await client.track_event(EVENT)).message_id == "m-2"
    assert (route.call_count, len(server.requests), server.connections) == (1, 2, 1)


@pytest.fixture
def no_httpx_message(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let no request and no answer be made in httpx's form."""

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("made in httpx's form")

    with monkeypatch.context() as patch:
        patch.setattr(httpx.Request, "__init__", refuse)
        patch.setattr(httpx.Response, "__init__", refuse)
        yield


@pytest.mark.usefixtures("no_httpx_message")
async def test_where_nobody_looks_nothing_is_made_in_the_form_of_httpx(client: AsyncSuprsend, server: Server) -> None:
    await call_all(client)
    assert len(server.requests) == 3


@pytest.mark.parametrize("asked", REQUESTS, ids=lambda one: f"{one.method} {one.route}")
async def test_both_ways_send_the_same(client: AsyncSuprsend, server: Server, asked: Request) -> None:
    server.script.extend([server.answer(200, {"success": True})] * 2)
    await fetch(client.sender.transport, asked, "test")
    with passing():
        await fetch(client.sender.transport, asked, "test")
    one, other = as_received(server)
    assert one == other
    assert server.connections == 1


@pytest.mark.filterwarnings("ignore:base_url is plain http")
async def test_both_ways_find_a_name_in_other_letters(
    make_client: Make, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    client = make_client("http://bücher.invalid/")
    await client.track_event(EVENT)
    with passing():
        await client.track_event(EVENT)
    one, other = as_received(server)
    assert one == other
    assert one[1] == "http://xn--bcher-kva.invalid/v2/event/"
