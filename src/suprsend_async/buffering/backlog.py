"""What a buffer holds in memory: records that were taken in, and callers in line for room. Pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from suprsend_async.api.response import EventResponse
    from suprsend_async.buffering.kinds import AnyRecord
    from suprsend_async.bulk.chunk import Chunk
    from suprsend_async.bulk.kind import RecordKind


@dataclass(slots=True, eq=False)
class PendingRecord:
    """An encoded record on its way through the buffer.

    Attributes:
        number: Its place among all that came.
        record: The record.
        body: Its bytes.
        queue: Where it waits to be sent.
        answer: Where its caller waits for the response; None if nobody does.
        repeatable: Whether it may be sent again when it may have arrived; the record may be changed later, its bytes
            are not.
    """

    number: int
    record: AnyRecord
    body: bytes = field(repr=False)
    queue: KindQueue = field(repr=False)
    answer: asyncio.Future[EventResponse] | None = None
    repeatable: bool = True


class KindQueue:
    """Records of one kind that wait to be sent: kinds travel separately.

    Args:
        kind: The kind of record.
        concurrency: Requests in flight at most.
        is_repeatable: Returns whether a record may be sent again when it may have arrived; None if all may.

    Attributes:
        kind: The kind of record.
        is_repeatable: The same.
        in_flight: Requests in flight.
        is_due: Whether what is queued leaves as soon as a request may go, full or not.
    """

    def __init__(
        self,
        kind: RecordKind[PendingRecord],
        concurrency: int,
        is_repeatable: Callable[[AnyRecord], bool] | None = None,
    ) -> None:
        """Begin empty."""
        self.kind: RecordKind[PendingRecord] = kind
        self.is_repeatable: Callable[[AnyRecord], bool] | None = is_repeatable
        self.in_flight: int = 0
        self.is_due: bool = False
        self._concurrency = concurrency
        self._records: OrderedDict[int, PendingRecord] = OrderedDict()
        self._bytes = 0

    @property
    def is_queued(self) -> bool:
        """Whether anything waits to be sent."""
        return bool(self._records)

    @property
    def fills_a_chunk(self) -> bool:
        """Whether so much waits to be sent that no more would fit into the next chunk."""
        return len(self._records) >= self.kind.max_records or self._bytes >= self.kind.max_bytes

    @property
    def may_leave(self) -> bool:
        """Whether a request may go now."""
        return self.in_flight < self._concurrency and (
            (self.is_due and bool(self._records))
            or len(self._records) >= self.kind.max_records
            or self._bytes >= self.kind.max_bytes
        )

    def add(self, entry: PendingRecord) -> None:
        """Take in a record."""
        self._records[entry.number] = entry
        self._bytes += len(entry.body)

    def withdraw(self, entry: PendingRecord) -> bool:
        """Take a record out; False if it does not wait here."""
        if self._records.pop(entry.number, None) is None:
            return False
        self._bytes -= len(entry.body)
        return True

    def fill(self, chunk: Chunk[PendingRecord]) -> None:
        """Move what is queued to an empty chunk, as much as fits into one request."""
        room = self.kind.room()
        size = 0
        for entry in self._records.values():
            body = entry.body
            if not room.take(body):
                break
            size += len(body)
            chunk.add(entry.number, entry, body)
        for number in chunk.indexes:
            del self._records[number]
        self._bytes -= size


class Backlog:
    """Records in the order in which they came: in line for room, then queued, then in flight.

    Queued and in flight together are pending; only pending ones take up room.

    Args:
        max_pending: Pending records at most.
        max_pending_bytes: Their bytes at most.
    """

    def __init__(self, max_pending: int, max_pending_bytes: int) -> None:
        """Begin empty."""
        # Both, and the queues, are emptied from the front, and now and then in the middle. A plain dict would walk over
        # all that was taken from its front to find the first one, and a deque over all before the one taken out.
        self.pending: OrderedDict[int, PendingRecord] = OrderedDict()
        self.pending_bytes: int = 0
        self.in_line: OrderedDict[int, PendingRecord] = OrderedDict()
        self._max_pending = max_pending
        self._max_pending_bytes = max_pending_bytes

    def oldest(self) -> int | None:
        """Return the number of the oldest record without a verdict, those in line included."""
        return next(iter(self.pending), next(iter(self.in_line), None))

    def has_room_for(self, body: bytes) -> bool:
        """Whether these bytes can be taken in now. Nothing overtakes those in line."""
        return not self.in_line and self._fits(body)

    def _fits(self, body: bytes) -> bool:
        return len(self.pending) < self._max_pending and self.pending_bytes + len(body) <= self._max_pending_bytes

    def add(self, entry: PendingRecord) -> None:
        """Take in a record for which there is room."""
        self.pending[entry.number] = entry
        self.pending_bytes += len(entry.body)
        entry.queue.add(entry)

    def line_up(self, entry: PendingRecord) -> None:
        """Have a record wait for room."""
        self.in_line[entry.number] = entry

    def withdraw(self, entry: PendingRecord) -> bool:
        """Take a record out of the line or its queue; False if it is in flight or over."""
        return self.in_line.pop(entry.number, None) is not None or entry.queue.withdraw(entry)

    def pop(self, number: int) -> PendingRecord:
        """Take a record out that has its result, and let those in line move up."""
        entry = self.pending.pop(number)
        self.pending_bytes -= len(entry.body)
        while self.in_line and self._fits(next(iter(self.in_line.values())).body):
            self.add(self.in_line.popitem(last=False)[1])
        return entry
