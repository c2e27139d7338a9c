"""The runner: sources through a mapping to the platform, with a checkpoint."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

from anyio.to_thread import run_sync

from suprsend_async.bulk.sender import BulkSender
from suprsend_async.checks import check_callback, check_concurrency, check_flag, check_number, check_whole
from suprsend_async.errors import ConfigurationError, SuprsendError
from suprsend_async.ingest.job.checkpoint import CheckpointError
from suprsend_async.ingest.job.checkpoint_file import NoCheckpoint
from suprsend_async.ingest.job.dead_letter_source import ResentDeadLetters
from suprsend_async.ingest.job.dead_letters import DeadLetterFile, DropDeadLetters
from suprsend_async.ingest.job.other_jobs import read_jobs
from suprsend_async.ingest.job.own_files import KeepsFiles, OwnFile, check_apart
from suprsend_async.ingest.job.report import Stop, report_of
from suprsend_async.ingest.job.resuming import Corrected, begin, new_checkpoint, save_checkpoint, target_of
from suprsend_async.ingest.job.retry_failed import KeptDeadLetters, failed_rows, sums_of
from suprsend_async.ingest.job.run import Run
from suprsend_async.ingest.mapping.columns import digest_of
from suprsend_async.ingest.mapping.mapping import EventMapping
from suprsend_async.ingest.mapping.records import EVENTS, USERS, WORKFLOWS
from suprsend_async.ingest.mapping.workflows import WorkflowMapping
from suprsend_async.ingest.sources.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from suprsend_async.client import AsyncSuprsend
    from suprsend_async.ingest.job.checkpoint import Checkpoint, KeysFrom, RowSums
    from suprsend_async.ingest.job.checkpoint_file import CheckpointStore
    from suprsend_async.ingest.job.dead_letters import DeadLetters, FailedRow
    from suprsend_async.ingest.job.list_version import VersionFilling
    from suprsend_async.ingest.job.report import IngestProgress, IngestReport
    from suprsend_async.ingest.job.resuming import Beginning
    from suprsend_async.ingest.job.row_reader import RecordPlan, RowPlan
    from suprsend_async.ingest.mapping.records import RowKind
    from suprsend_async.ingest.sources.source import Row, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerOptions:
    """How a runner goes about it.

    Attributes:
        concurrency: Chunks in flight at most; the client's if left out.
        rate: Records a second at most.
        ordered: Send the records of one `distinct_id` in the rows' order. Edits of users always are.
        limit: Only so many rows, counted from the first of the first source.
        max_failures: Stop once so many rows have failed in this run.
        resend_in_doubt: Send again what may have been processed more than 23 hours ago, and may be processed twice.
        restart: Forget the checkpoint and send all rows again. Refused if accepted rows would have new keys, and
            would be second events.
        retry_failed: Try the failed rows again, with what was corrected: the mapping, or rows of a
            source, each in its place. Rows that were accepted are not sent again.
        finish_incomplete: Make a list live although rows failed. Otherwise it stays as it was, and its new version
            waits for those rows.

    Raises:
        ConfigurationError: A number is not above 0, or two of these contradict each other; the message names them.
    """

    concurrency: int | None = None
    rate: float | None = None
    ordered: bool = False
    limit: int | None = None
    max_failures: int | None = None
    resend_in_doubt: bool = False
    restart: bool = False
    retry_failed: bool = False
    finish_incomplete: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers that could not work."""
        if self.concurrency is not None:
            check_concurrency(self.concurrency)
        for name in ("limit", "max_failures"):
            if (number := getattr(self, name)) is not None:
                check_whole(name, number)
        if self.rate is not None:
            check_number("rate", self.rate, "events a second")
        for name in ("ordered", "resend_in_doubt", "restart", "retry_failed", "finish_incomplete"):
            check_flag(name, getattr(self, name))
        if self.restart and self.retry_failed:
            raise ConfigurationError(
                "restart sends all rows, and retry_failed sends the failed rows; give only one of them"
            )


class Mapping(Protocol):
    """Makes records of rows: events, unless its attribute `records` says something else."""

    def digest(self) -> str:
        """Return what identifies the mapping: equal digests make equal records of equal rows."""
        ...

    def plan(self, source: Source, *, time: int) -> RecordPlan | RowPlan:
        """Prepare for one source; events whose rows give no time have this one, in epoch milliseconds."""
        ...


def records_in(mapping: Mapping) -> RowKind:
    """Return what a mapping makes of rows: events, unless it says something else."""
    return getattr(mapping, "records", EVENTS)


def keys_in(mapping: Mapping) -> KeysFrom | None:
    """Return what a mapping makes keys from; None of a mapping that does not say so."""
    if not isinstance(mapping, (EventMapping, WorkflowMapping)):
        return None
    return "source" if mapping.key is None else "columns"


def identity_in(mapping: Mapping) -> str | None:
    """Return what tells a mapping's records from others of the same rows; None of a mapping that does not say so."""
    match mapping:
        case EventMapping():
            return digest_of({"name": mapping.event, "column": mapping.event_name, "key": mapping.key})
        case WorkflowMapping():
            return digest_of({"name": mapping.workflow, "column": mapping.workflow_from, "key": mapping.key})
        case _:
            return None


def sender_of(client: AsyncSuprsend, records: RowKind) -> BulkSender[Any]:
    """Return what sends records of this kind, all but the members of a list.

    Raises:
        ConfigurationError: They are the members of a list.
    """
    if records == EVENTS:
        return client.sender
    if records == WORKFLOWS:
        return client.workflows.sender
    if records != USERS:
        raise ConfigurationError(f"{records.name}: a list is filled by a Runner, which finishes it once")
    sender = client.users.sender
    # The answer says nothing of single edits, and one that is refused must not take the others with it. 404 is a
    # tenant's.
    return replace(sender, kind=replace(sender.kind, halved=frozenset({400, 404, 422})))


class _Interrupted(Exception):  # noqa: N818 - it never leaves this module
    """Nobody waits any longer for what is read."""


class Runner:
    """Sends all rows of its sources, once each, and goes on where an earlier run of the same job ended.

    Args:
        client: Sends the records.
        sources: Where the rows come from, one source after another.
        mapping: Makes records of the rows: an `EventMapping`, `UserMapping`, `WorkflowMapping` or `ListMapping`.
        store: Where the checkpoint is kept; without one the job cannot be resumed.
        dead_letters: The file for failures.
        options: How to go about it.
        on_progress: Called with the progress, at most 10 times a second, and once at the end.
        on_failure: Called with each failure.
        wall: Gives the time in epoch seconds.
        others: Checkpoints of other jobs. If one of them has sent some of these sources, a job that would begin anew is
            refused; with `restart` it is not.

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
        on_failure: Callable[[FailedRow], None] | None = None,
        wall: Callable[[], float] = time.time,
        others: Iterable[CheckpointStore] = (),
    ) -> None:
        check_callback("on_progress", on_progress)
        check_callback("on_failure", on_failure)
        self._client = client
        self._records = records_in(mapping)
        self._sources = sources
        self._mapping = mapping
        self._store = store or NoCheckpoint()
        self._dead_letters = dead_letters or DropDeadLetters()
        self._options = options or RunnerOptions()
        self._on_progress = on_progress
        self._on_failure = on_failure
        self._wall = wall
        self._others = others
        self._stop = Stop()
        self._is_interrupted = False

    def stop(self, reason: str = "interrupted") -> None:
        """End the run soon: nothing more is read, what is in flight gets a few seconds to end. Call it on the loop."""
        self._is_interrupted = True
        self._stop.ask(reason, "interrupted")

    async def run(self) -> IngestReport:
        """Run the job to its end, or until it is stopped.

        Cancelled, it gives what is in flight a few seconds to end, and writes the checkpoint.

        Returns:
            The result. A source that cannot be read to its end, a checkpoint that cannot be written and a platform that
            takes nothing end the run early, with the reason in the report.

        Raises:
            CheckpointError: The checkpoint is another job's, or another process uses it. Or there is none, and another
                job has sent some of the sources.
            SourceError: A source cannot be read.
            ConfigurationError: The mapping does not fit a source, the client was closed, no connection can be made
                with what the environment says, or the list that is to be filled is not there. Or the file of the
                checkpoint or of the failures is a source, or holds something else already.
        """
        if self._records.list_id is not None and self._options.limit is not None:
            raise ConfigurationError("limit: a part of the rows would become the list; leave it out")
        await run_sync(self._check_files)
        with self._store:
            beginning, plans = await run_sync(self._prepare)
            # Before anything runs beside it, so that its error comes alone.
            await self._client.sender.transport.session.loops.current()
            try:
                return await self._run(beginning, plans)
            finally:
                self._stop = Stop()
                self._is_interrupted = False

    def _check_files(self) -> None:
        """Refuse to write to what is read, and to what is somebody else's."""
        kept = [each for each in (self._store, self._dead_letters) if isinstance(each, KeepsFiles)]
        paths = [source.path for source in self._sources if isinstance(source, Reader)]
        check_apart(
            chain.from_iterable(each.written for each in kept),
            [OwnFile(path, "a source") for path in paths if path is not None],
        )
        if isinstance(self._dead_letters, (DeadLetterFile, ResentDeadLetters)):
            self._dead_letters.check()

    async def _run(self, beginning: Beginning, plans: list[RecordPlan | RowPlan]) -> IngestReport:
        filling = self._filling(beginning)
        if filling is None:
            return await self._send(beginning, plans, sender_of(self._client, self._records))
        try:
            kind = await filling.open()
        except ConfigurationError:
            raise
        except CheckpointError as error:
            problem = CheckpointError(f"{self._store.name}: {error.message}")
        except SuprsendError as error:
            reason = f"no version of the list could be started ({error.message}); the same command tries again"
            return replace(report_of(beginning.checkpoint), ending="stopped", reason=reason, list_is_live=False)
        else:
            sender = BulkSender(self._client.sender.transport, kind, self._client.sender.concurrency)
            return await self._fill(filling, beginning, plans, sender)
        raise problem

    async def _fill(
        self,
        filling: VersionFilling,
        beginning: Beginning,
        plans: list[RecordPlan | RowPlan],
        sender: BulkSender[Any],
    ) -> IngestReport:
        """Send the ids, and make the version the list if all of them are in it."""
        checkpoint = beginning.checkpoint
        try:
            report = await self._send(beginning, plans, sender)
            is_whole = report.ending == "finished" and checkpoint.is_complete
            if is_whole and (not report.failed or self._options.finish_incomplete):
                try:
                    await filling.finish()
                except SuprsendError as error:
                    reason = f"the list could not be finished: {error.message}"
                    report = replace(report, ending="stopped", reason=reason)
        finally:
            if isinstance(self._store, NoCheckpoint):
                # Nobody can go on with it.
                await filling.discard()
        return replace(report, list_is_live=filling.is_live)

    def _filling(self, beginning: Beginning) -> VersionFilling | None:
        list_id, checkpoint = self._records.list_id, beginning.checkpoint
        if list_id is None:
            return None
        # Not above: others need none of it.
        from suprsend_async.ingest.job.list_version import VersionFilling

        lists = self._client.subscriber_lists
        save = partial(save_checkpoint, self._store, checkpoint)
        return VersionFilling(lists, list_id, checkpoint, save, beginning.earlier_version)

    async def _send(
        self, beginning: Beginning, plans: list[RecordPlan | RowPlan], sender: BulkSender[Any]
    ) -> IngestReport:
        run = Run(
            self._sources,
            plans,
            beginning.checkpoint,
            self._store,
            self._dead_letters,
            self._options,
            self._stop,
            on_progress=self._on_progress,
            on_failure=self._on_failure,
            sent_before=beginning.sent_before,
            wall=self._wall,
            records=self._records,
        )
        report = replace(await run.run(sender), retried_rows=beginning.retried_rows)
        # The checkpoint counts what is on no record: it stays as it was saved last.
        return report if report.unrecorded else await self._conclude(report, beginning.checkpoint)

    async def _conclude(self, report: IngestReport, checkpoint: Checkpoint) -> IngestReport:
        if isinstance(self._dead_letters, ResentDeadLetters):
            if report.ending == "finished":
                try:
                    await run_sync(self._dead_letters.conclude, checkpoint)
                except OSError as error:
                    reason = f"the dead letters cannot be written: {error.strerror or error}"
                    return replace(report, ending="stopped", reason=reason)
        elif report.failed and report.ending != "interrupted":
            await self._note_accepted(checkpoint)
        return report

    async def _note_accepted(self, checkpoint: Checkpoint) -> None:
        """Note what tells the accepted rows, so that corrections of the others can be sent alone."""
        if isinstance(self._store, NoCheckpoint) or not isinstance(self._dead_letters, KeptDeadLetters):
            return
        # What cannot be read or written now will be told by the run that needs it.
        with suppress(SuprsendError, OSError, _Interrupted):
            sums = await run_sync(self._sums, checkpoint, self._dead_letters, abandon_on_cancel=True)
            for progress, accepted in zip(checkpoint.sources, sums, strict=True):
                progress.accepted = accepted
            await run_sync(self._store.save, checkpoint.to_json())

    def _sums(self, checkpoint: Checkpoint, dead_letters: KeptDeadLetters) -> list[RowSums | None]:
        sums: list[RowSums | None] = []
        failed = failed_rows(checkpoint, dead_letters.dead_letters())
        for source, progress, rows in zip(self._sources, checkpoint.sources, failed, strict=True):
            accepted = progress.accepted
            if rows.numbers and accepted is None:
                numbers = progress.finished.without(rows.numbers)
                accepted = sums_of(self._rows_until_interrupted(source), numbers)
            sums.append(accepted)
        return sums

    def _rows_until_interrupted(self, source: Source) -> Iterator[Row]:
        for row in source.rows():
            if self._is_interrupted:
                raise _Interrupted
            yield row

    def _prepare(self) -> tuple[Beginning, list[RecordPlan | RowPlan]]:
        checkpoint = new_checkpoint(
            self._sources,
            target=target_of(self._client),
            mapping=self._mapping.digest(),
            now=self._wall(),
            records=self._records,
            keys=keys_in(self._mapping),
            identity=identity_in(self._mapping),
        )
        if self._options.retry_failed:
            # A mapping that does not fit a source is refused before the rows to try again are noted.
            for source in self._sources:
                self._mapping.plan(source, time=checkpoint.started)
        others = read_jobs(self._others)
        beginning = begin(self._store, self._sources, checkpoint, self._options, self._dead_letters, others)
        sources = [
            source if progress.origin is None else Corrected(source, progress.origin)
            for source, progress in zip(self._sources, beginning.checkpoint.sources, strict=True)
        ]
        return beginning, [self._mapping.plan(source, time=beginning.checkpoint.started) for source in sources]
