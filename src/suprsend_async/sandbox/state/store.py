"""What is kept, in a database in memory or in a file."""

from __future__ import annotations

from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from weakref import finalize

from pydantic_core import from_json

from suprsend_async.sandbox.options import check_whole
from suprsend_async.sandbox.state import changes, records, requests
from suprsend_async.sandbox.state.database import open_database
from suprsend_async.sandbox.state.entry import Entry, Outcome
from suprsend_async.sandbox.state.preview import HEAD, preview

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from suprsend_async.sandbox.state.entry import RawRequest, RawResponse, Verdict


# What events hold stands apart, so that a scan need not read it.
_TABLES = """
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, received_at REAL, verdict TEXT, status_code INTEGER, name TEXT,
    distinct_id TEXT, tenant_id TEXT, idempotency_key TEXT, message_id TEXT, reason TEXT, request_id INTEGER,
    records INTEGER
);
CREATE INDEX IF NOT EXISTS whole_requests ON entries (id) WHERE records = 0;
CREATE TABLE IF NOT EXISTS contents (id INTEGER PRIMARY KEY, event TEXT);
CREATE TABLE IF NOT EXISTS keys (id INTEGER PRIMARY KEY, key TEXT UNIQUE, used_at REAL, message_id TEXT);
CREATE TABLE IF NOT EXISTS credentials (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_FIELDS = tuple(name for name in Entry.model_fields if name != "preview")
_COLUMNS = ", ".join(f"entries.{name}" for name in _FIELDS)
_PLACES = ", ".join("?" * len(_FIELDS))
ENTRY = (
    f"SELECT {_COLUMNS}, substr(event, 1, {HEAD}), method || ' ' || target "  # noqa: S608 - the names of columns
    "FROM entries JOIN contents USING (id) JOIN requests ON requests.id = request_id"
)
"""What `entry_of` reads, without its condition."""
_HISTORY = 100  # entries
MOST_BYTES = 512 * 1024 * 1024
_NOTHING_KNOWN = Outcome(0.0, 0, None, None)


class StoredEntry(NamedTuple):
    """One entry on its way into the store, in the order of the columns; those of its request are added there."""

    received_at: float
    verdict: Verdict
    status_code: int
    name: str | None
    distinct_id: str | None
    tenant_id: str | None
    idempotency_key: str | None
    message_id: str | None
    reason: str | None


class EntryStore:
    """The entries, the requests they came in, and the idempotency keys.

    One connection, locked for itself: what other threads and processes could do to the file cannot happen.
    A transaction that has ended survives the end of the process, also by SIGKILL. It need not survive a power cut:
    the system writes to the disk when it likes (`synchronous=NORMAL`).

    Args:
        path: The database's file, which is made if it is not there; None keeps all in memory.
        max_entries: How many entries are kept; the oldest are dropped.
        max_bytes: How large the database may grow, records apart; then the oldest tenth of the entries is dropped.

    Raises:
        ValueError: The file is not one of a sandbox, or no file at all.
        OSError: The file cannot be opened, or another sandbox is using it.
    """

    def __init__(self, path: Path | None, max_entries: int, max_bytes: int = MOST_BYTES) -> None:
        check_whole("max_events", max_entries, 1)
        # As it is now: the program may change its directory before the sandbox is started again.
        self.path: Path | None = None if path is None else path.absolute()
        self.max_entries = max_entries
        self.dropped: int = 0
        self._max_bytes = max_bytes
        self._lock = RLock()
        self._opened: sqlite3.Connection | None = None
        self.changes: changes.Changes = changes.Changes(lambda: self._database)
        self.records: records.Records = records.Records(lambda: self._database, self.changes)
        self.requests: requests.Requests = requests.Requests(lambda: self._database)
        self._request_id: int | None = None
        self.open()

    def open(self) -> None:
        """Open the database, if it is not open."""
        with self._lock:
            if self._opened is None:
                self._opened = open_database(self.path, _TABLES + requests.TABLES + records.TABLES + changes.TABLES)
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
            self._request_id = None
            self.changes.begin()
            yield
            self.changes.write(self._request_id, self.max_entries)

    def credential(self, name: str, new: str) -> str:
        """Return the credential of this name that was made with the file; `new`, from now on, if there is none."""
        with self.transaction():
            self._database.execute("INSERT OR IGNORE INTO credentials VALUES (?, ?)", (name, new))
            [value] = self._database.execute("SELECT value FROM credentials WHERE name = ?", (name,)).fetchone()
        return str(value)

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """Hold the store and lend its database, to be read."""
        with self._lock:
            yield self._database

    def add_request(
        self,
        request: RawRequest,
        response: RawResponse | None,
        outcome: Outcome = _NOTHING_KNOWN,
        *,
        has_entries: bool = True,
    ) -> int:
        """Add a request with the answer to it, and return its id; what changed with it is noted as done by it."""
        self._request_id = self.requests.add(request, response, outcome, has_entries=has_entries)
        if not has_entries:
            self.requests.make_room(self.max_entries)
            self._make_room(self.latest_id)
        return self._request_id

    def add_entries(
        self, request_id: int, records: int, rows: Sequence[StoredEntry], contents: Sequence[str | None]
    ) -> None:
        """Add what came in a request of so many records: a row and the event as JSON for each."""
        first = self.latest_id + 1
        database = self._database
        database.executemany(
            f"INSERT INTO entries VALUES ({_PLACES})",  # noqa: S608 - only question marks
            [(first + place, *row, request_id, records) for place, row in enumerate(rows)],
        )
        database.executemany(
            "INSERT INTO contents VALUES (?, ?)",
            [(first + place, content) for place, content in enumerate(contents)],
        )
        self._make_room(first + len(rows) - 1)

    def _make_room(self, latest: int) -> None:
        oldest = latest - self.max_entries
        # However many records there are, entries keep their room.
        if self._size() > self._max_bytes and self._size() - self.records.size > self._max_bytes:
            kept = self.kept
            oldest = max(oldest, latest - kept + kept // 10)
            self.requests.forget_tenth()
            self.changes.forget_tenth()
        if oldest < 1:
            return
        deleted = self._database.execute("DELETE FROM entries WHERE id <= ?", (oldest,)).rowcount
        if deleted:
            self._database.execute("DELETE FROM contents WHERE id <= ?", (oldest,))
            self.requests.forget_before_entries()
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

    def forget_keys(self, before: float, most: int) -> None:
        """Forget the keys used at this time or before, and the oldest of more than so many."""
        oldest = self._database.execute("SELECT used_at FROM keys ORDER BY id LIMIT 1").fetchone()
        if oldest is None:
            return
        if oldest[0] <= before:
            self._database.execute("DELETE FROM keys WHERE used_at <= ?", (before,))
        # Keys have no number twice, and a range of them costs no more than what is in it.
        self._database.execute("DELETE FROM keys WHERE id <= (SELECT max(id) FROM keys) - ?", (most,))

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
        """Forget entries, requests and idempotency keys; ids go on rising."""
        with self.transaction():
            for table in ("entries", "contents", "keys"):
                self._database.execute(f"DELETE FROM {table}")  # noqa: S608 - the names above
            self.requests.clear()
            self.changes.forget_requests()
            self.dropped = 0

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

    def entry(self, entry_id: int) -> tuple[Entry, str | None] | None:
        """Return an entry and its event as JSON."""
        with self._lock:
            row = self._database.execute(f"{ENTRY} WHERE entries.id = ?", (entry_id,)).fetchone()
            if row is None:
                return None
            (event,) = self._database.execute("SELECT event FROM contents WHERE id = ?", (entry_id,)).fetchone()
        return entry_of(row), event

    def entries_of(self, request_id: int) -> list[Entry]:
        """Return what is kept of a request, in the order of its records."""
        return self._entries("WHERE request_id = ? ORDER BY entries.id", request_id)

    def refused_after(self, entry_id: int, limit: int) -> list[Entry]:
        """Return the first entries after this one that were refused."""
        return self._entries(
            "WHERE entries.id > ? AND verdict = 'refused' ORDER BY entries.id LIMIT ?", entry_id, limit
        )

    def history(self, key: str) -> list[Entry]:
        """Return the newest entries with this idempotency key."""
        return self._entries("WHERE idempotency_key = ? ORDER BY entries.id DESC LIMIT ?", key, _HISTORY)

    def _entries(self, condition: str, *values: object) -> list[Entry]:
        with self._lock:
            return [entry_of(row) for row in self._database.execute(f"{ENTRY} {condition}", values)]


def entry_of(row: Sequence[Any]) -> Entry:
    """Return the entry that a row of the database holds; what the store wrote needs no checking."""
    *values, head, request = row
    entry = Entry.model_construct(**dict(zip(_FIELDS, values, strict=True)), preview=None)
    if not entry.records:
        entry.preview = request
    elif head is not None:
        entry.preview = preview(head)
    return entry
