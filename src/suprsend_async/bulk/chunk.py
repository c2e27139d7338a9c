"""Chunks: records gathered within the platform's limits, and what is known about each on its way. Pure."""

from __future__ import annotations

from collections import deque
from operator import itemgetter
from typing import TYPE_CHECKING, Generic, TypeVar

from suprsend_async.api.verdict import NOT_SENT, Verdict, merged, verdict_of_failure, verdict_of_refusal
from suprsend_async.bulk.kind import MAX_BULK_ANSWER_BYTES
from suprsend_async.transport.answer import Answer, Failure
from suprsend_async.transport.request import Request
from suprsend_async.transport.retry import PAYLOAD_TOO_LARGE, TOO_MANY_REQUESTS
from suprsend_async.transport.transport import Again

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from suprsend_async.bulk.kind import RecordKind
    from suprsend_async.outcome import Outcome

R = TypeVar("R")

HELD_BACK = Verdict(
    "not_sent",
    error="an earlier record of this distinct_id failed, and its records are sent in order",
    error_type="held_back",
    retryable=True,
)


_outcome = itemgetter(Verdict._fields.index("outcome"))


class Chunk(Generic[R]):
    """Records that travel together: the exchange of one bulk request, its repeats and its halves.

    Records that were refused before sending keep their place here, so that they are reported in the input's order.
    The lists run side by side: position i of each is about the same record.

    Args:
        kind: The kind of record.
        ordered: Whether a record waits for the earlier ones with one of its keys, should they travel in parts.

    Attributes:
        kind: The kind of record.
        indexes: Positions in the input.
        records: The records; None where the input was none.
        bodies: Their bytes; empty where there is nothing to send.
        verdicts: What is known about each.
        on_request: Called with each request that is made: the records in it, the bytes of its body, and whether they
            go for the first time.
    """

    def __init__(self, kind: RecordKind[R], *, ordered: bool = False) -> None:
        """Begin an empty chunk."""
        self.kind = kind
        self.indexes: list[int] = []
        self.records: list[R | None] = []
        self.bodies: list[bytes] = []
        self.verdicts: list[Verdict] = []
        self.on_request: Callable[[int, int, bool], None] | None = None
        # Positions still to be sent, in the groups in which they go; the first group goes next.
        self._to_send: list[int] = []
        self._groups = deque([self._to_send])
        self._untried = 1
        self._ordered = ordered
        # Positions that go in no group yet, since an earlier record with one of their keys is still to go again.
        self._held: list[int] = []
        self._was_sent = False
        self._retry_after: float | None = None

    def __len__(self) -> int:
        """Return the number of records, those included that are not sent."""
        return len(self.indexes)

    def add(self, index: int, record: R | None, body: bytes) -> None:
        """Add a record that is to be sent."""
        self._to_send.append(len(self.indexes))
        self.indexes.append(index)
        self.records.append(record)
        self.bodies.append(body)
        self.verdicts.append(NOT_SENT)

    def extend(self, index: int, records: list[R], bodies: list[bytes]) -> None:
        """Add records that are to be sent, which follow one another in the input."""
        count = len(records)
        self._to_send.extend(range(len(self.indexes), len(self.indexes) + count))
        self.indexes.extend(range(index, index + count))
        self.records.extend(records)
        self.bodies.extend(bodies)
        self.verdicts.extend([NOT_SENT] * count)

    def refuse(self, index: int, record: R | None, verdict: Verdict) -> None:
        """Add a record that is not to be sent."""
        self.indexes.append(index)
        self.records.append(record)
        self.bodies.append(b"")
        self.verdicts.append(verdict)

    @property
    def is_sendable(self) -> bool:
        """Whether there is anything to send."""
        return bool(self._groups and self._groups[0])

    @property
    def route(self) -> str:
        """Where it goes."""
        return self.kind.route

    def outcomes(self) -> list[Outcome]:
        """Return what is known of each record's fate."""
        return [*map(_outcome, self.verdicts)]

    def accepted_indexes(self) -> list[int]:
        """Return the input's positions of the records that were accepted."""
        return [
            index for index, verdict in zip(self.indexes, self.verdicts, strict=True) if verdict.outcome == "accepted"
        ]

    def body(self) -> bytes:
        """Return the body of the request with the records that go next."""
        begin, end = self.kind.frame
        return begin + b",".join([self.bodies[position] for position in self._groups[0]]) + end

    def request(self) -> Request:
        """Return the request with the records that go next."""
        first, self._was_sent = not self._was_sent, True
        body, count = self.body(), len(self._groups[0])
        if self.on_request is not None:
            self.on_request(count, len(body), first)
        kind = self.kind
        ids: Mapping[str, str] = {} if kind.ids is None else kind.ids
        return Request(
            "POST",
            kind.route,
            ids,
            body=body,
            names_message=kind.names_messages,
            has_records=kind.names_messages,
            record_count=count,
            max_answer_bytes=MAX_BULK_ANSWER_BYTES,
        )

    def read(self, result: Answer | Failure, now: Callable[[], float]) -> Again | None:
        """Note the verdicts that follow from an attempt; what may be retried stays, the same bytes."""
        group = self._groups.popleft()
        self._untried = max(0, self._untried - 1)
        if isinstance(result, Answer):
            if len(group) > 1 and self._goes_in_halves(result):
                return self._split(group)
            retry_after = result.retry_after(now)
            later = self.kind.read_answer(result, len(group)) or [verdict_of_refusal(result)] * len(group)
        else:
            retry_after = result.retry_after
            later = [verdict_of_failure(result)] * len(group)
        if left := self._take_in(group, later):
            # Behind the groups that were never tried: what fails for good must not keep these from going.
            self._groups.append(left)
            if self._ordered:
                self._hold(left)
        if not self._groups:
            return self._release()
        if self._untried:
            # What one half was asked to wait is remembered while the others go.
            self._retry_after = max(self._retry_after or 0.0, retry_after or 0.0) or None
            return Again(at_once=True)
        retry_after = max(retry_after or 0.0, self._retry_after or 0.0) or None
        self._retry_after = None
        throttled = isinstance(result, Answer) and result.status_code == TOO_MANY_REQUESTS
        return Again(retry_after, throttled=throttled)

    def _goes_in_halves(self, answer: Answer) -> bool:
        """Whether a request may be taken if it holds less, or not what is at fault."""
        if answer.status_code == PAYLOAD_TOO_LARGE:
            return True
        return answer.status_code in self.kind.halved and answer.says_no and not answer.is_indecisive

    def _take_in(self, group: list[int], later: list[Verdict]) -> list[int]:
        """Note the verdicts of a group; returns the positions that may be sent again."""
        left: list[int] = []
        verdicts = self.verdicts
        if len(group) == len(verdicts) and [*map(_outcome, later)].count("accepted") == len(later):
            # As it goes nearly always: there is nothing to merge, for a yes is the last word.
            verdicts[:] = later
            return left
        for position, verdict in zip(group, later, strict=True):
            earlier = verdicts[position]
            verdicts[position] = verdict if earlier is NOT_SENT else merged(earlier, verdict)
            if verdict.retryable and (verdict.is_undone or self._is_repeatable(position)):
                left.append(position)
        return left

    def _is_repeatable(self, position: int) -> bool:
        record, is_repeatable = self.records[position], self.kind.is_repeatable
        return is_repeatable is None or (record is not None and is_repeatable(record))

    def _hold(self, left: list[int]) -> None:
        """Remove records from untried groups that share a key with records to be retried."""
        keys = {key for position in left for key in self._keys(position)}
        untried = [self._groups.popleft() for _ in range(self._untried)]
        groups: list[list[int]] = []
        for group in untried:
            others: list[int] = []
            for position in group:
                if keys.isdisjoint(own := self._keys(position)):
                    others.append(position)
                    continue
                # Later records of its other keys must not overtake it either.
                keys.update(own)
                self._held.append(position)
                if self.verdicts[position] is NOT_SENT:
                    self.verdicts[position] = HELD_BACK
            if others:
                groups.append(others)
        self._groups.extendleft(reversed(groups))
        self._untried = len(groups)

    def _keys(self, position: int) -> tuple[Hashable, ...]:
        record = self.records[position]
        return () if record is None else tuple(self.kind.order_keys(record))

    def _release(self) -> Again | None:
        """Release the held records, now that nothing is retried."""
        if not self._held:
            return None
        group, self._held = sorted(self._held), []
        for position in group:
            if self.verdicts[position] is HELD_BACK:
                self.verdicts[position] = NOT_SENT
        self._groups.append(group)
        self._untried = 1
        return Again(at_once=True)

    def _split(self, group: list[int]) -> Again:
        middle = len(group) // 2
        self._groups.extendleft([group[middle:], group[:middle]])
        self._untried += 2
        return Again(at_once=True)


class Chunker(Generic[R]):
    """Gathers records into chunks; each call returns the chunk that it completed, if any.

    Only a record that exceeds the kind's bytes by itself makes a longer chunk, in which it is alone.
    """

    def __init__(self, kind: RecordKind[R]) -> None:
        """Begin with an empty chunk."""
        self._kind = kind
        self._open: Chunk[R] = Chunk(kind)
        self._room = kind.room()

    @property
    def is_empty(self) -> bool:
        """Whether no chunk is under way."""
        return not self._open

    @property
    def gap(self) -> int:
        """How many records the chunk under way can still take, if they are short enough."""
        return self._kind.max_records - len(self._open)

    def add(self, index: int, record: R | None, body: bytes) -> Chunk[R] | None:
        """Add a record that is to be sent."""
        finished = None
        if not self._room.take(body):
            finished = self.flush()
            self._room.take(body)
        chunk = self._open
        chunk.add(index, record, body)
        return self.flush() if len(chunk.indexes) >= self._kind.max_records else finished

    def extend(self, index: int, records: list[R], bodies: list[bytes]) -> list[Chunk[R]]:
        """Add records that are to be sent, which follow one another in the input; returns the completed chunks."""
        if len(records) <= self.gap and self._room.take_all(bodies):
            self._open.extend(index, records, bodies)
            chunks = [self.flush() if self.gap <= 0 else None]
        else:
            chunks = [self.add(index + place, *pair) for place, pair in enumerate(zip(records, bodies, strict=True))]
        return [chunk for chunk in chunks if chunk is not None]

    def refuse(self, index: int, record: R | None, verdict: Verdict) -> Chunk[R] | None:
        """Add a record that is not to be sent, for its place in the report."""
        self._open.refuse(index, record, verdict)
        return self.flush() if len(self._open) >= self._kind.max_records else None

    def flush(self) -> Chunk[R] | None:
        """Return the chunk under way, if it holds anything, and begin a new one."""
        chunk = self._open
        if not chunk:
            return None
        self._open, self._room = Chunk(self._kind), self._kind.room()
        return chunk
