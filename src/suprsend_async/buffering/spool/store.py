"""One spool file: what is asked of SQLite, on one connection that has the file to itself."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import astuple, dataclass, field, replace
from typing import TYPE_CHECKING

from suprsend_async.buffering.spool.dead_letters import DeadLetter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from suprsend_async.bulk.kind import Room

VERSION = 1
# To so many bytes the write-ahead log shrinks after a large transaction.
JOURNAL_BYTES = 4 * 1024 * 1024
# Earlier releases of this version wrote no origin and no monotonic time, and do without them.
_SCHEMA = (
    """CREATE TABLE pending (
        position INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL, stored_at REAL NOT NULL, monotonic REAL)""",
    """CREATE TABLE dead (
        id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL, stored_at REAL NOT NULL, died_at REAL NOT NULL,
        outcome TEXT NOT NULL, status_code INTEGER, error TEXT NOT NULL)""",
    "CREATE TABLE origin (workspace TEXT NOT NULL, boot TEXT NOT NULL)",
    f"PRAGMA user_version = {VERSION}",
)


_FORMER_COLUMNS = "position, body, stored_at"
_COLUMNS = f"{_FORMER_COLUMNS}, monotonic"


class WrongVersionError(Exception):
    """The file was written by another version of this package."""


@dataclass(frozen=True, slots=True)
class SpoolOrigin:
    """Where a file comes from.

    Attributes:
        workspace: What stands for the workspace that its events are for, without naming it.
        boot: What the start of the machine is called in which its monotonic times were taken.
    """

    workspace: str
    boot: str


@dataclass(frozen=True, slots=True)
class SpoolRow:
    """A stored event.

    Attributes:
        position: Its place in the file.
        body: Its bytes.
        stored_at: When it was stored, in seconds since the epoch.
        monotonic: The same on the machine's monotonic clock, or None.
    """

    position: int
    body: bytes = field(repr=False)
    stored_at: float
    monotonic: float | None = None


@dataclass(slots=True)
class Sizes:
    """What a file holds, and what the events that it held came to since it was opened.

    Attributes:
        pending: Events to be sent.
        pending_bytes: Their bytes.
        dead: Dead letters.
        dead_bytes: Their bytes.
        accepted: Events that the platform accepted.
        rejected: Events that it refused.
        unknown: Events that grew too old to be sent.
    """

    pending: int = 0
    pending_bytes: int = 0
    dead: int = 0
    dead_bytes: int = 0
    accepted: int = 0
    rejected: int = 0
    unknown: int = 0


class SpoolStore:
    """A spool file, opened and locked: a second opener gets "database is locked" until this process ends.

    Locking is exclusive from before the file is read first. So there is one connection to the file in all the world,
    no shared memory beside it, and none of the ways in which several can disturb each other's checkpoints.

    Every method is to be called within a transaction, and raises `sqlite3.Error` if the disk fails.

    Args:
        path: The file, which must exist; an empty one becomes a new store.
        origin: What a new store notes of where it comes from.

    Attributes:
        origin: Where it comes from; None if that was not noted.
        sizes: What the file holds, the transaction under way included.
        committed: What it held after the last one: another object each time, so that other threads can read it.
        transaction: The number of the transaction under way.

    Raises:
        sqlite3.Error: It is locked, no longer there, or not a spool.
        WrongVersionError: It is one of another version.
    """

    def __init__(self, path: Path, origin: SpoolOrigin | None = None) -> None:
        """Open and lock."""
        self.path = path
        # As strings, for they are looked for in every transaction.
        self._names = (str(path), f"{path}-wal")
        self.origin: SpoolOrigin | None = origin
        self.sizes: Sizes = Sizes()
        self.committed: Sizes = self.sizes
        self.transaction: int = 0
        self._connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None, check_same_thread=False
        )
        try:
            self._open()
            self._identities = self._find_files()
        except BaseException:
            self._connection.close()
            raise

    def _open(self) -> None:
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_BYTES}")
        # Personal data that was deleted shall be gone.
        self._connection.execute("PRAGMA secure_delete = FAST")
        self.begin()
        version = self._number("PRAGMA user_version")
        if version not in (0, VERSION) or (version == 0 and self._number("SELECT count(*) FROM sqlite_master")):
            raise WrongVersionError(version)
        if version == 0:
            self._create()
        else:
            self._read_origin()
        self.sizes = Sizes(*self._count("pending"), *self._count("dead"))
        self.commit()

    def _create(self) -> None:
        for statement in _SCHEMA:
            self._connection.execute(statement)
        if self.origin is not None:
            self._connection.execute("INSERT INTO origin VALUES (?, ?)", astuple(self.origin))
        self._columns = _COLUMNS

    def _read_origin(self) -> None:
        has_origin = self._number("SELECT count(*) FROM sqlite_master WHERE name = 'origin'")
        row = self._connection.execute("SELECT workspace, boot FROM origin").fetchone() if has_origin else None
        self.origin = None if row is None else SpoolOrigin(*row)
        self._columns = _COLUMNS if has_origin else f"{_FORMER_COLUMNS}, NULL"

    def _number(self, statement: str) -> int:
        return int(self._connection.execute(statement).fetchone()[0])

    def _count(self, table: str) -> tuple[int, int]:
        count, size = self._connection.execute(f"SELECT count(*), total(length(body)) FROM {table}").fetchone()  # noqa: S608
        return int(count), int(size)

    @property
    def is_in_place(self) -> bool:
        """Whether the files are still where another process would look for them, and are these."""
        # By their names. With a descriptor of one's own the links could be counted, but closing it would drop the lock.
        return self._identities == self._find_files()

    @property
    def is_kept(self) -> bool:
        """Whether what it holds is still there once it is closed: the log's part is brought to the file then."""
        return self._identities[0] == _identity(self._names[0])

    def _find_files(self) -> list[tuple[int, int] | None]:
        return [_identity(name) for name in self._names]

    def copy_to(self, path: Path) -> None:
        """Write all that there is to another file, which is empty."""
        self._connection.execute("VACUUM INTO ?", (str(path),))

    def reusable(self) -> int:
        """Return the bytes in the file that were freed and will be used again."""
        return self._number("PRAGMA freelist_count") * self._number("PRAGMA page_size")

    def begin(self) -> None:
        """Begin a transaction."""
        self.transaction += 1
        self._connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Bring it to the disk; returns when it is there."""
        self._connection.execute("COMMIT")
        self.committed = replace(self.sizes)

    def rollback(self) -> None:
        """Take it back."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self.sizes = replace(self.committed)

    def close(self) -> None:
        """Close, which frees the lock."""
        self._connection.close()

    def remove(self) -> None:
        """Delete the emptied file, and close."""
        # Without its log first: a process that is killed in between leaves a file that can be opened, and no log
        # without a file, which nobody would find. The lock is held until the end, so that nobody opens it.
        try:
            self._connection.execute("PRAGMA journal_mode = MEMORY")
            if self.is_kept:
                self.path.unlink(missing_ok=True)
        finally:
            self.close()

    def put(self, body: bytes, stored_at: float, monotonic: float | None = None) -> int:
        """Store an event; returns its position."""
        position = self._connection.execute(
            "INSERT INTO pending (body, stored_at, monotonic) VALUES (?, ?, ?)", (body, stored_at, monotonic)
        ).lastrowid
        self.sizes.pending += 1
        self.sizes.pending_bytes += len(body)
        assert position is not None  # noqa: S101 - SQLite gives every row of such a table a number
        return position

    def read(self, after: int, room: Room) -> list[SpoolRow]:
        """Return the next events behind a position: as many as there is room for, one at least."""
        rows: list[SpoolRow] = []
        query = f"SELECT {self._columns} FROM pending WHERE position > ? ORDER BY position LIMIT ?"  # noqa: S608
        with closing(self._connection.execute(query, (after, room.records))) as found:
            for position, body, stored_at, monotonic in found:
                if not room.take(body):
                    break
                rows.append(SpoolRow(position, body, stored_at, monotonic))
        return rows

    def bounds(self) -> tuple[int, int]:
        """Return the positions of the first and of the last event; 0 and 0 if there is none."""
        query = "SELECT coalesce(min(position), 0), coalesce(max(position), 0) FROM pending"
        first, last = self._connection.execute(query).fetchone()
        return first, last

    def read_these(self, positions: Iterable[int]) -> list[SpoolRow]:
        """Return the events at these positions."""
        query = f"SELECT {self._columns} FROM pending WHERE position = ?"  # noqa: S608
        return [
            SpoolRow(*row)
            for position in positions
            if (row := self._connection.execute(query, (position,)).fetchone()) is not None
        ]

    def delete(self, rows: Sequence[SpoolRow]) -> None:
        """Remove events."""
        self._connection.executemany("DELETE FROM pending WHERE position = ?", [(row.position,) for row in rows])
        self.sizes.pending -= len(rows)
        self.sizes.pending_bytes -= sum(len(row.body) for row in rows)

    def finish(
        self, delivered: Sequence[SpoolRow], rejected: Sequence[SpoolRow], dead_letters: Sequence[DeadLetter]
    ) -> None:
        """Remove events that are over, put in the dead letters of those that were rejected, and count them."""
        self.delete([*delivered, *rejected])
        self.add_dead_letters(dead_letters)
        refused = sum(each.outcome == "rejected" for each in dead_letters)
        self.sizes.accepted += len(delivered)
        self.sizes.rejected += refused
        self.sizes.unknown += len(dead_letters) - refused

    def add_dead_letters(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Put dead letters in; they get numbers of their own here."""
        self._connection.executemany(
            "INSERT INTO dead (body, stored_at, died_at, outcome, status_code, error) VALUES (?, ?, ?, ?, ?, ?)",
            [
                (each.body, each.stored_at, each.died_at, each.outcome, each.status_code, each.error)
                for each in dead_letters
            ],
        )
        self.sizes.dead += len(dead_letters)
        self.sizes.dead_bytes += sum(len(each.body) for each in dead_letters)

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        """Return the oldest dead letters."""
        query = "SELECT id, body, stored_at, died_at, outcome, status_code, error FROM dead ORDER BY id LIMIT ?"
        return [DeadLetter(*row) for row in self._connection.execute(query, (limit,))]

    def take_dead_letters(self, numbers: Iterable[int]) -> list[bytes]:
        """Remove dead letters; returns the bytes of those that were there."""
        bodies: list[bytes] = []
        for number in numbers:
            row = self._connection.execute("SELECT body FROM dead WHERE id = ?", (number,)).fetchone()
            if row is not None:
                bodies.append(row[0])
                self._connection.execute("DELETE FROM dead WHERE id = ?", (number,))
        self.sizes.dead -= len(bodies)
        self.sizes.dead_bytes -= sum(map(len, bodies))
        return bodies


def _identity(name: str) -> tuple[int, int] | None:
    try:
        found = os.stat(name)  # noqa: PTH116 - a third faster
    except OSError:
        return None
    return found.st_dev, found.st_ino
