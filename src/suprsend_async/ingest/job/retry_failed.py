"""Failed rows, tried again: found among the dead letters, in a source that may have been corrected."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from suprsend_async.counting import counted
from suprsend_async.ingest.job.checkpoint import CheckpointError, RowSums
from suprsend_async.ingest.job.dead_letter_source import sent_since
from suprsend_async.ingest.job.same_job import check_same_records, check_same_target, check_sources
from suprsend_async.ingest.sources.letter_lines import dead_letter_of
from suprsend_async.ingest.sources.source import Position

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from suprsend_async.ingest.job.checkpoint import Checkpoint, SourceProgress
    from suprsend_async.ingest.job.ranges import RowSet, Span
    from suprsend_async.ingest.sources.source import Row, Source


_PIECES = 64
_DIGEST_BYTES = 8


def sums_of(rows: Iterable[Row], accepted: RowSet) -> RowSums:
    """Return what the accepted rows amount to, by their numbers and their values.

    Args:
        rows: All rows of the source, from the first.
        accepted: The numbers of those that count.
    """
    end = accepted.end
    size = _piece(end)
    sums = [0] * -(-end // size)
    for row in rows:
        if row.number >= end:
            break
        if row.number in accepted:
            sums[row.number // size] += _number_of(row)
    return RowSums(end, tuple(total % (1 << 8 * _DIGEST_BYTES) for total in sums))


def changed_rows(before: RowSums, now: RowSums) -> Span | None:
    """Return the first piece in which accepted rows have changed or moved; None if there is none."""
    if before.end != now.end or len(before.sums) != len(now.sums):
        return 0, before.end
    size = _piece(before.end)
    for number, sums in enumerate(zip(before.sums, now.sums, strict=True)):
        if sums[0] != sums[1]:
            return number * size, min((number + 1) * size, before.end)
    return None


def _piece(end: int) -> int:
    return max(1, -(-end // _PIECES))


def _number_of(row: Row) -> int:
    content = f"{row.number} {row.values!r}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(content, digest_size=_DIGEST_BYTES).digest())


@runtime_checkable
class KeptDeadLetters(Protocol):
    """Dead letters that can be read again, as those in a file."""

    def dead_letters(self) -> Iterator[Mapping[str, Any]]:
        """Read them.

        Raises:
            OSError: They cannot be read, or there are none.
        """
        ...

    def rewrite(self, keep: Callable[[int, bytes], bytes | None]) -> None:
        """Replace each line by what `keep` makes of its number and its content.

        Raises:
            OSError: They cannot be written.
        """
        ...


@dataclass(slots=True)
class FailedNumbers:
    """The rows of one source that failed.

    Attributes:
        numbers: Their numbers, in ascending order.
        unknown: Those of them that may have arrived, and when they were sent.
        unmade: How many of them no valid event could be made of.
    """

    numbers: Sequence[int] = field(default_factory=lambda: array("Q"))
    unknown: dict[int, float] = field(default_factory=dict[int, float])
    unmade: int = 0


def failed_rows(checkpoint: Checkpoint, dead_letters: Iterable[Mapping[str, Any]]) -> list[FailedNumbers]:
    """Return for each source the rows that have failed so far, by the dead letters of the job's latest round."""
    jobs = {checkpoint.job, None} if checkpoint.round == 1 else {checkpoint.job}
    places = {source.name: place for place, source in enumerate(checkpoint.sources)}
    numbers = [array("Q") for _ in checkpoint.sources]
    found = [FailedNumbers() for _ in checkpoint.sources]
    unmade: list[set[int]] = [set() for _ in checkpoint.sources]
    for dead_letter in dead_letters:
        place, row = _place_of(dead_letter, places)
        if place is None or dead_letter.get("job") not in jobs or row not in checkpoint.sources[place].finished:
            continue
        numbers[place].append(row)
        since = sent_since(dead_letter)
        if since is not None:
            found[place].unknown[row] = min(since, found[place].unknown.get(row, since))
        if dead_letter["outcome"] == "rejected" and dead_letter["code"] is None:
            unmade[place].add(row)
    for place, failed in enumerate(found):
        # After a crash a row may be there twice.
        failed.numbers = array("Q", dict.fromkeys(sorted(numbers[place])))
        failed.unmade = len(unmade[place])
    return found


def _place_of(dead_letter: Mapping[str, Any], places: Mapping[str, int]) -> tuple[int | None, int]:
    """Return which source a dead letter is of, and which row of it."""
    source: object = dead_letter.get("source")
    row: object = dead_letter.get("row")
    if not isinstance(source, str) or not isinstance(row, int) or not 0 <= row < 1 << 63:
        return None, 0
    return places.get(source), row


def reopen(
    kept: Checkpoint,
    wanted: Checkpoint,
    sources: Sequence[Source],
    dead_letters: Iterable[Mapping[str, Any]],
    *,
    is_repeatable: bool = False,
) -> int:
    """Make a checkpoint one in which the rows that failed are to be sent; returns how many these are.

    Args:
        kept: The checkpoint; it is changed.
        wanted: One of the same job that would begin now.
        sources: The sources as they are now.
        dead_letters: The dead letters.
        is_repeatable: Whether records that may have arrived can be made again.

    Raises:
        CheckpointError: It is another job's, or rows that were accepted have changed, or are not known.
        SourceError: A source cannot be read.
    """
    check_same_records(kept, wanted)
    check_sources(kept, wanted)
    check_same_target(kept, wanted)
    failed = failed_rows(kept, dead_letters)
    total = sum(len(each.numbers) for each in failed)
    changed = [before.fingerprint != now.fingerprint for before, now in zip(kept.sources, wanted.sources, strict=True)]
    expected = kept.failed - kept.left
    if any(changed) and total != expected:
        raise CheckpointError(
            f"{counted(expected, 'row')} failed, and {total:,} of them are among the dead letters: the others cannot "
            "be distinguished from accepted rows; put the corrected rows into a new file, and send that"
        )
    for place, is_changed in enumerate(changed):
        if is_changed:
            _check_accepted(kept.sources[place], sources[place], failed[place])
    if (any(changed) or kept.mapping != wanted.mapping) and not is_repeatable:
        _leave_unknown(kept, failed)
    if not any(each.numbers for each in failed):
        raise CheckpointError(
            f"none of the {counted(kept.failed, 'failed row')} can be tried again: their dead letters are gone, or "
            "they may have arrived, and only the dead letters themselves can be sent again"
        )
    for progress, now, rows in zip(kept.sources, wanted.sources, failed, strict=True):
        _reopen_source(progress, now, rows)
    count = sum(len(each.numbers) for each in failed)
    kept.failed -= min(kept.failed, count)
    kept.unmade -= min(kept.unmade, sum(each.unmade for each in failed))
    kept.mapping = wanted.mapping
    if kept.identity != wanted.identity:
        kept.identity = None  # some of its records have this one and some that one
    kept.round += 1
    kept.has_stale_dead_letters = True
    return count


def _check_accepted(progress: SourceProgress, source: Source, failed: FailedNumbers) -> None:
    """Make sure that rows which were accepted are where they were, and what they were."""
    if progress.accepted is None:
        raise CheckpointError(
            f"{source.name} has changed, and its rows cannot be compared, because the last run was interrupted or "
            "of an earlier version: put the old file back and finish the job with it first, without --retry-failed, "
            "or put the corrected rows into a new file, and send that"
        )
    now = sums_of(source.rows(), progress.finished.without(failed.numbers))
    span = changed_rows(progress.accepted, now)
    if span is not None:
        raise CheckpointError(
            f"{source.name} has changed in rows that were accepted, somewhere in rows {span[0]:,} to {span[1] - 1:,} "
            "(any column counts): leave every row in its place and as it was, even rows that you do not want to send, "
            "or put the corrected rows into a new file, and send that"
        )


def _leave_unknown(kept: Checkpoint, failed: list[FailedNumbers]) -> None:
    """Leave out the rows that may have arrived: made anew, they could be processed twice."""
    if any(source.in_flight for source in kept.sources):
        raise CheckpointError(
            "rows may be in flight from an earlier run, and might be different now: first continue with the old "
            "sources and the old mapping, without --retry-failed"
        )
    for each in failed:
        kept.left += len(each.unknown)
        each.numbers = array("Q", [row for row in each.numbers if row not in each.unknown])
        each.unknown = {}


def _reopen_source(progress: SourceProgress, now: SourceProgress, failed: FailedNumbers) -> None:
    if progress.fingerprint != now.fingerprint:
        progress.origin = progress.origin or progress.fingerprint
        progress.fingerprint = now.fingerprint
    elif not failed.numbers:
        return
    progress.finished = progress.finished.without(failed.numbers)
    for row, since in sorted(failed.unknown.items()):
        progress.recall(row, since)
    progress.rows = None
    progress.start = Position(0)
    progress.accepted = None


def drop_stale(checkpoint: Checkpoint, dead_letters: KeptDeadLetters) -> None:
    """Remove the rows that are tried again from the dead letters.

    Raises:
        OSError: They cannot be written.
    """
    places = {source.name: place for place, source in enumerate(checkpoint.sources)}

    def keep(_: int, line: bytes) -> bytes | None:
        dead_letter = dead_letter_of(line)
        if dead_letter is None or dead_letter.get("job") not in checkpoint.earlier_jobs:
            return line
        place, row = _place_of(dead_letter, places)
        is_tried = place is not None and row not in checkpoint.sources[place].finished
        return None if is_tried else line

    dead_letters.rewrite(keep)
    checkpoint.has_stale_dead_letters = False
