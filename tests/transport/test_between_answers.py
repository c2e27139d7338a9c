"""Whether a connection stands between two answers, seen at once or with a probe."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp.client_proto import ResponseHandler
from tests.faults.wire import answer, chunked

from suprsend_async.transport import connector
from suprsend_async.transport.attended import TAKEN_FOR, attend
from suprsend_async.transport.connector import _is_between_answers
from suprsend_async.transport.sending import Sending

YES = b'{"status":"success","message_id":"0123456789abcdef"}'
WHOLE = answer(202, YES)
CHUNKS = answer(202, chunked([YES]), {"Transfer-Encoding": "chunked"})
BARE = WHOLE.replace(b"\r\n", b"\n")

BETWEEN = {
    "nothing": [],
    "an answer": [WHOLE],
    "an answer in two": [WHOLE[:40], WHOLE[40:]],
    "head and body": [WHOLE.removesuffix(YES), YES],
    "chunks": [CHUNKS],
    "after 103": [b"HTTP/1.1 103 Early Hints\r\n\r\n" + WHOLE],
    "lines that end with a line feed": [BARE],
}
WITHIN = {
    "half a head": [WHOLE[:10]],
    "half a head that comes later": [WHOLE, WHOLE[:10]],
    "half a head in the same piece": [WHOLE + WHOLE[:10]],
    "half a head behind lines that end with a line feed": [BARE + WHOLE[:10]],
    "half a head behind chunks": [CHUNKS + WHOLE[:10]],
    "one byte": [WHOLE, b"H"],
    "half a body": [WHOLE[:-5]],
    # A body with empty lines must not pass for the end of the head.
    "half a head whose length a body makes up for": [answer(202, b"\n\r\n" + YES) + b"HTTP"],
}


class _Transport(asyncio.Transport):
    def is_reading(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        """Stay as it is."""


def _read(pieces: list[bytes]) -> Any:
    """Return a connection that has read the pieces since a request of ours."""
    protocol: Any = ResponseHandler(asyncio.get_running_loop())
    protocol.connection_made(_Transport())
    attend(protocol)
    setattr(protocol, TAKEN_FOR, Sending())
    protocol.set_response_params(read_until_eof=True)
    # What stands for a note of what is unsent asks a socket, which there is none of here.
    protocol.feed_data = lambda *came: None
    for piece in pieces:
        protocol.data_received(piece)
    return protocol


@pytest.mark.parametrize("pieces", BETWEEN.values(), ids=BETWEEN)
async def test_a_connection_that_has_read_whole_answers_stands_between(pieces: list[bytes]) -> None:
    assert _is_between_answers(_read(pieces))


@pytest.mark.parametrize("pieces", WITHIN.values(), ids=WITHIN)
async def test_a_connection_that_has_read_more_or_less_does_not(pieces: list[bytes]) -> None:
    assert not _is_between_answers(_read(pieces))


@pytest.mark.parametrize("name", ["nothing", "an answer"])
async def test_the_common_cases_need_no_probe(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "_PROBE", b"\0")
    assert _is_between_answers(_read(BETWEEN[name]))


async def test_what_a_paused_connection_goes_on_with_is_no_byte() -> None:
    protocol = _read([WHOLE])
    protocol.data_received(b"")
    assert protocol._parser.is_between_answers
