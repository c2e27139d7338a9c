"""Something in between answers first; what the platform says late is no answer to the next request."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import pytest
from httpx_aiohttp import HttpxAiohttpClient
from tests.faults.clients import TLS, async_client
from tests.faults.framing import Trick, Tricks
from tests.faults.judge import Judge
from tests.faults.server import FaultServer
from tests.faults.wire import answer, dated_now, to_json

from suprsend_async import AsyncSuprsend, Event, EventResponse, TransportError
from suprsend_async.transport.copies import Copies

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from tests.faults.exchange import Exchange

    from suprsend_async.transport.request import Method

ENGINES = ("default", "given aiohttp", "httpx")
MILLISECOND = 0.001

# What is no answer of the platform's: the connection may bring that later.
IN_BETWEEN = {
    "202 without a body": answer(202, b""),
    "202 of blanks": answer(202, b"\r\n \r\n"),
    "200 that says OK": answer(200, b"OK"),
    "200 and a page": answer(200, b"<html>please wait</html>", {"Content-Type": "text/html"}),
    "200 with an empty object": answer(200, b"{}"),
    "a yes without an id": answer(202, b'{"status": "success"}'),
    "204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "302": answer(302, b"", {"Location": "/login"}),
    "304": b"HTTP/1.1 304 Not Modified\r\n\r\n",
    "401 without a body": answer(401, b""),
    "403 and a page": answer(403, b"<html>forbidden</html>", {"Content-Type": "text/html"}),
    "404 with an empty object": answer(404, b"{}"),
    "408": answer(408, b""),
    "500 in a gateway's form": answer(500, b'{"message": "upstream"}'),
    "502 in the platform's form": answer(502, b'{"status": "error", "error": {"message": "bad gateway"}}'),
    "503 without a body": answer(503, b""),
    "504 and a page": answer(504, b"<html>too late</html>", {"Content-Type": "text/html"}),
    "no gzip": answer(202, b"\x1f\x8b\x08broken", {"Content-Encoding": "gzip"}),
    "a bulk's yes": answer(
        207, to_json({"status": "success", "records": [{"status": "success", "message_id": "m-1"}]})
    ),
}
# To a bulk no more is one, either.
IN_BETWEEN_OF_BULKS = IN_BETWEEN | {
    "an event's yes": answer(202, b'{"status": "success", "message_id": "11111111-2222-3333-4444-555555555555"}'),
    "no records": answer(207, b'{"status": "success", "records": []}'),
}
# Genuine refusals, which may be many.
GENUINE = {
    "400": (400, {"status": "fail", "message": "distinct_id: missing"}),
    "401 as text": (401, "Not Authenticated"),
    "404": (404, {"status": "error", "error": {"message": "workflow not found", "type": "not_found"}}),
    "409": (409, {"code": 409, "message": "duplicate key"}),
    "422 by field": (422, {"code": 422, "detail": {"properties": ["too long"]}}),
    "429": (429, {"code": 429, "message": "slow down"}),
    "503": (503, {"status": "error", "error": {"message": "datacache failure", "type": "unavailable"}}),
}


@contextlib.asynccontextmanager
async def opened(url: str, engine: str, **options: int) -> AsyncGenerator[AsyncSuprsend]:
    """Give a client over an engine."""
    async with contextlib.AsyncExitStack() as stack:
        given: httpx.AsyncClient | None = None
        if engine != "default":
            kind = httpx.AsyncClient if engine == "httpx" else HttpxAiohttpClient
            given = await stack.enter_async_context(kind(verify=TLS, trust_env=False))
        yield await stack.enter_async_context(async_client(url, timeout=20.0, http_client=given, **options))


def check(server: FaultServer, said: list[tuple[Event, EventResponse]]) -> None:
    """Check that no call was given the answer to another, and that none was accepted that did not arrive.

    A refusal may be false here: what stands in between has made it.
    """
    judge = Judge()
    for event, response in said:
        judge.hear_response(event, response)
    assert [response for event, response in said if response.message_id not in (None, event.insert_id)] == []
    assert judge.compare(server.ledger.entries).lost == []
    assert server.complaints == []


def late(first: bytes) -> Trick:
    """Answer so, and with the platform's own answer as soon as the connection is used again."""
    first = dated_now(first)
    return lambda one: [first, None, one.whole]


def late_in_two(first: bytes) -> Trick:
    """Do the same, with the end of the first answer a moment after its beginning."""
    first = dated_now(first)
    return lambda one: [first[:-1], MILLISECOND, first[-1:], None, one.whole]


def answers(server: FaultServer, trick: Trick, count: int) -> None:
    """Let so many requests run into a trick, and the others have their own answers."""
    server.script.plan(*[Tricks(trick).fault] * count)
    server.script.always(Tricks(lambda one: [one.whole]).fault)


@pytest.mark.parametrize("first", IN_BETWEEN.values(), ids=IN_BETWEEN)
@pytest.mark.parametrize("engine", ENGINES)
async def test_the_next_call_is_not_given_the_platforms_late_answer(engine: str, first: bytes) -> None:
    with FaultServer() as server:
        answers(server, late(first), 2)
        async with opened(server.url, engine) as client:
            events = [Event(f"user-{number}", "order_placed") for number in range(4)]
            said = [(event, await client.track_event(event)) for event in events]
    check(server, said)


@pytest.mark.parametrize("trick", [late, late_in_two])
@pytest.mark.parametrize("first", IN_BETWEEN.values(), ids=IN_BETWEEN)
@pytest.mark.parametrize("engine", ENGINES)
async def test_nor_is_any_of_several_calls(engine: str, first: bytes, trick: Callable[[bytes], Trick]) -> None:
    with FaultServer() as server:
        answers(server, trick(first), 12)
        async with opened(server.url, engine, max_connections=4) as client:
            events = [Event(f"user-{number}", "order_placed") for number in range(24)]
            responses = await asyncio.gather(*map(client.track_event, events))
    check(server, list(zip(events, responses, strict=True)))


@pytest.mark.parametrize("first", IN_BETWEEN_OF_BULKS.values(), ids=IN_BETWEEN_OF_BULKS)
@pytest.mark.parametrize("engine", ENGINES)
async def test_nor_is_a_bulk(engine: str, first: bytes) -> None:
    events = [Event(f"user-{number}", "order_placed") for number in range(400)]
    judge = Judge()
    with FaultServer() as server:
        answers(server, late(first), 2)
        async with opened(server.url, engine) as client:
            results = [result async for result in client.bulk_events.stream(events, concurrency=2)]
    judge.hear_stream(events, results)
    assert len(results) == len(events)
    assert [result for result in results if result.message_id not in (None, events[result.index].insert_id)] == []
    assert judge.compare(server.ledger.entries).lost == []


@pytest.mark.parametrize(
    "first", [answer(503, b"busy"), answer(400, b'{"code": 400, "message": "no"}')], ids=["not its own", "own"]
)
@pytest.mark.parametrize("engine", ["default", "given aiohttp"])
async def test_a_connection_is_not_taken_before_its_answer_was_looked_at(
    engine: str, first: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiohttp gives it back as soon as the last byte is there, a turn of the loop before the answer is read."""
    released = asyncio.Event()
    release: Callable[..., None] = aiohttp.BaseConnector._release  # pyright: ignore[reportPrivateUsage]

    def note_release(*arguments: Any, **named: Any) -> None:
        release(*arguments, **named)
        released.set()

    async def call_when_released(client: AsyncSuprsend, event: Event) -> EventResponse:
        while not released.is_set():
            await asyncio.sleep(0)
        return await client.track_event(event)

    monkeypatch.setattr(aiohttp.BaseConnector, "_release", note_release)
    with FaultServer() as server:
        server.script.plan(Tricks(lambda one: [first[:-1], MILLISECOND, first[-1:]]).fault)
        server.script.always(Tricks(lambda one: [one.whole]).fault)
        async with opened(server.url, engine, retries=0) as client:
            events = [Event("user-1", "order_placed"), Event("user-2", "order_placed")]
            calls = (client.track_event(events[0]), call_when_released(client, events[1]))
            refused, taken = await asyncio.gather(*calls)
    assert (refused.success, taken.outcome, taken.attempts) == (False, "accepted", 1)
    assert server.accepted_connections == (2 if refused.status_code == 503 else 1)


@pytest.mark.parametrize(("status", "document"), GENUINE.values(), ids=GENUINE)
@pytest.mark.parametrize("engine", ENGINES)
async def test_after_a_genuine_refusal_the_connection_is_used_again(engine: str, status: int, document: object) -> None:
    async def refuse(exchange: Exchange) -> None:
        await exchange.refuse()
        await exchange.answer(status, document)

    with FaultServer() as server:
        server.script.always(refuse)
        async with opened(server.url, engine, retries=0) as client:
            for number in range(5):
                assert (await client.track_event(Event(f"user-{number}", "order_placed"))).status_code == status
    assert (server.requests, server.accepted_connections) == (5, 1)


# Calls whose yes names no message, and what the platform says to them.
NAMELESS: dict[str, tuple[Method, str, bytes]] = {
    "an edit": ("POST", "event/", answer(202, b"OK")),
    "a user": ("POST", "v1/user/user-1/", answer(201, to_json({"distinct_id": "user-1"}))),
    "subscribers": ("POST", "v1/subscriber_list/a/subscriber/add/", answer(201, to_json({"success": True}))),
    "cancelled runs": ("POST", "v1/workflow_run/cancel/", answer(200, to_json({"execution_ids": []}))),
    "a page": ("GET", "v1/user/", answer(200, to_json({"meta": {}, "results": []}))),
    "a delete": ("DELETE", "v1/user/user-1/", b"HTTP/1.1 204 No Content\r\n\r\n"),
}


@pytest.mark.parametrize(("method", "path", "said"), NAMELESS.values(), ids=NAMELESS)
@pytest.mark.parametrize("engine", ENGINES)
async def test_a_yes_that_names_no_message_keeps_its_connection(
    engine: str, method: Method, path: str, said: bytes
) -> None:
    async def say(exchange: Exchange) -> None:
        await exchange.connection.read((await exchange.head()).length)
        await exchange.connection.send(said)

    with FaultServer() as server:
        server.script.always(say)
        async with opened(server.url, engine, retries=0) as client:
            for _ in range(5):
                with contextlib.suppress(TransportError):
                    await client.request(method, path)
    assert (server.requests, server.accepted_connections) == (5, 1)


COPIED: dict[str, tuple[Method, str]] = {
    "a record is read": ("GET", "v1/user/user-1/"),
    "a record is changed": ("PATCH", "v1/user/user-1/"),
    "a record is deleted": ("DELETE", "v1/user/user-1/"),
}


@pytest.mark.parametrize(("method", "path"), COPIED.values(), ids=COPIED)
@pytest.mark.parametrize("is_bulk", [False, True], ids=["of an event", "of a bulk"])
@pytest.mark.parametrize("engine", ENGINES)
async def test_a_late_copy_of_a_yes_is_no_answer_when(engine: str, method: Method, path: str, *, is_bulk: bool) -> None:
    if is_bulk and method == "PATCH":
        pytest.skip("a PATCH of messages is answered with records")
    record = {"distinct_id": "user-1"}

    async def say(exchange: Exchange) -> None:
        await exchange.connection.read((await exchange.head()).length)
        await exchange.answer(200, record)

    with FaultServer() as server:
        server.script.plan(Tricks(lambda one: [one.whole, None, one.whole]).fault)
        server.script.always(say)
        async with opened(server.url, engine) as client:
            event = Event("user-1", "order_placed")
            if is_bulk:
                assert (await client.bulk_events.send([event])).status == "success"
            else:
                assert (await client.track_event(event)).outcome == "accepted"
            assert await client.request(method, path, repeatable=True) == record
    assert server.accepted_connections == 2


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_copy_is_known_on_its_connection_however_much_others_said(engine: str) -> None:
    events = [Event("user-1", "order_placed"), Event("user-2", "order_placed")]
    with FaultServer() as server:
        server.script.plan(Tricks(lambda one: [one.whole, None, one.whole]).fault)
        server.script.always(Tricks(lambda one: [one.whole]).fault)
        async with opened(server.url, engine) as client:
            responses = [await client.track_event(events[0])]
            state = await client.sender.transport.session.loops.current()
            # As after so many answers on other connections.
            vars(state.engine)["_copies"] = Copies()
            responses.append(await client.track_event(events[1]))
    assert [(response.outcome, response.attempts) for response in responses] == [("accepted", 1), ("accepted", 2)]
    check(server, list(zip(events, responses, strict=True)))
