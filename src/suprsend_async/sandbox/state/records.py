"""Users, objects, lists and whatever else there is on the platform: one table of records by kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

from suprsend_async.sandbox.refusal import Refused, invalid

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence

    from suprsend_async.sandbox.state.changes import Changes

TABLES = """
CREATE TABLE IF NOT EXISTS records (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, scope TEXT NOT NULL, name TEXT NOT NULL,
    content TEXT NOT NULL, created_at REAL NOT NULL, updated_at REAL NOT NULL, UNIQUE (kind, scope, name)
);
CREATE INDEX IF NOT EXISTS records_of_a_scope ON records (kind, scope, id);
CREATE INDEX IF NOT EXISTS records_of_a_name ON records (kind, name, id);
CREATE TABLE IF NOT EXISTS records_size (bytes INTEGER NOT NULL);
INSERT INTO records_size SELECT 0 WHERE NOT EXISTS (SELECT * FROM records_size);
CREATE TRIGGER IF NOT EXISTS record_added AFTER INSERT ON records BEGIN
    UPDATE records_size SET bytes = bytes + length(CAST(new.content AS BLOB));
END;
CREATE TRIGGER IF NOT EXISTS record_changed AFTER UPDATE OF content ON records BEGIN
    UPDATE records_size SET bytes = bytes + length(CAST(new.content AS BLOB)) - length(CAST(old.content AS BLOB));
END;
CREATE TRIGGER IF NOT EXISTS record_deleted AFTER DELETE ON records BEGIN
    UPDATE records_size SET bytes = bytes - length(CAST(old.content AS BLOB));
END;
"""
_FETCHED = 100  # rows at once
_LARGEST_ID = 2**63 - 1


def key_of(*parts: str) -> str:
    """Return one text for what has several parts, such as the type and the id of an object."""
    return to_json(parts).decode()


def parts_of(key: str) -> tuple[str, ...]:
    """Return the parts of a key."""
    return tuple(from_json(key))


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record.

    Attributes:
        id: Rises with each record of any kind, and is never used again: the order in which they came.
        scope: What it belongs to: the type of an object, the list of a subscriber; empty for a user.
        name: Its own id, unique in its scope.
        content: What it holds.
        created_at: Seconds since the epoch.
        updated_at: Seconds since the epoch.
    """

    id: int
    scope: str
    name: str
    content: dict[str, Any]
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class Slice:
    """Some records of a collection, in the order in which they came.

    Attributes:
        records: The records.
        total: How many the collection has.
        has_before: Whether there are some before these.
        has_after: Whether there are some after these.
    """

    records: list[StoredRecord]
    total: int
    has_before: bool
    has_after: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """A trigger or a broadcast that a transaction accepted.

    Attributes:
        kind: "trigger" or "broadcast".
        name: Under which it is kept.
        message_id: What was answered.
        body: What came.
    """

    kind: str
    name: str
    message_id: str
    body: dict[str, Any]


class Records:
    """The records of all kinds. A writer holds a transaction of the store.

    Args:
        database: Gives the open database.
        changes: Where their history is noted.
    """

    def __init__(self, database: Callable[[], sqlite3.Connection], changes: Changes) -> None:
        self._database = database
        self.changes = changes
        self.version: int = 0
        """Another number after each change."""

    @property
    def size(self) -> int:
        """How many bytes all of them hold."""
        [number] = self._database().execute("SELECT bytes FROM records_size").fetchone()
        return int(number)

    def get(self, kind: str, scope: str, name: str) -> StoredRecord | None:
        """Return a record; None if there is none."""
        statement = "SELECT * FROM records WHERE kind = ? AND scope = ? AND name = ?"
        row = self._database().execute(statement, (kind, scope, name)).fetchone()
        return None if row is None else record_of(row)

    def put(self, kind: str, scope: str, name: str, content: dict[str, Any], now: float) -> StoredRecord:
        """Write a record as a whole; one that was there keeps its place and the time of its creation.

        Raises:
            Refused: The content is nested too deeply to be read again.
        """
        statement = (
            "INSERT INTO records (kind, scope, name, content, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (kind, scope, name) "
            "DO UPDATE SET content = excluded.content, updated_at = excluded.updated_at RETURNING *"
        )
        text = to_json(content).decode()
        written = self._database().execute(statement, (kind, scope, name, text, now, now)).fetchone()
        self.version += 1
        self.changes.note(kind, scope, name, "changed", now, text)
        try:
            return record_of(written)
        except ValueError:
            raise Refused(invalid("Request body is nested too deeply to be kept")) from None

    def delete(self, kind: str, scope: str | None = None, name: str | None = None) -> int:
        """Delete the records of a scope, of a name, or the one of both; returns how many there were."""
        where, values = condition_of(kind, scope, name)
        count = self._database().execute(f"DELETE FROM records WHERE {where}", values).rowcount
        if count:
            self.version += 1
            self.changes.note_deleted(kind, scope, name)
        return count

    def delete_until(self, kind: str, scope: str, name: str) -> None:
        """Delete a record and those of its scope that came before it; none if there is none of this name."""
        self._database().execute(
            "DELETE FROM records WHERE kind = ? AND scope = ? AND id <= "
            "(SELECT id FROM records WHERE kind = ? AND scope = ? AND name = ?)",
            (kind, scope, kind, scope, name),
        )

    def keep_newest(self, kind: str, scope: str, most: int) -> None:
        """Delete the records of a scope that came before so many others."""
        self._database().execute(
            "DELETE FROM records WHERE kind = ? AND scope = ? AND id <= "
            "(SELECT id FROM records WHERE kind = ? AND scope = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (kind, scope, kind, scope, most),
        )

    def move(self, kind: str, scope: str, to_kind: str, to_scope: str) -> None:
        """Make all records of a scope such of another kind and scope, where none of the same name may be."""
        self._database().execute(
            "UPDATE records SET kind = ?, scope = ? WHERE kind = ? AND scope = ?", (to_kind, to_scope, kind, scope)
        )

    def clear(self) -> None:
        """Delete all of every kind, with their history."""
        self.version += 1
        self._database().execute("DELETE FROM records")
        self.changes.clear()

    def count(self, kind: str, scope: str | None = None, name: str | None = None) -> int:
        """Return how many records a scope or a name has."""
        where, values = condition_of(kind, scope, name)
        [number] = self._database().execute(f"SELECT count(*) FROM records WHERE {where}", values).fetchone()
        return int(number)

    def each(self, kind: str, scope: str | None = None, name: str | None = None) -> Iterator[StoredRecord]:
        """Yield the records of a scope or a name in order; they may be changed meanwhile."""
        latest = 0
        while rows := self._rows(kind, scope, name, "AND id > ? ORDER BY id LIMIT ?", latest, _FETCHED):
            yield from rows
            latest = rows[-1].id

    def newest(self, kind: str, scope: str) -> StoredRecord | None:
        """Return the record of a scope that came last; None if there is none."""
        found = self._rows(kind, scope, None, "ORDER BY id DESC LIMIT 1")
        return found[0] if found else None

    def page(
        self,
        kind: str,
        scope: str | None = None,
        name: str | None = None,
        *,
        limit: int,
        after: int | None = None,
        before: int | None = None,
        newest_first: bool = False,
    ) -> Slice:
        """Return some records of a scope or a name.

        However the collection changes between two pages, what is in it all the time is on exactly one of them.

        Args:
            kind: Their kind.
            scope: Their scope; None for any.
            name: Their name; None for any.
            limit: How many at most.
            after: Only those that stand after this id.
            before: Only the last of those that stand before this id.
            newest_first: Whether the one that came last stands first.
        """
        ahead, behind = ("<", ">") if newest_first else (">", "<")
        step = -1 if newest_first else 1
        order = {">": "ASC", "<": "DESC"}
        if before is not None:
            rest = f"AND id {behind} ? ORDER BY id {order[behind]} LIMIT ?"
            found = self._rows(kind, scope, name, rest, before, limit)[::-1]
            first, last = before, before - step
        else:
            after = (_LARGEST_ID if newest_first else 0) if after is None else after
            found = self._rows(kind, scope, name, f"AND id {ahead} ? ORDER BY id {order[ahead]} LIMIT ?", after, limit)
            first, last = after + step, after
        if found:
            first, last = found[0].id, found[-1].id
        return Slice(
            found,
            self.count(kind, scope, name),
            bool(self._rows(kind, scope, name, f"AND id {behind} ? LIMIT 1", first)),
            bool(self._rows(kind, scope, name, f"AND id {ahead} ? LIMIT 1", last)),
        )

    def skip(self, kind: str, scope: str | None = None, *, limit: int, offset: int) -> list[StoredRecord]:
        """Return some records of a scope, after so many others."""
        return self._rows(kind, scope, None, "ORDER BY id LIMIT ? OFFSET ?", limit, offset)

    def _rows(self, kind: str, scope: str | None, name: str | None, rest: str, *values: int) -> list[StoredRecord]:
        where, first = condition_of(kind, scope, name)
        rows = self._database().execute(f"SELECT * FROM records WHERE {where} {rest}", (*first, *values))
        return [record_of(row) for row in rows]


def condition_of(kind: str, scope: str | None, name: str | None) -> tuple[str, tuple[str, ...]]:
    """Return in SQL which records are of a kind, a scope and a name, as far as given, and the parameters."""
    given = {"kind": kind, "scope": scope, "name": name}
    chosen = {column: value for column, value in given.items() if value is not None}
    return " AND ".join(f"{column} = ?" for column in chosen), tuple(chosen.values())


def record_of(row: Sequence[Any]) -> StoredRecord:
    """Return the record that a row of the database holds."""
    number, _, scope, name, content, created_at, updated_at = row
    return StoredRecord(number, scope, name, from_json(content), created_at, updated_at)
