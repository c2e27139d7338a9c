"""What a run begins with: the checkpoint of an earlier run of the same job, or a new one."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from suprsend_async.errors import ConfigurationError
from suprsend_async.ingest.job.checkpoint import (
    Checkpoint,
    CheckpointError,
    SourceProgress,
    read_checkpoint,
)
from suprsend_async.ingest.job.checkpoint_file import NoCheckpoint
from suprsend_async.ingest.job.other_jobs import check_not_sent
from suprsend_async.ingest.job.ranges import RowSet
from suprsend_async.ingest.job.retry_failed import FailedNumbers, KeptDeadLetters, drop_stale, failed_rows, reopen
from suprsend_async.ingest.job.same_job import (
    check_restart,
    check_same_job,
    check_same_records,
    check_sources,
    is_over,
)
from suprsend_async.ingest.mapping.records import EVENTS, records_of
from suprsend_async.ingest.sources.job_files import CHECKPOINT_BEGINNING
from suprsend_async.ingest.sources.names import shown_path

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from suprsend_async.client import AsyncSuprsend
    from suprsend_async.ingest.job.checkpoint import KeysFrom, VersionNotes
    from suprsend_async.ingest.job.checkpoint_file import CheckpointStore
    from suprsend_async.ingest.job.dead_letters import DeadLetters
    from suprsend_async.ingest.job.other_jobs import KeptJob
    from suprsend_async.ingest.job.runner import RunnerOptions
    from suprsend_async.ingest.mapping.records import RowKind
    from suprsend_async.ingest.sources.source import Position, Row, Source


def target_of(client: AsyncSuprsend) -> str:
    """Return what tells where a client's events go, the address and the workspace, without naming either.

    Raises:
        ConfigurationError: The client was closed.
    """
    session = client.sender.transport.session
    session.check_open()
    return session.target()


def new_checkpoint(
    sources: Sequence[Source],
    *,
    target: str,
    mapping: str,
    now: float,
    records: RowKind = EVENTS,
    keys: KeysFrom | None = None,
    identity: str | None = None,
) -> Checkpoint:
    """Return the checkpoint of a job that begins now.

    Raises:
        SourceError: A source cannot be read.
    """
    progress = [SourceProgress(source.name, source.fingerprint() or "") for source in sources]
    return Checkpoint(target, mapping, int(now * 1000), progress, records=records.name, keys=keys, identity=identity)


class Beginning(NamedTuple):
    """What a run begins with.

    Attributes:
        checkpoint: How far the job has come.
        sent_before: For each source the rows that may have been sent before.
        retried_rows: How many failed rows are tried again.
        earlier_version: The version of the list that a restarted job was filling; None if it filled none.
    """

    checkpoint: Checkpoint
    sent_before: Sequence[RowSet]
    retried_rows: int = 0
    earlier_version: VersionNotes | None = None


def begin(
    store: CheckpointStore,
    sources: Sequence[Source],
    new: Checkpoint,
    options: RunnerOptions,
    dead_letters: DeadLetters | KeptDeadLetters,
    others: Iterable[KeptJob] = (),
) -> Beginning:
    """Return what the run begins with: the kept checkpoint if there is one and it is wanted, else the new one.

    Args:
        store: Where the checkpoint is kept.
        sources: The sources.
        new: A checkpoint of the job that would begin now.
        options: What is wanted.
        dead_letters: Where the failures are kept.
        others: Jobs that may have sent the same sources; read only if the checkpoint is none of this job.

    Raises:
        CheckpointError: What is kept is no checkpoint, or another job's, or cannot be kept. Or there is none, and
            another job has sent some of the sources.
        ConfigurationError: A source can be read only once, or nobody knows which rows failed.
        SourceError: A source cannot be read.
    """
    if isinstance(store, NoCheckpoint):
        if options.retry_failed:
            raise ConfigurationError("without a checkpoint the failed rows are unknown; leave out retry_failed")
        return Beginning(new, [RowSet() for _ in sources])
    for source, progress in zip(sources, new.sources, strict=True):
        if not progress.fingerprint:
            raise ConfigurationError(f"{source.name} can be read only once: a job that reads it has no checkpoint")
    if options.restart:
        return _begin_anew(store, new, dead_letters, others)
    content = store.load()
    if content is None:
        check_not_sent(new, others)
        return Beginning(new, [RowSet() for _ in sources])
    try:
        return _go_on(read_checkpoint(content), new, store, sources, options, dead_letters, others)
    except CheckpointError as error:
        problem = f"{store.name}: {error.message}"
    raise CheckpointError(problem)


def _go_on(
    kept: Checkpoint,
    new: Checkpoint,
    store: CheckpointStore,
    sources: Sequence[Source],
    options: RunnerOptions,
    dead_letters: DeadLetters | KeptDeadLetters,
    others: Iterable[KeptJob],
) -> Beginning:
    if is_over(kept, new):
        return Beginning(new, [RowSet() for _ in sources])
    check_same_records(kept, new)
    check_sources(kept, new, others)
    retried = 0
    if kept.failed and (options.retry_failed or kept.retry == new.content):
        retried = _retry(kept, new, store, sources, _kept_dead_letters(dead_letters))
    else:
        check_same_job(kept, new, others)
    if kept.has_stale_dead_letters:
        with _translated_errors():
            drop_stale(kept, _kept_dead_letters(dead_letters))
        save_checkpoint(store, kept)
    return Beginning(kept, [_in_flight(progress) for progress in kept.sources], retried)


def _retry(
    kept: Checkpoint,
    new: Checkpoint,
    store: CheckpointStore,
    sources: Sequence[Source],
    dead_letters: KeptDeadLetters,
) -> int:
    """Note the failed rows as ones to be sent; returns how many these are."""
    kept.retry = ()
    before = kept.to_json()
    # To compare the accepted rows takes long. A run that is killed meanwhile is continued by the plain command.
    kept.retry = new.content
    save_checkpoint(store, kept)
    try:
        with _translated_errors():
            retried = reopen(
                kept,
                new,
                sources,
                dead_letters.dead_letters(),
                is_repeatable=records_of(kept.records).is_repeatable,
            )
    except Exception:
        with suppress(OSError):
            store.save(before)
        raise
    kept.retry = ()
    save_checkpoint(store, kept)
    return retried


def _in_flight(progress: SourceProgress) -> RowSet:
    rows = RowSet()
    for start, end, _ in progress.in_flight:
        rows.add((start, end))
    return rows


def _begin_anew(
    store: CheckpointStore,
    new: Checkpoint,
    dead_letters: DeadLetters | KeptDeadLetters,
    others: Iterable[KeptJob],
) -> Beginning:
    """Begin with the new checkpoint, and the facts of the kept one that still count.

    That is which rows were accepted, by this job and by others, as far as it is known which ones failed, and the
    version of a list that nobody else will finish.
    """
    content = None
    try:
        content = store.load()
        kept = new if content is None else read_checkpoint(content)
        version = kept.version if (kept.records, kept.target) == (new.records, new.target) else None
    except CheckpointError:
        if content is not None and not CHECKPOINT_BEGINNING.startswith(content[: len(CHECKPOINT_BEGINNING)]):
            problem = (
                f"{store.name}: this file is not a checkpoint, and --restart does not replace it; name another one"
            )
            raise CheckpointError(problem) from None
        # A checkpoint that cannot be read is to be forgotten.
        kept, version = new, None
    failed = [FailedNumbers() for _ in kept.sources]
    with suppress(ConfigurationError, OSError):
        failed = failed_rows(kept, _kept_dead_letters(dead_letters).dead_letters())
    try:
        check_restart(kept, new, failed)
    except CheckpointError as error:
        problem = f"{store.name}: {error.message}"
    else:
        sent = _accepted(new, [(kept, failed), *((job.checkpoint, None) for job in others)])
        return Beginning(new, sent, earlier_version=version)
    raise CheckpointError(problem)


def _accepted(new: Checkpoint, kept: Iterable[tuple[Checkpoint, Sequence[FailedNumbers] | None]]) -> Sequence[RowSet]:
    """Return for each source the rows that jobs have accepted which made the same records of it.

    Args:
        new: The checkpoint of the job that begins.
        kept: Checkpoints, each with the rows that failed, by its sources; None if nobody knows which ones did.
    """
    accepted: dict[str, RowSet] = {}
    for checkpoint, failed in kept:
        is_known = failed is not None or not checkpoint.failed
        made = (checkpoint.records, checkpoint.target, checkpoint.mapping)
        if not is_known or made != (new.records, new.target, new.mapping):
            continue
        for place, progress in enumerate(checkpoint.sources):
            rows = progress.finished if failed is None else progress.finished.without(failed[place].numbers)
            before = accepted.get(progress.fingerprint)
            if before is None or len(before) < len(rows):
                accepted[progress.fingerprint] = rows
    return [accepted.get(progress.fingerprint, RowSet()) for progress in new.sources]


def _kept_dead_letters(dead_letters: DeadLetters | KeptDeadLetters) -> KeptDeadLetters:
    if not isinstance(dead_letters, KeptDeadLetters):
        raise ConfigurationError("the dead letters cannot be read again, so the failed rows are unknown")
    return dead_letters


@contextmanager
def _translated_errors() -> Generator[None]:
    """Make what the file of dead letters raises a `CheckpointError`."""
    try:
        yield
    except OSError as error:
        name = "the file of dead letters" if error.filename is None else shown_path(error.filename)
        problem = f"{name}, which lists the failed rows, cannot be used ({error.strerror})"
    else:
        return
    raise CheckpointError(problem)


def save_checkpoint(store: CheckpointStore, checkpoint: Checkpoint) -> None:
    """Write a checkpoint.

    Raises:
        CheckpointError: It cannot be written.
    """
    try:
        store.save(checkpoint.to_json())
    except OSError as error:
        problem = f"it cannot be written ({error.strerror})"
    else:
        return
    raise CheckpointError(problem)


class Corrected:
    """A source whose rows keep the keys that they had before it was corrected."""

    def __init__(self, source: Source, origin: str) -> None:
        self._source = source
        self._origin = origin

    @property
    def name(self) -> str:
        """The source's own."""
        return self._source.name

    @property
    def size_bytes(self) -> int | None:
        """The source's own."""
        return self._source.size_bytes

    @property
    def bytes_read(self) -> int:
        """The source's own."""
        return self._source.bytes_read

    def fingerprint(self) -> str:
        """Return the fingerprint that the source had when the job began."""
        return self._origin

    def columns(self) -> Sequence[str] | None:
        """Return the source's own."""
        return self._source.columns()

    def rows(self, start: Position | None = None) -> Iterator[Row]:
        """Read the source's own."""
        return self._source.rows(start)
