"""Requests in flight: bounded for the whole client, in order, and the wait counts against the deadline."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import anyio.to_thread
import pytest

from suprsend_async import AsyncSuprsend, Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Server, StillTime


def event(number: int = 1) -> Event:
    return Event(f"user-{number}", "signed_up")


@pytest.mark.parametrize("limit", [1, 2, 7])
async def test_no_more_requests_are_in_flight_than_allowed(
    make_client: Callable[..., AsyncSuprsend], server: Server, limit: int
) -> None:
    client = make_client(server.url, max_connections=limit)
    server.script.extend([server.hold] * limit)
    calls = asyncio.gather(*(client.track_event(event(number)) for number in range(40)))
    await anyio.to_thread.run_sync(server.wait_for_requests, limit)
    server.release.set()
    assert all(response.success for response in await calls)
    assert server.peak == limit
    assert server.connections <= limit


async def test_single_events_and_bulk_share_the_limit(
    make_client: Callable[..., AsyncSuprsend], server: Server
) -> None:
    client = make_client(server.url, max_connections=2)
    server.script.extend([server.hold] * 2)
    bulk = client.bulk_events.new_instance()
    bulk.append(*(event(number) for number in range(1000)))
    calls = asyncio.gather(bulk.trigger(), *(client.track_event(event()) for _ in range(10)))
    await anyio.to_thread.run_sync(server.wait_for_requests, 2)
    server.release.set()
    assert all(response.status == "success" for response in await calls)
    assert server.peak == 2


async def test_callers_wait_in_order(make_client: Callable[..., AsyncSuprsend], server: Server) -> None:
    client = make_client(server.url, max_connections=1)
    calls = [asyncio.create_task(client.track_event(event(number))) for number in range(30)]
    await asyncio.gather(*calls)
    assert [request.json["distinct_id"] for request in server.requests] == [f"user-{n}" for n in range(30)]


async def test_a_thousand_callers_wait_without_a_pool_timeout(
    make_client: Callable[..., AsyncSuprsend], server: Server
) -> None:
    client = make_client(server.url, max_connections=8)
    responses = await asyncio.gather(*(client.track_event(event(number)) for number in range(1000)))
    assert {response.outcome for response in responses} == {"accepted"}
    assert server.connections <= 8


async def test_waiting_for_a_free_connection_counts_against_the_deadline(server: Server) -> None:
    server.script.append(server.hold)
    async with AsyncSuprsend("key", "secret", base_url=server.url, max_connections=1) as client:
        first = asyncio.create_task(client.track_event(event(1)))
        await anyio.to_thread.run_sync(server.wait_for_requests, 1)
        client.sender.transport.timeout = 0.1
        second = await client.track_event(event(2))
        server.release.set()
        assert (await first).success
    assert (second.outcome, second.error_type, second.attempts) == ("not_sent", "deadline_exceeded", 0)
    assert len(server.requests) == 1


async def test_a_cancelled_waiter_frees_its_place(make_client: Callable[..., AsyncSuprsend], server: Server) -> None:
    client = make_client(server.url, max_connections=1)
    server.script.append(server.hold)
    calls = [asyncio.create_task(client.track_event(event(number))) for number in range(4)]
    await anyio.to_thread.run_sync(server.wait_for_requests, 1)
    calls[1].cancel()
    calls[0].cancel()
    server.release.set()
    ends = await asyncio.gather(*calls, return_exceptions=True)
    assert [isinstance(end, asyncio.CancelledError) for end in ends] == [True, True, False, False]
    assert (await client.track_event(event())).success
    sent = [request.json["distinct_id"] for request in server.requests]
    assert sent == ["user-0", "user-2", "user-3", "user-1"]


async def test_a_slot_that_comes_too_late_begins_no_request(
    make_client: Callable[..., AsyncSuprsend], server: Server, still_time: StillTime
) -> None:
    client = make_client(server.url, max_connections=1, timeout=30.0)
    server.script.append(server.hold)
    first = asyncio.create_task(client.track_event(event(1)))
    await anyio.to_thread.run_sync(server.wait_for_requests, 1)
    second = asyncio.create_task(client.track_event(event(2)))
    await asyncio.sleep(0)
    still_time.now += 30.0
    server.release.set()
    await first
    response = await second
    assert (response.outcome, response.error_type, response.attempts) == ("not_sent", "deadline_exceeded", 0)
    assert len(server.requests) == 1
