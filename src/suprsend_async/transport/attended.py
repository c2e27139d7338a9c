"""What is added to aiohttp's connections: what has to be noted, or done, while an answer comes in."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp

from suprsend_async.transport.whole_answers import Parser

if TYPE_CHECKING:
    from collections.abc import Callable

    from suprsend_async.transport.sending import Sending

# At a connection itself stands what it was taken for last.
TAKEN_FOR = "_suprsend_async_taken_for"


def attend(protocol: Any) -> None:
    """Attend to a connection that is new, before its first request."""
    protocol.feed_data = partial(_note_unsent, protocol, protocol.feed_data)
    protocol.set_response_params = partial(_set_parser, protocol, protocol.set_response_params)
    protocol.set_exception = partial(_fail_body_too, protocol, protocol.set_exception)


def _note_unsent(protocol: Any, feed_data: Callable[..., None], came: Any, *size: int) -> None:
    """Note with the head of an acceptance what of its request has not been sent.

    aiohttp closes the connection with the last byte of an answer that is to end it, before the answer is looked at.
    """
    sending: Sending | None = getattr(protocol, TAKEN_FOR, None)
    if sending is not None and 200 <= came[0].code < 300 and protocol.transport is not None:
        sending.note_unsent(protocol.transport)
    feed_data(came, *size)


def _set_parser(protocol: Any, set_parameters: Callable[..., None], **parameters: Any) -> None:
    """Make the parser of the answer to the next request, and have it give whole answers, if the request is ours."""
    set_parameters(**parameters)
    if getattr(protocol, TAKEN_FOR, None) is not None:
        protocol._parser = Parser(protocol, partial(set_parameters, **parameters))


def _fail_body_too(protocol: Any, set_exception: Callable[..., None], error: BaseException, *cause: Any) -> None:
    """Let who reads a body know of what is wrong with the connection.

    Of a fault in a body that comes later than its head, aiohttp's parser in C informs who waits for a head. Who reads
    the body would wait for ever.
    """
    set_exception(error, *cause)
    body = protocol._payload
    if body is not None and not body.is_eof() and body.exception() is None:
        broken = aiohttp.ClientPayloadError("the body is broken")
        broken.__cause__ = error
        body.set_exception(broken, error)
