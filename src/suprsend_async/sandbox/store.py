"""Where entries are kept: a SQLite database, in memory or in a file."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast
from weakref import finalize

from pydantic_core import from_json

from .entry import Entry, EntryPage, RawRequest
from .search import Filters, Matches

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from .entry import Verdict

# Entries are scanned, not indexed: 100,000 of these short rows take some 10 ms, and indices would cost every insert.
# What events hold stands apart, so that a scan need not read it.
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY, method TEXT, target TEXT, headers TEXT, body TEXT, body_size INTEGER
);
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, received_at REAL, verdict TEXT, status_code INTEGER, name TEXT,
    distinct_id TEXT, tenant_id TEXT, idempotency_key TEXT, message_id TEXT, reason TEXT, request_id INTEGER
);
CREATE TABLE IF NOT EXISTS contents (id INTEGER PRIMARY KEY, event TEXT);
CREATE TABLE IF NOT EXISTS keys (id INTEGER PRIMARY KEY, key TEXT UNIQUE, used_at REAL, message_id TEXT);
CREATE TABLE IF NOT EXISTS credentials (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_COLUMNS: Final = ", ".join(f"entries.{name}" for name in Entry.model_fields)
_PLACES: Final = ", ".join("?" * len(Entry.model_fields))
# What SQLite keeps in the file's head: whose it is, and which tables it has.
_APPLICATION: Final = int.from_bytes(b"SSsb")
_LAYOUT: Final = 1
_HISTORY: Final = 100  # entries
MOST_BYTES: Final = 512 * 1024 * 1024


class Row(NamedTuple):
    """One entry on its way into the store, in the order of the columns; the request's id is added there."""

    received_at: float
    verdict: Verdict
    status_code: int
    name: str | None
    distinct_id: str | None
    tenant_id: str | None
    idempotency_key: str | None
    message_id: str | None
    reason: str | None


class Store:
    """The entries, the requests they came in, and the idempotency keys.

    One connection, locked for itself: what other threads and processes could do to the file cannot happen.
    A transaction that has ended survives the end of the process, also by SIGKILL. It need not survive a power cut:
    the system writes to the disk when it likes (`synchronous=NORMAL`).

    Args:
        path: The database's file, which is made if it is not there; None keeps all in memory.
        max_entries: How many entries are kept; the oldest make room.
        max_bytes: How large the database may grow; then the oldest tenth of the entries makes room.

    Raises:
        ValueError: The file is not one of a sandbox.
        OSError: The file cannot be opened, or another sandbox is using it.
    """

    def __init__(self, path: Path | None, max_entries: int, max_bytes: int = MOST_BYTES) -> None:
        if max_entries < 1:
            raise ValueError(f"max_events must be at least 1, not {max_entries}")
        self.path = path
        self.max_entries = max_entries
        self.dropped: int = 0
        self._max_bytes = max_bytes
        self._lock = RLock()
        self._matches = Matches(Filters())
        self._opened: sqlite3.Connection | None = None
        self.open()

    def open(self) -> None:
        """Open the database, if it is not open."""
        with self._lock:
            if self._opened is None:
                self._opened = _open(self.path)
                # Closes it once, also if nobody asks for it.
                self._close_database = finalize(self, self._opened.close)

    def close(self) -> None:
        """Close the file, so that another sandbox can have it; what is in memory stays. Closing twice does no harm."""
        with self._lock:
            if self.path is not None:
                self._close_database()
                self._opened = None

    @property
    def _database(self) -> sqlite3.Connection:
        if self._opened is None:
            raise RuntimeError("The sandbox's store is closed: read it before the stop, or start the sandbox again.")
        return self._opened

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Hold the store; what is written in the block is written as a whole or not at all."""
        with self._lock, self._database:
            yield

    def credential(self, name: str, new: str) -> str:
        """Return the credential of this name that was made with the file; `new`, from now on, if there is none."""
        with self.transaction():
            self._database.execute("INSERT OR IGNORE INTO credentials VALUES (?, ?)", (name, new))
            [value] = self._database.execute("SELECT value FROM credentials WHERE name = ?", (name,)).fetchone()
        return str(value)

    def add_request(self, request: RawRequest, headers: str) -> int:
        """Add a request and return its id; `headers` are its own as JSON."""
        statement = "INSERT INTO requests (method, target, headers, body, body_size) VALUES (?, ?, ?, ?, ?)"
        values = (request.method, request.target, headers, request.body, request.body_size)
        return self._database.execute(statement, values).lastrowid or 0

    def add_entries(self, request_id: int, rows: Sequence[Row], contents: Sequence[str | None]) -> None:
        """Add what came in a request: a row and the event as JSON for each."""
        first = self.latest_id + 1
        database = self._database
        database.executemany(
            f"INSERT INTO entries VALUES ({_PLACES})",  # noqa: S608 - only question marks
            [(first + place, *row, request_id) for place, row in enumerate(rows)],
        )
        database.executemany(
            "INSERT INTO contents VALUES (?, ?)",
            [(first + place, content) for place, content in enumerate(contents)],
        )
        self._make_room(first + len(rows) - 1)

    def _make_room(self, latest: int) -> None:
        oldest = latest - self.max_entries
        if self._size() > self._max_bytes:
            kept = self.kept
            oldest = max(oldest, latest - kept + kept // 10)
        if oldest < 1:
            return
        deleted = self._database.execute("DELETE FROM entries WHERE id <= ?", (oldest,)).rowcount
        if deleted:
            self._database.execute("DELETE FROM contents WHERE id <= ?", (oldest,))
            self._database.execute("DELETE FROM requests WHERE id < (SELECT min(request_id) FROM entries)")
            self.dropped += deleted

    def _size(self) -> int:
        sizes = "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count"
        return cast("int", self._database.execute(f"{sizes}, pragma_page_size").fetchone()[0])

    def find_key(self, key: str) -> str | None:
        """Return the message id of the first event with this idempotency key."""
        row = self._database.execute("SELECT message_id FROM keys WHERE key = ?", (key,)).fetchone()
        return None if row is None else cast("str", row[0])

    def add_key(self, key: str, used_at: float, message_id: str) -> None:
        """Remember an idempotency key."""
        self._database.execute(
            "INSERT INTO keys (key, used_at, message_id) VALUES (?, ?, ?)", (key, used_at, message_id)
        )

    def forget_keys(self, before: float) -> None:
        """Forget the keys used at this time or before."""
        oldest = self._database.execute("SELECT used_at FROM keys ORDER BY id LIMIT 1").fetchone()
        if oldest is not None and oldest[0] <= before:
            self._database.execute("DELETE FROM keys WHERE used_at <= ?", (before,))

    @property
    def latest_id(self) -> int:
        """The newest entry's id, also if it is forgotten; 0 before the first."""
        with self._lock:
            row = self._database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'entries'").fetchone()
        return 0 if row is None else cast("int", row[0])

    @property
    def kept(self) -> int:
        """How many entries there are."""
        with self._lock:
            return cast("int", self._database.execute("SELECT count(*) FROM entries").fetchone()[0])

    def clear(self) -> None:
        """Forget everything but the credentials; ids go on rising."""
        with self.transaction():
            for table in ("entries", "contents", "requests", "keys"):
                self._database.execute(f"DELETE FROM {table}")  # noqa: S608 - the names above
            self.dropped = 0
            self._matches = Matches(Filters())

    def events(self, after: int = 0, limit: int = -1) -> list[dict[str, Any]]:
        """Return the accepted events in order, those newer than an entry, and no more than a limit if there is one."""
        statement = (
            "SELECT event FROM entries JOIN contents USING (id) WHERE verdict = 'accepted' AND id > ? "
            "ORDER BY id LIMIT ?"
        )
        with self._lock:
            found = self._database.execute(statement, (after, limit)).fetchall()
        return [from_json(event) for (event,) in found]

    def counts_after(self, entry_id: int) -> dict[Verdict, int]:
        """Return how many entries of each verdict are newer than this one."""
        statement = "SELECT verdict, count(*) FROM entries WHERE id > ? GROUP BY verdict"
        with self._lock:
            return dict(self._database.execute(statement, (entry_id,)).fetchall())

    def page(self, filters: Filters, before: int | None, limit: int) -> EntryPage:
        """Return the newest entries that match, older than the one with the id `before`."""
        with self._lock:
            matches = self._search(filters)
            ids = matches.page(before, limit + 1)
            statement = f"SELECT {_COLUMNS} FROM entries WHERE id = ?"  # noqa: S608 - the names of columns
            rows = [self._database.execute(statement, (entry_id,)).fetchone() for entry_id in ids[:limit]]
        more = str(ids[limit - 1]) if len(ids) > limit else None
        return EntryPage(events=[_entry(row) for row in rows], next_cursor=more, total=len(matches.ids))

    def _search(self, filters: Filters) -> Matches:
        matches = self._matches
        if matches.filters != filters:
            matches = self._matches = Matches(filters)
        condition, values = filters.where()
        source = "entries JOIN contents USING (id)" if filters.text is not None else "entries"
        newer = self._database.execute(
            f"SELECT entries.id FROM {source} WHERE entries.id > ? AND {condition} ORDER BY entries.id",  # noqa: S608
            [matches.seen, *values],
        )
        (oldest,) = self._database.execute("SELECT coalesce(min(id), 0) FROM entries").fetchone()
        matches.update((entry_id for (entry_id,) in newer), self.latest_id, oldest)
        return matches

    def entry(self, entry_id: int) -> tuple[Entry, str | None] | None:
        """Return an entry and its event as JSON."""
        statement = f"SELECT {_COLUMNS}, event FROM entries JOIN contents USING (id) WHERE entries.id = ?"  # noqa: S608
        with self._lock:
            row = self._database.execute(statement, (entry_id,)).fetchone()
        return None if row is None else (_entry(row[:-1]), row[-1])

    def request(self, request_id: int) -> RawRequest:
        """Return a request."""
        statement = "SELECT method, target, headers, body, body_size FROM requests WHERE id = ?"
        with self._lock:
            method, target, headers, body, size = self._database.execute(statement, (request_id,)).fetchone()
        return RawRequest(method=method, target=target, headers=from_json(headers), body=body, body_size=size)

    def history(self, key: str) -> list[Entry]:
        """Return the newest entries with this idempotency key."""
        statement = f"SELECT {_COLUMNS} FROM entries WHERE idempotency_key = ? ORDER BY id DESC LIMIT ?"  # noqa: S608
        with self._lock:
            return [_entry(row) for row in self._database.execute(statement, (key, _HISTORY))]


def _entry(row: Sequence[Any]) -> Entry:
    # What the store wrote needs no checking.
    return Entry.model_construct(**dict(zip(Entry.model_fields, row, strict=True)))


def _open(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        # What events hold is for nobody else's eyes. SQLite gives its other files the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    database = sqlite3.connect(path or ":memory:", check_same_thread=False, timeout=0)
    try:
        _prepare(database)
    except sqlite3.OperationalError as error:
        database.close()
        reason = "another sandbox is using it" if "locked" in str(error) else str(error)
        raise OSError(errno.EBUSY, reason, str(path)) from error
    except (sqlite3.DatabaseError, _Foreign) as error:
        database.close()
        raise ValueError(f"{path} is not the file of a sandbox of this version; choose another one") from error
    return database


class _Foreign(Exception):  # noqa: N818 - never leaves this module
    """The database is another program's."""


def _prepare(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA locking_mode = EXCLUSIVE")
    # Look before anything is changed.
    made_by = [database.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in ("application_id", "user_version")]
    is_new = not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not is_new and made_by != [_APPLICATION, _LAYOUT]:
        raise _Foreign
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.executescript(
        f"BEGIN EXCLUSIVE; {_TABLES} PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {_LAYOUT}; COMMIT;"
    )
