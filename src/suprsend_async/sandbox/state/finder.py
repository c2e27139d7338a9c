"""What the inbox shows: entries and requests, found by filters, page by page."""

from __future__ import annotations

import time
from bisect import bisect_left
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from suprsend_async.sandbox.state.entry import Entry, EntryPage, RequestPage, RequestRow
from suprsend_async.sandbox.state.search import Filters, Matches, newest
from suprsend_async.sandbox.state.store import ENTRY, entry_of

if TYPE_CHECKING:
    import sqlite3

    from suprsend_async.sandbox.state.store import EntryStore


MOST_RECORDS = 100
"""How many records a request holds at most."""

_REMEMBERED = 16  # searches: as many as there are tabs, so that none undoes another's
_LOOK = 0.01  # seconds for which a search may hold the store
_FEWEST, _MOST, _FIRST = 1, 100_000, 256  # entries that are looked at in one go
_REQUESTS = (
    "SELECT request_id, min(received_at), max(records), sum(verdict = 'accepted'), sum(verdict = 'refused'), "
    "sum(verdict = 'repeated'), count(DISTINCT name), "
    "coalesce(max(CASE WHEN verdict = 'refused' THEN entries.id END), max(entries.id)), min(entries.id)"
)


class Finder:
    """Finds what was asked for, and remembers it.

    Entries are scanned, not indexed: 100,000 of these short rows take some 10 ms, and indices would cost every insert.

    Args:
        store: Where the entries are.
        look_seconds: How long one look may hold the store; it takes as many entries as that seems to be enough for.
        at_once: How many entries the first look takes.
    """

    def __init__(self, store: EntryStore, look_seconds: float = _LOOK, at_once: int = _FIRST) -> None:
        self._store = store
        self._look_seconds = look_seconds
        self._at_once = at_once
        self._searches: dict[Filters, Matches] = {}

    def look(self, filters: Filters) -> bool:
        """Search on for a moment; True when nothing is left to search, and a page takes no time."""
        with self._store.reading() as database:
            return self._look(database, filters, self._matches(filters))

    def page(self, filters: Filters, before: int | None, limit: int) -> EntryPage:
        """Return the newest entries that match, older than the one with the id `before`."""
        with self._store.reading() as database:
            matches = self._search(database, filters)
            ids, more = newest(matches.ids, before, limit)
            return EntryPage(
                events=[_entry(database, entry_id) for entry_id in ids],
                next_cursor=None if more is None else str(more),
                total=len(matches.ids),
                whole_requests=len(matches.whole_requests),
            )

    def requests(self, filters: Filters, before: int | None, limit: int) -> RequestPage:
        """Return the newest requests with entries that match, all of them older than the id `before`."""
        with self._store.reading() as database:
            matches = self._search(database, filters)
            # The entries of a request follow one another: among so many there are as many whole requests as wanted.
            ids, _ = newest(matches.ids, before, limit * MOST_RECORDS)
            found = _requests(database, filters, ids[-1], ids[0]) if ids else []
            oldest = found[limit - 1][-1] if len(found) >= limit else 0
            return RequestPage(
                requests=[_request(database, row) for row in found[:limit]],
                next_cursor=str(oldest) if bisect_left(matches.ids, oldest) else None,
                total=len(matches.ids),
                whole_requests=len(matches.whole_requests),
            )

    def _search(self, database: sqlite3.Connection, filters: Filters) -> Matches:
        matches = self._matches(filters)
        while not self._look(database, filters, matches):
            continue
        return matches

    def _matches(self, filters: Filters) -> Matches:
        # The one that was used last stands last.
        matches = self._searches[filters] = self._searches.pop(filters, Matches())
        while len(self._searches) > _REMEMBERED:
            del self._searches[next(iter(self._searches))]
        return matches

    def _look(self, database: sqlite3.Connection, filters: Filters, matches: Matches) -> bool:
        latest = self._store.latest_id
        (oldest,) = database.execute("SELECT min(id) FROM entries").fetchone()
        matches.forget(latest + 1 if oldest is None else oldest)
        if matches.seen >= latest:
            return True
        until = min(matches.seen + self._at_once, latest)
        condition, values = filters.where()
        began = time.perf_counter()
        searched = f"{filters.tables} WHERE entries.id > ? AND entries.id <= ? AND {condition}"
        parameters = [matches.seen, until, *values]
        newer = _ids(database, searched, parameters)
        matches.add(newer, _ids(database, f"{searched} AND records = 0", parameters) if newer else [], until)
        self._adapt(time.perf_counter() - began)
        return until >= latest

    def _adapt(self, seconds: float) -> None:
        if seconds > self._look_seconds:
            self._at_once = max(_FEWEST, self._at_once // 2)
        elif seconds < self._look_seconds / 3:
            self._at_once = min(_MOST, self._at_once * 2)


def _ids(database: sqlite3.Connection, searched: str, parameters: list[Any]) -> list[int]:
    """Return the ids of the entries found, in order."""
    # As one text: to fetch a row for each id takes four times as long.
    ids = f"SELECT json_group_array(id) FROM (SELECT entries.id AS id FROM {searched} ORDER BY entries.id)"  # noqa: S608 - our own words
    found: list[int] = from_json(database.execute(ids, parameters).fetchone()[0])
    return found


def _requests(database: sqlite3.Connection, filters: Filters, first: int, last: int) -> list[tuple[Any, ...]]:
    condition, values = filters.where()
    return database.execute(
        f"{_REQUESTS} FROM {filters.tables} "
        f"WHERE entries.id BETWEEN ? AND ? AND {condition} GROUP BY request_id ORDER BY request_id DESC",
        [first, last, *values],
    ).fetchall()


def _request(database: sqlite3.Connection, row: tuple[Any, ...]) -> RequestRow:
    request_id, received_at, records, accepted, refused, repeated, names, example, _ = row
    return RequestRow(
        id=request_id,
        received_at=received_at,
        records=records,
        accepted=accepted,
        refused=refused,
        repeated=repeated,
        names=names,
        example=_entry(database, example),
    )


def _entry(database: sqlite3.Connection, entry_id: int) -> Entry:
    return entry_of(database.execute(f"{ENTRY} WHERE entries.id = ?", (entry_id,)).fetchone())
