"""The runner: sources through a mapping to the platform, with a checkpoint."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from anyio.to_thread import run_sync

from suprsend_async.ingest.checkpoint_file import NoCheckpoint
from suprsend_async.ingest.dead_letter import DropLetters
from suprsend_async.ingest.options import RunnerOptions
from suprsend_async.ingest.resuming import new_checkpoint, resume, target_of
from suprsend_async.ingest.run import Run
from suprsend_async.ingest.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from suprsend_async.client import AsyncSuprsend
    from suprsend_async.ingest.checkpoint import Checkpoint
    from suprsend_async.ingest.checkpoint_file import CheckpointStore
    from suprsend_async.ingest.dead_letter import DeadLetter, DeadLetters
    from suprsend_async.ingest.feed import RowPlan
    from suprsend_async.ingest.report import IngestProgress, IngestReport
    from suprsend_async.ingest.source import Source


class Mapping(Protocol):
    """Makes events of rows."""

    def digest(self) -> str:
        """Return what identifies the mapping: equal digests make equal events of equal rows."""
        ...

    def plan(self, source: Source, *, time: int) -> RowPlan:
        """Prepare for one source; events whose rows give no time have this one, in epoch milliseconds."""
        ...


class Runner:
    """Sends all rows of its sources, once each, and goes on where an earlier run of the same job ended.

    Args:
        client: Sends the events.
        sources: Where the rows come from, one source after another.
        mapping: Makes events of the rows.
        store: Where the checkpoint is kept; without one the job cannot be resumed.
        dead_letters: Where failures go.
        options: How to go about it.
        on_progress: Called with the progress, at most 10 times a second, and once at the end.
        on_failure: Called with each failure.
        wall: Gives the time in epoch seconds.

    Examples:
        >>> from pathlib import Path
        >>> from suprsend_async.ingest import CheckpointFile, open_sources, read_mapping
        >>> sources, mapping = open_sources(["examples/flights.csv"]), read_mapping(Path("examples/flights.toml"))
        >>> runner = Runner(client, sources, mapping, store=CheckpointFile("flights.checkpoint"))
        >>> report = await runner.run()
        >>> report.ending, report.failed
        ('finished', 0)
    """

    def __init__(
        self,
        client: AsyncSuprsend,
        sources: Sequence[Source],
        mapping: Mapping,
        *,
        store: CheckpointStore | None = None,
        dead_letters: DeadLetters | None = None,
        options: RunnerOptions | None = None,
        on_progress: Callable[[IngestProgress], None] | None = None,
        on_failure: Callable[[DeadLetter], None] | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._sources = sources
        self._mapping = mapping
        self._store = store or NoCheckpoint()
        self._dead_letters = dead_letters or DropLetters()
        self._options = options or RunnerOptions()
        self._on_progress = on_progress
        self._on_failure = on_failure
        self._wall = wall
        self._stop = Stop()

    def stop(self, reason: str = "interrupted") -> None:
        """End the run soon: nothing more is read, what is in flight gets a few seconds to end. Call it on the loop."""
        self._stop.ask(reason, "interrupted")

    async def run(self) -> IngestReport:
        """Run the job to its end, or until it is stopped.

        Cancelled, it gives what is in flight a few seconds to end, and writes the checkpoint.

        Returns:
            What came of it. A source that cannot be read on, a checkpoint that cannot be written and a platform that
            takes nothing end the run early, with the reason in the report.

        Raises:
            CheckpointError: The checkpoint is another job's, or another process uses it.
            SourceError: A source cannot be read.
            ConfigurationError: The mapping does not fit a source, the client was closed, or no connection can be made
                with what the environment says.
        """
        with self._store:
            checkpoint, plans = await run_sync(self._prepare)
            # Before anything runs beside it, so that its error comes alone.
            await self._client._transport.prepare()  # pyright: ignore[reportPrivateUsage] - no part of what users see
            run = Run(
                self._sources,
                plans,
                checkpoint,
                self._store,
                self._dead_letters,
                self._options,
                self._stop,
                on_progress=self._on_progress,
                on_failure=self._on_failure,
                wall=self._wall,
            )
            try:
                return await run.run(self._client)
            finally:
                self._stop = Stop()

    def _prepare(self) -> tuple[Checkpoint, list[RowPlan]]:
        checkpoint = new_checkpoint(
            self._sources,
            target=target_of(self._client),
            mapping=self._mapping.digest(),
            now=self._wall(),
        )
        if not self._options.restart:
            checkpoint = resume(self._store, self._sources, checkpoint)
        return checkpoint, [self._mapping.plan(source, time=checkpoint.started) for source in self._sources]
