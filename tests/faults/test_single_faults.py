"""Faults that one call more or one look closer is needed for than the matrix takes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.faults import http_faults, transport_faults
from tests.faults.clients import ENGINES, async_client, opened
from tests.faults.judge import Judge
from tests.faults.server import HOST, FaultServer
from tests.promises import CLOSING, TOLERANCE

from suprsend_async import Event, EventResponse
from suprsend_async.transport.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.exchange import Exchange, Fault
    from tests.promises import Promised

pytestmark = pytest.mark.parametrize("engine", ENGINES)

MEBIBYTE = 1 << 20


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


def event(number: int = 1) -> Event:
    return Event(f"user-{number}", "order_placed", {"number": number})


def assert_clean(server: FaultServer, events: list[Event], responses: list[EventResponse]) -> None:
    judge = Judge()
    for one, response in zip(events, responses, strict=True):
        judge.hear_response(one, response)
    found = judge.compare(server.ledger.entries)
    assert found.is_clean, str(found)
    assert server.complaints == []


async def test_an_answer_without_end_is_not_read_to_its_end(server: FaultServer, engine: str) -> None:
    poured = 0

    async def pour(exchange: Exchange) -> None:
        nonlocal poured
        await exchange.take()
        await exchange.answer(200, b"", {"Content-Length": str(200 * MEBIBYTE)})
        while poured < 200:
            await exchange.connection.send(b" " * MEBIBYTE)
            poured += 1

    server.script.always(pour)
    async with opened(server.url, engine, retries=0, timeout=5) as client:
        assert (await client.track_event(event())).outcome == "unknown"
        after_single, poured = poured, 0
        assert (await client.bulk_events.send([event()])).failed_records[0].outcome == "unknown"
    # What was read, at most 1 MiB and 8 MiB, and what lies in the system's buffers on both sides.
    assert after_single <= 16
    assert poured <= 24


@pytest.mark.parametrize("offset", [-3600.0, 3600.0, 90.0])
async def test_the_servers_clock_is_learned_once(engine: str, offset: float) -> None:
    with FaultServer(clock_offset=offset) as server:
        server.script.always(http_faults.own_clock)
        async with opened(server.url, engine, retries=0) as client:
            events = [event(number) for number in range(3)]
            responses = [await client.track_event(one) for one in events]
            assert [response.outcome for response in responses] == ["accepted"] * 3
        # One request was refused, and no other: what was learned is kept.
        assert server.requests == 4
        assert_clean(server, events, responses)


async def test_a_clock_that_cannot_be_learned_is_not_learned_for_ever(server: FaultServer, engine: str) -> None:
    server.script.always(http_faults.status_document(401, None, {"Date": "Tue, 02 Jan 2024 03:04:05 GMT"}))
    async with opened(server.url, engine) as client:
        response = await client.track_event(event())
    assert (response.outcome, response.status_code) == ("rejected", 401)
    assert server.requests == 2


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed_and_its_target_is_told(server: FaultServer, engine: str, status: int) -> None:
    with FaultServer() as elsewhere:
        server.script.always(http_faults.redirect(status, elsewhere.url + "v2/event/"))
        async with opened(server.url, engine) as client:
            response = await client.track_event(event())
        assert elsewhere.requests == 0
    assert server.requests == 1
    assert elsewhere.url in response.message


async def test_an_answer_that_came_twice_is_not_the_next_requests_answer(server: FaultServer, engine: str) -> None:
    events = [event(1), event(2)]
    server.script.plan(transport_faults.answer_twice, transport_faults.reset_in_the_body)
    server.script.always(http_faults.status_document(400))
    async with opened(server.url, engine) as client:
        responses = [await client.track_event(one) for one in events]
    assert_clean(server, events, responses)


async def test_a_server_that_comes_up_late(engine: str) -> None:
    one = event()
    waits = 0
    with socket.socket() as bound, contextlib.ExitStack() as stack:
        bound.bind((HOST, 0))
        late = FaultServer(bound=bound)

        async def sleep(seconds: float) -> None:
            nonlocal waits
            waits += 1
            if waits == 3:
                stack.enter_context(late)
            await asyncio.sleep(seconds)

        async with opened(late.url, engine, timeout=5, retries=100) as client:
            client.sender.transport.session.clock = Clock(sleep=sleep)
            response = await client.track_event(one)
        assert (response.outcome, response.attempts) == ("accepted", 4)
        assert_clean(late, [one], [response])


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_the_wish_to_wait_is_a_floor(server: FaultServer, engine: str, form: str) -> None:
    server.script.plan(http_faults.too_many("1") if form == "seconds" else http_faults.too_many_until(2))
    async with opened(server.url, engine, timeout=5) as client:
        begin = time.monotonic()
        response = await client.track_event(event())
        seconds = time.monotonic() - begin
    assert (response.outcome, response.attempts) == ("accepted", 2)
    # A date has no fractions of a second: up to one less than was meant.
    assert seconds >= 1.0


@pytest.mark.promises
async def test_a_deadline_covers_all_attempts_and_waits(server: FaultServer, engine: str, promised: Promised) -> None:
    server.script.always(transport_faults.accepted_then_reset)
    one = event()
    async with opened(server.url, engine, timeout=0.5, retries=1000) as client:
        with promised(0.5, TOLERANCE):
            response = await client.track_event(one)
    assert response.attempts > 5
    assert_clean(server, [one], [response])


@pytest.mark.promises
@pytest.mark.parametrize("fault", [transport_faults.drip_head(1.0), transport_faults.drip_body(1.0)])
async def test_a_deadline_is_kept_under_one_byte_a_second(
    server: FaultServer, engine: str, fault: Fault, promised: Promised
) -> None:
    server.script.always(fault)
    one = event()
    async with opened(server.url, engine, timeout=5.0) as client:
        with promised(5.0, TOLERANCE):
            response = await client.track_event(one)
    assert response.outcome == "unknown"
    assert_clean(server, [one], [response])


@pytest.mark.promises
async def test_a_deadline_covers_the_wait_for_a_connection(
    server: FaultServer, engine: str, promised: Promised
) -> None:
    server.script.always(transport_faults.never_answer)
    events = [event(number) for number in range(60)]
    async with opened(server.url, engine, timeout=0.5, max_connections=10) as client:
        with promised(0.5, TOLERANCE):
            responses = await asyncio.gather(*map(client.track_event, events))
    outcomes = [response.outcome for response in responses]
    # Ten were sent, and some more with the slots that these gave back a moment before the others' own deadline.
    assert outcomes.count("unknown") >= 10
    assert outcomes.count("not_sent") >= 1
    assert outcomes.count("unknown") + outcomes.count("not_sent") == 60
    assert_clean(server, events, responses)


async def test_a_thousand_callers_wait_their_turn(server: FaultServer, engine: str) -> None:
    events = [event(number) for number in range(1000)]
    async with opened(server.url, engine, timeout=30, max_connections=50) as client:
        responses = await asyncio.gather(*map(client.track_event, events))
    assert {response.outcome for response in responses} == {"accepted"}
    assert server.accepted_connections <= 50
    assert_clean(server, events, responses)


@pytest.mark.promises
async def test_closing_under_calls_ends_in_time_and_tells_the_truth(
    server: FaultServer, engine: str, promised: Promised
) -> None:
    server.script.by_chance([transport_faults.never_answer], 0.5)
    events = [event(number) for number in range(40)]
    async with opened(server.url, engine, timeout=30, max_connections=20) as client:
        tasks = [asyncio.create_task(client.track_event(one)) for one in events]
        await asyncio.to_thread(server.wait_for_requests, 15)
        with promised(0.0, CLOSING):
            await client.aclose()
        responses = await asyncio.gather(*tasks)
    assert_clean(server, events, responses)


@pytest.mark.parametrize("fault", [transport_faults.drip_head(), transport_faults.never_answer])
async def test_calls_that_were_given_up_leave_room_for_the_next(server: FaultServer, engine: str, fault: Fault) -> None:
    """The deadline has passed for as many calls as there are connections: the next call must not pay for them."""
    server.script.always(fault)
    async with opened(server.url, engine, timeout=0.5, max_connections=20) as client:
        given_up = await asyncio.gather(*[client.track_event(event(number)) for number in range(20)])
        assert {response.outcome for response in given_up} == {"unknown"}
        server.script.clear()
        response = await client.track_event(event())
    assert response.outcome == "accepted", response.message


async def test_a_cancelled_caller_leaves_room_for_the_next(server: FaultServer, engine: str) -> None:
    server.script.always(transport_faults.never_answer)
    async with opened(server.url, engine, timeout=2.0, max_connections=20) as client:
        tasks = [asyncio.create_task(client.track_event(event(number))) for number in range(20)]
        await asyncio.to_thread(server.wait_for_requests, 20)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        server.script.clear()
        response = await client.track_event(event())
    assert response.outcome == "accepted", response.message


async def test_many_resets_leave_nothing_open(server: FaultServer, engine: str) -> None:
    server.script.by_chance(
        [transport_faults.reset_before_any_byte, transport_faults.cut_answer(0.5), transport_faults.noise], 0.7
    )
    events = [event(number) for number in range(300)]
    async with opened(server.url, engine, timeout=20, retries=50, max_connections=20) as client:
        responses = await asyncio.gather(*map(client.track_event, events))
        assert server.open_connections <= 20
    assert {response.outcome for response in responses} == {"accepted"}
    assert_clean(server, events, responses)


async def test_a_given_client_that_was_closed_says_that_nothing_was_sent(server: FaultServer, engine: str) -> None:
    if engine == "aiohttp":
        pytest.skip("only a given client can be closed by somebody else")
    given = httpx.AsyncClient()
    await given.aclose()
    async with async_client(server.url, http_client=given) as client:
        response = await client.track_event(event())
    assert response.outcome == "not_sent", response.message
    assert server.requests == 0


async def test_a_given_clients_own_settings_do_not_spoil_the_signature(server: FaultServer, engine: str) -> None:
    if engine == "aiohttp":
        pytest.skip("only a given client has settings of its own")
    headers = {"Authorization": "Basic mine", "Content-Type": "text/plain", "Date": "yesterday"}
    given = httpx.AsyncClient(
        params={"trace": "1"}, headers=headers, auth=("me", "mine"), cookies={"a": "b"}, follow_redirects=True
    )
    async with given, async_client(server.url, http_client=given) as client:
        assert (await client.track_event(event())).outcome == "accepted"
    assert server.complaints == []
