"""Noticing an answer that has been given before, to another request.

A copy of an answer that is there before the next request is written is found on its connection. One that comes later,
while that request is under way, looks like the answer to it. What gives it away is what a server gives once only: the
id of a message.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suprsend_async.transport.request import Request

# Shorter ones are not ids that are made never to come again. The first one of a bulk's answer stands for all of it.
_MESSAGE_ID = re.compile(rb'"message_id"\s*:\s*"([^"]{16,})"')

# A copy does not come later than with so many answers in between.
_REMEMBERED = 256

# The platform answers a key that it knows with the id that it gave before: the same key may have the same answer. For a
# request without one, so many bytes at either end of its body, and the length, distinguish it from another.
_KEY = re.compile(rb'"\$idempotency_key"\s*:\s*"[^"]*"')
_END = 100

_Mark = tuple[int, bytes, bytes] | bytes


class Copies:
    """Remembers which request each of the last message ids was for."""

    def __init__(self) -> None:
        """Begin with none."""
        # What each id came for first, and for which other request it came when it was taken for a copy. None for an id
        # that the server gives again, as it may for an idempotency key that it knows.
        self._requests: dict[bytes, tuple[_Mark, _Mark | None] | None] = {}

    def __len__(self) -> int:
        return len(self._requests)

    def is_copy(self, request: Request, body: bytes, *, is_first: bool) -> bool:
        """Whether the body of an answer has come before, to another request.

        Args:
            request: What it came for.
            body: The answer's body.
            is_first: Whether it is the first answer on its connection, where nothing can be a copy.
        """
        found = _MESSAGE_ID.search(body) if request.method == "POST" else None
        if found is None:
            return False
        message_id, mark = found[1], _mark_of(request.body)
        if message_id not in self._requests:
            self._remember(message_id, mark)
            return False
        known = self._requests[message_id]
        if known is None or known[0] == mark:
            return False
        # A copy does not come for the same request twice, as that goes over another connection the second time.
        is_repeated = is_first or known[1] == mark
        self._requests[message_id] = None if is_repeated else (known[0], mark)
        return not is_repeated

    def _remember(self, message_id: bytes, mark: _Mark) -> None:
        self._requests[message_id] = (mark, None)
        if len(self._requests) > _REMEMBERED:
            del self._requests[next(iter(self._requests))]


def _mark_of(body: bytes) -> _Mark:
    key = _KEY.search(body)
    return key[0] if key is not None else (len(body), body[:_END], body[-_END:])
