"""A whole answer counts, whatever bytes come right behind it; nothing else comes over its connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from tests.faults.framing import Marked, Pieces, marked
from tests.faults.own_answers import ENGINES, check, opened
from tests.faults.server import FaultServer
from tests.faults.wire import answer, chunked

from suprsend_async import ConnectionFailed, Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.exchange import Exchange

BEHIND: dict[str, bytes | None] = {
    "a copy": None,
    "NUL": b"\0",
    "a page": b"<html></html>",
    "the end of chunks": b"0\r\n\r\n",
    "a refusal": answer(408, b"", {"Connection": "close"}),
    "half a head": b"HTTP/1.1 2",
}
HEADERS = {"kept": {"Connection": "keep-alive"}, "to be closed": {"Connection": "close"}}


def _in_one_write(whole: bytes, body: bytes, behind: bytes) -> Pieces:
    return [whole + behind]


def _after_103(whole: bytes, body: bytes, behind: bytes) -> Pieces:
    return [b"HTTP/1.1 103 Early Hints\r\n\r\n" + whole + behind]


def _after_103_and_a_moment(whole: bytes, body: bytes, behind: bytes) -> Pieces:
    return [b"HTTP/1.1 103 Early Hints\r\n\r\n", 0.003, whole + behind]


def _head_in_two(whole: bytes, body: bytes, behind: bytes) -> Pieces:
    return [whole[:20], 0.003, whole[20:] + behind]


def _head_and_body(whole: bytes, body: bytes, behind: bytes) -> Pieces:
    return [whole.removesuffix(body), 0.003, body + behind]


def _body_in_two(whole: bytes, body: bytes, behind: bytes) -> Pieces:
    return [whole[:-5], 0.003, whole[-5:] + behind]


WRITES = [_in_one_write, _after_103, _after_103_and_a_moment, _head_in_two, _head_and_body, _body_in_two]


class Talkative:
    """Answers each request with something behind the answer."""

    def __init__(
        self,
        headers: dict[str, str],
        behind: bytes | None,
        write: Callable[[bytes, bytes, bytes], Pieces] = _in_one_write,
    ) -> None:
        self._headers = headers
        self._behind = behind
        self._write = write

    async def fault(self, exchange: Exchange) -> None:
        """Answer a request."""
        one = await marked(exchange)
        whole, body = self._answer(one)
        for piece in self._write(whole, body, whole if self._behind is None else self._behind):
            if isinstance(piece, bytes):
                await exchange.connection.send(piece)
            else:
                # The client is given the time to read; it is no matter if it does not.
                await asyncio.sleep(piece or 0.0)
        await exchange.connection.wait_for_bytes()
        exchange.connection.abort()

    def _answer(self, one: Marked) -> tuple[bytes, bytes]:
        return answer(one.status, one.body, self._headers), one.body


class InChunks(Talkative):
    """Does the same in chunks."""

    def _answer(self, one: Marked) -> tuple[bytes, bytes]:
        body = chunked([one.body[:9], one.body[9:]])
        return answer(one.status, body, self._headers | {"Transfer-Encoding": "chunked"}), body


async def _is_accepted_at_once(engine: str, talkative: Talkative) -> None:
    events = [Event(f"user-{number}", "order_placed") for number in range(2)]
    with FaultServer() as server:
        server.script.always(talkative.fault)
        async with opened(server.url, engine) as client:
            responses = [await client.track_event(event) for event in events]
            results = [result async for result in client.bulk_events.stream(events)]
    assert [(response.outcome, response.attempts) for response in responses] == [("accepted", 1)] * 2
    assert [result.outcome for result in results] == ["accepted"] * 2
    assert (server.requests, server.accepted_connections) == (3, 3)
    check(server, list(zip(events, responses, strict=True)))


@pytest.mark.parametrize("behind", BEHIND.values(), ids=BEHIND)
@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("kind", [Talkative, InChunks])
@pytest.mark.parametrize("engine", ENGINES)
async def test_a_yes_with_bytes_behind_it_counts_at_once(
    engine: str, kind: type[Talkative], headers: dict[str, str], behind: bytes | None
) -> None:
    await _is_accepted_at_once(engine, kind(headers, behind))


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("kind", [Talkative, InChunks])
@pytest.mark.parametrize("engine", ["default", "given aiohttp"])
async def test_it_counts_in_whatever_pieces_it_comes(
    engine: str, kind: type[Talkative], headers: dict[str, str], write: Callable[[bytes, bytes, bytes], Pieces]
) -> None:
    await _is_accepted_at_once(engine, kind(headers, b"\0", write))


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("engine", ENGINES)
async def test_a_refusal_with_bytes_behind_it_counts_at_once(engine: str, headers: dict[str, str]) -> None:
    async def refuse(exchange: Exchange) -> None:
        await exchange.refuse()
        await exchange.connection.send(answer(400, b'{"code": 400, "message": "no"}', headers) + b"\0")
        await exchange.connection.wait_for_bytes()

    with FaultServer() as server:
        server.script.always(refuse)
        async with opened(server.url, engine) as client:
            response = await client.track_event(Event("user-1", "order_placed"))
    assert (response.outcome, response.message, response.attempts) == ("rejected", "no", 1)


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("engine", ["default", "given aiohttp"])
async def test_a_body_that_is_cut_off_is_no_whole_answer(engine: str, headers: dict[str, str]) -> None:
    async def break_off(exchange: Exchange) -> None:
        await exchange.refuse()
        fields = headers | {"Transfer-Encoding": "chunked"}
        await exchange.connection.send(answer(202, b'2\r\n{"\r\nnone\r\n', fields))
        await exchange.connection.wait_for_bytes()

    with FaultServer() as server:
        server.script.always(break_off)
        async with opened(server.url, engine, retries=0) as client:
            response = await client.track_event(Event("user-1", "order_placed"))
    assert (response.outcome, response.attempts) == ("unknown", 1)


EMPTY = {
    "length 0": answer(202, b""),
    "length 0, to be closed": answer(202, b"", {"Connection": "close"}),
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "no chunk": answer(202, b"0\r\n\r\n", {"Transfer-Encoding": "chunked"}),
}


@pytest.mark.parametrize("empty", EMPTY.values(), ids=EMPTY)
@pytest.mark.parametrize("engine", ["default", "given aiohttp"])
async def test_an_answer_without_a_body_does_not_count_if_bytes_are_behind_it(engine: str, empty: bytes) -> None:
    """They may be its body, whatever its head says of a length."""

    async def refuse(exchange: Exchange) -> None:
        await exchange.refuse()
        await exchange.connection.send(empty + b'{"status": "fail", "message": "no such user"}')
        await exchange.connection.wait_for_bytes()

    with FaultServer() as server:
        server.script.always(refuse)
        async with opened(server.url, engine, retries=0) as client:
            response = await client.track_event(Event("user-1", "order_placed"))
            with pytest.raises(ConnectionFailed) as raised:
                await client.users.delete("user-1")
    assert (response.outcome, response.attempts) == ("unknown", 1)
    assert raised.value.outcome == "unknown"


@pytest.mark.parametrize("kind", [Talkative, InChunks])
@pytest.mark.parametrize("engine", ["default", "given aiohttp"])
async def test_a_line_may_end_with_a_line_feed_alone(engine: str, kind: type[Talkative]) -> None:
    def in_bare_lines(whole: bytes, body: bytes, behind: bytes) -> Pieces:
        return [whole.removesuffix(body).replace(b"\r\n", b"\n") + body + behind]

    await _is_accepted_at_once(engine, kind({}, b"\0", in_bare_lines))
