"""What comes of events, and who hears of failures."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from tests.buffering.exchanges import events, only_user_1_is_refused, tracked
from tests.conftest import Server, await_what_was_cancelled
from tests.log_lines import text_of
from tests.waiting import until_async

from suprsend_async import AsyncSuprsend, Event, FailedRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Received, StillTime


async def test_a_response_means_what_the_clients_own_means(client: AsyncSuprsend, server: Server) -> None:
    own = await client.track_event(Event("user-1", "signed_up"))
    async with client.buffer() as tracker:
        buffered = await tracker.track_event(Event("user-1", "signed_up"))
    assert buffered.model_dump(exclude={"message", "message_id", "raw_response"}) == own.model_dump(
        exclude={"message", "message_id", "raw_response"}
    )
    assert buffered.message == buffered.message_id == buffered.raw_response["message_id"]


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
    assert text_of(failed) == "buffer: 1 record was not accepted; give on_failure to have each"
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
    lines = [(text_of(record), vars(record).get("suprsend_error_type")) for record in caplog.records]
    assert lines == [
        ("buffer: 1 record was not accepted", None),
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


async def test_a_slip_of_the_server_silences_no_buffer_for_years(
    client: AsyncSuprsend, server: Server, still_time: StillTime
) -> None:
    server.script.append(server.answer(429, retry_after="999999999"))
    async with client.buffer() as tracker:
        assert not (await tracker.track_event(events(1)[0])).success
        still_time.now += 60 * 60.0
        assert (await tracker.track_event(events(1)[0])).success


async def test_a_cancelled_caller_takes_nobody_along_and_its_event_is_counted(
    client: AsyncSuprsend, server: Server
) -> None:
    server.script.append(server.hold)
    async with client.buffer() as tracker:
        calls = [asyncio.create_task(tracker.track_event(event)) for event in events(5)]
        await asyncio.to_thread(server.wait_for_requests, 1)
        calls[2].cancel()
        await until_async(calls[2].done)
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
        await until_async(call.done)
        server.release.set()
    assert [record.outcome for record in told] == ["rejected"]
