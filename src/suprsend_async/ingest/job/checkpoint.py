"""The checkpoint of a job: which rows are done, and which may be on their way. Pure.

It holds numbers, names of files and digests; no credential, and nothing of what a row says.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from suprsend_async.errors import SuprsendError
from suprsend_async.ingest.job.in_flight import InFlight, drop_finished, put, unfinished, within
from suprsend_async.ingest.job.ranges import RowSet, Span
from suprsend_async.ingest.mapping.records import EVENTS
from suprsend_async.ingest.sources.source import Position

if TYPE_CHECKING:
    from collections.abc import Iterable


FORMAT = 1
CORRECTED_FORMAT = 2
KINDS_FORMAT = 3
"""The versions of the checkpoint's form. The second is of jobs of which an earlier program would make other keys, the
third of jobs that send no events, which an earlier program cannot do."""

DEAD_LETTERS = "dead letters"
"""What identifies the mapping that sends dead letters again."""

SAFE_SECONDS = 23 * 60 * 60
"""So long after an event may have been processed, sending it again is safe: the platform knows its key for 24 hours."""


class CheckpointError(SuprsendError):
    """The job cannot go on from its checkpoint, or the checkpoint cannot be kept; the message says what to do."""


VersionState = Literal["starting", "filling", "finishing", "live"]
"""How far the version of a list has come: about to be started, started, about to be finished, or the list itself."""


KeysFrom = Literal["source", "columns"]
"""What keys are made from: the source's fingerprint and the row's number, or the row's columns."""


class VersionNotes(NamedTuple):
    """What a job that fills a list knows of its version.

    Attributes:
        state: How far it has come.
        version_id: The version's id; empty as long as it is not known.
        before: The versions that the list had before this one was started.
    """

    state: VersionState
    version_id: str
    before: list[str]


class RowSums(NamedTuple):
    """What many rows amount to, in pieces, so that it can be said where they have changed.

    Attributes:
        end: The row after the last one.
        sums: The sum of each piece; all pieces have the same number of rows.
    """

    end: int
    sums: tuple[int, ...]


@dataclass(slots=True)
class SourceProgress:
    """How far one source has come.

    Attributes:
        name: The source's name, for messages.
        fingerprint: What tells this source from others, and from itself after a change.
        rows: How many rows it has; None until its end was seen.
        finished: Rows that were accepted, or whose failure is on record.
        in_flight: Rows that may have been sent before this run, and are not known to be finished; in their order.
        start: Where to read on from: at the watermark, or a little before it.
        reserved: Other rows that this run may send, from when on; in their order as well.
        origin: The fingerprint that the source had when the job began, if it was corrected since.
        accepted: What tells the rows that were accepted from others, so that a corrected source is recognised.
    """

    name: str
    fingerprint: str
    rows: int | None = None
    finished: RowSet = field(default_factory=RowSet)
    in_flight: list[InFlight] = field(default_factory=list[InFlight])
    start: Position = field(default_factory=lambda: Position(0))
    reserved: list[InFlight] = field(default_factory=list[InFlight])
    origin: str | None = None
    accepted: RowSums | None = None
    _passed: deque[Position] = field(default_factory=deque[Position])

    @property
    def is_complete(self) -> bool:
        """Whether every row is finished."""
        return self.rows is not None and self.finished.watermark >= self.rows

    def passed(self, position: Position) -> None:
        """Note a place that the reading has passed, to read on from once all rows before it are finished."""
        self._passed.append(position)

    def move_start(self) -> None:
        """Move the place to read on from as far as the finished rows allow."""
        while self._passed and self._passed[0].number <= self.finished.watermark:
            self.start = self._passed.popleft()

    def reserve(self, span: Span, now: float) -> None:
        """Note that rows may be sent from now on; what may have been sent before keeps its earlier moment."""
        known = RowSet()
        for rows in within(self.in_flight, span):
            known.add((rows.start, rows.end))
        for gap in self.finished.missing(span):
            self.reserved += [InFlight(*part, now) for part in known.missing(gap)]

    def recall(self, row: int, since: float) -> None:
        """Note that another job may have sent a row, for as long as it is not finished."""
        if row not in self.finished and self.sent_since(row) is None:
            put(self.in_flight, row, since)

    def sent_since(self, row: int) -> float | None:
        """Return when an earlier run may have sent a row, in epoch seconds; None if none did."""
        return next((rows.since for rows in within(self.in_flight, (row, row + 1))), None)

    def release(self, sent: Iterable[Span]) -> None:
        """End a run: of the rows that it reserved, only those that were sent without an answer stay in flight."""
        spans = list(sent)
        for rows in self.reserved:
            cuts = ((max(start, rows.start), min(end, rows.end)) for start, end in spans)
            self.in_flight += [InFlight(start, end, rows.since) for start, end in cuts if start < end]
        self.in_flight.sort()
        self.reserved = []

    def drop_finished(self) -> None:
        """Forget of what is in flight, or reserved, the rows that are finished."""
        drop_finished(self.in_flight, self.finished)
        drop_finished(self.reserved, self.finished)

    def in_doubt(self, now: float) -> list[InFlight]:
        """Return the rows in flight for so long that the platform may have forgotten their keys."""
        return self.doubt_in((0, self.in_flight[-1].end), now) if self.in_flight else []

    def doubt_in(self, span: Span, now: float) -> list[InFlight]:
        """Return those of them that lie in a span."""
        old = [rows for rows in within(self.in_flight, span) if now - rows.since >= SAFE_SECONDS]
        return unfinished(old, self.finished)


@dataclass(slots=True)
class Checkpoint:
    """What a job needs to go on.

    Attributes:
        target: A digest of where the events go.
        mapping: The mapping's digest.
        started: When the job began, in epoch milliseconds; also the time of events whose rows give none.
        sources: How far each source has come, in their order.
        accepted: Events accepted so far.
        failed: Rows that failed so far.
        unmade: Those of them that were refused before they were sent: no event could be made, or none that is valid.
        left: Those of them that may have arrived, and are not tried again, for the job was changed since.
        round: How often the rows that failed were tried, from 1.
        has_stale_dead_letters: Whether those of an earlier round may still be among the dead letters.
        records: What the rows become, by its name.
        version: The version of the list that is filled; None before it is started, and for other kinds of records.
        keys: What the keys of its records are made from; None if it is unknown, as of an earlier version's checkpoint.
        retry: What identifies the mapping and the sources with which the failed rows are about to be tried again; empty
            once these rows are noted.
        identity: What tells its records from others of the same rows: a digest of the event's name and the key; None
            if it is unknown.
    """

    target: str
    mapping: str
    started: int
    sources: list[SourceProgress]
    accepted: int = 0
    failed: int = 0
    unmade: int = 0
    left: int = 0
    round: int = 1
    has_stale_dead_letters: bool = False
    records: str = EVENTS.name
    version: VersionNotes | None = None
    keys: KeysFrom | None = None
    retry: tuple[str, ...] = ()
    identity: str | None = None

    @property
    def content(self) -> tuple[str, ...]:
        """What identifies the mapping and the sources."""
        return (self.mapping, *(source.fingerprint for source in self.sources))

    @property
    def job(self) -> str:
        """What dead letters of this round are marked with."""
        return f"{self.started}-{self.round}"

    @property
    def earlier_jobs(self) -> frozenset[str | None]:
        """What dead letters of earlier rounds are marked with; None if an earlier version wrote them."""
        return frozenset([None, *(f"{self.started}-{number}" for number in range(1, self.round))])

    @property
    def is_complete(self) -> bool:
        """Whether every row of every source is finished."""
        return all(source.is_complete for source in self.sources)

    @property
    def finished(self) -> int:
        """How many rows are finished."""
        return sum(len(source.finished) for source in self.sources)

    def to_json(self) -> bytes:
        """Return the checkpoint's bytes; what is both in flight and finished is dropped on the way."""
        for source in self.sources:
            source.drop_finished()
            source.move_start()
        is_corrected = any(source.origin is not None for source in self.sources)
        document: dict[str, Any] = {
            "format": CORRECTED_FORMAT if is_corrected else FORMAT,
            "target": self.target,
            "mapping": self.mapping,
            "started": self.started,
            "accepted": self.accepted,
            "failed": self.failed,
            "unmade": self.unmade,
            "left": self.left,
            "round": self.round,
            "has_stale_letters": self.has_stale_dead_letters,
            "sources": [
                {
                    "name": source.name,
                    "fingerprint": source.fingerprint,
                    "rows": source.rows,
                    "watermark": source.finished.watermark,
                    "above": source.finished.above,
                    "in_flight": sorted(source.in_flight + source.reserved),
                    "start": source.start[:2],
                    "line": source.start.line,
                    "origin": source.origin,
                    "accepted": source.accepted,
                }
                for source in self.sources
            ],
        }
        if self.records != EVENTS.name:
            document |= {"format": KINDS_FORMAT, "records": self.records, "version": self.version}
        if self.keys is not None:
            document["keys"] = self.keys
        if self.retry:
            document["retry"] = self.retry
        if self.identity is not None:
            document["identity"] = self.identity
        return json.dumps(document).encode()


def read_checkpoint(content: bytes) -> Checkpoint:
    """Return the checkpoint that these bytes hold.

    Raises:
        CheckpointError: They hold none, or one of a later version.
    """
    try:
        document: dict[str, Any] = json.loads(content)
        if document["format"] not in (FORMAT, CORRECTED_FORMAT, KINDS_FORMAT):
            raise CheckpointError("it was written by another version of suprsend-async; continue with that version")
        return Checkpoint(
            _text(document["target"]),
            _text(document["mapping"]),
            _count(document["started"]),
            [_read_source(source) for source in document["sources"]],
            _count(document["accepted"]),
            _count(document["failed"]),
            _count(document.get("unmade", 0)),
            _count(document.get("left", 0)),
            _count(document.get("round", 1)),
            document.get("has_stale_letters", False) is True,
            _text(document.get("records", EVENTS.name)),
            _read_version(document.get("version")),
            _read_keys(document.get("keys")),
            tuple(_text(each) for each in document.get("retry", ())),
            None if document.get("identity") is None else _text(document["identity"]),
        )
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        pass
    raise CheckpointError("this file is not a checkpoint; name another one")


def _read_source(document: dict[str, Any]) -> SourceProgress:
    rows, origin, accepted = document["rows"], document.get("origin"), document.get("accepted")
    number, offset = document["start"]
    return SourceProgress(
        _text(document["name"]),
        _text(document["fingerprint"]),
        None if rows is None else _count(rows),
        RowSet(_count(document["watermark"]), [(_count(start), _count(end)) for start, end in document["above"]]),
        sorted(InFlight(_count(start), _count(end), float(since)) for start, end, since in document["in_flight"]),
        Position(_count(number), _count(offset), _count(document.get("line", 0))),
        origin=None if origin is None else _text(origin),
        accepted=None if accepted is None else RowSums(_count(accepted[0]), tuple(map(_count, accepted[1]))),
    )


def _read_version(fields: Any) -> VersionNotes | None:
    if fields is None:
        return None
    state, version_id, before = fields
    if state not in get_args(VersionState):
        raise ValueError
    return VersionNotes(state, _text(version_id), [_text(each) for each in before])


def _read_keys(value: object) -> KeysFrom | None:
    return next((keys for keys in get_args(KeysFrom) if keys == value), None)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError
    return value
