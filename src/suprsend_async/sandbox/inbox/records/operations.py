"""What the HTTP interface can do with records of every kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio.lowlevel

from suprsend_async.sandbox.inbox.exchange import answer, cursor, read_id, read_query
from suprsend_async.sandbox.inbox.records.history import history_of
from suprsend_async.sandbox.inbox.records.kinds import KINDS
from suprsend_async.sandbox.inbox.records.shapes import (
    Found,
    FoundOfKind,
    KindSummaries,
    KindSummary,
    Part,
    RecordDetail,
    RecordPage,
    RecordRow,
    RecordsQuery,
    SearchQuery,
)
from suprsend_async.sandbox.inbox.shapes import NoQuery
from suprsend_async.sandbox.refusal import Refused, missing
from suprsend_async.sandbox.state.browse import Browse
from suprsend_async.sandbox.state.search import Filters

if TYPE_CHECKING:
    import sqlite3

    from starlette.requests import Request
    from starlette.responses import Response

    from suprsend_async.sandbox.inbox.records.kind import Kind, Related, ShowRow
    from suprsend_async.sandbox.state.browse import Collection
    from suprsend_async.sandbox.state.entry import Entry
    from suprsend_async.sandbox.state.finder import Finder
    from suprsend_async.sandbox.state.store import EntryStore


@dataclass(frozen=True, slots=True)
class RecordOperations:
    """What the interface can do.

    Attributes:
        store: Where the records are.
        find: What finds the events of the inbox.
    """

    store: EntryStore
    find: Finder

    async def list_kinds(self, request: Request) -> Response:
        """List the kinds of records, and how many there are of each."""
        read_query(request, NoQuery)
        with self.store.reading() as database:
            kinds = [KindSummary(kind=kind.name, total=kind.collection.count(database)) for kind in KINDS.values()]
        return answer(KindSummaries(kinds=kinds))

    async def list_records(self, request: Request) -> Response:
        """List the records of a kind, newest first."""
        query = read_query(request, RecordsQuery)
        kind = _kind(request)
        return answer(await self._page(kind.collection, kind.row, query))

    async def get_record(self, request: Request) -> Response:
        """Return one record with all that is known of it, and its history."""
        read_query(request, NoQuery)
        kind, record_id = _kind(request), read_id(request)
        with self.store.reading() as database:
            return answer(self._detail(database, kind, record_id))

    async def list_part(self, request: Request) -> Response:
        """List the records that belong to one, newest first, such as the members of a list."""
        query = read_query(request, RecordsQuery)
        kind, record_id = _kind(request), read_id(request)
        related = next((each for each in kind.related if each.name == request.path_params["part"]), None)
        if related is None:
            raise Refused(missing("A record of this kind has no such part."))
        with self.store.reading() as database:
            collection = self._collection(database, kind, record_id, related)
        return answer(await self._page(collection, related.row, query))

    async def search(self, request: Request) -> Response:
        """Search in events and in the records of all kinds."""
        query = read_query(request, SearchQuery)
        filters = Filters(text=query.q)
        while not self.find.look(filters):
            await anyio.lowlevel.checkpoint()
        page = self.find.page(filters, None, query.limit)
        events = [_of_entry(each) for each in page.events]
        found = [FoundOfKind(kind="events", records=events, has_more=page.next_cursor is not None)]
        wanted = RecordsQuery(q=query.q, limit=query.limit)
        for kind in KINDS.values():
            some = await self._page(kind.collection, kind.row, wanted)
            found.append(FoundOfKind(kind=kind.name, records=some.records, has_more=some.next_cursor is not None))
        return answer(Found(found=[each for each in found if each.records]))

    async def _page(self, collection: Collection, show: ShowRow, query: RecordsQuery) -> RecordPage:
        browse = Browse(collection, query.q, cursor(query.cursor), query.limit)
        # However long it takes, others have their turn meanwhile.
        while not browse.look(self.store):
            await anyio.lowlevel.checkpoint()
        with self.store.reading() as database:
            is_counted = not (query.q or collection.is_scanned)
            return RecordPage(
                records=[show(self.store, row) for row in browse.rows],
                next_cursor=None if browse.next_cursor is None else str(browse.next_cursor),
                total=collection.count(database) if is_counted else None,
            )

    def _detail(self, database: sqlite3.Connection, kind: Kind, record_id: int) -> RecordDetail:
        row = kind.collection.row(database, record_id)
        if row is None:
            raise Refused(missing("There is no record of this kind with this id."))
        record = kind.read(row)
        shown = kind.show(self.store, record)
        changes = self.store.changes.of(shown.history)
        request, response = shown.exchange or (None, None)
        return RecordDetail(
            kind=kind.name,
            record=kind.row(self.store, row),
            facts=shown.facts,
            preview=shown.preview,
            sections=shown.sections,
            parts=[_part(database, each, record) for each in kind.related],
            history=history_of(changes, shown.history, record.created_at) if shown.history else [],
            request=request,
            response=response,
            data=shown.data,
            can=shown.can,
        )

    def _collection(self, database: sqlite3.Connection, kind: Kind, record_id: int, related: Related) -> Collection:
        row = kind.collection.row(database, record_id)
        if row is None:
            raise Refused(missing("There is no record of this kind with this id."))
        return related.find(kind.read(row))


def _kind(request: Request) -> Kind:
    kind = KINDS.get(request.path_params["kind"])
    if kind is None:
        raise Refused(missing(f"There is no such kind of records; there are {', '.join(KINDS)}."))
    return kind


def _part(database: sqlite3.Connection, related: Related, record: object) -> Part:
    collection = related.find(record)
    total = None if collection.is_scanned else collection.count(database)
    return Part(name=related.name, title=related.title, total=total)


def _of_entry(entry: Entry) -> RecordRow:
    return RecordRow(
        id=entry.id,
        link=None,
        at=entry.received_at,
        name=entry.name or entry.preview or "",
        status=f"{entry.verdict} {entry.status_code}",
        tone=entry.verdict,
        who=entry.distinct_id or "",
        tenant_id=entry.tenant_id,
        about=entry.reason or entry.preview or "",
    )
