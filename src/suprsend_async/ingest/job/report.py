"""The result of a run and its progress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import anyio

from suprsend_async.ingest.mapping.records import EVENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from suprsend_async.bulk.progress import Progress
    from suprsend_async.ingest.job.checkpoint import Checkpoint
    from suprsend_async.ingest.job.row_log import RowLog
    from suprsend_async.ingest.sources.source import Source


Ending = Literal["finished", "stopped", "interrupted"]
"""How a run ended: all was read, it stopped early by itself, or somebody stopped it."""


class Stop:
    """Asked once; what is asked first counts.

    Attributes:
        ending: What the run's ending will be called.
        reason: Why it stops, as a sentence; None as long as it does not.
    """

    def __init__(self) -> None:
        self.ending: Ending = "finished"
        self.reason: str | None = None
        self._asked = anyio.Event()

    @property
    def is_asked(self) -> bool:
        """Whether the job is to stop."""
        return self.reason is not None

    def ask(self, reason: str, ending: Ending = "stopped") -> None:
        """Ask to stop."""
        if self.reason is None:
            self.reason = reason
            self.ending = ending
            self._asked.set()

    async def wait(self) -> None:
        """Wait until asked."""
        await self._asked.wait()


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """How far a job has come.

    Attributes:
        rows: Rows that are finished, those of earlier runs included.
        read_bytes: Bytes of the sources that were read, those of earlier runs included.
        total_bytes: Bytes of all sources; None if one of them does not know.
        accepted: Records accepted, those of earlier runs included.
        failed: Rows that failed, those of earlier runs included.
        in_flight: Records on their way, or about to be.
        retried: Times that a record went out again, in this run.
        throttled: Answers that said "too many requests", in this run.
        seconds: Seconds since this run began.
        rows_per_second: Rows finished a second, in this run.
        seconds_left: An estimate by the bytes still to be read; None if there is nothing to estimate by.
        done: Whether this is the last report.
    """

    rows: int
    read_bytes: int
    total_bytes: int | None
    accepted: int
    failed: int
    in_flight: int
    retried: int
    throttled: int
    seconds: float
    rows_per_second: float
    seconds_left: float | None
    done: bool = False


@dataclass(frozen=True, slots=True)
class InDoubt:
    """Rows that may have been processed, so long ago that the platform may have forgotten their keys.

    Attributes:
        source: The source's name.
        start: The first row, from 0.
        end: The row after the last one.
        since: When they may have been sent first, in epoch seconds.
    """

    source: str
    start: int
    end: int
    since: float


@dataclass(frozen=True, slots=True)
class IngestReport:
    """The result of a run.

    Attributes:
        ending: "finished", "stopped" or "interrupted".
        reason: Why it ended early; None if it did not.
        accepted: Records accepted, those of earlier runs included.
        failed: Rows that failed, those of earlier runs included.
        in_doubt: Rows that were not sent again, because they may have been processed too long ago.
        accepted_now: Records accepted in this run.
        failed_now: Rows that failed in this run.
        retried: Times that a record went out again in this run.
        requests: Requests made in this run.
        seconds: Seconds that this run took.
        unmade: Rows among the failed ones of which no valid record could be made, those of earlier runs included.
        retried_rows: Rows that had failed and were tried again in this run.
        repeats: Records accepted in this run that may have been sent before it; the platform skips events and triggers
            whose keys it knows.
        records: What the rows became: "events", "users", "workflows" or "list:LIST_ID".
        list_is_live: Whether the list now has the members that were sent; None for other kinds of records.
        unrecorded: Rows among the failed ones whose failure could not be written. Another run sends them again, if the
            source can be read again.
    """

    ending: Ending
    reason: str | None
    accepted: int
    failed: int
    in_doubt: tuple[InDoubt, ...]
    accepted_now: int
    failed_now: int
    retried: int
    requests: int
    seconds: float
    unmade: int = 0
    retried_rows: int = 0
    repeats: int = 0
    records: str = EVENTS.name
    list_is_live: bool | None = None
    unrecorded: int = 0

    @property
    def rows(self) -> int:
        """Rows that are finished, those of earlier runs included."""
        return self.accepted + self.failed

    @property
    def success(self) -> bool:
        """Whether all was read, every record accepted, and a list that was filled is live."""
        is_sent = self.ending == "finished" and not self.failed and not self.in_doubt
        return is_sent and self.list_is_live is not False

    def _repr_html_(self) -> str:
        from suprsend_async.html_tables import html_of_fields  # for notebooks only

        return html_of_fields(self)


def report_of(checkpoint: Checkpoint) -> IngestReport:
    """Return the report of a run that ended before it sent anything."""
    return IngestReport(
        ending="stopped",
        reason=None,
        accepted=checkpoint.accepted,
        failed=checkpoint.failed,
        in_doubt=(),
        accepted_now=0,
        failed_now=0,
        retried=0,
        requests=0,
        seconds=0.0,
        unmade=checkpoint.unmade,
        records=checkpoint.records,
    )


class ProgressReader:
    """Puts together what the job, the sources and the checkpoint know.

    Attributes:
        retried: Times that a record went out again in this run.
        requests: Requests made in this run.
        seconds: Seconds since the run began.
    """

    def __init__(self, sources: Sequence[Source], checkpoint: Checkpoint, row_log: RowLog) -> None:
        self.retried: int = 0
        self.requests: int = 0
        self.seconds: float = 0.0
        self._checkpoint = checkpoint
        self._row_log = row_log
        sizes = [source.size_bytes for source in sources]
        self._total = None if None in sizes else sum(filter(None, sizes))
        done = [progress.is_complete for progress in checkpoint.sources]
        # What an earlier run has completed is not opened any more.
        self._skipped = sum(size or 0 for size, is_done in zip(sizes, done, strict=True) if is_done)
        self._reading = [source for source, is_done in zip(sources, done, strict=True) if not is_done]
        self._first: tuple[float, int] | None = None

    def read(self, progress: Progress) -> IngestProgress:
        """Return how far it has come."""
        self.retried, self.requests, self.seconds = progress.retried, progress.requests, progress.seconds
        finished = self._row_log.accepted + self._row_log.failed
        read = self._skipped + sum(source.bytes_read for source in self._reading)
        return IngestProgress(
            rows=self._checkpoint.accepted + self._checkpoint.failed,
            read_bytes=read,
            total_bytes=self._total,
            accepted=self._checkpoint.accepted,
            failed=self._checkpoint.failed,
            in_flight=len(self._row_log.places),
            retried=progress.retried,
            throttled=progress.throttled,
            seconds=progress.seconds,
            rows_per_second=finished / progress.seconds if progress.seconds else 0.0,
            seconds_left=self._seconds_left(progress.seconds, read),
            done=progress.done,
        )

    def _seconds_left(self, seconds: float, read: int) -> float | None:
        if self._total is None:
            return None
        if self._first is None:
            # What was skipped when the reading went on from the checkpoint says nothing about its speed.
            self._first = seconds, read
        passed, new = seconds - self._first[0], read - self._first[1]
        return max(0, self._total - read) * passed / new if new > 0 else None
