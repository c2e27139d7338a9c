"""What goes wrong on the way: connections that break, answers that are no HTTP, answers that never end."""

from __future__ import annotations

import asyncio
import gzip
import zlib

from tests.faults.exchange import Exchange, Fault, first_half
from tests.faults.wire import HTML, answer, chunked, to_json

# The promises speak of one byte a second; the bench runs in time scaled down twentyfold.
DRIP_SECONDS = 0.05
HUGE = 200 * 1024 * 1024


async def reset_before_any_byte(exchange: Exchange) -> None:
    """Break off at the request's first byte."""
    exchange.connection.reset()


async def close_before_any_byte(exchange: Exchange) -> None:
    """End the connection in the orderly way, with nothing read: what happens when a kept connection had expired."""
    await exchange.connection.close()


async def reset_in_the_body(exchange: Exchange) -> None:
    """Break off when half of the body has come."""
    head = await exchange.head()
    await exchange.connection.read(head.length // 2)
    exchange.connection.reset()


async def accepted_then_reset(exchange: Exchange) -> None:
    """Take the events, and break off before a byte of the answer."""
    await exchange.take()
    exchange.connection.reset()


async def accepted_then_closed(exchange: Exchange) -> None:
    """Take the events, and end the connection in the orderly way without an answer."""
    await exchange.take()
    await exchange.connection.close()


async def half_accepted_then_reset(exchange: Exchange) -> None:
    """Take the first half of the events, and break off."""
    await exchange.take(first_half)
    exchange.connection.reset()


async def never_answer(exchange: Exchange) -> None:
    """Take the events and stay silent."""
    await exchange.take()
    await asyncio.Event().wait()


async def never_listen_again(exchange: Exchange) -> None:
    """Take the events, stay silent, and do not answer the client's goodbye either."""
    await exchange.take()
    exchange.connection.stop_reading()
    await asyncio.Event().wait()


async def never_read(exchange: Exchange) -> None:
    """Leave the request lying in the socket."""
    await asyncio.Event().wait()


def late_answer(seconds: float) -> Fault:
    """Take the events, and answer as it should be, but late."""

    async def act(exchange: Exchange) -> None:
        data = await exchange.genuine_answer()
        await asyncio.sleep(seconds)
        await exchange.connection.send(data)

    return act


def cut_answer(share: float) -> Fault:
    """Take the events, send a part of the answer and break off."""

    async def act(exchange: Exchange) -> None:
        data = await exchange.genuine_answer()
        await exchange.connection.send(data[: int(len(data) * share)])
        # What was sent is to arrive; the reset is to come after it.
        await asyncio.sleep(0.01)
        exchange.connection.reset()

    return act


async def answer_with_too_long_a_length(exchange: Exchange) -> None:
    """Promise more bytes than come, and end the connection."""
    status, document = await exchange.take()
    body = to_json(document)
    await exchange.answer(status, body, {"Content-Length": str(len(body) + 100)})
    await exchange.connection.close()


async def answer_with_too_short_a_length(exchange: Exchange) -> None:
    """Promise fewer bytes than come: the JSON that is read is cut, and the rest is noise."""
    status, document = await exchange.take()
    body = to_json(document)
    await exchange.answer(status, body, {"Content-Length": str(max(0, len(body) - 10))})


async def broken_chunk_size(exchange: Exchange) -> None:
    """Send a chunk whose size is no number."""
    status, document = await exchange.take()
    body = b"zz\r\n" + to_json(document) + b"\r\n0\r\n\r\n"
    await exchange.answer(status, body, {"Transfer-Encoding": "chunked"})
    await exchange.connection.close()


async def chunks_without_end(exchange: Exchange) -> None:
    """Send the whole body in chunks, and end the connection without the last, empty chunk."""
    status, document = await exchange.take()
    body = chunked([to_json(document)]).removesuffix(b"0\r\n\r\n")
    await exchange.answer(status, body, {"Transfer-Encoding": "chunked"})
    await exchange.connection.close()


async def good_chunks(exchange: Exchange) -> None:
    """Answer in chunks as it should be done."""
    status, document = await exchange.take()
    body = to_json(document)
    await exchange.answer(status, chunked([body[:7], body[7:]]), {"Transfer-Encoding": "chunked"})


async def connection_close(exchange: Exchange) -> None:
    """Answer, announce the connection's end and end it."""
    status, document = await exchange.take()
    await exchange.answer(status, document, {"Connection": "close"})
    await exchange.connection.close()


async def silent_close(exchange: Exchange) -> None:
    """Answer as if the connection were kept, and end it."""
    await exchange.genuine()
    await exchange.connection.close()


def drip_head(seconds: float = DRIP_SECONDS) -> Fault:
    """Take the events, and answer one byte at a time from the first."""

    async def act(exchange: Exchange) -> None:
        await exchange.connection.drip(await exchange.genuine_answer(), seconds)

    return act


def drip_body(seconds: float = DRIP_SECONDS) -> Fault:
    """Take the events, send the answer's head at once and its body one byte at a time."""

    async def act(exchange: Exchange) -> None:
        head, _, body = (await exchange.genuine_answer()).partition(b"\r\n\r\n")
        await exchange.connection.send(head + b"\r\n\r\n")
        await exchange.connection.drip(body, seconds)

    return act


async def http_1_0(exchange: Exchange) -> None:
    """Answer in HTTP/1.0, where the connection's end is the body's."""
    status, document = await exchange.take()
    await exchange.connection.send(b"HTTP/1.0 %d OK\r\nContent-Type: application/json\r\n\r\n" % status)
    await exchange.connection.send(to_json(document))
    await exchange.connection.close()


async def noise(exchange: Exchange) -> None:
    """Take the events, and answer with what is no HTTP."""
    await exchange.take()
    await exchange.connection.send(b"\x15\x03\x01\x00\x02\x02\x0a" * 20 + b"\r\n\r\n")
    await exchange.connection.close()


async def head_of_a_megabyte(exchange: Exchange) -> None:
    """Take the events, and answer with one endless header line."""
    await exchange.take()
    await exchange.connection.send(b"HTTP/1.1 202 Accepted\r\nX-Long: " + b"a" * (1 << 20) + b"\r\n\r\n")
    await exchange.connection.close()


async def _pour(exchange: Exchange, head: dict[str, str], piece: bytes, times: int) -> None:
    await exchange.take()
    await exchange.connection.send(answer(200, b"", head))
    for _ in range(times):
        await exchange.connection.send(piece)


async def huge_answer(exchange: Exchange) -> None:
    """Take the events, and answer with 200 MB."""
    piece = b" " * (1 << 20)
    await _pour(exchange, {"Content-Length": str(HUGE)}, piece, HUGE // len(piece))


async def endless_answer(exchange: Exchange) -> None:
    """Take the events, and answer with 200 MB in chunks, of unknown length."""
    piece = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
    await _pour(exchange, {"Transfer-Encoding": "chunked"}, piece, HUGE >> 20)


_BOMB = gzip.compress(bytes(HUGE), 9)


async def compressed_bomb(exchange: Exchange) -> None:
    """Take the events, and answer with 200 KB that inflate to 200 MB."""
    await exchange.take()
    await exchange.answer(200, _BOMB, {"Content-Encoding": "gzip"})


async def gzip_answer(exchange: Exchange) -> None:
    """Answer as it should be, in a content coding that nobody asked for."""
    status, document = await exchange.take()
    await exchange.answer(status, gzip.compress(to_json(document)), {"Content-Encoding": "gzip"})


def headed(fields: dict[str, str]) -> Fault:
    """Answer as it should be, under a head to which somebody on the way has added."""

    async def act(exchange: Exchange) -> None:
        status, document = await exchange.take()
        await exchange.answer(status, document, fields)

    return act


async def raw_deflate_answer(exchange: Exchange) -> None:
    """Answer as it should be, compressed without the frame that the standard asks for."""
    status, document = await exchange.take()
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    body = compressor.compress(to_json(document)) + compressor.flush()
    await exchange.answer(status, body, {"Content-Encoding": "deflate"})


async def switched_protocols(exchange: Exchange) -> None:
    """Take the events, and end with an interim answer."""
    await exchange.take()
    await exchange.connection.send(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
    await exchange.connection.close()


async def early_hints(exchange: Exchange) -> None:
    """Send an interim answer before the real one."""
    await exchange.connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
    await exchange.genuine()


async def refused_unread(exchange: Exchange) -> None:
    """Answer 413 after the head, never read the body, and take one's time to end the connection."""
    await exchange.head()
    await exchange.answer(413, b"<html>too large</html>", {"Content-Type": HTML, "Connection": "close"})
    await asyncio.Event().wait()


async def answer_twice(exchange: Exchange) -> None:
    """Answer, and send the same answer once more, as the beginning of the next one's."""
    data = await exchange.genuine_answer()
    await exchange.connection.send(data + data)
