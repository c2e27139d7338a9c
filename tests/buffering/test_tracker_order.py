"""When events leave the buffer, and in what order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.buffering.exchanges import bodies, events, only_user_1_is_refused, tracked
from tests.conftest import Server

from suprsend_async import AsyncSuprsend, Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Received, StillTime


async def test_concurrent_calls_travel_in_one_request_and_each_gets_its_own_verdict(
    client: AsyncSuprsend, server: Server
) -> None:
    server.script.append(only_user_1_is_refused)
    async with client.buffer() as tracker:
        responses = await tracked(tracker, events(3))
    assert [response.outcome for response in responses] == ["accepted", "rejected", "accepted"]
    assert [response.status_code for response in responses] == [202, 404, 202]
    assert [response.message_id for response in responses] == ["m-user-0", None, "m-user-2"]
    assert responses[1].message == "no such user"
    assert [response.attempts for response in responses] == [1, 1, 1]
    assert [request.target for request in server.requests] == ["/v2/bulk/event/"]


async def test_a_full_chunk_does_not_linger(client: AsyncSuprsend, server: Server) -> None:
    async with client.buffer(linger=3600) as tracker:
        await tracker.track_event(Event("user-1", "signed_up"))
        responses = await tracked(tracker, events(100))
    assert all(response.success for response in responses)
    assert bodies(server) == [1, 100]


async def test_a_lone_event_goes_at_once_and_what_follows_lingers(
    client: AsyncSuprsend, server: Server, still_time: StillTime
) -> None:
    async with client.buffer(linger=0.5) as tracker:
        await tracker.track_event(Event("user-1", "signed_up"))
        assert still_time.sleeps == []
        await tracked(tracker, events(5))
        assert still_time.sleeps == [0.5]
        still_time.now += 0.5
        await tracker.track_event(Event("user-1", "signed_up"))
        assert still_time.sleeps == [0.5]
    assert bodies(server) == [1, 5, 1]


async def test_the_events_on_the_wire_are_those_of_the_callers(client: AsyncSuprsend, server: Server) -> None:
    given = events(7)
    async with client.buffer() as tracker:
        await tracked(tracker, given)
    [request] = server.requests
    assert [event["$insert_id"] for event in request.json] == [event.insert_id for event in given]
    assert [event["properties"]["n"] for event in request.json] == list(range(7))


async def test_at_most_concurrency_requests_are_in_flight(
    make_client: Callable[..., AsyncSuprsend], server: Server
) -> None:
    server.script.extend([server.hold] * 5)
    async with make_client(server.url, concurrency=2).buffer() as tracker:
        calls = asyncio.create_task(tracked(tracker, events(500)))
        await asyncio.to_thread(server.wait_for_requests, 2)
        assert tracker.stats().requests == 2
        server.release.set()
        assert all(response.success for response in await calls)
    assert server.peak == 2
    assert bodies(server) == [100] * 5


async def test_flush_waits_for_what_came_before_it_only(client: AsyncSuprsend, server: Server) -> None:
    def answer_after_release(request: Received) -> bytes:
        return server.hold(request) or b""

    async with client.buffer(linger=3600) as tracker:
        await tracker.flush()
        await tracker.track_event(Event("user-1", "signed_up"))
        tracker.enqueue(events(1)[0])
        await tracker.flush()
        assert tracker.stats().accepted == 2
        server.script.append(answer_after_release)
        tracker.enqueue(events(1)[0])
        flushing = asyncio.create_task(tracker.flush())
        await asyncio.to_thread(server.wait_for_requests, 3)
        assert not flushing.done()
        server.release.set()
        await flushing
