"""Whether a checkpoint is one of the job that is wanted, and whether a restart is safe. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suprsend_async.counting import counted
from suprsend_async.ingest.job.checkpoint import DEAD_LETTERS, CheckpointError
from suprsend_async.ingest.job.other_jobs import START_OVER, last_name, of_other_sources
from suprsend_async.ingest.mapping.records import records_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from suprsend_async.ingest.job.checkpoint import Checkpoint, SourceProgress
    from suprsend_async.ingest.job.other_jobs import KeptJob
    from suprsend_async.ingest.job.retry_failed import FailedNumbers


def check_same_job(kept: Checkpoint, wanted: Checkpoint, others: Iterable[KeptJob] = ()) -> None:
    """Make sure that a checkpoint is one of the job that is wanted.

    Args:
        kept: The checkpoint.
        wanted: One of the wanted job that would begin now.
        others: Other jobs that may have sent some of its sources.

    Raises:
        CheckpointError: The sources, the mapping or where the events go is another.
    """
    check_same_records(kept, wanted)
    check_sources(kept, wanted, others)
    for before, now in zip(kept.sources, wanted.sources, strict=True):
        if before.fingerprint != now.fingerprint:
            if last_name(before.name) != last_name(now.name):
                raise CheckpointError(of_other_sources(kept, wanted, others))
            raise CheckpointError(
                f"{now.name} has changed since the job began, so its rows may be different; "
                f"{_advice_for_changed_source(kept, wanted, before)}"
            )
    if kept.mapping != wanted.mapping:
        retry = _RETRY if kept.failed else ""
        otherwise = (
            f"{retry}or put new rows into a new file: with another key all of them would be new "
            f"{records_of(kept.records).nouns}"
            if _has_other_keys(kept, wanted) and not records_of(kept.records).is_repeatable
            else f"{retry}or {START_OVER}"
        )
        raise CheckpointError(
            f"the mapping has changed since the job began: continue with the old mapping, {otherwise}"
        )
    check_same_target(kept, wanted)


def is_over(kept: Checkpoint, wanted: Checkpoint) -> bool:
    """Return whether a checkpoint is of dead letters that were all sent, and these are others.

    A dead letter holds all that its event needs, and those that were accepted are no longer in the file.
    """
    has_changed = any(
        before.fingerprint != now.fingerprint for before, now in zip(kept.sources, wanted.sources, strict=False)
    )
    return kept.mapping == wanted.mapping == DEAD_LETTERS and kept.is_complete and has_changed


def check_sources(kept: Checkpoint, wanted: Checkpoint, others: Iterable[KeptJob] = ()) -> None:
    """Make sure that a job has as many sources as it had.

    Raises:
        CheckpointError: It has not.
    """
    if len(kept.sources) != len(wanted.sources):
        raise CheckpointError(of_other_sources(kept, wanted, others))


def check_same_records(kept: Checkpoint, wanted: Checkpoint) -> None:
    """Make sure that a job makes of its rows what it made of them.

    Raises:
        CheckpointError: It makes something else.
    """
    if kept.records != wanted.records:
        raise CheckpointError(
            f"it belongs to a job whose rows become {kept.records}, and those of this one become {wanted.records}: "
            f"give --as {kept.records} to continue that job, or {START_OVER}"
        )


def check_same_target(kept: Checkpoint, wanted: Checkpoint) -> None:
    """Make sure that a job sends where it sent before.

    Raises:
        CheckpointError: It does not.
    """
    if kept.target != wanted.target:
        raise CheckpointError(
            f"the workspace or the address has changed since the job began: continue with the old ones, or {START_OVER}"
        )


def _advice_for_changed_source(kept: Checkpoint, wanted: Checkpoint, progress: SourceProgress) -> str:
    """Return what is safe once a source has changed."""
    is_repeatable = records_of(kept.records).is_repeatable
    is_at_rest = is_repeatable or not any(source.in_flight for source in kept.sources)
    can_retry = kept.failed > 0 and progress.accepted is not None and is_at_rest
    is_unfinished = kept.failed > 0 or not kept.is_complete
    may_restart = is_repeatable or (kept.keys or wanted.keys) != "source"
    if not may_restart:
        new_keys = f"without a key of columns all of them would be new {records_of(kept.records).nouns}"
        if can_retry:
            return f"{new_keys}: {_RETRY}or put the old file back to continue"
        if is_unfinished:
            return f"{new_keys}: put the old file back and {_FINISH_FIRST}"
        return f"{new_keys}, and every row was accepted: put the old file back, or put new rows into a new file"
    if can_retry or not is_unfinished:
        return f"put the old file back to continue, {_RETRY if can_retry else ''}or {START_OVER}"
    return f"put the old file back and {_FINISH_FIRST}; or {START_OVER}"


def check_restart(kept: Checkpoint, wanted: Checkpoint, failed: Sequence[FailedNumbers]) -> None:
    """Make sure that a restart does not send rows that were accepted under other keys, which would be second events.

    Args:
        kept: The checkpoint of the job.
        wanted: One of the same job that would begin now.
        failed: The rows that failed, as far as they are known, for each source of the checkpoint.

    Raises:
        CheckpointError: It does.
    """
    if (kept.records, kept.target) != (wanted.records, wanted.target) or wanted.mapping == DEAD_LETTERS:
        return
    wanted_kind = records_of(wanted.records)
    if wanted_kind.is_repeatable:
        return
    names = {last_name(source.name) for source in wanted.sources}
    now = {source.fingerprint for source in wanted.sources}
    has_other_keys = _has_other_keys(kept, wanted)
    accepted = in_flight = 0
    for source, rows in zip(kept.sources, failed, strict=True):
        is_same_source = source.fingerprint in now or last_name(source.name) in names
        # A source that was corrected has the keys of what it was.
        has_new_keys = wanted.keys == "source" and (source.origin or source.fingerprint) not in now
        if is_same_source and (has_other_keys or has_new_keys):
            accepted += len(source.finished.without(rows.numbers))
            in_flight += sum(end - start for start, end, _ in source.in_flight) + len(rows.unknown)
    accepted = min(accepted, kept.accepted)
    if accepted or in_flight:
        doubt = f" and {counted(in_flight, 'row')} that may have arrived" if in_flight else ""
        raise CheckpointError(
            f"--restart would send {counted(accepted, 'accepted row')}{doubt} as second {wanted_kind.nouns}, because "
            "their keys would be new: leave out --restart and continue with the old file and the old key "
            "(--retry-failed sends failed rows that you corrected in place), or delete this checkpoint file if second "
            f"{wanted_kind.nouns} are wanted"
        )


def _has_other_keys(kept: Checkpoint, wanted: Checkpoint) -> bool:
    return None not in (kept.keys, wanted.keys) and kept.keys != wanted.keys


_RETRY = "add --retry-failed to send the failed rows, if you changed it for them, "
_FINISH_FIRST = (
    "finish the job with it first (the same command); then correct the failed rows in place, and add --retry-failed"
)
