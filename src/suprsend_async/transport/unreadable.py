"""Answers that an HTTP library cannot read: what is wrong, without the bytes that came, which may be secrets."""

from __future__ import annotations

import re
from typing import NamedTuple

import aiohttp
import httpx
from aiohttp.http_exceptions import TransferEncodingError

_TOO_LARGE = re.compile("Got more than|Too many headers|Receive buffer too long")
# What came follows here, as Python spells bytes and texts.
_QUOTE = re.compile(r"""[:\s]*(?:\bbytearray\(|(?<!\w)b?['"])""")
# What came is no HTTP at all, it is the body that is broken off, or another protocol was begun that nobody asked for
# (h11's words): each may be another the next time.
_PASSING = re.compile(
    r"status line|response line|chunk(?!ed)|malformed data|ends within|without a pending proposal", re.IGNORECASE
)
_CUT_OFF = "peer "
# What aiohttp's parser in Python says of chunks; for a size that is none it says what came.
_OF_CHUNKS = re.compile("Unexpected LF in|Bad chunk-size line|Chunk size mismatch|Bad trailer line|Not enough data")


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
    if _is_chunks_size(error):
        return "Invalid chunk size"
    # Its status is the parser's, not the server's; a proxy's refusal has the proxy's.
    if isinstance(error, aiohttp.ClientResponseError) and not isinstance(error, aiohttp.ClientHttpProxyError):
        return error.message
    return None


def _is_chunks_size(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, TransferEncodingError):
        error = error.__cause__
    return error is not None and not _OF_CHUNKS.match(error.message)


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
