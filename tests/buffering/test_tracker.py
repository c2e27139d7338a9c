"""The buffered tracker against a scripted server."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import threading
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from tests.conftest import Server, await_what_was_cancelled

from suprsend_async import (
    AsyncSuprsend,
    BufferFull,
    ConfigurationError,
    Event,
    FailedRecord,
    ValidationError,
)
from suprsend_async.buffering import failures
from suprsend_async.events.results import EventResponse

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from tests.conftest import Received, StillTime


def events(count: int) -> list[Event]:
    return [Event(f"user-{number}", "signed_up", {"n": number}) for number in range(count)]


def bodies(server: Server) -> list[int]:
    return [len(request.json) for request in server.requests]


def only_user_1_is_refused(request: Received) -> bytes:
    records = [
        {"status": "error", "status_code": 404, "error": {"message": "no such user", "type": "not_found"}}
        if event["distinct_id"] == "user-1"
        else {"status": "success", "status_code": 202, "message_id": f"m-{event['distinct_id']}"}
        for event in request.json
    ]
    return Server.answer(207, {"status": "success", "records": records})


async def tracked(tracker: Any, given: list[Event]) -> list[EventResponse]:
    return await asyncio.gather(*[tracker.track_event(event) for event in given])


async def settled(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(10):
        while not condition():
            await asyncio.sleep(0.001)


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


async def test_a_response_means_what_the_clients_own_means(client: AsyncSuprsend, server: Server) -> None:
    own = await client.track_event(Event("user-1", "signed_up"))
    async with client.buffer() as tracker:
        buffered = await tracker.track_event(Event("user-1", "signed_up"))
    assert buffered.model_dump(exclude={"message", "message_id", "raw_response"}) == own.model_dump(
        exclude={"message", "message_id", "raw_response"}
    )
    assert buffered.message == buffered.message_id == buffered.raw_response["message_id"]


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


async def test_failures_are_retried_as_the_clients_own_are(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.answer(503), server.answer(502)])
    async with client.buffer() as tracker:
        response = await tracker.track_event(Event("user-1", "signed_up"))
    assert (response.outcome, response.attempts) == ("accepted", 3)
    assert len({request.body for request in server.requests}) == 1


async def test_no_connection_is_not_sent(make_client: Callable[..., AsyncSuprsend]) -> None:
    async with make_client("http://127.0.0.1:9/", max_retries=1).buffer() as tracker:
        [first, second] = await tracked(tracker, events(2))
    assert (first.outcome, second.outcome) == ("not_sent", "not_sent")
    assert first.attempts == 2
    assert first.error_type == "connection_failed"


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


async def test_a_full_buffer_makes_callers_wait_in_order(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.hold)
    async with client.buffer(max_pending=3) as tracker:
        calls = asyncio.create_task(tracked(tracker, events(10)))
        await asyncio.to_thread(server.wait_for_requests, 1)
        stats = tracker.stats()
        assert (stats.pending, stats.waiting, stats.taken) == (3, 7, 3)
        with pytest.raises(BufferFull, match=r"3 events .* are pending, 7 callers wait"):
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


async def test_leaving_the_block_sends_what_is_left(client: AsyncSuprsend, server: Server) -> None:
    async with client.buffer(linger=3600) as tracker:
        await tracker.track_event(Event("user-1", "signed_up"))
        for event in events(250):
            tracker.enqueue(event)
    assert sum(bodies(server)) == 251
    assert tracker.stats().accepted == 251
    assert tracker.undelivered == ()


@pytest.mark.parametrize("awaited", [False, True])
async def test_failures_nobody_waits_for_go_to_on_failure(client: AsyncSuprsend, server: Server, awaited: bool) -> None:
    server.script.append(only_user_1_is_refused)
    told: list[FailedRecord] = []

    async def tell_later(record: FailedRecord) -> None:
        await asyncio.sleep(0)
        told.append(record)

    given = events(3)
    async with client.buffer(on_failure=tell_later if awaited else told.append) as tracker:
        for event in given:
            tracker.enqueue(event)
        await tracker.flush()
        stats = tracker.stats()
    assert [(record.record, record.code, record.index, record.outcome) for record in told] == [
        (given[1], 404, 1, "rejected")
    ]
    assert (stats.accepted, stats.rejected, stats.pending) == (2, 1, 0)


async def test_failures_a_caller_hears_of_do_not_go_to_on_failure(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(only_user_1_is_refused)
    told: list[FailedRecord] = []
    async with client.buffer(on_failure=told.append) as tracker:
        await tracked(tracker, events(3))
    assert told == []


async def test_without_on_failure_the_log_says_how_many(
    client: AsyncSuprsend, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.script.append(only_user_1_is_refused)
    async with client.buffer() as tracker:
        for event in events(3):
            tracker.enqueue(event)
    [failed] = [record for record in caplog.records if "suprsend_failed" in vars(record)]
    assert failed.getMessage() == "buffer: 1 events were not accepted; give on_failure to have each"
    assert (failed.levelname, vars(failed)["suprsend_failed"]) == ("ERROR", 1)


async def test_an_on_failure_that_raises_is_raised_at_the_end_and_stops_nothing(
    client: AsyncSuprsend, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.script.append(only_user_1_is_refused)

    def fail(record: FailedRecord) -> None:
        raise LookupError("a value")

    with pytest.raises(LookupError):  # noqa: PT012 - raised by the block's end
        async with client.buffer(on_failure=fail) as tracker:
            await tracker.track_event(events(1)[0])
            tracker.enqueue(events(2)[1])
            await tracker.flush()
            server.script.append(only_user_1_is_refused)
            tracker.enqueue(events(2)[1])
            assert (await tracker.track_event(events(1)[0])).success
    assert tracker.stats().rejected == 1
    lines = [(record.getMessage(), vars(record).get("suprsend_error_type")) for record in caplog.records]
    assert lines == [
        ("buffer: 1 events were not accepted", None),
        ("buffer: on_failure raised LookupError", "LookupError"),
    ]
    assert "a value" not in caplog.text


async def test_an_on_failure_that_await_what_was_cancelled_stops_nothing(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(only_user_1_is_refused)
    with pytest.raises(RuntimeError, match="a callback awaited something that was cancelled"):  # noqa: PT012 - by the end
        async with client.buffer(on_failure=await_what_was_cancelled) as tracker:
            tracker.enqueue(events(2)[1])
            await tracker.flush()
            for event in events(5):
                tracker.enqueue(event)
    assert (tracker.stats().accepted, tracker.stats().rejected) == (5, 1)


async def test_a_buffer_whose_task_was_cancelled_takes_nothing_in_and_names_what_it_had(
    client: AsyncSuprsend, server: Server
) -> None:
    async with client.buffer(linger=60.0) as tracker:
        assert (await tracker.track_event(events(1)[0])).success
        tracker.enqueue(waiting := events(1)[0])
        # As programs do that end everything at once.
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await settled(lambda: tracker.stats().pending == 0)
        with pytest.raises(ConfigurationError, match=r"enqueue\(\) comes too late"):
            tracker.enqueue(events(3)[2])
        with pytest.raises(ConfigurationError, match=r"track_event\(\) comes too late"):
            await tracker.track_event(events(3)[2])
    assert [record.record for record in tracker.undelivered] == [waiting]


async def test_a_buffer_is_entered_once_also_by_two_at_the_same_time(client: AsyncSuprsend) -> None:
    tracker = client.buffer()

    async def enter() -> None:
        async with tracker:
            await asyncio.sleep(0.01)

    first, second = await asyncio.gather(enter(), enter(), return_exceptions=True)
    assert first is None
    assert isinstance(second, ConfigurationError)


async def test_a_slip_of_the_server_silences_no_buffer_for_years(
    client: AsyncSuprsend, server: Server, still_time: StillTime
) -> None:
    server.script.append(server.answer(429, retry_after="999999999"))
    async with client.buffer() as tracker:
        assert not (await tracker.track_event(events(1)[0])).success
        still_time.now += 60 * 60.0
        assert (await tracker.track_event(events(1)[0])).success


async def test_failures_are_made_no_faster_than_they_are_told(
    client: AsyncSuprsend, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "MANY", 100)
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
        await settled(lambda: tracker.stats().requests == 16 and tracker.stats().rejected >= 1_600)
        rejected = tracker.stats().rejected
        for _ in range(100):
            await asyncio.sleep(0)
        # Every request in flight keeps its place until its failures are told.
        assert tracker.stats().rejected == rejected < 4_000
        may_go_on.set()
        await tracker.flush()
    assert told == 10_000


async def test_a_cancelled_caller_takes_nobody_along_and_its_event_is_counted(
    client: AsyncSuprsend, server: Server
) -> None:
    server.script.append(server.hold)
    async with client.buffer() as tracker:
        calls = [asyncio.create_task(tracker.track_event(event)) for event in events(5)]
        await asyncio.to_thread(server.wait_for_requests, 1)
        calls[2].cancel()
        await settled(calls[2].done)
        assert tracker.stats().pending == 5
        server.release.set()
        others = [await call for call in calls if call is not calls[2]]
    assert all(response.success for response in others)
    assert calls[2].cancelled()
    assert tracker.stats().accepted == 5


async def test_the_failure_of_a_cancelled_callers_event_goes_to_on_failure(
    client: AsyncSuprsend, server: Server
) -> None:
    def refuse_later(request: Received) -> bytes:
        server.release.wait()
        return only_user_1_is_refused(request)

    server.script.append(refuse_later)
    told: list[FailedRecord] = []
    async with client.buffer(on_failure=told.append) as tracker:
        call = asyncio.create_task(tracker.track_event(events(2)[1]))
        await asyncio.to_thread(server.wait_for_requests, 1)
        call.cancel()
        await settled(call.done)
        server.release.set()
    assert [record.outcome for record in told] == ["rejected"]


async def test_a_caller_cancelled_in_line_takes_its_event_along(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.hold)
    async with client.buffer(max_pending=1) as tracker:
        calls = [asyncio.create_task(tracker.track_event(event)) for event in events(3)]
        await asyncio.to_thread(server.wait_for_requests, 1)
        calls[1].cancel()
        await settled(calls[1].done)
        assert tracker.stats().waiting == 1
        server.release.set()
        assert (await calls[2]).success
    assert [event["properties"]["n"] for request in server.requests for event in request.json] == [0, 2]
    assert tracker.stats().taken == 2


async def test_callers_give_up_at_their_deadline_and_are_told_the_truth(
    client: AsyncSuprsend, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suprsend_async.buffering.dispatcher.LATE_ANSWER", 0.1 - client._transport.timeout)
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
    monkeypatch.setattr("suprsend_async.buffering.dispatcher.LATE_ANSWER", 0.1 - client._transport.timeout)
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


async def test_an_exception_in_the_block_drains_all_the_same(client: AsyncSuprsend, server: Server) -> None:
    with pytest.raises(LookupError):  # noqa: PT012 - so that the block ends by it
        async with client.buffer() as tracker:
            tracker.enqueue(Event("user-1", "signed_up"))
            raise LookupError
    assert bodies(server) == [1]
    assert tracker.stats().accepted == 1


@pytest.mark.parametrize("how", ["task", "scope"])
async def test_cancelling_the_block_drains_all_the_same(client: AsyncSuprsend, server: Server, how: str) -> None:
    trackers = []
    entered = anyio.Event()

    async def block() -> None:
        async with client.buffer() as tracker:
            trackers.append(tracker)
            tracker.enqueue(Event("user-1", "signed_up"))
            entered.set()
            await anyio.sleep_forever()

    if how == "task":
        task = asyncio.create_task(block())
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        async with anyio.create_task_group() as group:
            group.start_soon(block)
            await entered.wait()
            group.cancel_scope.cancel()
    assert bodies(server) == [1]
    assert trackers[0].stats().accepted == 1


async def test_the_drain_is_bounded_and_what_was_not_delivered_is_named(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.hold] * 3)
    told: list[FailedRecord] = []
    given = events(121)
    async with client.buffer(drain_timeout=0.1, max_pending=120, on_failure=told.append) as tracker:
        for event in given[:120]:
            tracker.enqueue(event)
        in_line = asyncio.create_task(tracker.track_event(given[120]))
        await asyncio.to_thread(server.wait_for_requests, 2)
    server.release.set()
    assert [record.record for record in tracker.undelivered] == given
    assert [record.outcome for record in tracker.undelivered] == ["unknown"] * 120 + ["not_sent"]
    # The caller heard of its event itself.
    assert sorted(record.index for record in told) == list(range(120))
    assert (await in_line).outcome == "not_sent"
    stats = tracker.stats()
    assert (stats.pending, stats.unknown, stats.not_sent) == (0, 120, 1)


async def test_a_second_cancellation_ends_the_drain_at_once(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.hold)
    told: list[FailedRecord] = []

    async def block() -> None:
        async with client.buffer(drain_timeout=3600, on_failure=told.append) as tracker:
            tracker.enqueue(Event("user-1", "signed_up"))
            await anyio.sleep_forever()

    task = asyncio.create_task(block())
    await asyncio.to_thread(server.wait_for_requests, 1)
    task.cancel()
    await asyncio.sleep(0.01)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    server.release.set()
    assert [record.outcome for record in told] == ["unknown"]


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


async def test_outside_of_the_block_calls_are_refused(client: AsyncSuprsend) -> None:
    tracker = client.buffer()
    with pytest.raises(ConfigurationError, match="async with client"):
        tracker.enqueue(Event("user-1", "signed_up"))
    with pytest.raises(ConfigurationError, match="entered"):
        tracker.stats()
    async with tracker:
        with pytest.raises(ConfigurationError, match="in use"):
            async with tracker:
                pass
    for call in (tracker.track_event, tracker.enqueue):
        with pytest.raises(ConfigurationError, match="async with client"):
            await call(Event("user-1", "signed_up"))  # type: ignore[misc]
    async with tracker:
        assert (await tracker.track_event(Event("user-1", "signed_up"))).success


async def test_another_thread_is_told_the_way(client: AsyncSuprsend) -> None:
    problems: list[Exception] = []
    async with client.buffer() as tracker:

        def call() -> None:
            try:
                tracker.enqueue(Event("user-1", "signed_up"))
            except ConfigurationError as error:
                problems.append(error)

        thread = threading.Thread(target=call)
        thread.start()
        await asyncio.to_thread(thread.join)
    assert "call_soon_threadsafe" in str(problems[0])


async def test_a_closed_client_gives_no_buffer(client: AsyncSuprsend) -> None:
    await client.aclose()
    with pytest.raises(ConfigurationError, match="was closed"):
        async with client.buffer():
            pass


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


async def test_ten_thousand_random_cancellations_leave_the_counters_right(client: AsyncSuprsend) -> None:
    chance = random.Random(7)
    logging.disable()
    try:
        async with client.buffer(max_pending=50) as tracker:

            async def call(number: int) -> bool:
                task = asyncio.create_task(tracker.track_event(Event(f"user-{number}", "signed_up")))
                for _ in range(chance.randrange(12)):
                    await asyncio.sleep(0)
                task.cancel()
                return (await asyncio.gather(task, return_exceptions=True))[0] is not None

            for _ in range(50):
                await asyncio.gather(*[call(number) for number in range(200)])
            await tracker.flush()
            assert (await tracker.track_event(Event("user-1", "signed_up"))).success
    finally:
        logging.disable(logging.NOTSET)
    stats = tracker.stats()
    assert (stats.pending, stats.waiting, stats.requests) == (0, 0, 0)
    assert stats.taken == stats.accepted


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_neither_sends_nor_uses_what_the_parent_has_taken_in(
    run_python: Callable[..., subprocess.CompletedProcess[str]], server: Server
) -> None:
    source = """
import asyncio, os
from suprsend_async import AsyncSuprsend, ConfigurationError, Event
client = AsyncSuprsend(KEY, SECRET, base_url=URL)
tracker = client.buffer()

async def child():
    try:
        tracker.enqueue(Event("user-1", "signed_up", {"n": 9}))
    except ConfigurationError:
        pass
    async with client, tracker:
        assert (await tracker.track_event(Event("user-1", "signed_up", {"n": 1}))).success
    assert tracker.stats().taken == 1

async def main():
    async with client, tracker:
        tracker.enqueue(Event("user-1", "signed_up", {"n": 0}))
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                asyncio.run(child())
                status = 0
            finally:
                os._exit(status)
        _, status = await asyncio.to_thread(os.waitpid, pid, 0)
        assert status == 0, status
asyncio.run(main())
"""
    process = run_python(source)
    assert (process.returncode, process.stderr) == (0, "")
    assert sorted(event["properties"]["n"] for request in server.requests for event in request.json) == [0, 1]
