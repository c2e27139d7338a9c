"""What a buffer holds in memory: events that were taken in, and callers in line for room. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from suprsend_async.events.chunking import MAX_CHUNK_BYTES, MAX_CHUNK_EVENTS, Chunker

if TYPE_CHECKING:
    import asyncio

    from suprsend_async.events.chunk import Chunk
    from suprsend_async.events.event import Event
    from suprsend_async.events.results import EventResponse


@dataclass(slots=True, eq=False)
class Entry:
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
        max_pending: Pending events at most.
        max_pending_bytes: Their bytes at most.
    """

    def __init__(self, max_pending: int, max_pending_bytes: int) -> None:
        """Begin empty."""
        self.pending: dict[int, Entry] = {}
        self.pending_bytes: int = 0
        self.in_line: dict[int, Entry] = {}
        self._max_pending = max_pending
        self._max_pending_bytes = max_pending_bytes
        self._queued: deque[Entry] = deque()
        self._queued_bytes = 0

    @property
    def is_queued(self) -> bool:
        """Whether anything waits to be sent."""
        return bool(self._queued)

    @property
    def fills_a_chunk(self) -> bool:
        """Whether so much waits to be sent that no more would fit into the next chunk."""
        return len(self._queued) >= MAX_CHUNK_EVENTS or self._queued_bytes >= MAX_CHUNK_BYTES

    def oldest(self) -> int | None:
        """Return the number of the oldest event without a verdict, those in line included."""
        return next(iter(self.pending), next(iter(self.in_line), None))

    def has_room_for(self, body: bytes) -> bool:
        """Whether these bytes can be taken in now. Nothing overtakes those in line."""
        return not self.in_line and self._fits(body)

    def _fits(self, body: bytes) -> bool:
        return len(self.pending) < self._max_pending and self.pending_bytes + len(body) <= self._max_pending_bytes

    def add(self, entry: Entry) -> None:
        """Take in an event for which there is room."""
        self.pending[entry.number] = entry
        self.pending_bytes += len(entry.body)
        self._queued.append(entry)
        self._queued_bytes += len(entry.body)

    def line_up(self, entry: Entry) -> None:
        """Have an event wait for room."""
        self.in_line[entry.number] = entry

    def withdraw(self, entry: Entry) -> bool:
        """Take an event out of the line or the queue; False if it is in flight or over."""
        if self.in_line.pop(entry.number, None) is not None:
            return True
        try:
            self._queued.remove(entry)
        except ValueError:
            return False
        self._queued_bytes -= len(entry.body)
        return True

    def take(self) -> Chunk:
        """Return the next chunk of what is queued, as full as it can be."""
        chunker = Chunker()
        chunk = None
        while chunk is None and self._queued and (chunker.is_empty or chunker.fits(self._queued[0].body)):
            entry = self._queued.popleft()
            self._queued_bytes -= len(entry.body)
            chunk = chunker.add(entry.number, entry.event, entry.body)
        chunk = chunk or chunker.flush()
        if chunk is None:
            raise LookupError("nothing is queued")
        return chunk

    def settle(self, number: int) -> Entry:
        """Take an event out that has its verdict, and let those in line move up."""
        entry = self.pending.pop(number)
        self.pending_bytes -= len(entry.body)
        while self.in_line and self._fits(next(iter(self.in_line.values())).body):
            self.add(self.in_line.pop(next(iter(self.in_line))))
        return entry
