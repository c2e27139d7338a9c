"""Dead letters: rows that failed, each with its event, ready to be sent again."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic_core import to_json

from suprsend_async.errors import ValidationError
from suprsend_async.events.values import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from suprsend_async.events.event import Event
    from suprsend_async.outcome import Outcome

FIELDS = ("source", "row", "event", "error", "code", "outcome", "at")
"""What every line of a dead-letter file holds, and nothing else."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A row that was not accepted.

    Attributes:
        source: The source's name.
        row: The row's number in it, from 0.
        event: The event with its identity; None if none could be made of the row.
        error: What went wrong.
        code: The record's status code; None if no answer came or it failed here.
        outcome: "rejected", "not_sent" or "unknown".
        at: When it failed, in epoch seconds; if an earlier run may have sent the row, since when it may be on its way.
    """

    source: str
    row: int
    event: Event | None
    error: str
    code: int | None
    outcome: Outcome
    at: float

    def to_json(self) -> bytes:
        """Return the letter as one line; an event that JSON cannot carry is left out of it."""
        document: dict[str, Any] = {name: getattr(self, name) for name in FIELDS}
        document["event"] = None if self.event is None else _arguments(self.event)
        return to_json(document) + b"\n"


def _arguments(event: Event) -> dict[str, Any] | None:
    """Return the arguments that make the same event again: the same bytes and the same identity."""
    try:
        arguments = {**vars(event), "properties": plain(event.properties)}
        arguments["attachments"] = [attachment.model_dump() for attachment in event.attachments]
        to_json(arguments)
    except (ValidationError, ValueError):
        return None
    return {name: value for name, value in arguments.items() if value not in (None, [])}


class DeadLetters(Protocol):
    """Takes the failures of a job."""

    def write(self, letters: Sequence[DeadLetter]) -> None:
        """Keep letters, so that they outlive the machine's crash. Called from one thread at a time.

        Raises:
            OSError: They cannot be kept; they will be given again.
        """
        ...


class DropLetters:
    """Keeps no failures."""

    def write(self, letters: Sequence[DeadLetter]) -> None:
        """Keep nothing."""


class DeadLetterFile:
    """Failures in a file that only its owner may read, one JSON object a line; it begins with the first failure.

    Args:
        path: The file. What it holds already stays.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Path = Path(path)

    def write(self, letters: Sequence[DeadLetter]) -> None:
        """Append letters, durably.

        Raises:
            OSError: They cannot be written; the file is as it was.
        """
        content = b"".join(letter.to_json() for letter in letters)
        try:
            self._append(content)
        except OSError as error:
            problem = OSError(error.errno, error.strerror, str(self.path))
        else:
            return
        raise problem

    def _append(self, content: bytes) -> None:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            end = _end_of_whole_lines(descriptor, size)
            if end < size:
                os.ftruncate(descriptor, end)
            try:
                _write_all(descriptor, content)
                os.fsync(descriptor)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(descriptor, end)
                raise
        finally:
            os.close(descriptor)


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def _end_of_whole_lines(descriptor: int, size: int) -> int:
    """Return where the last whole line ends; what a crash cut short behind it is written again.

    Raises:
        OSError: What is behind it is no letter, so the file is somebody else's.
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
    if torn and not torn.startswith(_BEGINNING) and not _BEGINNING.startswith(torn):
        raise OSError(errno.EINVAL, "it is no file of dead letters")
    return size - len(torn)


_BLOCK_BYTES = 64 * 1024
_BEGINNING = b'{"source":'
