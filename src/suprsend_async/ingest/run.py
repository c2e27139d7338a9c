"""One run of a job, from its checkpoint on."""

from __future__ import annotations

import math
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING

import anyio

from suprsend_async.errors import SuprsendError
from suprsend_async.ingest.feed import Feed
from suprsend_async.ingest.gauge import Gauge
from suprsend_async.ingest.journal import Journal
from suprsend_async.ingest.rate import Rate
from suprsend_async.ingest.report import InDoubt, IngestReport
from suprsend_async.ingest.settlement import Settlement

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from suprsend_async.client import AsyncSuprsend
    from suprsend_async.events.progress import Progress
    from suprsend_async.ingest.checkpoint import Checkpoint
    from suprsend_async.ingest.checkpoint_file import CheckpointStore
    from suprsend_async.ingest.dead_letter import DeadLetter, DeadLetters
    from suprsend_async.ingest.feed import RowPlan
    from suprsend_async.ingest.options import RunnerOptions
    from suprsend_async.ingest.report import IngestProgress
    from suprsend_async.ingest.source import Source
    from suprsend_async.ingest.stop import Stop


class Run:
    """Reads, sends and takes down, each in a task of its own, until all is done or it is asked to stop."""

    def __init__(
        self,
        sources: Sequence[Source],
        plans: Sequence[RowPlan],
        checkpoint: Checkpoint,
        store: CheckpointStore,
        dead_letters: DeadLetters,
        options: RunnerOptions,
        stop: Stop,
        *,
        on_progress: Callable[[IngestProgress], None] | None,
        on_failure: Callable[[DeadLetter], None] | None,
        wall: Callable[[], float],
    ) -> None:
        self._checkpoint = checkpoint
        self._options = options
        self._stop = stop
        self._wall = wall
        self._on_progress = on_progress
        self._error: Exception | None = None
        self._journal = Journal(checkpoint, store, dead_letters)
        self._settlement = Settlement(
            self._journal, stop, max_failures=options.max_failures, on_failure=on_failure, wall=wall
        )
        self._feed = Feed(
            sources,
            plans,
            self._journal,
            self._settlement,
            Rate(options.rate or math.inf),
            limit=options.limit,
            resend_in_doubt=options.resend_in_doubt,
            wall=wall,
        )
        self._gauge = Gauge(sources, checkpoint, self._settlement)

    async def run(self, client: AsyncSuprsend) -> IngestReport:
        """Run to the end, or until asked to stop.

        Raises:
            Exception: What a source or a callback of the user's own raised, after all else was taken down.
        """
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._journal.run)
            try:
                await self._send(client)
            finally:
                for number, source in enumerate(self._checkpoint.sources):
                    source.release(self._settlement.unanswered(number))
                self._journal.close()
        with self._noting_errors():
            await self._journal.note().done()
        if self._error is not None:
            raise self._error
        return self._report()

    async def _send(self, client: AsyncSuprsend) -> None:
        async with anyio.create_task_group() as tasks, aclosing(self._feed.events()) as events:
            tasks.start_soon(self._feed.read)
            start = client.bulk_events._job  # pyright: ignore[reportPrivateUsage] - no part of what users see
            job = start(
                events,
                self._settlement.settle,
                concurrency=self._options.concurrency,
                ordered=self._options.ordered,
                on_progress=self._tell,
                operation="ingest",
            )
            async with job:
                try:
                    with self._noting_errors(), anyio.CancelScope() as waiting:
                        tasks.start_soon(self._cancel_when_asked, waiting)
                        await job.done()
                        self._settlement.conclude()
                finally:
                    self._settlement.end()
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

    def _tell(self, progress: Progress) -> None:
        shown = self._gauge.read(progress)
        if self._on_progress is not None:
            self._on_progress(shown)

    def _report(self) -> IngestReport:
        now = self._wall()
        in_doubt = (
            ()
            if self._options.resend_in_doubt
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
            accepted_now=self._settlement.accepted,
            failed_now=self._settlement.failed,
            retried=self._gauge.retried,
            requests=self._gauge.requests,
            seconds=self._gauge.seconds,
        )
