"""One run of a job, from its checkpoint on."""

from __future__ import annotations

import math
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any

import anyio

from suprsend_async.errors import SuprsendError
from suprsend_async.ingest.job.checkpoint_writer import CheckpointWriter
from suprsend_async.ingest.job.report import InDoubt, IngestReport, ProgressReader
from suprsend_async.ingest.job.row_log import RowLog
from suprsend_async.ingest.job.row_reader import Rate, RowReader
from suprsend_async.tasks import Group, OwnedTask

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from suprsend_async.bulk.progress import Progress
    from suprsend_async.bulk.sender import BulkSender
    from suprsend_async.ingest.job.checkpoint import Checkpoint
    from suprsend_async.ingest.job.checkpoint_file import CheckpointStore
    from suprsend_async.ingest.job.dead_letters import DeadLetters, FailedRow
    from suprsend_async.ingest.job.ranges import RowSet
    from suprsend_async.ingest.job.report import IngestProgress, Stop
    from suprsend_async.ingest.job.row_reader import RecordPlan, RowPlan
    from suprsend_async.ingest.job.runner import RunnerOptions
    from suprsend_async.ingest.mapping.records import RowKind
    from suprsend_async.ingest.sources.source import Source


# Seconds for the last write of the checkpoint: a disk may be slow, and what is not written is sent again.
LAST_WRITE_SECONDS = 60.0


class Run:
    """Reads, sends and records, each in its own task, until all is done or it is asked to stop."""

    def __init__(
        self,
        sources: Sequence[Source],
        plans: Sequence[RecordPlan | RowPlan],
        checkpoint: Checkpoint,
        store: CheckpointStore,
        dead_letters: DeadLetters,
        options: RunnerOptions,
        stop: Stop,
        *,
        on_progress: Callable[[IngestProgress], None] | None,
        on_failure: Callable[[FailedRow], None] | None,
        sent_before: Sequence[RowSet],
        wall: Callable[[], float],
        records: RowKind,
    ) -> None:
        self._checkpoint = checkpoint
        self._options = options
        self._records = records
        # What can be sent twice is never in doubt.
        self._resend_in_doubt = options.resend_in_doubt or records.is_repeatable
        self._stop = stop
        self._wall = wall
        self._on_progress = on_progress
        self._error: Exception | None = None
        self._writer = CheckpointWriter(checkpoint, store, dead_letters)
        self._row_log = RowLog(
            self._writer,
            stop,
            max_failures=options.max_failures,
            on_failure=on_failure,
            sent_before=sent_before,
            wall=wall,
            records=records,
        )
        self._row_reader = RowReader(
            sources,
            plans,
            self._writer,
            self._row_log,
            Rate(options.rate or math.inf),
            limit=options.limit,
            resend_in_doubt=self._resend_in_doubt,
            wall=wall,
        )
        self._progress_reader = ProgressReader(sources, checkpoint, self._row_log)

    async def run(self, sender: BulkSender[Any]) -> IngestReport:
        """Run to the end, or until asked to stop.

        Raises:
            Exception: What a source or a callback of the user's own raised, after all else was taken down.
        """
        writer = OwnedTask(self._writer.run())
        try:
            await self._send(sender)
        finally:
            for number, source in enumerate(self._checkpoint.sources):
                source.release(self._row_log.unanswered(number))
            self._writer.close()
            await writer.finish(LAST_WRITE_SECONDS)
        with self._noting_errors():
            await self._writer.note().done()
        if self._error is not None:
            raise self._error
        return self._report()

    async def _send(self, sender: BulkSender[Any]) -> None:
        async with Group() as tasks, aclosing(self._row_reader.records()) as records:
            tasks.start_soon(self._row_reader.read)
            job = sender.job(
                records,
                self._row_log.note_chunk,
                concurrency=self._options.concurrency,
                ordered=self._options.ordered or self._records.is_ordered,
                on_progress=self._report_progress,
                operation="ingest",
                in_batches=True,
            )
            async with job:
                try:
                    with self._noting_errors(), anyio.CancelScope() as waiting:
                        tasks.start_soon(self._cancel_when_asked, waiting)
                        await job.done()
                        self._row_log.conclude()
                finally:
                    self._row_log.end()
            tasks.cancel_scope.cancel()

    async def _cancel_when_asked(self, scope: anyio.CancelScope) -> None:
        await self._stop.wait()
        scope.cancel()

    @contextmanager
    def _noting_errors(self) -> Generator[None]:
        """Make an error of this package the reason of an early end; others are raised once all is taken down."""
        try:
            yield
        except SuprsendError as error:
            self._stop.ask(error.message)
        except Exception as error:  # noqa: BLE001 - raised again by `run`
            self._error = self._error or error

    def _report_progress(self, progress: Progress) -> None:
        shown = self._progress_reader.read(progress)
        if self._on_progress is not None:
            self._on_progress(shown)

    def _report(self) -> IngestReport:
        now = self._wall()
        in_doubt = (
            ()
            if self._resend_in_doubt
            else tuple(
                InDoubt(source.name, *rows) for source in self._checkpoint.sources for rows in source.in_doubt(now)
            )
        )
        return IngestReport(
            ending=self._stop.ending,
            reason=self._stop.reason,
            accepted=self._checkpoint.accepted,
            failed=self._checkpoint.failed,
            in_doubt=in_doubt,
            accepted_now=self._row_log.accepted,
            failed_now=self._row_log.failed,
            retried=self._progress_reader.retried,
            requests=self._progress_reader.requests,
            seconds=self._progress_reader.seconds,
            unmade=self._checkpoint.unmade,
            repeats=self._row_log.repeats,
            records=self._records.name,
            unrecorded=self._writer.unwritten_dead_letters,
        )
