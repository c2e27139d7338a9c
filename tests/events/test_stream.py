"""`bulk_events.stream`: a result for each event of the source, as it is known."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async import AsyncSuprsend, Event, RecordResult

if TYPE_CHECKING:
    from tests.conftest import Server


def events(count: int) -> Iterator[Event]:
    return (Event(f"user-{number}", "signed_up", {"n": number}) for number in range(count))


async def test_one_result_for_each_event(client: AsyncSuprsend, server: Server) -> None:
    source: list[Any] = [*events(250), "no event", Event("user", "signed_up", {"x": float("nan")})]
    results = [record async for record in client.bulk_events.stream(source)]
    assert sorted(record.index for record in results) == list(range(252))
    good = RecordResult(index=0, success=True, status_code=202, message_id="m", error=None, outcome="accepted")
    assert next(record for record in results if record.index == 0) == good
    assert {record.index: record.outcome for record in results if not record.success} == {
        250: "rejected",
        251: "rejected",
    }


async def test_an_endless_source_can_be_left(client: AsyncSuprsend, server: Server) -> None:
    taken = []
    source = (Event(f"user-{number}", "signed_up") for number in itertools.count())
    before = asyncio.all_tasks()
    async with aclosing(client.bulk_events.stream(source, concurrency=2)) as records:
        async for record in records:
            taken.append(record.index)
            if len(taken) == 500:
                break
    requests = len(server.requests)
    assert asyncio.all_tasks() == before
    assert requests <= 5 + 2 * 2 + 1
    assert await client.track_event(Event("user", "still_works"))
    assert len(server.requests) == requests + 1


async def test_nothing_is_sent_far_ahead_of_a_slow_taker(client: AsyncSuprsend, server: Server) -> None:
    read = 0

    def source() -> Iterator[Event]:
        nonlocal read
        for event in events(3_000):
            read += 1
            yield event

    taken = 0
    async with aclosing(client.bulk_events.stream(source(), concurrency=2)) as records:
        async for _ in records:
            taken += 1
            if taken % 50 == 0:
                for _ in range(20):
                    await asyncio.sleep(0)
            # Two chunks in flight, one finished and waiting here, one waiting to be sent, one being taken.
            assert read <= taken + (2 + 3) * 100
    assert taken == 3_000


async def test_the_sources_error_comes_after_the_last_result(client: AsyncSuprsend) -> None:
    async def source() -> AsyncIterator[Event]:
        for event in events(120):
            yield event
        raise LookupError("row 120")

    taken: list[int] = []

    async def take() -> None:
        async for record in client.bulk_events.stream(source()):
            taken.append(record.index)  # noqa: PERF401 - what came before the error is kept

    with pytest.raises(LookupError, match="row 120"):
        await take()
    assert sorted(taken) == list(range(120))


async def test_a_source_that_is_closed_early_is_simply_shorter(client: AsyncSuprsend) -> None:
    async def source() -> AsyncIterator[Event]:
        for event in events(10):
            yield event

    generator = source()
    await anext(generator)
    await generator.aclose()
    assert [record async for record in client.bulk_events.stream(generator)] == []


async def test_failures_are_told_besides(client: AsyncSuprsend) -> None:
    told: list[int] = []
    source: list[Any] = [1, *events(3), 2]
    results = [
        record
        async for record in client.bulk_events.stream(source, on_failure=lambda record: told.append(record.index))
    ]
    assert len(results) == 5
    assert told == [0, 4]
