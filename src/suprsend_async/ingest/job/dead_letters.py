"""Rows that were not accepted: what is kept of each, and the file in which they are kept."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic_core import to_json

from suprsend_async.durable import new_beside, sync, write_all
from suprsend_async.errors import ConfigurationError
from suprsend_async.ingest.job.own_files import OwnFile
from suprsend_async.ingest.job.record_forms import arguments_of
from suprsend_async.ingest.mapping.records import EVENTS
from suprsend_async.ingest.sources.letter_lines import (
    FIELDS,
    MOST_LINE_BYTES,
    dead_letter_of,
    is_json,
    may_be_dead_letter,
)
from suprsend_async.ingest.sources.names import shown_path
from suprsend_async.ingest.sources.regular import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from suprsend_async.events.event import Event
    from suprsend_async.ingest.sources.source import Row
    from suprsend_async.outcome import Outcome
    from suprsend_async.resources.edits import UserEdit
    from suprsend_async.resources.trigger import WorkflowTriggerRequest


MORE_FIELDS = ("line", "raw", "job")
"""What it holds besides, unless an earlier version wrote it; and nothing else, if the row became an event."""

KIND_FIELDS = ("kind", "record")
"""What it holds as well if the row became something else: what that is, and the record with its identity."""

MAX_RAW_CHARACTERS = 16 * 1024
"""How much of a row a dead letter holds."""


@dataclass(frozen=True, slots=True)
class FailedRow:
    r"""A row that was not accepted.

    Attributes:
        source: The source's name.
        row: The row's number in it, from 0.
        event: The event with its identity; None if none could be made of the row, or it became something else.
        error: What went wrong.
        code: The record's status code; None if no answer came or it failed here.
        outcome: "rejected", "not_sent" or "unknown".
        at: When it failed, in epoch seconds; if an earlier run may have sent the row, when it did.
        line: The line of the source in which the row begins, from 1; None if the source has no lines.
        raw: The row as it stands in the source, if no event can be sent of it: its text, or its columns as JSON, at
            most 16,384 characters. Bytes that are not UTF-8 are written as `\xNN`.
        job: What marks the failures of one job; each time that they are sent again, it is another.
        kind: What the row became, or was to become: "events", "users", "workflows" or "list:LIST_ID".
        record: Of another kind than events the record: a `UserEdit`, a `WorkflowTriggerRequest`, or the id that was to
            be in a list; None if none could be made of the row.
    """

    source: str
    row: int
    event: Event | None
    error: str
    code: int | None
    outcome: Outcome
    at: float
    line: int | None = None
    raw: str | None = None
    job: str | None = None
    kind: str = EVENTS.name
    record: UserEdit | WorkflowTriggerRequest | str | None = None

    @property
    def was_refused_here(self) -> bool:
        """Whether no valid event could be made of the row, so that it cannot be sent again as it is."""
        return self.outcome == "rejected" and self.code is None

    def to_json(self) -> bytes:
        """Return the dead letter as one line; a record that JSON cannot carry stands in `raw`."""
        is_event = self.kind == EVENTS.name
        names = (*FIELDS, *MORE_FIELDS) if is_event else (*FIELDS, *MORE_FIELDS, *KIND_FIELDS)
        document: dict[str, Any] = {name: getattr(self, name) for name in names}
        record = self.event if is_event else self.record
        arguments = None if record is None else arguments_of(record)
        document["event" if is_event else "record"] = arguments
        if record is not None and arguments is None:
            document["raw"] = _shown(vars(record))
        return to_json({name: _encodable(value) for name, value in document.items()}) + b"\n"


def raw_of(row: Row) -> str | None:
    """Return a row as a dead letter holds it: its text in the source, or its columns as JSON."""
    if row.text:
        # Of a character in UTF-8 there are four bytes at most, and of another byte four characters.
        return row.text[: 4 * MAX_RAW_CHARACTERS].decode("utf-8", "backslashreplace")[:MAX_RAW_CHARACTERS]
    values = row.values
    return None if values is None else _shown(values)


def _shown(values: object) -> str:
    """Return values that JSON may not be able to carry as something like JSON."""
    try:
        text = to_json(values, inf_nan_mode="constants", bytes_mode="base64", serialize_unknown=True).decode()
    except Exception:  # noqa: BLE001 - whatever a value's own code raises
        text = _encodable(repr(values))
    return text[:MAX_RAW_CHARACTERS]


def _encodable(value: Any) -> Any:
    """Return a value, of text what UTF-8 can carry."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


class DeadLetters(Protocol):
    """Takes the failures of a job."""

    def write(self, dead_letters: Sequence[FailedRow]) -> None:
        """Keep dead letters, so that they outlive the machine's crash. Called from one thread at a time.

        Raises:
            OSError: They cannot be kept; they will be given again.
        """
        ...


class DropDeadLetters:
    """Keeps no failures."""

    def write(self, dead_letters: Sequence[FailedRow]) -> None:
        """Keep nothing."""


if sys.platform != "win32":
    import fcntl


class DeadLetterFile:
    """Failures in a file that only its owner may read, one JSON object a line; it begins with the first failure.

    Args:
        path: The file. What it holds already stays.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Path = Path(path)

    @property
    def written(self) -> list[OwnFile]:
        """The files that it writes."""
        what, advice = "failures", "name another file with --dead-letter FILE"
        return [OwnFile(path, what, advice) for path in (self.path, new_beside(self.path))]

    def check(self) -> None:
        """Make sure that what is there already is a file of dead letters, or empty.

        Raises:
            ConfigurationError: It is something else, to which no failure should be added.
        """
        try:
            with open_regular(self.path) as file:
                is_foreign = os.fstat(file.fileno()).st_size > 0 and not may_be_dead_letter(
                    file.readline(MOST_LINE_BYTES)
                )
        except IsADirectoryError:
            is_foreign = True
        except OSError:
            return  # none is there, or it is a pipe, or it can be told only by writing to it
        if is_foreign:
            raise ConfigurationError(
                f"{shown_path(self.path)} is there already and holds no dead letters, so failures are not added to "
                "it; name another file with --dead-letter FILE"
            )

    def write(self, dead_letters: Sequence[FailedRow]) -> None:
        """Append dead letters, durably.

        Raises:
            OSError: They cannot be written; the file is as it was.
        """
        content = b"".join(dead_letter.to_json() for dead_letter in dead_letters)
        try:
            self._append(content)
        except OSError as error:
            problem = OSError(error.errno, error.strerror, str(self.path))
        else:
            return
        raise problem

    def _append(self, content: bytes) -> None:
        with self._locked(os.O_RDWR | os.O_CREAT | os.O_APPEND) as descriptor:
            size = os.fstat(descriptor).st_size
            end = _end_of_whole_lines(descriptor, size)
            if end is None:
                content, end = b"\n" + content, size
            elif end < size:
                os.ftruncate(descriptor, end)
            try:
                write_all(descriptor, content)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(descriptor, end)
                raise

    def dead_letters(self) -> Iterator[dict[str, Any]]:
        """Read the dead letters; what is none is passed over.

        Raises:
            OSError: The file cannot be read, or there is none.
        """
        with open_regular(self.path) as file:
            for line in file:
                dead_letter = dead_letter_of(line)
                if dead_letter is not None:
                    yield dead_letter

    def rewrite(self, keep: Callable[[int, bytes], bytes | None]) -> None:
        """Replace the file as a whole, durably; it is removed if nothing is left. What others append is not lost.

        Args:
            keep: Is given the number of each line and the line, and returns what is to stand there; None for nothing.

        Raises:
            OSError: It cannot be written, or there is none; the file is as it was.
        """
        # A link stays one: what it points to is replaced.
        path = self.path.resolve()
        new = new_beside(path)
        try:
            with self._locked(os.O_RDWR) as descriptor:
                is_empty = _copy(descriptor, new, keep)
                if sys.platform != "win32":
                    _take(new, path, is_empty=is_empty)
            if sys.platform == "win32":
                # No file is replaced there while it is open.
                _take(new, path, is_empty=is_empty)
        finally:
            new.unlink(missing_ok=True)

    @contextmanager
    def _locked(self, flags: int) -> Generator[int]:
        """Open the file, alone as far as the system can tell, and give its descriptor."""
        descriptor = -1
        while descriptor < 0:
            descriptor = os.open(self.path, flags, 0o600)
            if sys.platform != "win32":
                with suppress(OSError):  # not every file system has locks
                    fcntl.flock(descriptor, fcntl.LOCK_EX)
            if not _is_at(descriptor, self.path):
                # Another process has just replaced it.
                os.close(descriptor)
                descriptor = -1
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def _take(new: Path, path: Path, *, is_empty: bool) -> None:
    if is_empty:
        path.unlink()
    else:
        new.replace(path)
    sync(path.parent)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _copy(descriptor: int, new: Path, keep: Callable[[int, bytes], bytes | None]) -> bool:
    """Write what is to be kept of a file to a new one, durably; returns whether that is nothing."""
    with open(descriptor, "rb", closefd=False) as lines, open(new, "wb", opener=_private) as kept:
        for number, line in enumerate(lines):
            content = keep(number, line)
            if content is not None:
                kept.write(content)
        is_empty = kept.tell() == 0
    sync(new)
    return is_empty


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _end_of_whole_lines(descriptor: int, size: int) -> int | None:
    """Return where the last whole line ends; what a crash cut short behind it is written again.

    None if what is behind it is a whole dead letter that lacks nothing but the end of its line.

    Raises:
        OSError: What is behind it is no dead letter, so the file is somebody else's.
    """
    end = size
    tail = b""
    while end > 0:
        start = max(0, end - _BLOCK_BYTES)
        os.lseek(descriptor, start, os.SEEK_SET)
        tail = os.read(descriptor, end - start) + tail
        end = start
        if b"\n" in tail:
            break
    torn = tail[tail.rfind(b"\n") + 1 :]
    if torn and not may_be_dead_letter(torn):
        raise OSError(errno.EINVAL, "it is not a file of dead letters")
    return None if torn and is_json(torn) else size - len(torn)


_BLOCK_BYTES = 64 * 1024
