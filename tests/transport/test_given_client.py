"""A client of the user's own: its hooks, proxies and headers are used, its authentication and redirects are not."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import anyio.to_thread
import httpx
import pytest
from httpx_aiohttp import HttpxAiohttpClient
from tests.promises import TOLERANCE

from suprsend_async import AsyncSuprsend, Event
from suprsend_async.transport.authentication import sign
from suprsend_async.transport.clock import Clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.conftest import Received, Server, StillTime
    from tests.promises import Promised

SECRET = "test-workspace-secret-0123456789"
KINDS = [httpx.AsyncClient, HttpxAiohttpClient]


def event(number: int = 1) -> Event:
    return Event(f"user-{number}", "signed_up")


@pytest.fixture(params=KINDS)
async def using(
    request: pytest.FixtureRequest, server: Server, still_time: StillTime
) -> AsyncIterator[Callable[..., contextlib.AbstractAsyncContextManager[AsyncSuprsend]]]:
    """Make a client that sends through an httpx client with the given options."""

    @contextlib.asynccontextmanager
    async def make(**options: object) -> AsyncIterator[AsyncSuprsend]:
        kept = {name: options.pop(name) for name in ("timeout_of_calls", "max_connections") if name in options}
        async with request.param(trust_env=False, **options) as http_client:
            client = AsyncSuprsend(
                "test-workspace-key-0123456789",
                SECRET,
                base_url=server.url,
                http_client=http_client,
                timeout=kept.get("timeout_of_calls", 30.0),
                max_connections=kept.get("max_connections", 100),
            )
            client.sender.transport.session.clock = still_time.clock
            async with client:
                yield client
            assert not http_client.is_closed

    return make


def assert_signed(request: Received) -> None:
    signature = request.headers["authorization"].partition(":")[2]
    assert signature == sign(SECRET, "POST", request.target, request.body, request.headers["date"])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"auth": ("user", "password")},
        {"headers": {"Authorization": "Basic eDp5", "Date": "now", "Content-Type": "text/plain", "X-Team": "shop"}},
        {"base_url": "https://elsewhere.example.com/api"},
        {"follow_redirects": True},
        {"params": {"team": "shop"}},
        {"timeout": None},
    ],
    ids=lambda options: next(iter(options), "none"),
)
async def test_whatever_its_options_the_request_is_signed(
    using: Callable[..., contextlib.AbstractAsyncContextManager[AsyncSuprsend]],
    server: Server,
    options: dict[str, object],
) -> None:
    async with using(**options) as client:
        assert (await client.track_event(event())).success
    (request,) = server.requests
    assert_signed(request)
    assert request.target.startswith("/v2/event/")
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    if "headers" in options:
        assert request.headers["x-team"] == "shop"


async def test_its_event_hooks_run(
    using: Callable[..., contextlib.AbstractAsyncContextManager[AsyncSuprsend]], server: Server
) -> None:
    seen: list[str] = []

    async def on_request(request: httpx.Request) -> None:
        seen.append(request.method)

    async def on_response(response: httpx.Response) -> None:
        seen.append((await response.aread()).decode()[:10])

    async with using(event_hooks={"request": [on_request], "response": [on_response]}) as client:
        response = await client.track_event(event())
    assert response.raw_response == {"status": "success", "message_id": "m-1"}
    assert seen == ["POST", '{"status":']


async def test_a_connection_that_a_hook_gave_back_is_not_closed(server: Server) -> None:
    """The hook has read the answer, so the next request may have the connection already."""

    async def on_response(response: httpx.Response) -> None:
        await response.aread()

    server.script.append(server.answer(400, b"no page"))
    limits = httpx.Limits(max_connections=1)
    async with (
        httpx.AsyncClient(limits=limits, event_hooks={"response": [on_response]}) as given,
        AsyncSuprsend("key", "secret", base_url=server.url, http_client=given, max_retries=0) as client,
        asyncio.TaskGroup() as group,
    ):
        calls = [group.create_task(client.track_event(Event("user-1", "signed_up"))) for _ in range(2)]
    assert sorted(call.result().outcome for call in calls) == ["accepted", "rejected"]


async def test_an_event_hook_that_raises_is_a_failure_of_the_call(
    using: Callable[..., contextlib.AbstractAsyncContextManager[AsyncSuprsend]], server: Server
) -> None:
    async def on_request(request: httpx.Request) -> None:
        raise LookupError("no team")

    async with using(event_hooks={"request": [on_request]}) as client:
        response = await client.track_event(event())
    assert (response.success, response.status_code) == (False, None)
    assert "no team" in response.message
    assert server.requests == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirects_are_reported_even_if_it_follows_them(
    using: Callable[..., contextlib.AbstractAsyncContextManager[AsyncSuprsend]], server: Server, status: int
) -> None:
    server.script.append(server.answer(status, location=server.url + "elsewhere"))
    async with using(follow_redirects=True) as client:
        response = await client.track_event(event())
    assert (response.status_code, response.outcome) == (status, "rejected")
    assert len(server.requests) == 1


async def test_connections_are_reused(
    using: Callable[..., contextlib.AbstractAsyncContextManager[AsyncSuprsend]], server: Server
) -> None:
    async with using() as client:
        for _ in range(10):
            await client.track_event(event())
    assert (len(server.requests), server.connections) == (10, 1)


async def test_httpxs_own_engine_has_at_most_20_requests_in_flight(server: Server) -> None:
    server.script.extend([server.hold] * 20)
    async with (
        httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_connections=500)) as http_client,
        AsyncSuprsend("key", "secret", base_url=server.url, http_client=http_client) as client,
    ):
        calls = asyncio.gather(*(client.track_event(event(number)) for number in range(60)))
        await anyio.to_thread.run_sync(server.wait_for_requests, 20)
        server.release.set()
        responses = await calls
    assert all(response.success for response in responses)
    assert server.peak == 20


async def test_a_cancelled_call_lets_the_exchange_end_and_harms_no_other(
    using: Callable[..., contextlib.AbstractAsyncContextManager[AsyncSuprsend]], server: Server
) -> None:
    server.script.extend([server.hold] * 10)
    async with using() as client:
        calls = [asyncio.create_task(client.track_event(event(number))) for number in range(10)]
        await anyio.to_thread.run_sync(server.wait_for_requests, 10)
        for call in calls:
            call.cancel()
        assert all(
            isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*calls, return_exceptions=True)
        )
        server.release.set()
        responses = await asyncio.gather(*(client.track_event(event(number)) for number in range(20)))
    assert all(response.success for response in responses)


@pytest.mark.promises
async def test_the_deadline_is_kept(
    using: Callable[..., contextlib.AbstractAsyncContextManager[AsyncSuprsend]], server: Server, promised: Promised
) -> None:
    server.script.extend([server.hold] * 5)
    async with using(timeout_of_calls=0.2) as client:
        # Both clocks are real here: of a still one no attempt would use up any time.
        client.sender.transport.session.clock = Clock()
        with promised(0.2, TOLERANCE):
            response = await client.track_event(event())
        server.release.set()
    assert (response.outcome, response.error_type) == ("unknown", "deadline_exceeded")


@pytest.mark.parametrize("kind", KINDS)
def test_one_of_the_users_clients_is_made_without_a_loop(kind: type[httpx.AsyncClient], server: Server) -> None:
    http_client = kind(trust_env=False)
    client = AsyncSuprsend("key", "secret", base_url=server.url, http_client=http_client)

    async def main() -> bool:
        async with client, http_client:
            return (await client.track_event(event())).success

    assert asyncio.run(main())
