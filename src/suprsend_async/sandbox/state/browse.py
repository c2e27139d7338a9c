"""A page of what there is of a kind, newest first, searched for in short looks."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from suprsend_async.sandbox.state.records import condition_of
from suprsend_async.sandbox.state.search import text_condition

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from suprsend_async.sandbox.state.store import EntryStore

_LOOK = 0.01  # seconds for which a look may hold the store
_FIRST, _MOST = 512, 100_000  # numbers that are looked at in one go
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Collection:
    """What is looked through.

    Attributes:
        table: The table, whose `id` gives the order.
        columns: What a row is to have.
        where: Which of its rows are meant.
        values: The parameters of that condition.
        texts: In which columns a text is searched for.
        is_scanned: Whether no index tells which rows are meant, so that each has to be looked at.
    """

    table: str
    columns: str
    where: str = "1"
    values: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    is_scanned: bool = False

    def narrowed(self, condition: str, value: str) -> Collection:
        """Return those of the rows for which this holds as well."""
        where, values = f"{self.where} AND {condition}", (*self.values, value)
        return replace(self, where=where, values=values, is_scanned=True)

    def named(self, names: Iterable[str]) -> Collection:
        """Return those of the rows that have one of these names, which an index finds."""
        where = f"{self.where} AND name IN (SELECT value FROM json_each(?))"  # noqa: S608 - our own words
        return replace(self, where=where, values=(*self.values, to_json([*names]).decode()))

    def row(self, database: sqlite3.Connection, row_id: int) -> Sequence[Any] | None:
        """Return the row with this id, if it is one of those that are meant."""
        statement = f"SELECT {self.columns} FROM {self.table} WHERE id = ? AND {self.where}"  # noqa: S608 - our own words
        found: Sequence[Any] | None = database.execute(statement, (row_id, *self.values)).fetchone()
        return found

    def count(self, database: sqlite3.Connection) -> int:
        """Return how many there are."""
        [number] = database.execute(
            f"SELECT count(*) FROM {self.table} WHERE {self.where}",  # noqa: S608 - our own words
            self.values,
        ).fetchone()
        return int(number)


def records_of(kind: str, scope: str | None = None, name: str | None = None) -> Collection:
    """Return the records of a kind, a scope or a name."""
    where, values = condition_of(kind, scope, name)
    return Collection("records", "*", where, values, ("content", "name", "scope"))


@dataclass(slots=True)
class Browse:
    """One page, as far as it is found.

    Attributes:
        collection: What is looked through.
        text: What a row must hold; empty for all rows.
        before: Only rows with a lower id.
        limit: How many rows at most.
        rows: The rows found so far, newest first.
        next_cursor: What `before` gives the next page; None if there is none.
        is_done: Whether the page is found.
    """

    collection: Collection
    text: str
    before: int | None
    limit: int
    rows: list[Sequence[Any]] = field(default_factory=list[Any])
    next_cursor: int | None = None
    is_done: bool = False
    _at_once: int = _FIRST

    def look(self, store: EntryStore) -> bool:
        """Look for a moment; True when the page is found. Others may use the store between two looks."""
        with store.reading() as database:
            if self.text or self.collection.is_scanned:
                self._search(database)
            else:
                self._page(database)
        return self.is_done

    def _page(self, database: sqlite3.Connection) -> None:
        found = self.collection
        # The ids come of the index alone, so that no row is read but those of the page.
        rows = database.execute(
            f"SELECT {found.columns} FROM {found.table} WHERE id IN (SELECT id FROM {found.table} "  # noqa: S608
            f"WHERE {found.where} AND id < ? ORDER BY id DESC LIMIT ?) ORDER BY id DESC",
            (*found.values, _LARGEST_ID if self.before is None else self.before, self.limit + 1),
        ).fetchall()
        self._take(rows)
        self.is_done = True

    def _search(self, database: sqlite3.Connection) -> None:
        found = self.collection
        before = _newest(database, found.table) + 1 if self.before is None else self.before
        first = before - self._at_once
        condition, values = text_condition(found.texts, self.text) if self.text else ("1", [])
        began = time.perf_counter()
        rows = database.execute(
            # By the numbers: an index of the kind would have to be sorted for each look.
            f"SELECT {found.columns} FROM {found.table} NOT INDEXED WHERE id >= ? AND id < ? "  # noqa: S608
            f"AND {found.where} AND {condition} ORDER BY id DESC LIMIT ?",
            (first, before, *found.values, *values, self.limit + 1 - len(self.rows)),
        ).fetchall()
        seconds = time.perf_counter() - began
        self._at_once = max(1, self._at_once // 2) if seconds > _LOOK else min(_MOST, self._at_once * 2)
        self.before = first
        self._take([*self.rows, *rows])
        self.is_done = first <= 1 or self.next_cursor is not None

    def _take(self, rows: list[Sequence[Any]]) -> None:
        self.rows = rows[: self.limit]
        # A row more than wanted says that there is another page.
        self.next_cursor = int(self.rows[-1][0]) if len(rows) > self.limit else None


def _newest(database: sqlite3.Connection, table: str) -> int:
    [number] = database.execute(f"SELECT max(id) FROM {table}").fetchone()  # noqa: S608 - our own words
    return int(number or 0)
