"""Answers that cannot be read, or only after unpacking: what is said of them, and whether they are asked for again."""

from __future__ import annotations

import gzip
import inspect
import json
import zlib
from typing import TYPE_CHECKING

import aiohttp
import httpx
import pytest
from aiohttp.http_exceptions import TransferEncodingError

from suprsend_async import AsyncSuprsend, Event
from suprsend_async.transport.unreadable import unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Server

    Using = Callable[..., AsyncSuprsend]

EVENT = Event("user-1", "signed_up")
YES = json.dumps({"status": "success", "message_id": "m-1"}).encode()
SECRET_VALUE = b"planted"
YES_LINE = b"HTTP/1.1 202 Accepted\r\n"
# Before 3.13.4 aiohttp counts no headers.
COUNTED = "max_headers" in inspect.signature(aiohttp.ClientSession).parameters
TOO_LARGE = {
    "endless header": YES_LINE + b"X-Trace: " + SECRET_VALUE * 200_000 + b"\r\n\r\n",
    **({"endless headers": YES_LINE + b"X-A: planted\r\n" * 50_000 + b"\r\n"} if COUNTED else {}),
}
# Each after a whole status line, so that the answer was a yes.
WRONG = {
    "lengths that differ": YES_LINE + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n" + YES,
    "a length that is none": YES_LINE + b"Content-Length: planted\r\n\r\n" + YES,
    "a line without a colon": YES_LINE + b"Session planted\r\nContent-Length: 0\r\n\r\n",
    "a name with a space": YES_LINE + b"X Session: planted\r\nContent-Length: 0\r\n\r\n",
}
NOISE = {
    "noise": b"\x00\x01\xff\xfe planted\r\n\r\n",
    "another protocol": b"SSH-2.0-planted\r\n\r\n",
    "a status that is none": b"HTTP/1.1 planted\r\n\r\n",
}


@pytest.mark.parametrize("head", [*TOO_LARGE.values(), *WRONG.values()], ids=[*TOO_LARGE, *WRONG])
async def test_an_answer_whose_head_cannot_be_read_is_told_at_once(using: Using, server: Server, head: bytes) -> None:
    """What sends such a head sends it again: a yes, with a retry for each second of the deadline."""
    server.script.append(server.last(head))
    response = await using(server.url).track_event(EVENT)
    assert (response.outcome, response.status_code, response.error_type) == ("unknown", None, "connection_failed")
    assert response.message.startswith("the answer cannot be read: ")
    if head in TOO_LARGE.values():
        assert response.message == "the answer cannot be read: its head is too large"
    assert (len(server.requests), response.attempts, response.retryable) == (1, 1, True)
    assert "plan" not in response.message
    assert "400" not in response.message
    assert response.message.isprintable()


@pytest.mark.parametrize("head", NOISE.values(), ids=NOISE)
async def test_what_is_no_answer_is_asked_again(using: Using, server: Server, head: bytes) -> None:
    server.script.extend([server.last(head)] * 2)
    response = await using(server.url, max_retries=0).track_event(EVENT)
    assert (response.outcome, response.status_code, response.error_type) == ("unknown", None, "connection_failed")
    assert response.message.startswith("the answer cannot be read: ")
    assert "plan" not in response.message
    assert response.message.isprintable()
    response = await using(server.url, max_retries=1).track_event(EVENT)
    assert (response.outcome, response.attempts) == ("accepted", 2)


async def test_another_protocol_that_nobody_asked_for_is_asked_again(using: Using, server: Server) -> None:
    """What stands in between begins it once, and may not the next time."""
    server.script.append(server.last(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"))
    response = await using(server.url, max_retries=1).track_event(EVENT)
    assert (response.outcome, response.attempts) == ("accepted", 2)


async def test_a_bulk_whose_answers_cannot_be_read_is_sent_once(using: Using, server: Server) -> None:
    server.script.append(server.last(TOO_LARGE["endless header"]))
    result = await using(server.url).bulk_events.send([EVENT, Event("user-2", "signed_up")])
    assert ([failed.outcome for failed in result.failed_records], len(server.requests)) == (["unknown"] * 2, 1)


QUOTED = {
    "a head that ends early": YES_LINE + b"Set-Cookie: session=planted",
    "the size of a chunk": YES_LINE + b"Transfer-Encoding: chunked\r\n\r\nplanted\r\n",
    "the size of a later chunk": YES_LINE + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nplanted\r\n",
    "a chunk that does not end": YES_LINE + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}planted\r\n",
    "a line after the chunks": YES_LINE + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nplanted\r\n\r\n",
    "a body that ends early": YES_LINE + b"Content-Length: 100\r\n\r\nplanted",
    "chunks that end early": YES_LINE + b"Transfer-Encoding: chunked\r\n\r\n20\r\nplanted",
}


@pytest.mark.parametrize("answer", QUOTED.values(), ids=QUOTED)
async def test_what_is_said_of_a_broken_answer_quotes_nothing_of_it(
    using: Using, server: Server, caplog: pytest.LogCaptureFixture, answer: bytes
) -> None:
    server.script.append(server.last(answer))
    response = await using(server.url, max_retries=0).track_event(EVENT)
    assert (response.outcome, response.error_type) == ("unknown", "connection_failed")
    assert "planted" not in response.message
    assert "planted" not in caplog.text


async def test_a_redirect_to_an_address_that_is_none_is_asked_for_once(using: Using, server: Server) -> None:
    """httpx reads the address, though it follows none; the default engine names it, as it does every other."""
    head = b"HTTP/1.1 302 Found\r\nLocation: http://gateway:planted\r\nContent-Length: 0\r\n\r\n"
    server.script.append(server.last(head))
    client = using(server.url)
    response = await client.track_event(EVENT)
    if client.sender.transport.session.http_client is None:
        assert response.status_code == 302
    else:
        assert response.message == "the answer cannot be read: Invalid URL in location header"
    assert len(server.requests) == 1


def test_the_size_of_a_chunk_as_the_parser_in_python_says_it_is_not_quoted() -> None:
    """Where aiohttp has no parser in C, as with AIOHTTP_NO_EXTENSIONS."""
    error = aiohttp.ClientPayloadError("400, message:\n  planted")
    error.__cause__ = TransferEncodingError("planted")
    assert unreadable(error) == ("Invalid chunk size", False)
    error.__cause__ = TransferEncodingError("Not enough data to satisfy transfer length header.")
    assert unreadable(error) is None


@pytest.mark.parametrize(
    "field", ["gzip, chunked", "gzip\r\nTransfer-Encoding: chunked"], ids=["one line", "two lines"]
)
async def test_a_yes_that_was_packed_for_the_way_is_a_yes(using: Using, server: Server, field: str) -> None:
    packed = gzip.compress(YES)
    head = f"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: {field}\r\n\r\n".encode()
    server.script.append(server.last(head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed)))
    client = using(server.url)
    response = await client.track_event(EVENT)
    if client.sender.transport.session.http_client.__class__ is httpx.AsyncClient:
        # Its parser knows no coding but chunks.
        assert response.outcome == "unknown"
        assert response.message == "the answer cannot be read: Only Transfer-Encoding: chunked is supported"
    else:
        assert (response.outcome, response.message_id) == ("accepted", "m-1")
    assert len(server.requests) == 1


TRUNCATED = gzip.compress(YES)[:-12]


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "gzip, br"])
@pytest.mark.parametrize("chunked", [False, True], ids=["a length", "chunks"])
async def test_a_yes_that_is_broken_within_its_coding_is_not_asked_for_again(
    using: Using, server: Server, coding: str, chunked: bool
) -> None:
    """It came whole: whatever packs it packs it so each time."""
    fields, body = f"Content-Length: {len(TRUNCATED)}", TRUNCATED
    if chunked:
        fields, body = "Transfer-Encoding: chunked", b"%x\r\n%s\r\n0\r\n\r\n" % (len(TRUNCATED), TRUNCATED)
    server.script.append(YES_LINE + f"Content-Encoding: {coding}\r\n{fields}\r\n\r\n".encode() + body)
    response = await using(server.url).track_event(EVENT)
    assert (response.outcome, response.status_code, response.retryable) == ("unknown", 202, True)
    assert (len(server.requests), response.attempts) == (1, 1)
    assert f"in the coding {coding}" in response.message


PASSING = {
    "cut off by the end of the connection": YES_LINE
    + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n"
    + TRUNCATED,
    "shorter than its length": YES_LINE + b"Content-Encoding: gzip\r\nContent-Length: 99\r\n\r\n" + TRUNCATED,
    "a page that a proxy has unpacked": YES_LINE + b"Content-Encoding: gzip\r\nContent-Length: 6\r\n\r\n<html>",
    "no yes": b"HTTP/1.1 503 Busy\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(TRUNCATED) + TRUNCATED,
}


@pytest.mark.parametrize("answer", PASSING.values(), ids=PASSING)
async def test_what_may_be_whole_the_next_time_is_asked_again(using: Using, server: Server, answer: bytes) -> None:
    server.script.append(server.last(answer))
    response = await using(server.url, max_retries=1).track_event(EVENT)
    assert (response.outcome, response.attempts) == ("accepted", 2)


async def test_a_bulk_whose_answer_is_broken_within_its_coding_is_sent_once(using: Using, server: Server) -> None:
    server.script.append(server.answer(207, TRUNCATED, content_encoding="gzip"))
    result = await using(server.url).bulk_events.send([EVENT, Event("user-2", "signed_up")])
    assert ([failed.outcome for failed in result.failed_records], len(server.requests)) == (["unknown"] * 2, 1)


async def test_a_whole_yes_that_is_packed_unsaid_is_not_asked_for_again(using: Using, server: Server) -> None:
    """Something in between took the coding off the head, and not off the body."""
    server.script.append(server.answer(202, gzip.compress(YES)))
    response = await using(server.url).track_event(EVENT)
    assert (response.outcome, response.status_code, response.attempts) == ("unknown", 202, 1)


PAGE = "<html>momentanément fermé".encode("latin-1")
PASSING_BODIES = {
    "a page in other letters": PAGE,
    "a page in UTF-16": PAGE.decode("latin-1").encode("utf-16"),
    "JSON that was cut off in a letter": '{"message": "é'.encode()[:-1],
}


@pytest.mark.parametrize("body", PASSING_BODIES.values(), ids=PASSING_BODIES)
@pytest.mark.parametrize("is_packed", [False, True])
async def test_a_whole_yes_that_may_be_another_the_next_time_is_asked_for_again(
    using: Using, server: Server, body: bytes, is_packed: bool
) -> None:
    coding = {"content_encoding": "gzip"} if is_packed else {}
    server.script.append(server.answer(200, gzip.compress(body) if is_packed else body, **coding))
    response = await using(server.url, max_retries=1).track_event(EVENT)
    assert (response.outcome, response.attempts) == ("accepted", 2)


TWICE = gzip.compress(gzip.compress(YES))


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (("gzip", "gzip"), TWICE),
        (("deflate", "gzip"), gzip.compress(zlib.compress(YES))),
        (("gzip", "identity"), gzip.compress(YES)),
        (("gzip", ""), gzip.compress(YES)),
        (("gzip", "gzip"), gzip.compress(YES)),
        (("gzip, gzip", "identity"), TWICE),
    ],
    ids=["twice the same", "two codings", "and none", "and nothing", "said twice", "a list and none"],
)
async def test_several_lines_of_codings_are_one_list(
    using: Using, server: Server, fields: tuple[str, str], body: bytes
) -> None:
    lines = "".join(f"Content-Encoding: {field}\r\n" for field in fields)
    server.script.append(YES_LINE + f"{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    response = await using(server.url).track_event(EVENT)
    assert (response.outcome, response.message_id, response.attempts) == ("accepted", "m-1", 1)
