"""The queue of an ordered bulk: records with a key in common one after another, others side by side. Pure."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from suprsend_async.bulk.chunk import HELD_BACK, Chunk

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from suprsend_async.api.verdict import Verdict
    from suprsend_async.bulk.kind import RecordKind

R = TypeVar("R")


class _Entry(Generic[R]):
    """A record in the queue.

    Attributes:
        verdict: Why it is not to be sent; None if it is.
        keys: What its order is kept by.
        behind: In how many of its keys' lines it is not the first.
        is_ready: Whether it is among those that may go in any chunk.
    """

    __slots__ = ("behind", "body", "index", "is_ready", "keys", "record", "verdict")

    def __init__(
        self, index: int, record: R | None, body: bytes, verdict: Verdict | None, keys: tuple[Hashable, ...]
    ) -> None:
        self.index = index
        self.record = record
        self.body = body
        self.verdict = verdict
        self.keys = keys
        self.behind = 0
        self.is_ready = False


class _Line(Generic[R]):
    """The records of one key: those that wait, first come first, and the chunk in flight that holds earlier ones."""

    __slots__ = ("holder", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[_Entry[R]] = deque()
        self.holder: Chunk[R] | None = None


class KeyOrder(Generic[R]):
    """Records leave in the order in which they came; no two chunks with the same key are in flight at once.

    A record with several keys waits until it is the first for each of them. Once a record failed in a way that might
    pass, the later ones with its keys are held back: they are reported, not sent. A record that was refused for what
    it is does not hold the others back.

    Each record moves a constant number of times for each of its keys: it enters its keys' lines, becomes ready when
    it is first in all of them and no chunk in flight holds one, and leaves. Records that follow one another may leave
    in the same chunk.
    """

    def __init__(self, kind: RecordKind[R], concurrency: int) -> None:
        """Begin empty; `concurrency` and one more chunks' records are kept at most, those in flight included."""
        self._kind = kind
        self._capacity = (concurrency + 1) * kind.max_records
        self._lines: dict[Hashable, _Line[R]] = {}
        self._ready: deque[_Entry[R]] = deque()
        self._waiting = 0
        # The keys of each chunk in flight, by the positions in it; none for what is not sent.
        self._in_flight: dict[Chunk[R], list[tuple[Hashable, ...]]] = {}
        self._in_flight_count = 0
        self._failed: set[Hashable] = set()

    @property
    def is_full(self) -> bool:
        """Whether the reader has to wait."""
        return self._waiting + self._in_flight_count >= self._capacity

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting

    def add(self, index: int, record: R, body: bytes) -> bool:
        """Take in a record that is to be sent; returns whether the queue is full."""
        return self._put(_Entry(index, record, body, None, tuple(dict.fromkeys(self._kind.order_keys(record)))))

    def fill(self, first: int, records: Sequence[object]) -> int:
        """Take in none: each goes by its own keys."""
        return 0

    def refuse(self, index: int, record: R | None, verdict: Verdict) -> bool:
        """Take in a record that is not to be sent; returns whether the queue is full."""
        return self._put(_Entry(index, record, b"", verdict, ()))

    def _put(self, entry: _Entry[R]) -> bool:
        self._waiting += 1
        for key in entry.keys:
            line = self._lines.get(key)
            if line is None:
                line = self._lines[key] = _Line()
            entry.behind += bool(line.waiting)
            line.waiting.append(entry)
        self._consider(entry)
        return self.is_full

    def _consider(self, entry: _Entry[R]) -> None:
        """Make a record ready if nothing of its keys is ahead of it, waiting or in flight."""
        if entry.behind or entry.is_ready or any(self._lines[key].holder is not None for key in entry.keys):
            return
        entry.is_ready = True
        self._ready.append(entry)

    def take(self, *, partial: bool) -> Chunk[R] | None:
        """Return a chunk of records whose keys have nothing in flight."""
        if not partial and not self.is_full and self._waiting < self._kind.max_records:
            return None
        chunk = Chunk(self._kind, ordered=True)
        keys = self._fill(chunk)
        if not keys:
            return None
        self._in_flight[chunk] = keys
        self._waiting -= len(keys)
        self._in_flight_count += len(keys)
        return chunk

    def _fill(self, chunk: Chunk[R]) -> list[tuple[Hashable, ...]]:
        """Add what may go to a chunk; returns the keys that it holds then, by position."""
        keys: list[tuple[Hashable, ...]] = []
        room = self._kind.room()
        # Those that may go in this chunk only: what is ahead of them goes in it, too.
        followers: deque[_Entry[R]] = deque()
        while (self._ready or followers) and len(chunk) < self._kind.max_records:
            from_ready = not followers or (bool(self._ready) and self._ready[0].index < followers[0].index)
            entry = self._ready[0] if from_ready else followers[0]
            verdict = entry.verdict or self._held_back(entry)
            if verdict is not None:
                chunk.refuse(entry.index, entry.record, verdict)
                keys.append(())
            else:
                if not room.take(entry.body):
                    break
                chunk.add(entry.index, entry.record, entry.body)
                keys.append(entry.keys)
            (self._ready if from_ready else followers).popleft()
            self._leave_lines(entry, chunk, followers, is_sent=verdict is None)
        return keys

    def _held_back(self, entry: _Entry[R]) -> Verdict | None:
        if not self._failed or self._failed.isdisjoint(entry.keys):
            return None
        # Later records of its other keys must not overtake it either.
        self._failed.update(entry.keys)
        return HELD_BACK

    def _leave_lines(self, entry: _Entry[R], chunk: Chunk[R], followers: deque[_Entry[R]], *, is_sent: bool) -> None:
        for key in entry.keys:
            line = self._lines[key]
            line.waiting.popleft()
            if is_sent:
                line.holder = chunk
            if not line.waiting:
                if line.holder is None:
                    del self._lines[key]
                continue
            following = line.waiting[0]
            following.behind -= 1
            if not following.behind and all(self._lines[other].holder in (None, chunk) for other in following.keys):
                if is_sent or any(self._lines[other].holder is chunk for other in following.keys):
                    followers.append(following)
                else:
                    self._consider(following)

    def finished(self, chunk: Chunk[R]) -> None:
        """Let the records behind the chunk's go on, or hold them back."""
        keys = self._in_flight.pop(chunk)
        self._in_flight_count -= len(keys)
        freed: list[Hashable] = []
        for held, verdict in zip(keys, chunk.verdicts, strict=True):
            if verdict.outcome != "accepted" and verdict.retryable:
                self._failed.update(held)
            for key in held:
                line = self._lines[key]
                if line.holder is chunk:
                    line.holder = None
                    freed.append(key)
        for key in freed:
            line = self._lines[key]
            if line.waiting:
                self._consider(line.waiting[0])
            else:
                del self._lines[key]
