"""Other jobs that have sent the same sources: under a new checkpoint their accepted rows would be sent again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from suprsend_async.counting import counted
from suprsend_async.ingest.job.checkpoint import DEAD_LETTERS, Checkpoint, CheckpointError, read_checkpoint
from suprsend_async.ingest.mapping.records import records_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from suprsend_async.ingest.job.checkpoint import SourceProgress
    from suprsend_async.ingest.job.checkpoint_file import CheckpointStore

START_OVER = "start over with --restart, or give the new job another --checkpoint FILE"
_SHOWN = 3


class KeptJob(NamedTuple):
    """A job of which there is a checkpoint.

    Attributes:
        name: What the checkpoint is called, for people.
        checkpoint: The checkpoint.
    """

    name: str
    checkpoint: Checkpoint


def read_jobs(stores: Iterable[CheckpointStore]) -> Iterator[KeptJob]:
    """Return the jobs whose checkpoints these are; what cannot be read is passed over."""
    for store in stores:
        try:
            content = store.load()
            job = None if content is None else KeptJob(store.name, read_checkpoint(content))
        except CheckpointError:
            continue
        if job is not None:
            yield job


class _Overlap(NamedTuple):
    """What a new job has in common with kept ones.

    Attributes:
        jobs: The kept jobs that have sent some of its sources.
        again: What of these would be sent again, for people; empty if nothing would.
        fresh: The names of the sources that none of the jobs has.
    """

    jobs: list[KeptJob]
    again: str
    fresh: list[str]


def _overlap(wanted: Checkpoint, kept: Iterable[KeptJob]) -> _Overlap:
    jobs: list[KeptJob] = []
    known: set[int] = set()
    accepted = in_flight = 0
    is_exact = True
    for job in kept:
        checkpoint = job.checkpoint
        if (checkpoint.records, checkpoint.target) != (wanted.records, wanted.target):
            continue
        shared = {place: source for source in checkpoint.sources if (place := _place_of(source, wanted)) is not None}
        sent = [source for place, source in shared.items() if place not in known and _is_sent(source)]
        known |= shared.keys()
        if not sent:
            continue
        jobs.append(job)
        is_whole = len(sent) == sum(map(_is_sent, checkpoint.sources))
        # Which rows have failed, only the dead letters could tell.
        is_exact = is_exact and (is_whole or not checkpoint.failed)
        finished = sum(len(source.finished) for source in sent)
        accepted += checkpoint.accepted if is_whole else min(finished, checkpoint.accepted)
        in_flight += sum(end - start for source in sent for start, end, _ in source.in_flight)
    again = f"{'' if is_exact else 'up to '}{counted(accepted, 'accepted row')}"
    if in_flight:
        again += f" and {counted(in_flight, 'row')} that may have arrived"
    fresh = [source.name for place, source in enumerate(wanted.sources) if place not in known]
    return _Overlap(jobs, again if accepted or in_flight else "", fresh)


def _place_of(source: SourceProgress, wanted: Checkpoint) -> int | None:
    """Return which of the wanted sources this one is, by its content or its name."""
    contents = {source.fingerprint, source.origin}
    for place, each in enumerate(wanted.sources):
        # A file of dead letters has others under the same name once these were sent.
        is_named = each.name == source.name and wanted.mapping != DEAD_LETTERS
        if each.fingerprint in contents or is_named:
            return place
    return None


def _is_sent(source: SourceProgress) -> bool:
    return len(source.finished) > 0 or bool(source.in_flight)


def check_not_sent(wanted: Checkpoint, kept: Iterable[KeptJob]) -> None:
    """Make sure that no other job has sent sources of a job that begins now.

    Of a list all rows are to be sent again: without those of the other files it would lose their members.

    Raises:
        CheckpointError: One has; the message names its checkpoint, and says what would be sent again.
    """
    if records_of(wanted.records).list_id is not None:
        return
    found = _overlap(wanted, kept)
    if found.again:
        names = _shown([job.name for job in found.jobs])
        have = "has" if len(found.jobs) == 1 else "have"
        raise CheckpointError(
            f"{names} {have} sent sources of this command before: under another checkpoint {found.again} would be "
            f"sent again; {_advice(found)}, or, to send them again, add --restart or name another --checkpoint FILE"
        )


def of_other_sources(kept: Checkpoint, wanted: Checkpoint, others: Iterable[KeptJob]) -> str:
    """Return why a checkpoint is not one of the wanted job, which has other sources, and what to do."""
    problem = f"it belongs to a job with other sources ({_shown([source.name for source in kept.sources])})"
    if records_of(wanted.records).list_id is None:
        found = _overlap(wanted, [KeptJob("this checkpoint", kept), *others])
        if found.again:
            return (
                f"{problem}: with --restart, or with another --checkpoint FILE, {found.again} would be sent again; to "
                f"avoid that, {_advice(found)}"
            )
    return f"{problem}; {START_OVER}"


def _advice(found: _Overlap) -> str:
    """Return what to do, so that no row is sent again."""
    if found.fresh:
        what = "the new file by itself" if len(found.fresh) == 1 else "the new files by themselves"
        return f"send {what} ({_shown(found.fresh)})"
    unfinished = next((job for job in found.jobs if not job.checkpoint.is_complete), None)
    if unfinished is not None:
        sources = _shown([source.name for source in unfinished.checkpoint.sources])
        return f"continue the job of {unfinished.name} with its own sources ({sources})"
    return "send none of these files: no one is new"


def last_name(name: str) -> str:
    """Return the name of a source without its folders."""
    return re.split(r"[/\\]", name)[-1]


def _shown(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN:,} more"
