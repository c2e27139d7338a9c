"""The SQLite database of a store: whose it is, who may read it, and that nobody else is using it."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sqlite3
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


# What SQLite keeps in the file's head: whose it is, and which tables it has.
_APPLICATION = int.from_bytes(b"SSsb")
_LAYOUT = 4
# What makes the tables of the next layout of those of this one.
_MIGRATIONS = {
    1: """
ALTER TABLE requests ADD COLUMN response TEXT;
ALTER TABLE entries ADD COLUMN records INTEGER;
UPDATE entries SET records = counted.records
    FROM (SELECT request_id, count(*) AS records FROM entries GROUP BY request_id) AS counted
    WHERE counted.request_id = entries.request_id;
UPDATE entries SET records = 0
    WHERE verdict = 'refused' AND name IS NULL AND id IN (SELECT id FROM contents WHERE event IS NULL);
""",
    # Only tables that are made anyway.
    2: "",
    3: """
ALTER TABLE requests ADD COLUMN received_at REAL;
ALTER TABLE requests ADD COLUMN status_code INTEGER;
ALTER TABLE requests ADD COLUMN reason TEXT;
ALTER TABLE requests ADD COLUMN duration REAL;
ALTER TABLE requests ADD COLUMN has_entries INTEGER;
UPDATE requests SET has_entries = 1, received_at = first.received_at, reason = first.reason,
        status_code = coalesce(json_extract(response, '$.status_code'), first.status_code)
    FROM (
        SELECT request_id, min(received_at) AS received_at, max(CASE verdict WHEN 'refused' THEN reason END) AS reason,
            max(CASE WHEN records < 2 THEN entries.status_code ELSE 207 END) AS status_code
        FROM entries GROUP BY request_id
    ) AS first
    WHERE first.request_id = requests.id;
""",
}
# To look at its pages takes about 3 ms for each MB, and so at most 50 ms of the start.
_MOST_CHECKED_BYTES = 16 * 1024 * 1024
_SIDE_FILES = ("", "-wal", "-shm", "-journal")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO

_logger = logging.getLogger("suprsend_async.sandbox")


def open_database(path: Path | None, tables: str) -> sqlite3.Connection:
    """Open a database for this process alone, and make the tables that are not there.

    A file that an earlier version wrote gets the tables of this one; what is in it stays.

    Args:
        path: The file, which is made if it is not there; None keeps all in memory.
        tables: `CREATE TABLE IF NOT EXISTS` statements.

    Raises:
        ValueError: The path leads to no file, to one of something else, or to one that is damaged.
        OSError: The file cannot be opened, or another sandbox is using it.
    """
    if path is not None:
        _provide(path)
    with contextlib.ExitStack() as on_failure:
        try:
            database = sqlite3.connect(path or ":memory:", check_same_thread=False, timeout=0)
            on_failure.callback(database.close)
            _prepare(database, tables)
        except sqlite3.OperationalError as error:
            reason = "another sandbox is using it" if "locked" in str(error) else str(error)
            raise OSError(errno.EBUSY, reason, str(path)) from error
        except (sqlite3.DatabaseError, _Foreign) as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_CORRUPT:
                message = f"{path} is damaged ({error}); choose another file, or put a copy of it back"
            else:
                message = f"{path} is not the file of a sandbox of this version; choose another one"
            raise ValueError(message) from error
        on_failure.pop_all()
    if path is not None:
        _close_to_others(path)
    return database


class _Foreign(Exception):  # noqa: N818 - never leaves this module
    """The database is another program's."""


def _provide(path: Path) -> None:
    """Make the file if it is not there, for this user's eyes only."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise ValueError(f"{path} is a pipe or a device and cannot keep events; choose the name of a file")
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _close_to_others(path: Path) -> None:
    """Take from others what an earlier owner of the file let them read."""
    # SQLite gives its other files the mode that the first one had.
    for each in (path.with_name(path.name + suffix) for suffix in _SIDE_FILES):
        if os.name == "posix" and each.exists() and each.stat().st_mode & _OTHERS:
            try:
                each.chmod(0o600)
            except OSError as error:
                _logger.warning("others can read %s, and that cannot be changed: %s", each, error.strerror)


def _check(database: sqlite3.Connection) -> None:
    """Look at every page of a file that is not large: a damaged one would else be found by a request later."""
    [pages], [size] = (database.execute(f"PRAGMA {pragma}").fetchone() for pragma in ("page_count", "page_size"))
    if pages * size > _MOST_CHECKED_BYTES:
        return
    # Some damages it tells of, others it raises.
    [found] = database.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        damaged = sqlite3.DatabaseError("database disk image is malformed")
        damaged.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise damaged


def _prepare(database: sqlite3.Connection, tables: str) -> None:
    database.execute("PRAGMA locking_mode = EXCLUSIVE")
    # Look before anything is changed.
    made_by = [database.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in ("application_id", "user_version")]
    is_new = not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    application, layout = (_APPLICATION, _LAYOUT) if is_new else made_by
    if application != _APPLICATION or not 1 <= layout <= _LAYOUT:
        raise _Foreign
    if not is_new:
        _check(database)
    migrations = "".join(_MIGRATIONS[each] for each in range(layout, _LAYOUT))
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.executescript(
        f"BEGIN EXCLUSIVE; {migrations} {tables} PRAGMA application_id = {_APPLICATION}; "
        f"PRAGMA user_version = {_LAYOUT}; COMMIT;"
    )
