"""The files that a job leaves beside its sources: known by their names and first bytes, they are no sources."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from suprsend_async.ingest.sources.letter_lines import MOST_LINE_BYTES, may_be_dead_letter
from suprsend_async.ingest.sources.regular import open_regular

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

CHECKPOINT_ENDING = ".checkpoint"
CHECKPOINT_BEGINNING = b'{"format":'
"""What every checkpoint begins with."""

DEAD_ENDING = ".dead"

_CHECKPOINTS = (CHECKPOINT_ENDING, f"{CHECKPOINT_ENDING}.new")
_LOCK = f"{CHECKPOINT_ENDING}.lock"
_DEAD = (DEAD_ENDING, f"{DEAD_ENDING}.new", f"{DEAD_ENDING}.again")


def is_job_file(path: str | os.PathLike[str]) -> bool:
    """Return whether a job has written a file, by the end of its name and the beginning of its content.

    Of dead letters it is the whole first line, for other data may begin as one begins.

    Examples:
        >>> from suprsend_async.ingest.sources.job_files import is_job_file
        >>> is_job_file("examples/flights.csv")
        False
    """
    name = PurePath(path).name
    if not name.endswith((*_CHECKPOINTS, _LOCK, *_DEAD)):
        return False
    try:
        with open_regular(Path(path)) as file:
            # A file that was cut short is one as well.
            if name.endswith(_DEAD):
                line = file.readline(MOST_LINE_BYTES)
                return not line.isspace() and may_be_dead_letter(line)
            beginning = b"" if name.endswith(_LOCK) else CHECKPOINT_BEGINNING
            return beginning.startswith(file.read(len(beginning) or 1))
    except OSError:
        return False  # what cannot be read is passed over, whatever the reason


def without_job_files(pattern: str, found: Sequence[str]) -> Sequence[str]:
    """Return what a glob names but for the files of jobs; dead letters if there is nothing else.

    A pattern that spells such an ending means these files.
    """
    last = PurePath(pattern).name
    if CHECKPOINT_ENDING in last or DEAD_ENDING in last:
        return found
    sources = [name for name in found if not is_job_file(name)]
    return sources or [name for name in found if name.endswith(DEAD_ENDING)] or found


def job_files_among(arguments: Sequence[str]) -> list[str]:
    """Return those of the named files that a job has written, and that nobody can have meant as sources.

    A shell that expands `data/*` names them. Dead letters may be meant, unless their source is named before them, as it
    is by a shell.
    """
    sources: list[str] = []
    written: list[str] = []
    meant: list[str] = []
    for name in arguments:
        if not is_job_file(name):
            sources.append(name)
        elif not name.endswith(DEAD_ENDING) or any(name.startswith(f"{source}.") for source in sources):
            written.append(name)
        else:
            meant.append(name)
    return written if sources or meant else []
