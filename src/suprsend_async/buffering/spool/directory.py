"""The spool's directory: one file for each process, which no other one has."""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING

from suprsend_async import logs
from suprsend_async.buffering.spool.store import SpoolStore
from suprsend_async.durable import sync
from suprsend_async.errors import SpoolError

if TYPE_CHECKING:
    from pathlib import Path

    from suprsend_async.buffering.spool.contents import SpoolOrigin

# Files that another process may take away between their making and their locking, in a row.
_TRIES = 20


def prepare(directory: Path) -> None:
    """Make the directory, for this user's eyes only.

    Raises:
        OSError: It cannot be made, or is none.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = directory.stat().st_mode & 0o777
    if mode & 0o077:
        logs.spool_trouble(directory, f"may be read by others (mode {mode:o}); make it 700")


def create(directory: Path, origin: SpoolOrigin) -> SpoolStore:
    """Return a new store in a file that no other process has.

    Raises:
        SpoolError: None could be made.
        OSError: The directory cannot be written to.
        sqlite3.Error: The disk fails.
    """
    for _ in range(_TRIES):
        path = _new_path(directory)
        _make(path)
        try:
            store = SpoolStore(path, origin)
        except sqlite3.OperationalError as error:
            # Between making and locking, another process may have taken the file for a dead one's.
            if not (is_locked(error) or is_gone(path, error)):
                raise
            continue
        if path.exists():
            sync(directory)
            return store
        store.close()
    raise SpoolError(f"no file could be made in the spool {directory}: other processes take each away")


def rescue(store: SpoolStore) -> None:
    """Copy what is in a store whose files are gone into a new file, for the next process.

    Raises:
        OSError: The directory cannot be written to.
        sqlite3.Error: The disk fails.
    """
    directory = store.path.parent
    prepare(directory)
    path = _new_path(directory)
    # Under its own name another process would take it for a dead one's before it is whole.
    unfinished = path.with_suffix(".unfinished")
    _make(unfinished)
    try:
        store.copy_to(unfinished)
        sync(unfinished)
        with suppress(sqlite3.Error):
            # The former file may only have been moved, and be found by another process.
            store.begin_all_tries()
        unfinished.rename(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync(directory)


def _new_path(directory: Path) -> Path:
    return directory / f"events-{os.getpid()}-{secrets.token_hex(4)}.spool"


def _make(path: Path) -> None:
    """Make an empty file, for this user's eyes only."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def is_locked(error: sqlite3.DatabaseError) -> bool:
    """Whether another process has the file."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_gone(path: Path, error: sqlite3.DatabaseError) -> bool:
    """Whether another process has taken the file away."""
    return _code(error) == sqlite3.SQLITE_CANTOPEN and _is_missing(path)


def _is_missing(path: Path) -> bool:
    try:
        path.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def is_broken(error: sqlite3.DatabaseError) -> bool:
    """Whether the file is damaged, and not only out of reach for now."""
    return _code(error) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


def _code(error: sqlite3.DatabaseError) -> int:
    # The lower byte is the kind of error, the rest says more.
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
