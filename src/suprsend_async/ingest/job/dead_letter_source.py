"""Dead letters that are sent again: made into records with the identity that they had, and put back if they fail."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic_core import to_json

from suprsend_async.errors import ConfigurationError
from suprsend_async.ingest.errors import MappingError
from suprsend_async.ingest.job.checkpoint import DEAD_LETTERS
from suprsend_async.ingest.job.dead_letters import (
    KIND_FIELDS,
    MORE_FIELDS,
    DeadLetterFile,
)
from suprsend_async.ingest.job.record_forms import record_from
from suprsend_async.ingest.mapping.records import EVENTS
from suprsend_async.ingest.sources.letter_lines import FIELDS, dead_letter_of

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from suprsend_async.events.event import Event
    from suprsend_async.ingest.job.checkpoint import Checkpoint, SourceProgress
    from suprsend_async.ingest.job.dead_letters import FailedRow
    from suprsend_async.ingest.job.own_files import OwnFile
    from suprsend_async.ingest.mapping.records import RowKind
    from suprsend_async.ingest.sources.source import Row, Source


def holds_dead_letters(source: Source) -> bool:
    """Return whether a source holds dead letters, by its first row.

    Raises:
        SourceError: It cannot be read.
    """
    return kind_of_dead_letters(source) is not None


def kind_of_dead_letters(source: Source) -> str | None:
    """Return what the rows of dead letters became, by the first of them; None if it is no dead letter.

    Raises:
        SourceError: The source cannot be read.
    """
    first = next(iter(source.rows()), None)
    values = None if first is None else first.values
    if values is None or not values.keys() >= _FIELDS or not values.keys() <= _ALL_FIELDS:
        return None
    return _kind(values)


def _kind(dead_letter: Mapping[str, Any]) -> str:
    kind: object = dead_letter.get("kind", EVENTS.name)
    return kind if isinstance(kind, str) else ""


_FIELDS = frozenset(FIELDS)
_ALL_FIELDS = frozenset((*FIELDS, *MORE_FIELDS, *KIND_FIELDS))


class DeadLetterMapping:
    """Makes the records of dead letters again, each with the identity that it had.

    Args:
        records: What their rows became, for one job sends records of one kind; events if left out.

    Attributes:
        records: The same.

    Raises:
        ConfigurationError: They were to be in a list, which is filled by the job that reads their source.
    """

    def __init__(self, records: RowKind = EVENTS) -> None:
        if records.list_id is not None:
            raise ConfigurationError(
                "dead letters of a list are not sent by themselves: correct the rows in their source, each in its "
                "place, and add --retry-failed to the command that read it"
            )
        self.records: RowKind = records

    def digest(self) -> str:
        """Return what identifies this mapping."""
        return DEAD_LETTERS

    def plan(self, source: Source, *, time: int) -> DeadLetterMapping:
        """Return itself: every dead letter has all that its record needs."""
        return self

    def event(self, row: Row) -> Event:
        """Return the dead letter's event.

        Raises:
            MappingError: The row is no dead letter, or it has no event.
            ValidationError: The event is not valid.
        """
        return cast("Event", self.record(row))

    def record(self, row: Row) -> object:
        """Return the dead letter's record.

        Raises:
            MappingError: The row is no dead letter, has no record, or one of another kind.
            ValidationError: The record is not valid.
        """
        values = row.values
        if values is None:
            raise MappingError(row.problem or "the row cannot be read", outcome="rejected")
        noun, kind = self.records.noun, _kind(values)
        if kind != self.records.name:
            raise MappingError(
                f"this dead letter is of {kind or 'an unknown kind'}, and the first of its file is of "
                f"{self.records.name}; put it into a separate file, and send that",
                outcome="rejected",
            )
        arguments = record_in(values)
        if arguments is None:
            raise MappingError(
                f"this dead letter has no {noun}: its row could not become one; correct the row in its source, and add "
                "--retry-failed to the command that read it",
                outcome="rejected",
            )
        return record_from(self.records, arguments)

    def sent_since(self, row: Row) -> float | None:
        """Return when the dead letter's event may have been sent: its `at`, if its outcome is unknown."""
        values = row.values
        return None if values is None else sent_since(values)


def record_in(dead_letter: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the arguments that make a dead letter's record; None if it has none."""
    found: object = dead_letter.get("event" if _kind(dead_letter) == EVENTS.name else "record")
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


def sent_since(dead_letter: Mapping[str, Any]) -> float | None:
    """Return when a dead letter's event may have been sent: its `at` if its outcome is unknown, else None."""
    if dead_letter.get("outcome") != "unknown":
        return None
    at: object = dead_letter.get("at")
    # Of a dead letter that does not say it, the earliest is assumed.
    return float(at) if isinstance(at, (int, float)) and 0 <= at < _NEVER else 0.0


_NEVER = 1e12


_RENEWED = ("error", "code", "outcome", "at")


class ResentDeadLetters:
    """Takes the failures of dead letters that are sent again, and puts them back at the end of the job.

    Until then they are in a separate file, because the files of the dead letters are being read.

    Args:
        paths: The files that are the job's sources, in their order.
        checkpoint: The file of its checkpoint, which is removed with the dead letters that it is of.
    """

    def __init__(self, paths: Sequence[str | os.PathLike[str]], checkpoint: str | os.PathLike[str]) -> None:
        self._files = [DeadLetterFile(path) for path in paths]
        self._checkpoint = Path(checkpoint)
        self._failed = DeadLetterFile(f"{self._files[0].path}.again")

    @property
    def written(self) -> list[OwnFile]:
        """The files that it writes besides its sources."""
        return self._failed.written

    def check(self) -> None:
        """Make sure that what an earlier run left is a file of dead letters.

        Raises:
            ConfigurationError: It is something else.
        """
        self._failed.check()

    def write(self, dead_letters: Sequence[FailedRow]) -> None:
        """Keep failures until the end.

        Raises:
            OSError: They cannot be written.
        """
        self._failed.write(dead_letters)

    def conclude(self, checkpoint: Checkpoint) -> None:
        """Take the dead letters that were accepted out of their files, durably; a file with none left is removed.

        Raises:
            OSError: A file cannot be written.
        """
        failed = self._failed_again(checkpoint)
        for place, file in enumerate(self._files):
            _keep_unaccepted(file, checkpoint.sources[place], failed[place])
        self._checkpoint.unlink(missing_ok=True)
        self._failed.path.unlink(missing_ok=True)

    def _failed_again(self, checkpoint: Checkpoint) -> list[dict[int, dict[str, Any]]]:
        """Return for each file the dead letters that failed again, by their rows, with what is known of them now."""
        places = {progress.name: place for place, progress in enumerate(checkpoint.sources)}
        failed: list[dict[int, dict[str, Any]]] = [{} for _ in places]
        try:
            for dead_letter in self._failed.dead_letters():
                # A crash may have left some of another job.
                if dead_letter.get("job") == checkpoint.job:
                    failed[places[dead_letter["source"]]][dead_letter["row"]] = {
                        name: dead_letter[name] for name in _RENEWED
                    }
        except FileNotFoundError:
            pass  # none has failed
        return failed


def _keep_unaccepted(file: DeadLetterFile, progress: SourceProgress, failed: dict[int, dict[str, Any]]) -> None:
    row = -1

    def keep(_: int, line: bytes) -> bytes | None:
        nonlocal row
        if line.isspace():
            return line
        row += 1
        if row not in progress.finished:
            # It is in doubt, or came later.
            return line
        if row not in failed:
            return None
        dead_letter = dead_letter_of(line)
        # What has no record was not sent; its row is for its source's job to try again.
        return (
            line
            if dead_letter is None or record_in(dead_letter) is None
            else to_json({**dead_letter, **failed[row]}) + b"\n"
        )

    file.rewrite(keep)
