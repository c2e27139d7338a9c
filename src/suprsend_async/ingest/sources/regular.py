"""Files are looked into only if they are regular ones: a pipe or a device might keep the reader waiting for ever."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

# Windows has neither the flag nor the pipes among its files.
_NOT_WAITING: int = getattr(os, "O_NONBLOCK", 0)


def open_regular(path: Path) -> BinaryIO:
    """Open a file to read its bytes, without ever waiting for a writer.

    Args:
        path: The file.

    Raises:
        OSError: It cannot be opened, or is no regular file.

    Examples:
        >>> from pathlib import Path
        >>> from suprsend_async.ingest.sources.regular import open_regular
        >>> with open_regular(Path("examples/flights.csv")) as file:
        ...     file.read(9)
        b'year,mont'
    """
    # To open a device can already do something, so it is told before.
    _refuse_others(path.stat().st_mode)
    file = open(path, "rb", opener=_not_waiting)  # noqa: SIM115 - the caller closes it; only `open` has an opener
    try:
        # It may be another file by now.
        _refuse_others(os.fstat(file.fileno()).st_mode)
    except OSError:
        file.close()
        raise
    return file


def _not_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | _NOT_WAITING)


def _refuse_others(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
