"""`bulk_events.send`: any source, in flat memory, and one verdict for each of its items."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from tests.conftest import await_what_was_cancelled

from suprsend_async import AsyncSuprsend, ConfigurationError, Event, FailedRecord, Progress
from suprsend_async.bulk import job
from suprsend_async.bulk.tally import KEPT_FAILURES

if TYPE_CHECKING:
    from tests.conftest import Received, Server, StillTime


def signed_up(number: int, **properties: Any) -> Event:
    return Event(f"user-{number}", "signed_up", {"n": number, **properties})


def events(count: int) -> Iterator[Event]:
    return (signed_up(number) for number in range(count))


async def slowly(source: Iterator[Event]) -> AsyncIterator[Event]:
    for event in source:
        await anyio.lowlevel.checkpoint()
        yield event


def numbers(server: Server) -> list[int]:
    return [event["properties"]["n"] for request in server.requests for event in request.json]


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("count", [0, 1, 100, 101, 1234])
@pytest.mark.parametrize("as_source", [lambda source: source, list, slowly], ids=["iterator", "list", "asynchronous"])
async def test_every_event_arrives_once(
    client: AsyncSuprsend, server: Server, as_source: Callable[[Any], Any], count: int, ordered: bool
) -> None:
    response = await client.bulk_events.send(as_source(events(count)), ordered=ordered)
    assert (response.status, response.success, response.failure) == ("success", count, 0)
    assert sorted(numbers(server)) == list(range(count))


async def test_a_source_may_use_a_value_of_an_event_again_for_the_next(client: AsyncSuprsend, server: Server) -> None:
    def source() -> Iterator[Event]:
        lines: list[int] = []
        for number in range(250):
            lines[:] = [number]
            yield signed_up(number, lines=lines)

    assert (await client.bulk_events.send(source())).success == 250
    sent = [event["properties"] for request in server.requests for event in request.json]
    assert all(properties["lines"] == [properties["n"]] for properties in sent)


@pytest.mark.parametrize("source", [None, 5, Event("user-1", "signed_up")], ids=["None", "number", "one event"])
async def test_what_is_no_source_is_refused(client: AsyncSuprsend, source: Any) -> None:
    with pytest.raises(TypeError, match="source must be an iterable of Event"):
        await client.bulk_events.send(source)


@pytest.mark.parametrize("concurrency", [0, -1, 1.5, "2"])
async def test_a_concurrency_that_cannot_work_is_refused(client: AsyncSuprsend, concurrency: Any) -> None:
    with pytest.raises(ConfigurationError, match="concurrency"):
        await client.bulk_events.send(events(1), concurrency=concurrency)


async def test_items_that_are_no_events_fail_alone(client: AsyncSuprsend, server: Server) -> None:
    source: list[Any] = [signed_up(0), {"distinct_id": "user-1"}, signed_up(2), signed_up(3, at=float("nan")), None]
    response = await client.bulk_events.send(source)
    assert (response.status, response.total, response.success) == ("partial", 5, 2)
    assert [(record.index, record.outcome, record.record) for record in response.failed_records] == [
        (1, "rejected", None),
        (3, "rejected", source[3]),
        (4, "rejected", None),
    ]
    assert "item 1 is of type dict" in response.failed_records[0].error
    assert "properties.at" in response.failed_records[1].error
    assert numbers(server) == [0, 2]


@pytest.mark.long
async def test_a_hundred_thousand_events_with_one_poison(client: AsyncSuprsend, server: Server) -> None:
    source = (signed_up(number, bad=b"" if number == 70_007 else "") for number in range(100_000))
    response = await client.bulk_events.send(source)
    assert (response.success, response.failure) == (99_999, 1)
    assert response.failed_records[0].index == 70_007


async def test_all_poison_sends_nothing(client: AsyncSuprsend, server: Server) -> None:
    response = await client.bulk_events.send(signed_up(number, bad=b"") for number in range(250))
    assert (response.status, response.failure) == ("fail", 250)
    assert [record.index for record in response.failed_records] == list(range(250))
    assert server.requests == []


@pytest.mark.parametrize("ordered", [False, True])
async def test_the_source_is_read_no_further_ahead_than_its_events_go_out(
    client: AsyncSuprsend, server: Server, ordered: bool
) -> None:
    read = 0

    def source() -> Iterator[Event]:
        nonlocal read
        for event in events(5_000):
            read += 1
            yield event

    server.script.extend([server.hold] * 3)
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(client.bulk_events.send(source(), concurrency=3, ordered=ordered))
        await asyncio.to_thread(server.wait_for_requests, 3)
        assert read <= (3 + 1) * 100
        server.release.set()
    assert sending.result().success == 5_000
    assert server.peak <= 3


async def test_a_source_that_raises_has_what_it_gave_sent_first(client: AsyncSuprsend, server: Server) -> None:
    def source() -> Iterator[Event]:
        yield from events(250)
        raise LookupError("row 250")

    progress: list[Progress] = []
    with pytest.raises(LookupError, match="row 250"):
        await client.bulk_events.send(source(), on_progress=progress.append)
    assert sorted(numbers(server)) == list(range(250))
    assert (progress[-1].read, progress[-1].accepted) == (250, 250)


@pytest.mark.parametrize("name", ["on_failure", "on_progress"])
async def test_a_callback_that_raises_stops_the_job(client: AsyncSuprsend, name: str) -> None:
    def raise_error(_: object) -> None:
        raise LookupError("from the callback")

    source = (signed_up(number, bad=b"") for number in itertools.count()) if name == "on_failure" else events(1)
    callback: dict[str, Any] = {name: raise_error}
    with pytest.raises(LookupError, match="from the callback"):
        await client.bulk_events.send(source, **callback)


async def test_cancelling_awaits_what_is_in_flight_and_reports_it(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.hold] * 2)
    failures: list[FailedRecord] = []
    progress: list[Progress] = []
    sending = asyncio.create_task(
        client.bulk_events.send(events(10**9), concurrency=2, on_failure=failures.append, on_progress=progress.append)
    )
    await asyncio.to_thread(server.wait_for_requests, 2)
    sending.cancel()
    await asyncio.sleep(0)
    assert not sending.done()
    server.release.set()
    with pytest.raises(asyncio.CancelledError):
        await sending
    last = progress[-1]
    assert last.accepted == 200
    assert last.finished == last.read
    assert len(failures) == last.not_sent == last.read - 200
    assert len(server.requests) == 2


async def test_cancelling_twice_leaves_nothing_behind(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.hold] * 2)
    outcomes: list[str] = []
    sending = asyncio.create_task(
        client.bulk_events.send(events(10**9), concurrency=2, on_failure=lambda record: outcomes.append(record.outcome))
    )
    await asyncio.to_thread(server.wait_for_requests, 2)
    before = asyncio.all_tasks() - {sending}
    sending.cancel()
    await asyncio.sleep(0)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert outcomes.count("unknown") == 200  # sent, and the answer was not awaited
    assert asyncio.all_tasks() <= before


async def test_failures_are_told_as_they_happen_and_the_first_are_kept(client: AsyncSuprsend) -> None:
    told: list[FailedRecord] = []

    async def tell(record: FailedRecord) -> None:
        told.append(record)

    count = KEPT_FAILURES + 500
    response = await client.bulk_events.send((signed_up(n, bad=b"") for n in range(count)), on_failure=tell)
    assert len(told) == response.failure == response.total == count
    assert len(response.failed_records) == KEPT_FAILURES
    assert any(f"{KEPT_FAILURES} of {count}" in warning for warning in response.warnings)


async def test_progress_comes_at_the_end_and_counts_everything(client: AsyncSuprsend, server: Server) -> None:
    def respond(request: Received) -> bytes:
        codes = {0: 503, 1: 400}
        records = [
            {"status": "success", "status_code": 202}
            if (code := codes.get(event["properties"]["n"])) is None
            else {"status": "error", "status_code": code, "error": {"message": "no"}}
            for event in request.json
        ]
        return server.answer(207, {"status": "success", "records": records})

    server.script.append(respond)
    progress: list[Progress] = []
    await client.bulk_events.send(events(150), concurrency=1, on_progress=progress.append)
    last = progress[-1]
    assert (last.read, last.sent, last.accepted, last.rejected, last.unknown, last.not_sent) == (150, 150, 149, 1, 0, 0)
    assert (last.requests, last.retried, last.finished) == (3, 1, 150)
    assert last.bytes == sum(len(request.body) for request in server.requests)


async def test_progress_is_told_while_it_goes_on(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.hold])
    told = anyio.Event()
    asynchronous: list[Progress] = []

    async def tell(progress: Progress) -> None:
        asynchronous.append(progress)
        told.set()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(client.bulk_events.send(events(50), on_progress=tell))
        await told.wait()
        server.release.set()
    assert (asynchronous[0].read, asynchronous[0].finished) == (50, 0)
    assert asynchronous[-1].accepted == 50


async def test_too_many_requests_pauses_the_whole_job(
    client: AsyncSuprsend, server: Server, still_time: StillTime
) -> None:
    server.script.append(server.answer(429, {"status": "error", "error": {"message": "slow"}}, retry_after="7"))
    progress: list[Progress] = []
    response = await client.bulk_events.send(events(300), concurrency=1, on_progress=progress.append)
    assert response.success == 300
    assert progress[-1].throttled == 1
    assert sum(still_time.sleeps) >= 7
    assert progress[-1].requests_per_second < 100


async def test_being_told_to_slow_down_uses_up_no_retry(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.answer(429, b"{}")] * 7)
    response = await client.bulk_events.send(events(1))
    assert response.success == 1
    assert len(server.requests) == 8


async def test_a_pause_longer_than_the_deadline_ends_the_job_and_is_told(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.answer(429, b"{}", retry_after="3600")])
    response = await client.bulk_events.send(events(1_000), concurrency=1)
    assert response.failure == 1_000
    assert len(server.requests) == 1
    outcomes = [record.outcome for record in response.failed_records]
    assert outcomes == ["rejected"] * 100 + ["not_sent"] * 900
    assert "3600 s" in response.failed_records[-1].error


async def test_a_slow_source_does_not_hold_back_what_it_has_given(client: AsyncSuprsend, server: Server) -> None:
    more = anyio.Event()

    async def source() -> AsyncIterator[Event]:
        yield signed_up(0)
        await more.wait()
        yield signed_up(1)

    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(client.bulk_events.send(source()))
        await asyncio.to_thread(server.wait_for_requests, 1)
        more.set()
    assert sending.result().success == 2
    assert len(server.requests) == 2


async def test_ordered_keeps_each_users_order(client: AsyncSuprsend, server: Server) -> None:
    source = (Event(f"user-{number % 7}", "clicked", {"n": number}) for number in range(2_000))
    response = await client.bulk_events.send(source, ordered=True, concurrency=4)
    assert response.success == 2_000
    latest: dict[str, int] = {}
    for request in server.requests:
        for event in request.json:
            assert latest.get(event["distinct_id"], -1) < event["properties"]["n"]
            latest[event["distinct_id"]] = event["properties"]["n"]


async def test_ordered_holds_back_what_would_overtake(
    make_client: Callable[..., AsyncSuprsend], server: Server
) -> None:
    client = make_client(server.url, max_retries=0)

    def respond(request: Received) -> bytes:
        records = [
            {"status": "error", "status_code": 503, "error": {"message": "later"}}
            if event["distinct_id"] == "unlucky" and event["properties"]["n"] == 0
            else {"status": "success", "status_code": 202}
            for event in request.json
        ]
        return server.answer(207, {"status": "success", "records": records})

    server.script.extend([respond] * 100)
    source = [Event("unlucky" if number % 100 == 0 else "lucky", "clicked", {"n": number}) for number in range(1_000)]
    response = await client.bulk_events.send(source, ordered=True, concurrency=2)
    failed = {record.index: record.outcome for record in response.failed_records}
    assert failed[0] == "rejected"
    held_back = {index: outcome for index, outcome in failed.items() if index > 0}
    assert set(held_back.values()) == {"not_sent"}
    assert all(index % 100 == 0 for index in held_back)
    sent_later = {n for n in numbers(server) if n % 100 == 0 and n > 0}
    assert sent_later.isdisjoint(held_back)
    assert response.success + response.failure == 1_000


async def test_a_source_that_waits_for_room_is_closed_when_the_call_is_cancelled(
    client: AsyncSuprsend, server: Server
) -> None:
    closed: list[bool] = []

    async def source() -> AsyncIterator[Event]:
        try:
            for number in range(1_000):
                yield Event("user-1", "signed_up", {"n": number})
        finally:
            closed.append(True)

    # Kept, so that nothing but the call can close it.
    events = source()
    server.script.append(server.hold)
    sending = asyncio.create_task(client.bulk_events.send(events, concurrency=1))
    while not server.requests:
        await asyncio.sleep(0)
    sending.cancel()
    server.release.set()
    await asyncio.wait([sending])
    assert closed == [True]


async def test_a_source_that_await_what_was_cancelled_has_its_error_raised(
    client: AsyncSuprsend, server: Server
) -> None:
    async def source() -> AsyncIterator[Event]:
        for event in events(250):
            yield event
        await await_what_was_cancelled()

    with pytest.raises(RuntimeError, match="the source awaited something that was cancelled"):
        await client.bulk_events.send(source())
    assert sorted(numbers(server)) == list(range(250))


async def test_a_callback_that_await_what_was_cancelled_has_its_error_raised(client: AsyncSuprsend) -> None:
    source = [signed_up(1, x=float("nan")), *events(5_000)]
    with pytest.raises(RuntimeError, match="a callback awaited something that was cancelled"):
        await client.bulk_events.send(source, on_failure=await_what_was_cancelled)


async def test_a_callback_that_hangs_holds_a_cancelled_bulk_for_seconds_only(
    client: AsyncSuprsend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "DRAIN_SECONDS", 0.05)
    monkeypatch.setattr(job, "REPORT_SECONDS", 0.05)
    hanging = anyio.Event()

    async def hang(_: FailedRecord) -> None:
        hanging.set()
        await anyio.sleep(60)

    sending = asyncio.create_task(client.bulk_events.send([signed_up(1, x=float("nan"))], on_failure=hang))
    await hanging.wait()
    sending.cancel()
    with anyio.fail_after(10), pytest.raises(asyncio.CancelledError):
        await sending
