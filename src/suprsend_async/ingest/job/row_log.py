"""Records the results of rows in the checkpoint and the dead letters."""

from __future__ import annotations

from itertools import chain, groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from suprsend_async.api.verdict import Verdict
from suprsend_async.counting import counted
from suprsend_async.ingest.job.dead_letters import FailedRow
from suprsend_async.ingest.job.outage import OutageJudge, Unaccepted, came_through, may_pass, reason_to_stop
from suprsend_async.ingest.job.places import Places
from suprsend_async.ingest.job.ranges import spans_of
from suprsend_async.ingest.mapping.records import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from suprsend_async.bulk.chunk import Chunk
    from suprsend_async.ingest.job.checkpoint_writer import CheckpointWriter
    from suprsend_async.ingest.job.places import Rows
    from suprsend_async.ingest.job.ranges import RowSet, Span
    from suprsend_async.ingest.job.report import Stop
    from suprsend_async.ingest.mapping.records import RowKind
    from suprsend_async.ingest.sources.source import Place


class RowLog:
    """Records the results of rows, and asks to stop when the job must not continue.

    Attributes:
        places: Where the records on their way come from.
        accepted: Records accepted in this run.
        failed: Rows that failed in this run.
        repeats: Records accepted in this run that may have been sent before it.
    """

    def __init__(
        self,
        writer: CheckpointWriter,
        stop: Stop,
        *,
        max_failures: int | None,
        wall: Callable[[], float],
        records: RowKind = EVENTS,
        on_failure: Callable[[FailedRow], None] | None = None,
        sent_before: Sequence[RowSet] = (),
    ) -> None:
        self.places: Places = Places()
        self.accepted: int = 0
        self.failed: int = 0
        self.repeats: int = 0
        self._sent_before = sent_before if any(sent_before) else ()
        self._records = records
        self._writer = writer
        self._stop = stop
        self._max_failures = max_failures
        self._wall = wall
        self._on_failure = on_failure
        self._unanswered: list[Place] = []
        self._outage = OutageJudge()
        self._ending = False

    def end(self) -> None:
        """From now on leave open what might succeed later: a resume sends it again."""
        self._ending = True
        self._leave_open(self._outage.take_all())

    async def note_chunk(self, chunk: Chunk[Any]) -> None:
        """Take down a chunk that is over, durably.

        Raises:
            CheckpointError: It cannot be written.
        """
        first, rows = chunk.indexes[0], self.places.take(chunk.indexes)
        if all(verdict.outcome == "accepted" for verdict in chunk.verdicts):
            self._outage.note_through(first)
            self._count_accepted((each.source, span) for each in rows for span in each.spans())
            self._fail(self._outage.take_at_fault())
        else:
            self._judge(chunk, first, rows)
        self._judge_held()
        try:
            await self._writer.note().done()
        except Exception:
            self.end()
            raise

    def _judge(self, chunk: Chunk[Any], first: int, rows: list[Rows]) -> None:
        """Take down a chunk of which not all was accepted."""
        refusal = reason_to_stop(chunk.verdicts, self._records)
        if refusal is not None:
            self._stop.ask(refusal)
        if refusal is None and came_through(chunk.verdicts):
            self._outage.note_through(first)
        accepted: list[Place] = []
        left_open: list[Unaccepted] = []
        held: list[Unaccepted] = []
        failed: list[Unaccepted] = []
        places = chain.from_iterable(each.places() for each in rows)
        for place, record, verdict in zip(places, chunk.records, chunk.verdicts, strict=True):
            row = Unaccepted(place, record, verdict)
            if verdict.outcome == "accepted":
                accepted.append(place)
            elif refusal is not None or (may_pass(verdict) and (self._ending or self._stop.is_asked)):
                left_open.append(row)
            elif may_pass(verdict) and self._outage.is_open(first):
                held.append(row)
            else:
                failed.append(row)
        by_source = groupby(accepted, attrgetter("source"))
        self._count_accepted((source, span) for source, of_it in by_source for span in spans_of(p.row for p in of_it))
        if held:
            self._outage.hold(first, held)
        self._fail(self._outage.take_at_fault())
        self._fail(failed)
        self._leave_open(left_open)

    def conclude(self) -> None:
        """Judge what is held: the rows' own failure if anything came through in this run, and else an outage."""
        if self._outage.has_come_through:
            self._fail(self._outage.take_all())
        else:
            self._stop_for_outage()

    def _judge_held(self) -> None:
        if self._outage.is_outage:
            self._stop_for_outage()
        elif self._outage.must_conclude:
            self.conclude()

    def _stop_for_outage(self) -> None:
        """Stop, and leave open what failed: the same command goes on with it."""
        if reason := self._outage.reason:
            self._stop.ask(f"the platform accepts nothing now ({reason})")
            self._leave_open(self._outage.take_all())

    def _leave_open(self, rows: Iterable[Unaccepted]) -> None:
        """Leave rows to a resume, and note those that may have arrived. What came by a pipe cannot be read again."""
        for place, record, verdict in rows:
            if not self._writer.checkpoint.sources[place.source].fingerprint:
                self._fail([Unaccepted(place, record, verdict)])
            elif verdict.outcome == "unknown":
                self._unanswered.append(place)

    def refuse(self, place: Place, error: str, raw: str | None) -> None:
        """Take down a row of which no record can be made, as it stands in its source."""
        self._fail([Unaccepted(place, None, Verdict("rejected", error=error))], raw)

    def unanswered(self, source: int) -> list[Span]:
        """Return the rows of a source that were sent in this run and are left open without an answer."""
        return spans_of(sorted(place.row for place in self._unanswered if place.source == source))

    def _count_accepted(self, spans: Iterable[tuple[int, Span]]) -> None:
        for source, span in spans:
            count = span[1] - span[0]
            self.accepted += count
            self._writer.checkpoint.accepted += count
            if self._sent_before:
                anew = self._sent_before[source].missing(span)
                self.repeats += count - sum(end - start for start, end in anew)
            self._finish(source, span)

    def _fail(self, rows: Iterable[Unaccepted], raw: str | None = None) -> None:
        problem: Exception | None = None
        now = self._wall()
        for place, record, verdict in rows:
            dead_letter = self._dead_letter(place, record, verdict, now, raw)
            self.failed += 1
            self._writer.checkpoint.failed += 1
            self._writer.checkpoint.unmade += dead_letter.was_refused_here
            self._finish(place.source, (place.row, place.row + 1))
            self._writer.note(dead_letter)
            if self._on_failure is not None:
                try:
                    self._on_failure(dead_letter)
                except Exception as error:  # noqa: BLE001 - raised once all of them are taken down
                    problem = problem or error
            if self._max_failures is not None and self.failed >= self._max_failures:
                self._stop.ask(f"{counted(self.failed, 'row')} failed, and --max-failures is {self._max_failures:,}")
        if problem is not None:
            raise problem

    def _dead_letter(self, place: Place, record: Any, verdict: Verdict, at: float, raw: str | None) -> FailedRow:
        outcome = verdict.outcome
        source = self._writer.checkpoint.sources[place.source]
        earlier = None if record is None else source.sent_since(place.row)
        if earlier is not None:
            # It may have been sent before this run, and only a yes would settle that.
            outcome, at = "unknown", earlier
        is_event = self._records == EVENTS
        return FailedRow(
            source=source.name,
            row=place.row,
            event=record if is_event else None,
            error=verdict.error or "",
            code=verdict.status_code,
            outcome=outcome,
            at=at,
            line=place.line or None,
            raw=raw,
            job=self._writer.checkpoint.job,
            kind=self._records.name,
            record=None if is_event else record,
        )

    def _finish(self, source: int, span: Span) -> None:
        progress = self._writer.checkpoint.sources[source]
        progress.accepted = None
        progress.finished.add(span)
