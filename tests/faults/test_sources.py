"""Faults of what a bulk is read from and told to: sources that raise, block or never end, and slow takers."""

from __future__ import annotations

import asyncio
import contextlib
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from tests.faults import http_faults, transport_faults
from tests.faults.clients import opened
from tests.faults.judge import Judge
from tests.faults.server import FaultServer
from tests.promises import CLOSING

from suprsend_async import ConfigurationError, Event, FailedRecord, Progress, RecordResult

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.faults.judge import Judgement
    from tests.promises import Promised

CHUNK = 100


class SourceError(Exception):
    """What a source of these tests raises."""


class Source:
    """Yields events, and remembers which and whether it was closed.

    Args:
        length: How many; None for no end.
        fails_at: Raise before yielding the event of this number.
        blocks_at: Wait for ever before yielding the event of this number; for asynchronous reading only.
    """

    def __init__(self, length: int | None = None, fails_at: int | None = None, blocks_at: int | None = None) -> None:
        self.events: list[Event] = []
        self.is_closed = False
        self._length = length
        self._fails_at = fails_at
        self._blocks_at = blocks_at

    def __iter__(self) -> Iterator[Event]:
        try:
            for number in count():
                if number == self._length:
                    return
                if number == self._fails_at:
                    raise SourceError(f"at {number}")
                self.events.append(Event(f"user-{number % 7}", "order_placed", {"number": number}))
                yield self.events[-1]
        finally:
            self.is_closed = True

    async def slowly(self) -> AsyncIterator[Event]:
        """Yield the same, letting others run in between."""
        with contextlib.closing(iter(self)) as events:
            for number, event in enumerate(events):
                if number == self._blocks_at:
                    await asyncio.Event().wait()
                if number % 10 == 0:
                    await asyncio.sleep(0)
                yield event

    def read(self, kind: str) -> Any:
        """Return it as a source of this kind: "plain" or "async"."""
        return iter(self) if kind == "plain" else self.slowly()


KINDS = ("plain", "async")


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.fixture(autouse=True)
async def nothing_left_behind() -> AsyncIterator[None]:
    """Each of these tests leaves no task of the SDK's on the loop."""
    before = asyncio.all_tasks()
    yield
    # Cancelled tasks need one more turn of the loop to be gone.
    await asyncio.sleep(0)
    assert asyncio.all_tasks() - before - {asyncio.current_task()} == set()


def compared(server: FaultServer, judge: Judge) -> Judgement:
    assert server.complaints == []
    return judge.compare(server.ledger.entries)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fails_at", [0, 1, 99, 100, 101, 1234])
async def test_what_was_read_before_the_source_raised_is_sent(server: FaultServer, kind: str, fails_at: int) -> None:
    source = Source(fails_at=fails_at)
    async with opened(server.url) as client:
        with pytest.raises(SourceError, match=str(fails_at)):
            await client.bulk_events.send(source.read(kind))
    assert len(source.events) == fails_at
    assert {entry.insert_id for entry in server.ledger.entries} == {event.insert_id for event in source.events}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stream_tells_all_before_it_raises_what_the_source_raised(server: FaultServer, kind: str) -> None:
    source = Source(fails_at=567)
    results: list[RecordResult] = []

    async def take_all(stream: AsyncIterator[RecordResult]) -> None:
        async for result in stream:
            results.append(result)  # noqa: PERF401 - a comprehension would be lost with the exception

    server.script.plan(transport_faults.accepted_then_reset)
    async with opened(server.url) as client:
        with pytest.raises(SourceError):
            await take_all(client.bulk_events.stream(source.read(kind)))
    judge = Judge()
    judge.hear_stream(source.events, results)
    assert compared(server, judge).is_clean
    assert len(results) == 567


@pytest.mark.parametrize("kind", KINDS)
async def test_an_empty_source(server: FaultServer, kind: str) -> None:
    async with opened(server.url) as client:
        response = await client.bulk_events.send(Source(0).read(kind))
        assert (response.status, response.total) == ("success", 0)
        assert [result async for result in client.bulk_events.stream(Source(0).read(kind))] == []
        assert (await client.bulk_events.new_instance().trigger()).total == 0
    assert server.requests == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_no_event_fails_alone(server: FaultServer, kind: str) -> None:
    good = list(Source(5))
    mixed: list[Any] = [*good[:2], None, "event", *good[2:], {"event": "x"}]

    async def slowly() -> AsyncIterator[Any]:
        for item in mixed:
            yield item

    async with opened(server.url) as client:
        response = await client.bulk_events.send(mixed if kind == "plain" else slowly())
    assert (response.success, [record.index for record in response.failed_records]) == (5, [2, 3, 7])
    assert {record.outcome for record in response.failed_records} == {"rejected"}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stream_that_is_left_early_stops_an_endless_source(server: FaultServer, kind: str) -> None:
    source = Source()
    results: list[RecordResult] = []
    async with opened(server.url, concurrency=4) as client:
        async with contextlib.aclosing(client.bulk_events.stream(source.read(kind))) as stream:
            async for result in stream:
                results.append(result)
                if len(results) == 250:
                    break
        assert (await client.track_event(Event("user-1", "still_alive"))).success
    judge = Judge()
    judge.hear_stream(source.events, results, partly=True)
    judge.hear(Event("user-1", "still_alive"), None)
    found = compared(server, judge)
    assert (found.lost, found.ghost, found.double, found.unclear) == ([], [], [], [])
    # Not further ahead than promised, and one chunk's results that lay ready.
    assert len(source.events) <= 250 + (4 + 3) * CHUNK


async def test_the_source_is_closed_when_the_stream_is_left(server: FaultServer) -> None:
    source = Source()
    async with opened(server.url) as client:
        async with contextlib.aclosing(client.bulk_events.stream(source.slowly())) as stream:
            async for _ in stream:
                break
        assert source.is_closed


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_slow_taker_holds_the_source_back(server: FaultServer, kind: str, concurrency: int) -> None:
    source = Source(3000)
    taken = 0
    furthest = 0
    async with opened(server.url) as client:
        async for _ in client.bulk_events.stream(source.read(kind), concurrency=concurrency):
            taken += 1
            if taken % CHUNK == 1:
                # Everything that can go on without the taker goes on.
                for _ in range(20):
                    await asyncio.sleep(0.001)
            furthest = max(furthest, len(source.events) - taken)
    assert taken == 3000
    # In flight, waiting to be sent, being read; and the results that lie ready with those being handed over.
    assert furthest <= (concurrency + 3) * CHUNK


async def test_a_slow_sink_for_failures_holds_the_source_back(server: FaultServer) -> None:
    source = Source(2000)
    told: list[FailedRecord] = []
    furthest = 0

    async def sink(record: FailedRecord) -> None:
        nonlocal furthest
        if record.index % CHUNK == 0:
            await asyncio.sleep(0.005)
        told.append(record)
        furthest = max(furthest, len(source.events) - len(told))

    server.script.always(http_faults.status_document(400))
    async with opened(server.url) as client:
        response = await client.bulk_events.send(source, concurrency=2, on_failure=sink)
    assert response.failure == 2000
    assert sorted(record.index for record in told) == list(range(2000))
    assert len(response.failed_records) == 1000
    assert furthest <= (2 + 2) * CHUNK


@pytest.mark.parametrize("kind", KINDS)
async def test_a_cancelled_bulk_ends_soon_and_reports_what_was_in_flight(server: FaultServer, kind: str) -> None:
    source = Source()
    told: list[FailedRecord] = []
    async with opened(server.url, concurrency=3) as client:
        task = asyncio.create_task(client.bulk_events.send(source.read(kind), on_failure=told.append))
        await asyncio.to_thread(server.wait_for_requests, 5)
        server.script.always(transport_faults.never_answer)
        await asyncio.to_thread(server.wait_for_requests, server.requests + 3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        server.script.clear()
        assert (await client.track_event(Event("user-1", "still_alive"))).success
    judge = Judge()
    for event in source.events:
        outcome = next((record.outcome for record in told if record.record is event), None)
        judge.hear(event, outcome)
    found = compared(server, judge)
    assert (found.ghost, found.double, found.altered) == ([], [], [])
    assert "unknown" in {record.outcome for record in told}


async def test_a_source_that_blocks_for_ever_can_be_cancelled(server: FaultServer) -> None:
    source = Source(blocks_at=150)
    async with opened(server.url) as client:
        task = asyncio.create_task(client.bulk_events.send(source.slowly()))
        await asyncio.to_thread(server.wait_for_requests, 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.promises
async def test_closing_the_client_under_a_bulk_ends_in_time_and_tells_the_truth(
    server: FaultServer, promised: Promised
) -> None:
    source = Source(5000)
    server.script.by_chance([transport_faults.never_answer], 0.2)
    async with opened(server.url, timeout=30) as client:
        task = asyncio.create_task(client.bulk_events.send(source))
        await asyncio.to_thread(server.wait_for_requests, 5)
        with promised(0.0, CLOSING):
            await client.aclose()
        judge = Judge()
        try:
            judge.hear_bulk(source.events, await task)
        except ConfigurationError:
            for event in source.events:
                judge.hear(event, None)
    assert compared(server, judge).is_clean


async def test_a_bulk_on_a_closed_client_raises_the_packages_own_error(server: FaultServer) -> None:
    events = list(Source(5))
    async with opened(server.url) as client:
        bulk = client.bulk_events.new_instance()
        bulk.append(*events)
    with pytest.raises(ConfigurationError):
        await client.track_event(events[0])
    with pytest.raises(ConfigurationError):
        await bulk.trigger()
    with pytest.raises(ConfigurationError):
        await client.bulk_events.send(events)
    with pytest.raises(ConfigurationError):
        _ = [result async for result in client.bulk_events.stream(events)]


@pytest.mark.parametrize("callback", ["on_progress", "on_failure"])
async def test_what_a_callback_raises_is_raised_and_nothing_hangs(server: FaultServer, callback: str) -> None:
    def broken(told: Progress | FailedRecord) -> None:
        raise SourceError("in a callback")

    server.script.always(http_faults.status_document(400))
    async with opened(server.url) as client:
        with pytest.raises(SourceError, match="in a callback"):
            await client.bulk_events.send(Source(1000), **{callback: broken})


async def test_the_events_of_one_user_are_taken_in_their_order(server: FaultServer) -> None:
    server.script.by_chance(
        [transport_faults.accepted_then_reset, http_faults.status_page(503), transport_faults.half_accepted_then_reset],
        0.3,
    )
    source = Source(3000)
    async with opened(server.url, timeout=20, retries=20) as client:
        response = await client.bulk_events.send(source, ordered=True)
    assert response.success == 3000
    number_of = {event.insert_id: event.properties["number"] for event in source.events}
    user_of = {event.insert_id: event.distinct_id for event in source.events}
    by_user: dict[str, list[int]] = {}
    for entry in server.ledger.entries:
        if entry.accepted:
            by_user.setdefault(user_of[entry.insert_id], []).append(number_of[entry.insert_id])
    assert len(by_user) == 7
    for numbers in by_user.values():
        assert numbers == sorted(numbers)
