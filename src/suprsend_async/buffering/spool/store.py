"""One spool file: what is asked of SQLite, on one connection that has the file to itself."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import astuple, replace
from typing import TYPE_CHECKING

from suprsend_async.buffering.kinds import EVENT, KIND_NAMES, KindName
from suprsend_async.buffering.spool.contents import Sizes, SpoolOrigin, SpoolRow, other_row
from suprsend_async.buffering.spool.dead_letters import DeadLetter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from suprsend_async.bulk.kind import Room

# A file that holds events only is of the first version, which every release reads. With the first trigger or edit it
# becomes one of the second, which releases that would take all of it for events leave alone.
VERSION = 1
VERSION_OF_ALL_KINDS = 2
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
_ALL_KINDS = (
    """CREATE TABLE others (
        position INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, body BLOB NOT NULL, stored_at REAL NOT NULL,
        monotonic REAL, repeatable INTEGER NOT NULL, begun_at REAL)""",
    "CREATE INDEX others_by_kind ON others (kind, position)",
    "ALTER TABLE dead ADD COLUMN kind TEXT NOT NULL DEFAULT 'event'",
    "ALTER TABLE dead ADD COLUMN repeatable INTEGER NOT NULL DEFAULT 1",
    f"PRAGMA user_version = {VERSION_OF_ALL_KINDS}",
)

_FORMER_COLUMNS = "position, body, stored_at"
_COLUMNS = f"{_FORMER_COLUMNS}, monotonic"
_COLUMNS_OF_OTHERS = f"{_COLUMNS}, kind, repeatable, begun_at"
_DEAD_COLUMNS = "id, body, stored_at, died_at, outcome, status_code, error"


class WrongVersionError(Exception):
    """The file was written by another version of this package."""


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
        if version not in (0, VERSION, VERSION_OF_ALL_KINDS) or (
            version == 0 and self._number("SELECT count(*) FROM sqlite_master")
        ):
            raise WrongVersionError(version)
        if version == 0:
            self._create()
        else:
            self._read_origin()
        self._has_all_kinds = self._had_all_kinds = version == VERSION_OF_ALL_KINDS
        self._count()
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

    def _count(self) -> None:
        tables = {EVENT: "pending", "dead": "dead"}
        query = " UNION ALL ".join(
            f"SELECT '{name}', count(*), total(length(body)) FROM {table}"  # noqa: S608
            for name, table in tables.items()
        )
        if self._has_all_kinds:
            query += " UNION ALL SELECT kind, count(*), total(length(body)) FROM others GROUP BY kind"
        found = {name: (int(count), int(size)) for name, count, size in self._connection.execute(query)}
        dead, dead_bytes = found.pop("dead")
        self.sizes = Sizes(
            sum(count for count, _ in found.values()),
            sum(size for _, size in found.values()),
            dead,
            dead_bytes,
            others={name: found[name][0] for name in KIND_NAMES if name != EVENT and name in found},
        )

    def _take_all_kinds(self) -> None:
        """Make the file one of the version that holds all kinds."""
        if not self._has_all_kinds:
            for statement in _ALL_KINDS:
                self._connection.execute(statement)
            self._has_all_kinds = True

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
        self._had_all_kinds = self._has_all_kinds
        self.committed = self.sizes.copy()

    def rollback(self) -> None:
        """Take it back."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._has_all_kinds = self._had_all_kinds
        self.sizes = self.committed.copy()

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

    def put(
        self,
        body: bytes,
        stored_at: float,
        monotonic: float | None = None,
        kind: KindName = EVENT,
        *,
        repeatable: bool = True,
        begun_at: float | None = None,
    ) -> int:
        """Store a record; returns its position."""
        if kind == EVENT:
            position = self._connection.execute(
                "INSERT INTO pending (body, stored_at, monotonic) VALUES (?, ?, ?)", (body, stored_at, monotonic)
            ).lastrowid
        else:
            self._take_all_kinds()
            position = self._connection.execute(
                "INSERT INTO others (kind, body, stored_at, monotonic, repeatable, begun_at) VALUES (?, ?, ?, ?, ?, ?)",
                (kind, body, stored_at, monotonic, repeatable, begun_at),
            ).lastrowid
            self.sizes.others[kind] = self.sizes.others.get(kind, 0) + 1
        self.sizes.pending += 1
        self.sizes.pending_bytes += len(body)
        assert position is not None  # noqa: S101 - SQLite gives every row of such a table a number
        return position

    def read(self, after: int, room: Room, kind: KindName = EVENT) -> list[SpoolRow]:
        """Return the next records of a kind behind a position: as many as there is room for, one at least."""
        rows: list[SpoolRow] = []
        if (source := self._source(kind)) is None:
            return rows
        make, columns, table, values = source
        query = f"SELECT {columns} FROM {table} AND position > ? ORDER BY position LIMIT ?"  # noqa: S608
        with closing(self._connection.execute(query, (*values, after, room.records))) as found:
            for row in found:
                if not room.take(row[1]):
                    break
                rows.append(make(*row))
        return rows

    def _source(self, kind: KindName) -> tuple[Callable[..., SpoolRow], str, str, tuple[str, ...]] | None:
        """Return what makes rows of a kind, their columns, where they stand and values for that; None if none can."""
        if kind == EVENT:
            return SpoolRow, self._columns, "pending WHERE true", ()
        if not self._has_all_kinds:
            return None
        return other_row, _COLUMNS_OF_OTHERS, "others WHERE kind = ?", (kind,)

    def bounds(self, kind: KindName = EVENT) -> tuple[int, int]:
        """Return the positions of the first and of the last record of a kind; 0 and 0 if there is none."""
        if (source := self._source(kind)) is None:
            return 0, 0
        _, _, table, values = source
        query = f"SELECT coalesce(min(position), 0), coalesce(max(position), 0) FROM {table}"  # noqa: S608
        first, last = self._connection.execute(query, values).fetchone()
        return first, last

    def read_these(self, positions: Iterable[int], kind: KindName = EVENT) -> list[SpoolRow]:
        """Return the records of a kind at these positions."""
        if (source := self._source(kind)) is None:
            return []
        make, columns, table, values = source
        query = f"SELECT {columns} FROM {table} AND position = ?"  # noqa: S608
        return [
            make(*row)
            for position in positions
            if (row := self._connection.execute(query, (*values, position)).fetchone()) is not None
        ]

    def begin_try(self, positions: Iterable[int], moment: float | None) -> None:
        """Note since when records that are no events may have arrived; None: they surely have not."""
        self._connection.executemany(
            "UPDATE others SET begun_at = ? WHERE position = ?", [(moment, position) for position in positions]
        )

    def begin_all_tries(self) -> None:
        """Note of all that must not be repeated that it may have arrived: another file has it as well.

        Not to be called within a transaction: the note is brought to the file itself, whatever it is called by now.
        """
        if self._has_all_kinds:
            self._connection.execute("UPDATE others SET begun_at = coalesce(begun_at, stored_at) WHERE NOT repeatable")
            # SQLite does not do so when it closes a file that was moved.
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def delete(self, rows: Sequence[SpoolRow]) -> None:
        """Remove records."""
        events = [(row.position,) for row in rows if row.kind == EVENT]
        others = [row for row in rows if row.kind != EVENT]
        self._connection.executemany("DELETE FROM pending WHERE position = ?", events)
        if others:
            self._connection.executemany("DELETE FROM others WHERE position = ?", [(row.position,) for row in others])
            for row in others:
                self.sizes.others[row.kind] -= 1
        self.sizes.pending -= len(rows)
        self.sizes.pending_bytes -= sum(len(row.body) for row in rows)

    def finish(
        self,
        delivered: Sequence[SpoolRow],
        rejected: Sequence[SpoolRow],
        dead_letters: Sequence[DeadLetter],
        undone: Sequence[int] = (),
    ) -> None:
        """Remove records that are over, put in the dead letters of those that were rejected, and count them.

        Args:
            delivered: Those that were accepted.
            rejected: Those that became dead letters.
            dead_letters: These.
            undone: Positions of those that must not be repeated, and have surely not arrived.
        """
        self.delete([*delivered, *rejected])
        self.add_dead_letters(dead_letters)
        if undone:
            self.begin_try(undone, None)
        refused = sum(each.outcome == "rejected" for each in dead_letters)
        self.sizes.accepted += len(delivered)
        self.sizes.rejected += refused
        self.sizes.unknown += len(dead_letters) - refused

    def add_dead_letters(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Put dead letters in; they get numbers of their own here."""
        if any(each.kind != EVENT for each in dead_letters):
            self._take_all_kinds()
        columns = _DEAD_COLUMNS.removeprefix("id, ")
        values = [
            (each.body, each.stored_at, each.died_at, each.outcome, each.status_code, each.error)
            + ((each.kind, each.repeatable) if self._has_all_kinds else ())
            for each in dead_letters
        ]
        if self._has_all_kinds:
            columns += ", kind, repeatable"
        places = ", ".join("?" * (columns.count(",") + 1))
        self._connection.executemany(f"INSERT INTO dead ({columns}) VALUES ({places})", values)  # noqa: S608
        self.sizes.dead += len(dead_letters)
        self.sizes.dead_bytes += sum(len(each.body) for each in dead_letters)

    def dead_letters(self, limit: int) -> list[DeadLetter]:
        """Return the oldest dead letters."""
        return self._read_dead("ORDER BY id LIMIT ?", limit)

    def _read_dead(self, which: str, value: int) -> list[DeadLetter]:
        columns = f"{_DEAD_COLUMNS}, kind, repeatable" if self._has_all_kinds else f"{_DEAD_COLUMNS}, '{EVENT}', 1"
        found = self._connection.execute(f"SELECT {columns} FROM dead {which}", (value,))  # noqa: S608
        return [replace(DeadLetter(*row), repeatable=bool(row[-1])) for row in found]

    def take_dead_letters(self, numbers: Iterable[int]) -> list[DeadLetter]:
        """Remove dead letters; returns those that were there."""
        taken: list[DeadLetter] = []
        for number in numbers:
            taken += self._read_dead("WHERE id = ?", number)
            self._connection.execute("DELETE FROM dead WHERE id = ?", (number,))
        self.sizes.dead -= len(taken)
        self.sizes.dead_bytes -= sum(len(each.body) for each in taken)
        return taken


def _identity(name: str) -> tuple[int, int] | None:
    try:
        found = os.stat(name)  # noqa: PTH116 - a third faster
    except OSError:
        return None
    return found.st_dev, found.st_ino
