"""One spool file: what is asked of SQLite, on one connection that has the file to itself."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from suprsend_async.buffering.spool.letters import DeadLetter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

VERSION = 1
# To so many bytes the write-ahead log shrinks after a large transaction.
JOURNAL_BYTES = 4 * 1024 * 1024
_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS pending (
        position INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL, stored_at REAL NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS dead (
        id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL, stored_at REAL NOT NULL, died_at REAL NOT NULL,
        outcome TEXT NOT NULL, status_code INTEGER, error TEXT NOT NULL)""",
    f"PRAGMA user_version = {VERSION}",
)


class WrongVersionError(Exception):
    """The file was written by another version of this package."""


@dataclass(frozen=True, slots=True)
class Row:
    """A stored event.

    Attributes:
        position: Its place in the file.
        body: Its bytes.
        stored_at: When it was stored, in seconds since the epoch.
    """

    position: int
    body: bytes = field(repr=False)
    stored_at: float


@dataclass(slots=True)
class Sizes:
    """What a file holds, and what came of what it held since it was opened.

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


class Store:
    """A spool file, opened and locked: a second opener gets "database is locked" until this process ends.

    Locking is exclusive from before the file is read first. So there is one connection to the file in all the world,
    no shared memory beside it, and none of the ways in which several can disturb each other's checkpoints.

    Every method is to be called within a transaction, and raises `sqlite3.Error` if the disk fails.

    Args:
        path: The file, which must exist; an empty one becomes a new store.

    Attributes:
        sizes: What the file holds, the transaction under way included.
        committed: What it held after the last one: another object each time, so that other threads can read it.

    Raises:
        sqlite3.Error: It is locked, no longer there, or not a spool.
        WrongVersionError: It is one of another version.
    """

    def __init__(self, path: Path) -> None:
        """Open and lock."""
        self.path = path
        self.sizes: Sizes = Sizes()
        self.committed: Sizes = self.sizes
        self._connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None, check_same_thread=False
        )
        try:
            self._open()
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
        if version not in (0, VERSION):
            raise WrongVersionError(version)
        for statement in _SCHEMA:
            self._connection.execute(statement)
        self.sizes = Sizes(*self._count("pending"), *self._count("dead"))
        self.commit()

    def _number(self, statement: str) -> int:
        return int(self._connection.execute(statement).fetchone()[0])

    def _count(self, table: str) -> tuple[int, int]:
        count, size = self._connection.execute(f"SELECT count(*), total(length(body)) FROM {table}").fetchone()  # noqa: S608
        return int(count), int(size)

    def reusable(self) -> int:
        """Return the bytes in the file that were freed and will be used again."""
        return self._number("PRAGMA freelist_count") * self._number("PRAGMA page_size")

    def begin(self) -> None:
        """Begin a transaction."""
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
            self.path.unlink(missing_ok=True)
        finally:
            self.close()

    def put(self, body: bytes, stored_at: float) -> int:
        """Store an event; returns its position."""
        position = self._connection.execute(
            "INSERT INTO pending (body, stored_at) VALUES (?, ?)", (body, stored_at)
        ).lastrowid
        self.sizes.pending += 1
        self.sizes.pending_bytes += len(body)
        assert position is not None  # noqa: S101 - SQLite gives every row of such a table a number
        return position

    def read(self, after: int, limit: int, max_bytes: int) -> list[Row]:
        """Return the next events behind a position; one at least, and no more than `max_bytes` of several."""
        rows: list[Row] = []
        size = 0
        query = "SELECT position, body, stored_at FROM pending WHERE position > ? ORDER BY position LIMIT ?"
        with closing(self._connection.execute(query, (after, limit))) as found:
            for position, body, stored_at in found:
                size += len(body) + 1
                if rows and size >= max_bytes:
                    break
                rows.append(Row(position, body, stored_at))
        return rows

    def bounds(self) -> tuple[int, int]:
        """Return the positions of the first and of the last event; 0 and 0 if there is none."""
        query = "SELECT coalesce(min(position), 0), coalesce(max(position), 0) FROM pending"
        first, last = self._connection.execute(query).fetchone()
        return first, last

    def read_these(self, positions: Iterable[int]) -> list[Row]:
        """Return the events at these positions."""
        query = "SELECT position, body, stored_at FROM pending WHERE position = ?"
        return [
            Row(*row)
            for position in positions
            if (row := self._connection.execute(query, (position,)).fetchone()) is not None
        ]

    def delete(self, rows: Sequence[Row]) -> None:
        """Remove events."""
        self._connection.executemany("DELETE FROM pending WHERE position = ?", [(row.position,) for row in rows])
        self.sizes.pending -= len(rows)
        self.sizes.pending_bytes -= sum(len(row.body) for row in rows)

    def settle(self, delivered: Sequence[Row], buried: Sequence[Row], letters: Sequence[DeadLetter]) -> None:
        """Remove events that are over, put the dead letters of those that were buried in, and count them."""
        self.delete([*delivered, *buried])
        self.add_letters(letters)
        rejected = sum(letter.outcome == "rejected" for letter in letters)
        self.sizes.accepted += len(delivered)
        self.sizes.rejected += rejected
        self.sizes.unknown += len(letters) - rejected

    def add_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Put dead letters in; they get numbers of their own here."""
        self._connection.executemany(
            "INSERT INTO dead (body, stored_at, died_at, outcome, status_code, error) VALUES (?, ?, ?, ?, ?, ?)",
            [
                (letter.body, letter.stored_at, letter.died_at, letter.outcome, letter.status_code, letter.error)
                for letter in letters
            ],
        )
        self.sizes.dead += len(letters)
        self.sizes.dead_bytes += sum(len(letter.body) for letter in letters)

    def letters(self, limit: int) -> list[DeadLetter]:
        """Return the oldest dead letters."""
        query = "SELECT id, body, stored_at, died_at, outcome, status_code, error FROM dead ORDER BY id LIMIT ?"
        return [DeadLetter(*row) for row in self._connection.execute(query, (limit,))]

    def take_letters(self, numbers: Iterable[int]) -> list[bytes]:
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
