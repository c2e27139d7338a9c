"""No file that a job writes is one that it reads, or another one that it writes."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from suprsend_async.errors import ConfigurationError
from suprsend_async.ingest.sources.names import shown_path

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence
    from pathlib import Path


class OwnFile(NamedTuple):
    """A file of a job.

    Attributes:
        path: Where it is; of a file that is open already, its descriptor.
        what: What it is to the job, for people.
        advice: What to do if it is another one of its files as well.
    """

    path: Path | int
    what: str
    advice: str = ""


@runtime_checkable
class KeepsFiles(Protocol):
    """What keeps a part of a job in files."""

    @property
    def written(self) -> Sequence[OwnFile]:
        """The files that it writes."""
        ...


def check_apart(written: Iterable[OwnFile], read: Iterable[OwnFile] = ()) -> None:
    """Make sure that each of the written files is no other file of the job, by its path and by the file itself.

    Raises:
        ConfigurationError: It is; the message names both.
    """
    known: dict[Hashable, OwnFile] = {}
    for file in read:
        known |= dict.fromkeys(_identities(file.path), file)
    for file in written:
        identities = _identities(file.path)
        other = next((known[each] for each in identities if each in known), None)
        if other is not None:
            path = other.path if isinstance(file.path, int) else file.path
            shown = "standard input" if isinstance(path, int) else shown_path(path)
            raise ConfigurationError(
                f"{shown} is {other.what} of this job, and {file.what} would be written to it; {file.advice}"
            )
        known |= dict.fromkeys(identities, file)


def _identities(path: Path | int) -> list[Hashable]:
    """Return what tells a file from others: its path without links, and where the disk has it."""
    identities: list[Hashable] = [] if isinstance(path, int) else [os.path.realpath(path)]
    try:
        status = os.stat(path)  # noqa: PTH116 - a descriptor has one, too
    except (OSError, ValueError):
        return identities
    # Of a terminal, a pipe or /dev/null nothing is overwritten.
    is_file = stat.S_ISREG(status.st_mode) and status.st_ino
    return [*identities, (status.st_dev, status.st_ino)] if is_file else identities
