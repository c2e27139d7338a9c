"""The queue of an ordered bulk: the events of one user one after another, different users side by side. Pure."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from suprsend_async.events.chunking import MAX_CHUNK_EVENTS, Chunker
from suprsend_async.events.verdict import Verdict

if TYPE_CHECKING:
    from suprsend_async.events.chunk import Chunk
    from suprsend_async.events.event import Event

HELD_BACK = Verdict(
    "not_sent",
    error="an earlier event of this distinct_id failed, and events are sent in order",
    error_type="held_back",
    retryable=True,
)


class UserOrder:
    """Events leave in the order in which they came; never two chunks with the same user's events at once.

    Once an event failed in a way that might pass, the later ones of its user are held back: they are reported, not
    sent. An event that was refused for what it is does not hold the others back.
    """

    def __init__(self, concurrency: int) -> None:
        """Begin empty; `concurrency` and one more chunks' events are kept at most, those in flight included."""
        self._capacity = (concurrency + 1) * MAX_CHUNK_EVENTS
        self._waiting: deque[tuple[int, Event | None, bytes, Verdict | None]] = deque()
        self._in_flight = 0
        self._busy: set[str] = set()
        self._failed: set[str] = set()

    @property
    def is_full(self) -> bool:
        """Whether the reader has to wait."""
        return len(self._waiting) + self._in_flight >= self._capacity

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting

    def add(self, index: int, event: Event, body: bytes) -> bool:
        """Take in an event that is to be sent; returns whether the queue is full."""
        self._waiting.append((index, event, body, None))
        return self.is_full

    def refuse(self, index: int, event: Event | None, verdict: Verdict) -> bool:
        """Take in an event that is not to be sent; returns whether the queue is full."""
        self._waiting.append((index, event, b"", verdict))
        return self.is_full

    def take(self, *, partial: bool) -> Chunk | None:
        """Return a chunk of events whose users have nothing in flight."""
        if not partial and not self.is_full and len(self._waiting) < MAX_CHUNK_EVENTS:
            return None
        chunk = self._pick()
        if chunk is not None:
            self._in_flight += len(chunk)
        return chunk

    def _pick(self) -> Chunk | None:
        chunker = Chunker()
        users: set[str] = set()
        left: deque[tuple[int, Event | None, bytes, Verdict | None]] = deque()
        chunk = None
        while chunk is None and self._waiting:
            index, event, body, verdict = entry = self._waiting.popleft()
            if event is None or verdict is not None or event.distinct_id in self._failed:
                chunk = chunker.refuse(index, event, verdict or HELD_BACK)
            elif event.distinct_id in self._busy:
                left.append(entry)
            elif chunker.is_empty or chunker.fits(body):
                users.add(event.distinct_id)
                chunk = chunker.add(index, event, body)
            else:
                left.append(entry)
                break
        left.extend(self._waiting)
        self._waiting = left
        self._busy |= users
        return chunk or chunker.flush()

    def finished(self, chunk: Chunk) -> None:
        """Let the chunk's users go on, or hold them back."""
        self._in_flight -= len(chunk)
        for event, body, verdict in zip(chunk.events, chunk.bodies, chunk.verdicts, strict=True):
            if event is None or not body:
                continue
            self._busy.discard(event.distinct_id)
            if verdict.outcome != "accepted" and verdict.retryable:
                self._failed.add(event.distinct_id)
