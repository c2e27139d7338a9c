"""Other jobs that have sent the same sources: under a new checkpoint their accepted rows would be sent again."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from suprsend_async.counting import counted
from suprsend_async.ingest.job.checkpoint import DEAD_LETTERS, Checkpoint, CheckpointError, read_checkpoint
from suprsend_async.ingest.job.checkpoint_file import CheckpointFile
from suprsend_async.ingest.mapping.records import records_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from suprsend_async.ingest.job.checkpoint import SourceProgress
    from suprsend_async.ingest.job.checkpoint_file import CheckpointStore

START_OVER = "start over with --restart, or give the new job another --checkpoint FILE"
_SHOWN = 3


class KeptJob(NamedTuple):
    """A job of which there is a checkpoint.

    Attributes:
        name: What the checkpoint is called, for people.
        checkpoint: The checkpoint.
        path: Where it is kept; None if that tells nothing of its sources.
    """

    name: str
    checkpoint: Checkpoint
    path: Path | None = None


def read_jobs(stores: Iterable[CheckpointStore]) -> Iterator[KeptJob]:
    """Return the jobs whose checkpoints these are; what cannot be read is passed over."""
    for store in stores:
        try:
            content = store.load()
            job = None if content is None else KeptJob(store.name, read_checkpoint(content), _path_of(store))
        except CheckpointError:
            continue
        if job is not None:
            yield job


def _path_of(store: CheckpointStore) -> Path | None:
    return store.path if isinstance(store, CheckpointFile) else None


class _Altered(NamedTuple):
    """A source under whose name a kept job has sent other content: it has grown, or was replaced.

    Attributes:
        name: Its name.
        job: What the checkpoint of that job is called.
        sent: How many rows of the earlier content were accepted, or may have arrived, for people.
    """

    name: str
    job: str
    sent: str


class _Overlap(NamedTuple):
    """What a new job has in common with kept ones.

    Attributes:
        jobs: The kept jobs that have sent some of its sources.
        again: What of these would be sent again, for people; empty if nothing would.
        fresh: The names of the sources that none of the jobs has.
        altered: The sources of which a job has sent other content.
    """

    jobs: list[KeptJob]
    again: str
    fresh: list[str]
    altered: list[_Altered]


def _overlap(wanted: Checkpoint, kept: Iterable[KeptJob]) -> _Overlap:
    jobs: list[KeptJob] = []
    known: set[int] = set()
    altered: dict[int, _Altered] = {}
    accepted = in_flight = 0
    is_exact = True
    by_content: dict[str | None, int] = {}
    by_name: dict[str, int] = {}
    for place, each in enumerate(wanted.sources):
        by_content.setdefault(each.fingerprint, place)
        # A file of dead letters has others under the same name once these were sent.
        if wanted.mapping != DEAD_LETTERS:
            by_name.setdefault(os.path.abspath(each.name), place)  # noqa: PTH100 - no link is followed
    for job in kept:
        checkpoint = job.checkpoint
        if not _makes_the_same(checkpoint, wanted):
            continue
        shared: dict[int, SourceProgress] = {}
        for source in checkpoint.sources:
            found = by_content.get(source.fingerprint, by_content.get(source.origin))
            if found is not None:
                shared[found] = source
            elif (
                (checkpoint.accepted or source.in_flight)
                and _is_sent(source)
                and (named := by_name.get(_place_of(source, job))) is not None
            ):
                altered[named] = _Altered(wanted.sources[named].name, job.name, _sent_of(source, checkpoint))
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
    fresh = [source.name for place, source in enumerate(wanted.sources) if place not in known | altered.keys()]
    return _Overlap(
        jobs,
        again if accepted or in_flight else "",
        fresh,
        [each for place, each in altered.items() if place not in known],
    )


def _place_of(source: SourceProgress, job: KeptJob) -> str:
    """Return where a source of a kept job was: that job may have been begun in another folder.

    Its checkpoint, unless another name was given, stands beside its first source.
    """
    first = job.checkpoint.sources[0].name
    if job.path is None or not job.path.name.startswith(f"{last_name(first)}.") or os.path.isabs(first):  # noqa: PTH117
        return os.path.abspath(source.name)  # noqa: PTH100 - no link is followed
    folder = os.path.abspath(job.path.parent)  # noqa: PTH100
    # The name of a source may be absolute, and is taken as it is then.
    name = source.name if os.path.isabs(source.name) else os.path.relpath(source.name, os.path.dirname(first) or ".")  # noqa: PTH117, PTH120
    return os.path.normpath(os.path.join(folder, name))  # noqa: PTH118


def _makes_the_same(kept: Checkpoint, wanted: Checkpoint) -> bool:
    """Return whether a job has made such records of its rows as the wanted one would, as far as it is known."""
    is_known = None not in (kept.identity, wanted.identity)
    return (kept.records, kept.target) == (wanted.records, wanted.target) and (
        not is_known or kept.identity == wanted.identity
    )


def _sent_of(source: SourceProgress, checkpoint: Checkpoint) -> str:
    in_flight = sum(end - start for start, end, _ in source.in_flight)
    count = counted(min(len(source.finished), checkpoint.accepted) + in_flight, "row")
    return f"up to {count}" if checkpoint.failed or in_flight else count


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
        is_changed = any(job.checkpoint.mapping != wanted.mapping for job in found.jobs)
        raise CheckpointError(
            f"{names} {have} sent sources of this command before{', with another mapping' if is_changed else ''}: "
            f"under another checkpoint {found.again} would be sent again; {_advice(found)}, or, to send them again, "
            "add --restart or name another --checkpoint FILE"
        )
    if found.altered:
        raise CheckpointError(_doubt(found.altered))


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
        if found.altered:
            return f"{problem}; {_doubt(found.altered)}"
    return f"{problem}; {START_OVER}"


def _advice(found: _Overlap) -> str:
    """Return what to do, so that no row is sent again."""
    doubt = f"; {_doubt(found.altered)}" if found.altered else ""
    if found.fresh:
        what = "the new file by itself" if len(found.fresh) == 1 else "the new files by themselves"
        return f"send {what} ({_shown(found.fresh)}){doubt}"
    unfinished = next((job for job in found.jobs if not job.checkpoint.is_complete), None)
    if unfinished is not None and not doubt:
        sources = _shown([source.name for source in unfinished.checkpoint.sources])
        return f"continue the job of {unfinished.name} with its own sources ({sources})"
    return f"leave out the files that have not changed{doubt}" if doubt else "send none of these files: no one is new"


def _doubt(altered: Sequence[_Altered]) -> str:
    """Return what to do with files that have grown or were replaced, of which nobody knows which of both."""
    files = _shown([f"{each.name}: {each.sent}, by {each.job}" for each in altered])
    return (
        f"of files of these names other content was sent before ({files}): if such a file has grown since, put the "
        "rows that were not sent into a new file and send that; if all of its rows are new, give it another name, or "
        "add --restart to send every row of this command"
    )


def last_name(name: str) -> str:
    """Return the name of a source without its folders."""
    return re.split(r"[/\\]", name)[-1]


def _shown(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN:,} more"
