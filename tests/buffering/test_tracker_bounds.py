"""The buffer's bounds: waiting for room, and deadlines."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from tests.buffering.exchanges import bodies, events, tracked
from tests.conftest import Server
from tests.waiting import all_have_run, until_async

from suprsend_async import AsyncSuprsend, BufferFull, ConfigurationError, Event, FailedRecord, ValidationError
from suprsend_async.buffering import reports

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Received


async def test_a_full_buffer_makes_callers_wait_in_order(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.hold)
    async with client.buffer(max_pending=3) as tracker:
        calls = asyncio.create_task(tracked(tracker, events(10)))
        await asyncio.to_thread(server.wait_for_requests, 1)
        stats = tracker.stats()
        assert (stats.pending, stats.waiting, stats.taken) == (3, 7, 3)
        with pytest.raises(BufferFull, match=r"3 records .* are pending, 7 callers wait"):
            tracker.enqueue(Event("user-1", "signed_up"))
        server.release.set()
        assert all(response.success for response in await calls)
    numbers = [event["properties"]["n"] for request in server.requests for event in request.json]
    assert numbers == list(range(10))
    assert all(size <= 3 for size in bodies(server))


async def test_enqueue_raises_when_there_is_no_room_and_takes_nothing_in(client: AsyncSuprsend, server: Server) -> None:
    async with client.buffer(max_pending=2) as tracker:
        for event in events(2):
            tracker.enqueue(event)
        with pytest.raises(BufferFull) as caught:
            tracker.enqueue(Event("user-1", "signed_up"))
        assert caught.value.outcome == "not_sent"
        assert tracker.stats().taken == 2
    assert bodies(server) == [2]


async def test_bytes_are_bounded_as_well(client: AsyncSuprsend) -> None:
    large = Event("user-1", "signed_up", {"text": "x" * 1000})
    async with client.buffer(max_pending_bytes=2_000) as tracker:
        tracker.enqueue(large)
        with pytest.raises(BufferFull):
            tracker.enqueue(Event("user-1", "signed_up", {"text": "x" * 1000}))
        with pytest.raises(ValidationError, match="max_pending_bytes"):
            tracker.enqueue(Event("user-1", "signed_up", {"text": "x" * 3000}))


@pytest.mark.parametrize(
    ("wrong", "error"),
    [(Event("user-1", "signed_up", {"n": float("nan")}), ValidationError), ("signed_up", TypeError)],
)
async def test_bad_input_raises_before_anything_is_taken_in(
    client: AsyncSuprsend, wrong: Any, error: type[Exception]
) -> None:
    async with client.buffer() as tracker:
        with pytest.raises(error):
            tracker.enqueue(wrong)
        with pytest.raises(error):
            await tracker.track_event(wrong)
        assert tracker.stats().taken == 0


async def test_failures_are_made_no_faster_than_they_are_told(
    client: AsyncSuprsend, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MANY", 100)
    told = 0
    may_go_on = anyio.Event()

    async def slow(_: FailedRecord) -> None:
        nonlocal told
        told += 1
        await may_go_on.wait()

    def refuse(request: Received) -> bytes:
        server.script.append(refuse)
        return server.answer(400)

    server.script.append(refuse)
    async with client.buffer(max_pending=10_000, on_failure=slow) as tracker:
        for event in events(10_000):
            tracker.enqueue(event)
        await until_async(lambda: tracker.stats().requests == 16 and tracker.stats().rejected >= 1_600)
        rejected = tracker.stats().rejected
        await all_have_run()
        # Every request in flight keeps its place until its failures are told.
        assert tracker.stats().rejected == rejected < 4_000
        may_go_on.set()
        await tracker.flush()
    assert told == 10_000


async def test_a_caller_cancelled_in_line_takes_its_event_along(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.hold)
    async with client.buffer(max_pending=1) as tracker:
        calls = [asyncio.create_task(tracker.track_event(event)) for event in events(3)]
        await asyncio.to_thread(server.wait_for_requests, 1)
        calls[1].cancel()
        await until_async(calls[1].done)
        assert tracker.stats().waiting == 1
        server.release.set()
        assert (await calls[2]).success
    assert [event["properties"]["n"] for request in server.requests for event in request.json] == [0, 2]
    assert tracker.stats().taken == 2


async def test_callers_give_up_at_their_deadline_and_are_told_the_truth(
    client: AsyncSuprsend, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suprsend_async.buffering.dispatcher.LATE_ANSWER", 0.1 - client.sender.transport.timeout)
    server.script.extend([server.hold, server.hang_up])
    told: list[FailedRecord] = []
    async with client.buffer(max_pending=1, on_failure=told.append) as tracker:
        flying, in_line = await tracked(tracker, events(2))
        stats = tracker.stats()
        server.release.set()
    assert (flying.outcome, flying.error_type, flying.attempts) == ("unknown", "deadline_exceeded", 1)
    assert (in_line.outcome, in_line.error_type, in_line.attempts) == ("not_sent", "deadline_exceeded", 0)
    assert (stats.taken, stats.pending, stats.waiting) == (1, 1, 0)
    # What came of it later is counted.
    assert tracker.stats().accepted == 1
    assert len(server.requests) == 1


async def test_an_event_still_queued_at_its_deadline_is_not_sent_later(
    make_client: Callable[..., AsyncSuprsend], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client(server.url, concurrency=1)
    monkeypatch.setattr("suprsend_async.buffering.dispatcher.LATE_ANSWER", 0.1 - client.sender.transport.timeout)
    server.script.append(server.hold)
    async with client.buffer() as tracker:
        flying = asyncio.create_task(tracker.track_event(events(1)[0]))
        await asyncio.to_thread(server.wait_for_requests, 1)
        response = await tracker.track_event(events(2)[1])
        assert (response.outcome, response.attempts) == ("not_sent", 0)
        server.release.set()
        await flying
    assert len(server.requests) == 1
    assert (tracker.stats().accepted, tracker.stats().not_sent) == (1, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"linger": -1},
        {"linger": float("nan")},
        {"drain_timeout": "1"},
        {"max_pending": 0},
        {"max_pending": True},
        {"max_pending_bytes": 1.5},
    ],
)
def test_arguments_that_cannot_work_are_named(client: AsyncSuprsend, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        client.buffer(**wrong)
