"""The spool's directory: one file for each process, and the files of dead ones adopted."""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING

from suprsend_async import logs
from suprsend_async.buffering.spool.store import Store, WrongVersionError
from suprsend_async.errors import SpoolError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Files that another process may take away between their making and their locking, in a row.
_TRIES = 20
_SIDE_FILES = ("-wal", "-shm", "-journal")


def prepare(directory: Path) -> None:
    """Make the directory, for this user's eyes only.

    Raises:
        OSError: It cannot be made, or is none.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = directory.stat().st_mode & 0o777
    if mode & 0o077:
        logs.spool_trouble(directory, f"may be read by others (mode {mode:o}); make it 700")


def create(directory: Path) -> Store:
    """Return a new store in a file that no other process has.

    Raises:
        SpoolError: None could be made.
        OSError: The directory cannot be written to.
        sqlite3.Error: The disk fails.
    """
    for _ in range(_TRIES):
        path = directory / f"events-{os.getpid()}-{secrets.token_hex(4)}.spool"
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        try:
            store = Store(path)
        except sqlite3.OperationalError as error:
            # Between making and locking, another process may have taken the file for a dead one's.
            if not (_is_locked(error) or _is_gone(error)):
                raise
            continue
        if path.exists():
            _sync(directory)
            return store
        store.close()
    raise SpoolError(f"no file could be made in the spool {directory}: other processes take each away")


def orphans(directory: Path, own: Path) -> Iterator[Store]:
    """Lock and yield the files of dead processes; those of living ones are passed over, broken ones set aside."""
    for path in sorted(directory.glob("*.spool")):
        if path == own:
            continue
        try:
            store = Store(path)
        except WrongVersionError as error:
            logs.spool_trouble(path, f"is of version {error} and is left alone")
        except sqlite3.DatabaseError as error:
            _pass_over(path, error)
        else:
            yield store


def _pass_over(path: Path, error: sqlite3.DatabaseError) -> None:
    if _is_locked(error) or _is_gone(error):
        return
    if is_broken(error):
        set_aside(path, str(error))
    else:
        logs.spool_trouble(path, f"cannot be opened now ({error}); it is tried again later")


def set_aside(path: Path, reason: str) -> None:
    """Give a broken file a name under which it is not opened again."""
    aside = path.with_name(f"{path.name}.corrupt")
    for suffix in ("", *_SIDE_FILES):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    logs.spool_trouble(path, f"is broken ({reason}); it is kept as {aside.name}")


def _sync(directory: Path) -> None:
    """Bring the new file's name to the disk."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _is_locked(error: sqlite3.DatabaseError) -> bool:
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _is_gone(error: sqlite3.DatabaseError) -> bool:
    return _code(error) == sqlite3.SQLITE_CANTOPEN


def is_broken(error: sqlite3.DatabaseError) -> bool:
    """Whether the file is damaged, and not only out of reach for now."""
    return _code(error) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


def _code(error: sqlite3.DatabaseError) -> int:
    # The lower byte is the kind of error, the rest says more.
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
