"""Writing so that it outlives the machine's crash: the one place that brings bytes and names to the disk."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


def replace_file(path: Path, content: bytes, mode: int | None = None) -> None:
    """Replace a file as a whole, durably.

    Args:
        path: The file. Beside it stands, for a moment, one whose name ends with `.new`.
        content: What it is to hold.
        mode: Who may read and write it; if left out, only its owner may.

    Raises:
        OSError: The new content cannot be written; the old one is still there.
    """
    new = new_beside(path)
    try:
        with _opened(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as descriptor:
            write_all(descriptor, content)
        if mode is not None:
            new.chmod(mode)
        new.replace(path)
    except OSError:
        with suppress(OSError):
            new.unlink()
        raise
    sync(path.parent)


def new_beside(path: Path) -> Path:
    """Return where the new content of a file stands until it replaces the old one."""
    return path.with_name(path.name + ".new")


def write_all(descriptor: int, content: bytes) -> None:
    """Write bytes to an open file, durably.

    Raises:
        OSError: They cannot be written; some may have been.
    """
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
    os.fsync(descriptor)


def sync(path: Path) -> None:
    """Make a file's content durable, or the names in a folder, which Windows cannot open and has no need to."""
    if sys.platform != "win32" or path.is_file():
        with _opened(path, os.O_RDONLY) as descriptor:
            os.fsync(descriptor)


@contextmanager
def _opened(path: Path, flags: int) -> Generator[int]:
    descriptor = os.open(path, flags, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
