"""A chunk of a bulk on its way: the shipment for `v2/bulk/event/`. Pure."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, ClassVar

from suprsend_async.events.verdict import (
    NOT_SENT,
    Verdict,
    merged,
    verdict_of_failure,
    verdict_of_refusal,
    verdicts_of_bulk,
)
from suprsend_async.transport.answer import Answer, Failure
from suprsend_async.transport.transport import Unsettled

if TYPE_CHECKING:
    from suprsend_async.events.event import Event

PAYLOAD_TOO_LARGE = 413
TOO_MANY_REQUESTS = 429


class Chunk:
    """Events that travel together, and what is known about each.

    Events that were refused before sending keep their place here, so that they are reported in the input's order.
    The lists run side by side: position i of each is about the same event.

    Attributes:
        indexes: Positions in the input.
        events: The events; None where the input was no event.
        bodies: Their bytes; empty where there is nothing to send.
        verdicts: What is known about each.
    """

    path: ClassVar[str] = "v2/bulk/event/"
    max_answer_bytes: ClassVar[int] = 8 * 1024 * 1024

    def __init__(self) -> None:
        """Begin an empty chunk."""
        self.indexes: list[int] = []
        self.events: list[Event | None] = []
        self.bodies: list[bytes] = []
        self.verdicts: list[Verdict] = []
        # Positions still to be sent, in the groups in which they go; the first group goes next.
        self._to_send: list[int] = []
        self._groups = deque([self._to_send])
        self._untried = 1
        self._was_sent = False
        self._retry_after: float | None = None

    def __len__(self) -> int:
        """Return the number of events, those included that are not sent."""
        return len(self.indexes)

    def add(self, index: int, event: Event | None, body: bytes) -> None:
        """Add an event that is to be sent."""
        self._to_send.append(len(self.indexes))
        self.indexes.append(index)
        self.events.append(event)
        self.bodies.append(body)
        self.verdicts.append(NOT_SENT)

    def refuse(self, index: int, event: Event | None, verdict: Verdict) -> None:
        """Add an event that is not to be sent."""
        self.indexes.append(index)
        self.events.append(event)
        self.bodies.append(b"")
        self.verdicts.append(verdict)

    @property
    def is_sendable(self) -> bool:
        """Whether there is anything to send."""
        return bool(self._groups and self._groups[0])

    def accepted_indexes(self) -> list[int]:
        """Return the input's positions of the events that were accepted."""
        return [
            index for index, verdict in zip(self.indexes, self.verdicts, strict=True) if verdict.outcome == "accepted"
        ]

    def next_request(self) -> tuple[int, int, bool]:
        """Return the number of events and bytes that go next, and whether it is for the first time."""
        first, self._was_sent = not self._was_sent, True
        group = self._groups[0]
        return len(group), sum(len(self.bodies[position]) + 1 for position in group) + 1, first

    @property
    def carried(self) -> int:
        """How many events the next request carries."""
        return len(self._groups[0])

    def body(self) -> bytes:
        """Return the JSON array of the events that go next."""
        return b"[" + b",".join([self.bodies[position] for position in self._groups[0]]) + b"]"

    def settle(self, result: Answer | Failure, now: float) -> Unsettled | None:
        """Note the verdicts that follow from an attempt; what may be retried stays, the same bytes."""
        group = self._groups.popleft()
        self._untried = max(0, self._untried - 1)
        if isinstance(result, Answer):
            if result.status_code == PAYLOAD_TOO_LARGE and len(group) > 1:
                return self._split(group)
            retry_after = result.retry_after(now)
            later = verdicts_of_bulk(result, len(group)) or [verdict_of_refusal(result)] * len(group)
        else:
            retry_after = result.retry_after
            later = [verdict_of_failure(result)] * len(group)
        left: list[int] = []
        verdicts = self.verdicts
        for position, verdict in zip(group, later, strict=True):
            earlier = verdicts[position]
            verdicts[position] = verdict if earlier is NOT_SENT else merged(earlier, verdict)
            if verdict.retryable:
                left.append(position)
        if left:
            # Behind the groups that were never tried: what fails for good must not keep these from going.
            self._groups.append(left)
        if not self._groups:
            return None
        if self._untried:
            # What one half was asked to wait is remembered while the others go.
            self._retry_after = max(self._retry_after or 0.0, retry_after or 0.0) or None
            return Unsettled(at_once=True)
        retry_after = max(retry_after or 0.0, self._retry_after or 0.0) or None
        self._retry_after = None
        throttled = isinstance(result, Answer) and result.status_code == TOO_MANY_REQUESTS
        return Unsettled(retry_after, throttled=throttled)

    def _split(self, group: list[int]) -> Unsettled:
        middle = len(group) // 2
        self._groups.extendleft([group[middle:], group[:middle]])
        self._untried += 2
        return Unsettled(at_once=True)
