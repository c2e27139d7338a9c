"""Answers that an HTTP library cannot read: what is wrong, without the bytes that came, which may be secrets."""

from __future__ import annotations

import re
from typing import NamedTuple

import aiohttp
import httpx
from aiohttp.http_exceptions import HttpProcessingError, TransferEncodingError

_TOO_LARGE = re.compile("Got more than|Too many headers|Too many trailers|Receive buffer too long")
# What came follows here, as Python spells bytes and texts.
_QUOTE = re.compile(r"""[:\s]*(?:\bbytearray\(|(?<!\w)b?['"])""")
# What came is no HTTP at all, it is the body that is broken off, or another protocol was begun that nobody asked for
# (h11's words): each may be another the next time. h11 calls a line of status "request line" if it begins with a byte
# that no text has.
_PASSING = re.compile(
    r"(?:status|response|request) line|status_code should|LF after CR|chunk(?!ed)|malformed data|ends within"
    r"|without a pending proposal"
    # Of a line of status that is none, as aiohttp's older parsers in C say it.
    r"|Expected HTTP/|Expected dot|status code|response status|after version|(?:major|minor|HTTP) version|method",
    re.IGNORECASE,
)
_CUT_OFF = "peer "
_ENDED = "Not enough data"
# What aiohttp's parser in Python says of chunks; for a size that is none it says what came.
_OF_CHUNKS = re.compile("Unexpected LF in|Bad chunk-size line|Chunk size mismatch|Bad trailer line")


class Unreadable(NamedTuple):
    """Why an answer cannot be read.

    Attributes:
        reason: What is wrong, in words that quote nothing of it.
        lasts: Whether a whole status line came and the head behind it is at fault: the next answer would have the same.
    """

    reason: str
    lasts: bool


def unreadable(error: BaseException) -> Unreadable | None:
    """Return what an exception of a library's says of an answer that it cannot read; None if it says nothing of one."""
    said = " ".join((_of_aiohttp(error) or _of_httpx(error) or "").split())
    if not said or said.startswith(_CUT_OFF):
        return None
    if _TOO_LARGE.match(said):
        return Unreadable("its head is too large", lasts=True)
    reason = _QUOTE.split(said, maxsplit=1)[0]
    return Unreadable(reason, lasts=_PASSING.search(reason) is None)


def _of_aiohttp(error: BaseException) -> str | None:
    if isinstance(error, aiohttp.ServerDisconnectedError) and not isinstance(error.message, str):
        # It has the headers that came.
        return "it ends within its head"
    if (parsers := _of_parser(error)) is not None:
        if parsers.message.startswith(_ENDED):
            return None
        is_size = isinstance(parsers, TransferEncodingError) and not _OF_CHUNKS.match(parsers.message)
        return "Invalid chunk size" if is_size else parsers.message
    # Its status is the parser's, not the server's; a proxy's refusal has the proxy's.
    if isinstance(error, aiohttp.ClientResponseError) and not isinstance(error, aiohttp.ClientHttpProxyError):
        return error.message
    return None


def _of_parser(error: BaseException | None) -> HttpProcessingError | None:
    """Return what the parser raised; for a fault within a body aiohttp's error is about another one, and quotes it."""
    found = None
    while error is not None:
        found = error if isinstance(error, HttpProcessingError) else found
        error = error.__cause__
    return found


def _of_httpx(error: BaseException) -> str | None:
    """Return the words of the parser: the library has others of the same kind, for connections that end."""
    if not isinstance(error, httpx.RemoteProtocolError):
        return None
    if isinstance(error.__context__, httpx.InvalidURL):
        # httpx reads where a redirect leads, though it is not followed.
        return "Invalid URL in location header"
    cause = error.__cause__
    # Its pool raises it again "from None".
    parsers = cause.__context__ if cause is not None else None
    return str(parsers) if type(parsers).__module__.startswith("h11.") else None
