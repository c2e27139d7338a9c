"""Where records wait to be sent: filled by the reader of the source, emptied chunk by chunk by the senders."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import anyio

from suprsend_async.bulk.chunk import Chunker
from suprsend_async.transport.clock import check_clock

if TYPE_CHECKING:
    from suprsend_async.api.verdict import Verdict
    from suprsend_async.bulk.chunk import Chunk
    from suprsend_async.bulk.kind import RecordKind

R = TypeVar("R")

# Seconds that a chunk which is not full waits for more records while a sender has nothing to do.
LINGER_SECONDS = 0.05


class Order(Protocol[R]):
    """In which order records leave a send queue. Pure."""

    @property
    def is_full(self) -> bool:
        """Whether the reader has to wait."""
        ...

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left."""
        ...

    def add(self, index: int, record: R, body: bytes) -> bool:
        """Take in a record that is to be sent; returns whether the queue is full."""
        ...

    @property
    def gap(self) -> int:
        """How many records to read before it is asked again whether it is full; 1 at least."""
        ...

    def extend(self, index: int, records: list[R], bodies: list[bytes]) -> bool:
        """Take in so many at once, which follow one another in the input."""
        ...

    def refuse(self, index: int, record: R | None, verdict: Verdict) -> bool:
        """Take in a record that is not to be sent, for its place in the report; returns whether it is full."""
        ...

    def take(self, *, partial: bool) -> Chunk[R] | None:
        """Return a chunk that may be sent now, with `partial` even if it is not full."""
        ...

    def finished(self, chunk: Chunk[R]) -> None:
        """Note that a chunk is over."""
        ...


class InputOrder(Generic[R]):
    """Records leave in the order in which they came, several chunks at once."""

    def __init__(self, kind: RecordKind[R]) -> None:
        """Begin empty."""
        self._chunker = Chunker(kind)
        self._chunks: deque[Chunk[R]] = deque()

    @property
    def is_full(self) -> bool:
        """Whether a finished chunk waits."""
        return bool(self._chunks)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left."""
        return not self._chunks and self._chunker.is_empty

    @property
    def gap(self) -> int:
        """How many records the chunk under way can still take."""
        return self._chunker.gap

    def add(self, index: int, record: R, body: bytes) -> bool:
        """Take in a record that is to be sent; returns whether the queue is full."""
        return self._put(self._chunker.add(index, record, body))

    def extend(self, index: int, records: list[R], bodies: list[bytes]) -> bool:
        """Take in several that are to be sent; returns whether the queue is full."""
        self._chunks.extend(self._chunker.extend(index, records, bodies))
        return self.is_full

    def refuse(self, index: int, record: R | None, verdict: Verdict) -> bool:
        """Take in a record that is not to be sent; returns whether the queue is full."""
        return self._put(self._chunker.refuse(index, record, verdict))

    def _put(self, chunk: Chunk[R] | None) -> bool:
        if chunk is None:
            return False
        self._chunks.append(chunk)
        return True

    def take(self, *, partial: bool) -> Chunk[R] | None:
        """Return the next chunk."""
        if self._chunks:
            return self._chunks.popleft()
        return self._chunker.flush() if partial else None

    def finished(self, chunk: Chunk[R]) -> None:
        """Nothing to note: chunks do not wait for one another."""


class SendQueue(Generic[R]):
    """A queue between one reader and many senders.

    The reader adds records to the order, and awaits `room` when that is full or `wanted` is set.

    Attributes:
        wanted: Whether a sender waits although nothing is in the queue.
    """

    def __init__(self, order: Order[R]) -> None:
        """Begin with what the order holds."""
        self.wanted: bool = False
        self._order = order
        self._ended = False
        # One sender at a time waits for a chunk; the others wait for their turn, so that a chunk wakes only one.
        self._turn = anyio.Lock(fast_acquire=True)
        self._filled = anyio.Event()
        self._emptied = anyio.Event()

    async def room(self) -> bool:
        """Let a sender go on, and wait until there is room; False if no more is wanted."""
        self.wanted = False
        self._filled.set()
        while self._order.is_full and not self._ended:
            self._emptied = anyio.Event()
            await self._emptied.wait()
        return not self._ended

    def end(self) -> None:
        """Note that no more records come."""
        self._ended = True
        self._filled.set()
        self._emptied.set()

    async def take(self) -> Chunk[R] | None:
        """Wait for the next chunk; None once all is taken and no more comes."""
        async with self._turn:
            lingered = False
            while (chunk := self._order.take(partial=lingered or self._ended)) is None:
                if self._ended and self._order.is_empty:
                    return None
                self._filled = anyio.Event()
                self.wanted = self._order.is_empty
                if not self.wanted:
                    check_clock()
                with anyio.move_on_after(None if self.wanted else LINGER_SECONDS) as linger:
                    await self._filled.wait()
                lingered = linger.cancelled_caught
        self._emptied.set()
        return chunk

    def finished(self, chunk: Chunk[R]) -> None:
        """Note that a chunk is over, so that what waited for it can go."""
        self._order.finished(chunk)
        self._filled.set()
        self._emptied.set()
