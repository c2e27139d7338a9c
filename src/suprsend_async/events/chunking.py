"""Chunking: events in, chunks within the platform's limits out. Pure, and a loop whatever the length."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from suprsend_async.events.chunk import Chunk

if TYPE_CHECKING:
    from suprsend_async.events.event import Event
    from suprsend_async.events.verdict import Verdict

MAX_CHUNK_EVENTS = 100
MAX_CHUNK_BYTES = 819_200


@dataclass(slots=True)
class Chunker:
    """Gathers events into chunks; each call returns the chunk that it completed, if any.

    Attributes:
        max_events: Events in a chunk at most.
        max_bytes: Bytes of a chunk's body at most, brackets and commas included. Only an event that exceeds this
            by itself makes a longer one, in which it is alone.
    """

    max_events: int = MAX_CHUNK_EVENTS
    max_bytes: int = MAX_CHUNK_BYTES
    _open: Chunk = field(default_factory=Chunk)
    _size: int = 1

    @property
    def is_empty(self) -> bool:
        """Whether no chunk is under way."""
        return not self._open

    def fits(self, body: bytes) -> bool:
        """Whether the chunk under way can take these bytes."""
        return self._size + len(body) + 1 <= self.max_bytes

    def add(self, index: int, event: Event, body: bytes) -> Chunk | None:
        """Add an event that is to be sent."""
        # Each event brings a comma or the closing bracket with it; the opening bracket is counted from the start.
        size = len(body) + 1
        finished = self.flush() if self._size + size > self.max_bytes else None
        chunk = self._open
        chunk.add(index, event, body)
        self._size += size
        return self.flush() if len(chunk.indexes) >= self.max_events else finished

    def refuse(self, index: int, event: Event | None, verdict: Verdict) -> Chunk | None:
        """Add an event that is not to be sent, for its place in the report."""
        self._open.refuse(index, event, verdict)
        return self.flush() if len(self._open) >= self.max_events else None

    def flush(self) -> Chunk | None:
        """Return the chunk under way, if it holds anything, and begin a new one."""
        chunk = self._open
        if not chunk:
            return None
        self._open, self._size = Chunk(), 1
        return chunk
