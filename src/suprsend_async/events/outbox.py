"""Where events wait to be sent: filled by the reader of the source, emptied chunk by chunk by the senders."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

import anyio

from suprsend_async.events.chunking import Chunker

if TYPE_CHECKING:
    from suprsend_async.events.chunk import Chunk
    from suprsend_async.events.event import Event
    from suprsend_async.events.verdict import Verdict

# Seconds that a chunk which is not full waits for more events while a sender has nothing to do.
LINGER_SECONDS = 0.05


class Queue(Protocol):
    """In which order events leave an outbox. Pure."""

    @property
    def is_full(self) -> bool:
        """Whether the reader has to wait."""
        ...

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left."""
        ...

    def add(self, index: int, event: Event, body: bytes) -> None:
        """Take in an event that is to be sent."""
        ...

    def refuse(self, index: int, event: Event | None, verdict: Verdict) -> None:
        """Take in an event that is not to be sent, for its place in the report."""
        ...

    def take(self, *, partial: bool) -> Chunk | None:
        """Return a chunk that may be sent now, with `partial` even if it is not full."""
        ...

    def finished(self, chunk: Chunk) -> None:
        """Note that a chunk is over."""
        ...


class InputOrder:
    """Events leave in the order in which they came, several chunks at once."""

    def __init__(self) -> None:
        """Begin empty."""
        self._chunker = Chunker()
        self._chunks: deque[Chunk] = deque()

    @property
    def is_full(self) -> bool:
        """Whether a finished chunk waits."""
        return bool(self._chunks)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left."""
        return not self._chunks and self._chunker.is_empty

    def add(self, index: int, event: Event, body: bytes) -> None:
        """Take in an event that is to be sent."""
        if chunk := self._chunker.add(index, event, body):
            self._chunks.append(chunk)

    def refuse(self, index: int, event: Event | None, verdict: Verdict) -> None:
        """Take in an event that is not to be sent."""
        if chunk := self._chunker.refuse(index, event, verdict):
            self._chunks.append(chunk)

    def take(self, *, partial: bool) -> Chunk | None:
        """Return the next chunk."""
        if self._chunks:
            return self._chunks.popleft()
        return self._chunker.flush() if partial else None

    def finished(self, chunk: Chunk) -> None:
        """Nothing to note: chunks do not wait for one another."""


class Outbox:
    """A queue between one reader and many senders; the reader waits while it is full."""

    def __init__(self, queue: Queue) -> None:
        """Wrap a queue."""
        self._queue = queue
        self._ended = False
        self._changed = anyio.Event()
        self._wanted = False

    def add(self, index: int, event: Event, body: bytes) -> None:
        """Take in an event that is to be sent."""
        self._queue.add(index, event, body)
        if self._wanted:
            self._notify()

    def refuse(self, index: int, event: Event | None, verdict: Verdict) -> None:
        """Take in an event that is not to be sent, for its place in the report."""
        self._queue.refuse(index, event, verdict)
        if self._wanted:
            self._notify()

    @property
    def is_full(self) -> bool:
        """Whether the reader has to await `room`."""
        return self._queue.is_full

    async def room(self) -> bool:
        """Let the senders go on, and wait until there is room; False if no more is wanted."""
        self._notify()
        while self._queue.is_full and not self._ended:
            await self._changed.wait()
        return not self._ended

    def end(self) -> None:
        """Tell that no more events come."""
        self._ended = True
        self._notify()

    async def take(self) -> Chunk | None:
        """Wait for the next chunk; None once all is taken and no more comes."""
        lingered = False
        while (chunk := self._queue.take(partial=lingered or self._ended)) is None:
            if self._ended and self._queue.is_empty:
                return None
            self._wanted = self._queue.is_empty
            with anyio.move_on_after(None if self._wanted else LINGER_SECONDS) as linger:
                await self._changed.wait()
            lingered = linger.cancelled_caught
        self._notify()
        return chunk

    def finished(self, chunk: Chunk) -> None:
        """Note that a chunk is over, so that what waited for it can go."""
        self._queue.finished(chunk)
        self._notify()

    def _notify(self) -> None:
        self._wanted = False
        self._changed.set()
        self._changed = anyio.Event()
