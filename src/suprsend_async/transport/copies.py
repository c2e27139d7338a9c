"""Noticing an answer that has been given before, to another request.

A copy of an answer that is there before the next request is written is found on its connection. One that comes later,
while that request is under way, looks like the answer to it. What gives it away is what a server gives once only: the
id of a message.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from suprsend_async.transport.platforms_own import is_yes_to_a_send, sends_nothing

if TYPE_CHECKING:
    from suprsend_async.transport.answer import Answer
    from suprsend_async.transport.request import Request

# Shorter ones are not ids that are made never to come again. The first one of a bulk's answer stands for all of it.
_MESSAGE_ID = re.compile(rb'"message_id"\s*:\s*"([^"]{16,})"')

# So many of all connections are remembered, and of each one so many more, at the connection itself. A copy comes on the
# connection of its answer, where nothing is in between, however many other connections say meanwhile.
_REMEMBERED = 256
_REMEMBERED_THERE = 4
_SAID = "_suprsend_async_said"

# The platform answers a key that it knows with the id that it gave before: the same key may have the same answer. For a
# request without one, so many bytes at either end of its body, and the length, distinguish it from another.
_KEY_NAME = b'"$idempotency_key"'
_KEY = re.compile(re.escape(_KEY_NAME) + rb'\s*:\s*"[^"]*"')
_END = 100

_Mark = tuple[int, bytes, bytes] | bytes

# Stands for a request that is not known: no request has this mark.
_ANOTHER: _Mark = b""


class Copies:
    """Remembers which request each of the last message ids was for."""

    def __init__(self) -> None:
        """Begin with none."""
        # What each id came for first, and for which other request it came when it was taken for a copy. None for an id
        # that the server gives again, as it may for an idempotency key that it knows.
        self._requests: dict[bytes, tuple[_Mark, _Mark | None] | None] = {}

    def __len__(self) -> int:
        return len(self._requests)

    def is_copy(self, request: Request, answer: Answer, connection: object = None, *, is_first: bool) -> bool:
        """Whether an answer has come before, to another request.

        Args:
            request: What it came for.
            answer: The answer.
            connection: What it came on; None if that is not known.
            is_first: Whether it is the first answer on its connection, where nothing can be a copy.
        """
        found = _MESSAGE_ID.search(answer.body)
        # What sends nothing may read messages, with their ids.
        if found is None or (sends_nothing(request) and not is_yes_to_a_send(answer, request)):
            return False
        message_id, mark = found[1], _mark_of(request)
        said = _said_on(connection)
        if message_id not in self._requests:
            first = said.get(message_id, _ANOTHER if sends_nothing(request) else mark)
            self._remember(message_id, first)
        known = self._requests[message_id]
        if known is None or known[0] == mark:
            said[message_id] = mark
            if len(said) > _REMEMBERED_THERE:
                del said[next(iter(said))]
            return False
        # A copy does not come for the same request twice, as that goes over another connection the second time.
        is_repeated = is_first or known[1] == mark
        self._requests[message_id] = None if is_repeated else (known[0], mark)
        return not is_repeated

    def _remember(self, message_id: bytes, mark: _Mark) -> None:
        self._requests[message_id] = (mark, None)
        if len(self._requests) > _REMEMBERED:
            del self._requests[next(iter(self._requests))]


def _said_on(connection: Any) -> dict[bytes, _Mark]:
    """Return which message ids came last on a connection, and for which requests."""
    said: dict[bytes, _Mark] | None = getattr(connection, _SAID, None)
    if said is None:
        said = {}
        with suppress(AttributeError):  # None, or a connection that takes nothing
            setattr(connection, _SAID, said)
    return said


def _mark_of(request: Request) -> _Mark:
    body = request.body
    if sends_nothing(request):
        return (0, request.method.encode(), request.target.encode())
    # That of a bulk's first record, as the id is: a bulk that was split begins with the same one.
    place = body.find(_KEY_NAME)
    key = _KEY.match(body, place) if place >= 0 else None
    return key[0] if key is not None else (len(body), body[:_END], body[-_END:])
