"""Answers that carry the mark of their request, and what a faulty server or proxy puts between and after them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.faults.ledger import split_array
from tests.faults.wire import answer, chunked, to_json

if TYPE_CHECKING:
    from tests.faults.exchange import Exchange


@dataclass(slots=True)
class Marked:
    """An honest answer to one request, which says whose answer it is.

    Attributes:
        status: Its status.
        body: Its body: every message id in it is the insert id of the event that it is about.
    """

    status: int
    body: bytes

    @property
    def whole(self) -> bytes:
        """The answer as it should be sent."""
        return answer(self.status, self.body)


async def marked(exchange: Exchange) -> Marked:
    """Take the events, and return the answer with their marks."""
    body = await exchange.body()
    status, document = await exchange.take()
    if await exchange.is_bulk():
        for raw, record in zip(split_array(body), document["records"], strict=True):
            record["message_id"] = json.loads(raw)["$insert_id"]
    else:
        document["message_id"] = json.loads(body)["$insert_id"]
    return Marked(status, to_json(document))


# What is sent for one request: bytes; a pause in seconds; None, which waits until the client sends more or hangs up.
Pieces = list[bytes | float | None]
Trick = Callable[[Marked], Pieces]


class Tricks:
    """Answers each request by a trick, and counts the requests after which nothing more comes by itself."""

    def __init__(self, trick: Trick) -> None:
        self.quiet = 0
        self._trick = trick

    async def fault(self, exchange: Exchange) -> None:
        """Answer a request."""
        pieces = self._trick(await marked(exchange))
        waits_at = pieces.index(None) if None in pieces else len(pieces)
        try:
            await self._send(exchange, pieces[:waits_at])
        finally:
            self.quiet += 1
        if waits_at < len(pieces):
            if await exchange.connection.wait_for_bytes():
                await self._send(exchange, pieces[waits_at + 1 :])
            exchange.connection.abort()

    @staticmethod
    async def _send(exchange: Exchange, pieces: Pieces) -> None:
        for piece in pieces:
            if isinstance(piece, bytes):
                await exchange.connection.send(piece)
            else:
                await asyncio.sleep(piece or 0.0)


def _length_of(body: bytes) -> bytes:
    return b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)


def _in_chunks(one: Marked) -> bytes:
    pieces = [one.body[:9], one.body[9:]]
    return answer(one.status, chunked(pieces), {"Transfer-Encoding": "chunked"})


def _bare(status: bytes, *fields: bytes) -> bytes:
    return b"\r\n".join([b"HTTP/1.1 " + status, *fields, b"", b""])


MILLISECOND = 0.001

TRICKS: dict[str, Trick] = {
    "copy in one write": lambda one: [one.whole * 2],
    "two copies in one write": lambda one: [one.whole * 3],
    "copy at once": lambda one: [one.whole, one.whole],
    "copy after a millisecond": lambda one: [one.whole, MILLISECOND, one.whole],
    "copy in pieces": lambda one: [
        one.whole,
        MILLISECOND,
        one.whole[:11],
        MILLISECOND,
        one.whole[11:70],
        MILLISECOND,
        one.whole[70:],
    ],
    "copy byte by byte": lambda one: [one.whole, *[one.whole[at : at + 1] for at in range(len(one.whole))]],
    "half a copy, the rest with the next request": lambda one: [
        one.whole,
        MILLISECOND,
        one.whole[:70],
        None,
        one.whole[70:],
    ],
    "the beginning of a copy in one write, the rest with the next request": lambda one: [
        one.whole + one.whole[:14],
        None,
        one.whole[14:],
    ],
    "the head of a copy in one write, its body with the next request": lambda one: [
        one.whole + one.whole.removesuffix(one.body),
        None,
        one.body,
    ],
    "a byte of a copy with the end of the answer, then a copy": lambda one: [
        one.whole[:-5],
        MILLISECOND,
        one.whole[-5:] + b"H",
        None,
        one.whole,
    ],
    "an open head, then a copy": lambda one: [one.whole + b"HTTP/1.1 200 OK\r\nX-Open: ", None, b"\r\n" + one.whole],
    "copy with the end of the answer": lambda one: [one.whole[:-5], MILLISECOND, one.whole[-5:] + one.whole],
    "chunked and a copy": lambda one: [_in_chunks(one) * 2],
    "chunked, the last chunk with a copy": lambda one: [
        _in_chunks(one).removesuffix(b"0\r\n\r\n"),
        MILLISECOND,
        b"0\r\n\r\n" + _in_chunks(one),
    ],
    "chunked with bytes behind it": lambda one: [_in_chunks(one) + b"5\r\nabcde\r\n0\r\n\r\n"],
    "chunked with a trailer and a copy": lambda one: [
        _in_chunks(one).removesuffix(b"\r\n") + b"X-Trailer: 1\r\n\r\n" + one.whole
    ],
    "length too short": lambda one: [_length_of(one.body[:-4]) + one.body],
    "length too short by what is a copy": lambda one: [_length_of(one.body) + one.body + one.whole],
    "204 with a body": lambda one: [_bare(b"204 No Content") + one.body],
    "204 with a length and a body": lambda one: [_bare(b"204 No Content", b"Content-Length: 3") + b"abc"],
    "204, then an answer": lambda one: [_bare(b"204 No Content") + one.whole],
    "204, then an answer after a millisecond": lambda one: [_bare(b"204 No Content"), MILLISECOND, one.whole],
    "202 without a body, then an answer": lambda one: [_length_of(b"") + one.whole],
    "304, then an answer": lambda one: [_bare(b"304 Not Modified", b"Content-Length: 9") + one.whole],
    "100 and a copy": lambda one: [_bare(b"100 Continue") + one.whole * 2],
    "103 and a copy": lambda one: [_bare(b"103 Early Hints") + one.whole, MILLISECOND, one.whole],
    "103 after the answer": lambda one: [one.whole, MILLISECOND, _bare(b"103 Early Hints")],
    "103 after the answer, a copy with the next request": lambda one: [
        one.whole + _bare(b"103 Early Hints"),
        None,
        one.whole,
    ],
    "101": lambda one: [_bare(b"101 Switching Protocols", b"Upgrade: echo", b"Connection: upgrade") + one.whole],
    "101 without a word": lambda one: [_bare(b"101 Switching Protocols") + one.whole],
    "HTTP/1.0, kept": lambda one: [
        answer(one.status, one.body, {"Connection": "keep-alive"}, version="HTTP/1.0"),
        MILLISECOND,
        answer(one.status, one.body, {"Connection": "keep-alive"}, version="HTTP/1.0"),
    ],
    "noise and a copy": lambda one: [one.whole, MILLISECOND, bytes(64) + one.whole],
    "blank lines and a copy": lambda one: [one.whole + b"\r\n\r\n" + one.whole],
    "a timeout that nobody asked for": lambda one: [one.whole, MILLISECOND, answer(408, b"", {"Connection": "close"})],
    "a refusal that nobody asked for": lambda one: [one.whole, MILLISECOND, answer(400, one.body)],
}
