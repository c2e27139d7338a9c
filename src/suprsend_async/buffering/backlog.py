"""What a buffer holds in memory: events that were taken in, and callers in line for room. Pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from suprsend_async.api.response import EventResponse
    from suprsend_async.bulk.chunk import Chunk
    from suprsend_async.bulk.kind import RecordKind
    from suprsend_async.events.event import Event


@dataclass(slots=True, eq=False)
class PendingRecord:
    """An encoded event on its way through the buffer.

    Attributes:
        number: Its place among all that came.
        event: The event.
        body: Its bytes.
        answer: Where its caller waits for the response; None if nobody does.
    """

    number: int
    event: Event
    body: bytes = field(repr=False)
    answer: asyncio.Future[EventResponse] | None = None


class Backlog:
    """Events in the order in which they came: in line for room, then queued, then in flight.

    Queued and in flight together are pending; only pending ones take up room.

    Args:
        kind: The kind of record.
        max_pending: Pending events at most.
        max_pending_bytes: Their bytes at most.
    """

    def __init__(self, kind: RecordKind[Event], max_pending: int, max_pending_bytes: int) -> None:
        """Begin empty."""
        # All three are emptied from the front, and now and then in the middle. A plain dict would walk over all that
        # was taken from its front to find the first one, and a deque over all before the one that is taken out.
        self.pending: OrderedDict[int, PendingRecord] = OrderedDict()
        self.pending_bytes: int = 0
        self.in_line: OrderedDict[int, PendingRecord] = OrderedDict()
        self._kind = kind
        self._max_pending = max_pending
        self._max_pending_bytes = max_pending_bytes
        self._queued: OrderedDict[int, PendingRecord] = OrderedDict()
        self._queued_bytes = 0

    @property
    def is_queued(self) -> bool:
        """Whether anything waits to be sent."""
        return bool(self._queued)

    @property
    def fills_a_chunk(self) -> bool:
        """Whether so much waits to be sent that no more would fit into the next chunk."""
        return len(self._queued) >= self._kind.max_records or self._queued_bytes >= self._kind.max_bytes

    def oldest(self) -> int | None:
        """Return the number of the oldest event without a verdict, those in line included."""
        return next(iter(self.pending), next(iter(self.in_line), None))

    def has_room_for(self, body: bytes) -> bool:
        """Whether these bytes can be taken in now. Nothing overtakes those in line."""
        return not self.in_line and self._fits(body)

    def _fits(self, body: bytes) -> bool:
        return len(self.pending) < self._max_pending and self.pending_bytes + len(body) <= self._max_pending_bytes

    def add(self, entry: PendingRecord) -> None:
        """Take in an event for which there is room."""
        self.pending[entry.number] = entry
        self.pending_bytes += len(entry.body)
        self._queued[entry.number] = entry
        self._queued_bytes += len(entry.body)

    def line_up(self, entry: PendingRecord) -> None:
        """Have an event wait for room."""
        self.in_line[entry.number] = entry

    def withdraw(self, entry: PendingRecord) -> bool:
        """Take an event out of the line or the queue; False if it is in flight or over."""
        if self.in_line.pop(entry.number, None) is not None:
            return True
        if self._queued.pop(entry.number, None) is None:
            return False
        self._queued_bytes -= len(entry.body)
        return True

    def fill(self, chunk: Chunk[Event]) -> None:
        """Move what is queued to a chunk, as much as fits into one request."""
        room = self._kind.room()
        queued = self._queued
        while queued and room.take(next(iter(queued.values())).body):
            _, entry = queued.popitem(last=False)
            self._queued_bytes -= len(entry.body)
            chunk.add(entry.number, entry.event, entry.body)

    def pop(self, number: int) -> PendingRecord:
        """Take an event out that has its result, and let those in line move up."""
        entry = self.pending.pop(number)
        self.pending_bytes -= len(entry.body)
        while self.in_line and self._fits(next(iter(self.in_line.values())).body):
            self.add(self.in_line.popitem(last=False)[1])
        return entry
