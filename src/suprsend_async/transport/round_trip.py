"""One round trip: what came back as an `Answer`, or the `Failure` that an exception means."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import yarl

from suprsend_async.transport.answer import Answer, Failure, limited
from suprsend_async.transport.body import BoundedBody
from suprsend_async.transport.clock import STANDS_STILL, is_stopped
from suprsend_async.transport.connector import SpokeUnasked
from suprsend_async.transport.platforms_own import is_platforms_own
from suprsend_async.transport.sending import SPOKE_FIRST
from suprsend_async.transport.unreadable import unreadable

if TYPE_CHECKING:
    from suprsend_async.transport.copies import Copies
    from suprsend_async.transport.incoming import Incoming
    from suprsend_async.transport.request import Request, SignedRequest
    from suprsend_async.transport.sending import Sending


# Seconds between the two looks at what has been acknowledged.
_MOMENT = 0.002


class _NoAnswer(Exception):  # noqa: N818 - it does not leave this module
    """What came cannot be the answer to the request."""


def url_of(signed: SignedRequest) -> httpx.URL:
    """Return the request's URL in httpx's form."""
    # Parsing costs as much as signing, and fixed routes are few. A URL with an id in it is not kept in memory.
    return _fixed_url(signed.url) if signed.request.is_fixed else httpx.URL(signed.url)


_fixed_url = lru_cache(maxsize=64)(httpx.URL)


async def read_answer(came: Incoming, request: Request, sending: Sending, copies: Copies) -> Answer:
    """Read an answer's body, no further than the request allows.

    Args:
        came: What came, of which the head is there.
        request: What is sent.
        sending: How far that has come.
        copies: The answers that came before.

    Raises:
        Exception: No answer came, or none to this request; `failure_of` knows what it means.
    """
    try:
        # A yes has seen the whole request. A no may come sooner, as when the body is too large.
        if sending.is_spoiled or (200 <= came.status_code < 300 and await _is_early(came, sending)):
            await _drop(came, sending)
            raise _NoAnswer("an acceptance came before the whole request was sent")
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in came.head}
        body = BoundedBody(request.max_answer_bytes, _codings(came, headers))
        async for piece in came.pieces():
            if not body.feed(piece):
                break
        answer = Answer(came.status_code, headers, *body.collected())
        if copies.is_copy(request, answer, _connection_of(came, sending), is_first=sending.is_first):
            await _drop(came, sending)
            raise _NoAnswer("a copy of the answer to another request came")
        if not is_platforms_own(answer, request) or came.has_left_over():
            await _drop(came, sending)
        sending.is_answered = True
        return answer
    finally:
        await came.aclose()


def _codings(came: Incoming, headers: dict[str, str]) -> str:
    """Return the codings of a body in the order in which they were put on.

    The libraries take no coding off but `chunked`, which may have another one of the transfer's beneath it.
    """
    if "transfer-encoding" not in headers and "content-encoding" not in headers:
        return ""
    names = (b"transfer-encoding",) if came.is_decoded else (b"content-encoding", b"transfer-encoding")
    # Several lines of one field are one list.
    return ",".join([value.decode("latin-1") for asked in names for name, value in came.head if name.lower() == asked])


def _connection_of(came: Incoming, sending: Sending) -> object:
    """Return what stands for the connection as long as it does; None if it is not known."""
    return came.connection if sending.transport is None else sending.transport.get_protocol()


async def _is_early(came: Incoming, sending: Sending) -> bool:
    """Whether an answer came before the whole request had reached the server's system."""
    # Of aiohttp's connections that is noted with the head: they may be closed before anybody looks.
    noted = sending.unsent
    if noted is None and not came.is_under_way():
        return False
    try:
        # Some systems, gVisor for one, hand an answer over a moment before they note what it acknowledges.
        await asyncio.sleep(_MOMENT)
        return came.is_under_way() if noted is None else noted.is_left()
    finally:
        if noted is not None:
            noted.close()


async def _drop(came: Incoming, sending: Sending) -> None:
    """Close the connection: what comes on it belongs to nobody."""
    if sending.transport is not None:
        sending.transport.abort()
    await came.drop()


# Errors that come up before a connection stands: the request cannot have been sent.
_NOT_CONNECTED = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
_TIMEOUTS = (httpx.TimeoutException, TimeoutError)


def failure_of(error: Exception, sending: Sending, request: Request) -> Failure:
    """Return what an exception of the library's means.

    Where it was not seen whether the request went out, the kind of the error decides, and aiohttp's own error where
    there is one: httpx-aiohttp reports a dropped connection as ConnectTimeout.
    """
    cause: Any = error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError) else error
    sent = sending.sent if sending.is_certain else not isinstance(cause, _NOT_CONNECTED)
    if sending.is_spoiled:
        return Failure("connection_failed", SPOKE_FIRST, sent=sent)
    if (answer := unreadable(cause)) is not None:
        words = f"the answer cannot be read: {answer.reason}"
        return Failure("connection_failed", limited(words), sent=sent, lasts=sent and answer.lasts)
    error_type = "deadline_exceeded" if isinstance(cause, _TIMEOUTS) else "connection_failed"
    return Failure(error_type, limited(_without_ids(_words_of(cause), request)), sent=sent)


def timed_out(*, sent: bool) -> Failure:
    """Return what it means that the time is over."""
    where = "no answer came" if sent else "the request could not be sent"
    # A clock that a test stops goes forward first, and what has waited until then is over at once.
    why = f"; {STANDS_STILL}" if is_stopped() else ""
    return Failure("deadline_exceeded", f"{where} before the deadline{why}", sent=sent)


def _words_of(error: Exception) -> str:
    if isinstance(error, (_NoAnswer, SpokeUnasked)):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _without_ids(words: str, request: Request) -> str:
    """Return the words with the request's route where its target stands, in either library's spelling."""
    if request.is_fixed:
        return words
    for target in (request.target, str(yarl.URL(request.target))):
        words = words.replace(target, request.route)
    return words
