"""What the sandbox remembers: accepted events, idempotency keys and counts."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

REMEMBERED_SECONDS: Final = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class _First:
    """The first event that carried an idempotency key."""

    at: float
    message_id: str


class Ledger:
    """The accepted events in order, and what was counted on the way.

    The server's thread writes; any thread may read.

    Args:
        clock: Gives the time in seconds. It decides when an idempotency key is forgotten.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._events: list[dict[str, Any]] = []
        # In order of time, so that the oldest keys are found at the front.
        self._first: dict[str, _First] = {}
        self._requests = 0
        self._connections = 0
        self._refusals = 0
        self._repeats = 0

    def accept(self, event: dict[str, Any]) -> str:
        """Store an event that passed the rules, and return its message id.

        A repeat of an idempotency key within 24 hours is not stored; it gets the first one's message id.
        """
        key = (event.get("$idempotency_key") or "").strip()
        with self._lock:
            now = self._clock()
            self._forget(now)
            if key and (first := self._first.get(key)):
                self._repeats += 1
                return first.message_id
            message_id = str(uuid.uuid4())
            if key:
                self._first[key] = _First(now, message_id)
            self._events.append(event)
            return message_id

    def _forget(self, now: float) -> None:
        while self._first:
            oldest = next(iter(self._first))
            if now - self._first[oldest].at < REMEMBERED_SECONDS:
                return
            del self._first[oldest]

    def count_request(self) -> None:
        """Count one request to the API."""
        with self._lock:
            self._requests += 1

    def count_connection(self) -> None:
        """Count one accepted TCP connection."""
        with self._lock:
            self._connections += 1

    def count_refusal(self) -> None:
        """Count one refused request or record."""
        with self._lock:
            self._refusals += 1

    def clear(self) -> None:
        """Forget everything: events, idempotency keys and counts."""
        with self._lock:
            self._events = []
            self._first = {}
            self._requests = self._connections = self._refusals = self._repeats = 0

    @property
    def events(self) -> list[dict[str, Any]]:
        """The accepted events in order, in a list of the caller's own."""
        with self._lock:
            return self._events.copy()

    @property
    def requests(self) -> int:
        """Requests to the API, refused ones included."""
        return self._requests

    @property
    def connections(self) -> int:
        """TCP connections accepted."""
        return self._connections

    @property
    def refusals(self) -> int:
        """Refused requests and, in bulk, refused records."""
        return self._refusals

    @property
    def repeats(self) -> int:
        """Events that were answered but not stored again."""
        return self._repeats
