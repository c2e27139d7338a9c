"""Faults that hit some events of a bulk and not others: none may cost another event its own verdict."""

from __future__ import annotations

import asyncio
import time
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from tests.faults import http_faults, transport_faults
from tests.faults.clients import ENGINES, opened
from tests.faults.judge import Judge
from tests.faults.server import FaultServer

from suprsend_async import BulkResponse, Event, PayloadTooLarge, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.exchange import Exchange, Fault

    from suprsend_async import AsyncSuprsend


def events_of(number: int, **properties: Any) -> list[Event]:
    return [Event(f"user-{position}", "order_placed", {"number": position} | properties) for position in range(number)]


def poison() -> Event:
    return Event("user-poison", "order_placed", {"poison": True})


def judged(server: FaultServer, events: list[Event], response: BulkResponse) -> None:
    judge = Judge()
    judge.hear_bulk(events, response)
    found = judge.compare(server.ledger.entries)
    assert found.is_clean, str(found)
    assert server.complaints == []


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.mark.parametrize("engine", ENGINES)
async def test_half_accepted_then_reset(server: FaultServer, engine: str) -> None:
    events = events_of(250)
    server.script.plan(*[transport_faults.half_accepted_then_reset] * 3)
    async with opened(server.url, engine) as client:
        response = await client.bulk_events.send(events)
    assert response.success == 250
    judged(server, events, response)


async def test_half_accepted_then_reset_without_retries(server: FaultServer) -> None:
    events = events_of(250)
    server.script.always(transport_faults.half_accepted_then_reset)
    async with opened(server.url, retries=0) as client:
        response = await client.bulk_events.send(events)
    assert {record.outcome for record in response.failed_records} == {"unknown"}
    assert response.failure == 250
    judged(server, events, response)


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_fifth_of_the_answers_is_cut_off_after_the_events_were_taken(engine: str, seed: int) -> None:
    events = events_of(2200)
    cuts = [transport_faults.accepted_then_reset, transport_faults.cut_answer(0.3), transport_faults.cut_answer(0.95)]
    with FaultServer(seed=seed) as server:
        server.script.by_chance(cuts, 0.2)
        async with opened(server.url, engine, timeout=20, retries=20) as client:
            response = await client.bulk_events.send(events[:2000])
            singles = await asyncio.gather(*map(client.track_event, events[2000:]))
    assert response.success == 2000
    assert {single.outcome for single in singles} == {"accepted"}
    entries = server.ledger.entries
    assert max(entry.attempt for entry in entries) > 1
    # Each was taken once, however often it came.
    assert sorted(entry.insert_id for entry in entries if entry.accepted) == sorted(event.insert_id for event in events)


@pytest.mark.parametrize("number", [10_000, pytest.param(100_000, marks=pytest.mark.full)])
async def test_one_poison_in_many(server: FaultServer, number: int) -> None:
    events = events_of(number)
    events[4_321] = poison()
    async with opened(server.url, timeout=30) as client:
        response = await client.bulk_events.send(events)
    assert [(record.index, record.code, record.outcome) for record in response.failed_records] == [
        (4_321, 400, "rejected")
    ]
    judged(server, events, response)


async def test_all_poison(server: FaultServer) -> None:
    events = [poison() for _ in range(300)]
    async with opened(server.url) as client:
        response = await client.bulk_events.send(events)
    assert (response.status, response.failure) == ("fail", 300)
    assert {record.code for record in response.failed_records} == {400}
    assert server.requests == 3
    judged(server, events, response)


async def test_a_record_missing_before_the_others_makes_nobody_a_liar(server: FaultServer) -> None:
    # The refused event's record is left out, so that the record of the second event stands in its place.
    events = [poison(), *events_of(3)]
    server.script.always(http_faults.changed_records(lambda records: records[1:]))
    async with opened(server.url) as client:
        response = await client.bulk_events.send(events)
    judged(server, events, response)


async def test_a_record_too_many_before_the_others_makes_nobody_a_liar(server: FaultServer) -> None:
    events = [poison(), *events_of(3)]
    server.script.always(http_faults.changed_records(lambda records: [records[1], *records]))
    async with opened(server.url) as client:
        response = await client.bulk_events.send(events)
    judged(server, events, response)


async def test_only_the_records_that_may_pass_go_again(server: FaultServer) -> None:
    def every_third(position: int, number: int) -> bool:
        return position % 3 == 0

    def unavailable(records: list[Any]) -> list[Any]:
        return [record | {"status_code": 503} if record["status"] == "error" else record for record in records]

    events = events_of(90)
    server.script.plan(http_faults.changed_records(unavailable, every_third))
    async with opened(server.url) as client:
        response = await client.bulk_events.send(events)
    assert response.success == 90
    entries = server.ledger.entries
    assert len(entries) == 90 + 60
    assert sum(entry.attempt == 2 for entry in entries) == 60
    judged(server, events, response)


async def test_triggering_again_sends_what_was_not_accepted(server: FaultServer) -> None:
    events = events_of(150)
    server.script.plan(http_faults.status_document(400))
    async with opened(server.url, concurrency=1) as client:
        bulk = client.bulk_events.new_instance()
        bulk.append(*events)
        first = await bulk.trigger()
        second = await bulk.trigger()
        third = await bulk.trigger()
    assert [(one.success, one.failure) for one in (first, second, third)] == [(50, 100), (150, 0), (150, 0)]
    assert server.requests == 3
    assert [entry.attempt for entry in server.ledger.entries].count(2) == 100
    judged(server, events, third)


def sized(size: int, client: AsyncSuprsend) -> Event:
    """Make an event that is so many bytes long on the wire, most of them in characters of three bytes."""
    plain = Event("user-long", "order_placed", {"text": ""})
    missing = size - len(client.sender.kind.encode(plain))
    text = "中" * (missing // 3) + "x" * (missing % 3)
    return Event("user-long", "order_placed", {"text": text}, insert_id=plain.insert_id, time=plain.time)


LIMIT = 819_200


@pytest.mark.parametrize("engine", ENGINES)
async def test_sizes_around_the_limit(server: FaultServer, engine: str) -> None:
    async with opened(server.url, engine, timeout=5) as client:
        events = [sized(LIMIT - 100, client), sized(LIMIT, client), sized(LIMIT + 100, client), *events_of(2)]
        response = await client.bulk_events.send(events)
        assert [(record.index, record.code, record.outcome) for record in response.failed_records] == [
            (2, None, "rejected")
        ]
        assert str(LIMIT) in response.failed_records[0].error
        single = await client.track_event(sized(LIMIT, client))
        assert single.outcome == "accepted"
        with pytest.raises(ValidationError):
            await client.track_event(sized(LIMIT + 1, client))
    assert server.complaints == []
    judge = Judge()
    judge.hear_bulk(events, response)
    assert not judge.compare(server.ledger.entries).lost
    assert response.warnings


def at_most(number: int) -> Fault:
    """Refuse requests of more events than this with 413."""

    async def act(exchange: Exchange) -> None:
        body = await exchange.body()
        if body.count(b'"$insert_id"') > number:
            await http_faults.status_document(413)(exchange)
        else:
            await exchange.genuine()

    return act


async def test_a_chunk_that_is_too_large_is_split_until_it_fits(server: FaultServer) -> None:
    events = events_of(100)
    server.script.always(at_most(3))
    async with opened(server.url, retries=1) as client:
        response = await client.bulk_events.send(events)
    assert response.success == 100
    judged(server, events, response)


async def test_only_the_event_that_is_too_large_by_itself_fails(server: FaultServer) -> None:
    async def large_ones_are_refused(exchange: Exchange) -> None:
        if b"LARGE" in await exchange.body():
            await http_faults.status_document(413)(exchange)
        else:
            await exchange.genuine()

    events = events_of(100)
    events[41] = Event("user-41", "order_placed", {"text": "LARGE"})
    server.script.always(large_ones_are_refused)
    async with opened(server.url, retries=1) as client:
        response = await client.bulk_events.send(events)
    assert [(record.index, record.code, record.outcome) for record in response.failed_records] == [
        (41, 413, "rejected")
    ]
    with pytest.raises(PayloadTooLarge):
        response.raise_for_status()
    judged(server, events, response)


async def test_parts_of_a_split_chunk_have_retries_of_their_own(server: FaultServer) -> None:
    """Splitting is not a failure: a part that meets a passing fault afterwards goes again."""
    numbers = count()
    served = at_most(13)

    async def last_part_meets_a_reset(exchange: Exchange) -> None:
        await (transport_faults.accepted_then_reset if next(numbers) == 14 else served)(exchange)

    events = events_of(100)
    server.script.always(last_part_meets_a_reset)
    async with opened(server.url, retries=2) as client:
        response = await client.bulk_events.send(events)
    assert response.success == 100, response.failed_records[0].error
    judged(server, events, response)


async def test_the_wish_to_wait_is_kept_although_other_parts_still_go(server: FaultServer) -> None:
    """`Retry-After` is a floor, also for a part of a split chunk that is not the last to be answered."""
    moments: list[tuple[bool, float]] = []
    numbers = count()

    async def watched(exchange: Exchange) -> None:
        number = next(numbers)
        is_first_part = b'"user-0"' in await exchange.body()
        moments.append((is_first_part, time.monotonic()))
        if number == 0:
            await http_faults.status_document(413)(exchange)
        elif is_first_part and number <= 2:
            await http_faults.status_document(503, None, {"Retry-After": "1"})(exchange)
        else:
            await exchange.genuine()

    events = events_of(10)
    server.script.always(watched)
    async with opened(server.url, timeout=5) as client:
        response = await client.bulk_events.send(events)
    assert response.success == 10
    of_first_part = [moment for is_first_part, moment in moments[1:] if is_first_part]
    assert len(of_first_part) == 2
    assert of_first_part[1] - of_first_part[0] >= 1.0


@pytest.mark.parametrize("retry_after", ["3600", None])
async def test_a_bulk_that_is_told_to_wait_too_long_says_so(server: FaultServer, retry_after: str | None) -> None:
    events = events_of(150)
    server.script.always(http_faults.too_many(retry_after))
    # If it is told how long, it does not wait for its deadline, which would be the end of this test as well.
    async with opened(server.url, timeout=600 if retry_after else 1.0) as client:
        response = await client.bulk_events.send(events)
    # The server has seen these and said no: that it was not asked once more does not make them unsent.
    seen = {entry.insert_id for entry in server.ledger.entries}
    for record in response.failed_records:
        assert record.record is not None
        if record.record.insert_id in seen:
            # Unless the deadline came while it was asked once more.
            assert (record.outcome, record.code) in (("rejected", 429), ("unknown", None), ("unknown", 429))
    assert (retry_after is None) or response.failed_records[0].code == 429
    judged(server, events, response)


async def test_a_later_attempt_that_is_not_made_does_not_unsay_the_earlier_one(server: FaultServer) -> None:
    """The server has seen the events: "it surely never reached the server" is not true of them any more."""

    async def refuse_and_go_away(exchange: Exchange) -> None:
        await exchange.refuse()
        server.refuse_connections()
        await exchange.answer(429, http_faults.PAGE, {"Connection": "close"})
        await exchange.connection.close()

    event = Event("user-1", "order_placed")
    server.script.plan(refuse_and_go_away)
    async with opened(server.url) as client:
        response = await client.track_event(event)
    assert len(server.ledger) == 1
    assert (response.outcome, response.status_code) == ("rejected", 429)
