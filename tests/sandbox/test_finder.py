"""Pages of entries and of requests, and searches that let others have their turn."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from suprsend_async.sandbox.platform import answers
from suprsend_async.sandbox.refusal import Refusal
from suprsend_async.sandbox.state.entry import RawRequest
from suprsend_async.sandbox.state.finder import Finder
from suprsend_async.sandbox.state.ledger import Ledger
from suprsend_async.sandbox.state.search import Filters
from suprsend_async.sandbox.state.store import EntryStore, StoredEntry
from suprsend_async.sandbox.state.transaction import Judged

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUEST = RawRequest(method="POST", target="/v2/bulk/event/", headers=[], body="[]", body_size=2)
NO = Refusal(422, "validation_error", "no")
ALL = Filters()


@pytest.fixture
def store() -> Iterator[EntryStore]:
    opened = EntryStore(None, 1_000)
    yield opened
    opened.close()


@pytest.fixture
def ledger(store: EntryStore) -> Ledger:
    return Ledger(store, lambda: 1.0)


def take(ledger: Ledger, *names: str) -> None:
    """Enter a bulk of events; those whose name begins with "bad" are refused."""
    events = [{"event": name, "distinct_id": f"u-{name}", "properties": {"n": name}} for name in names]
    judged = [Judged(event, NO if event["event"].startswith("bad") else None) for event in events]
    ledger.act(REQUEST, lambda state: answers.many([state.enter(each) for each in judged]))


def refuse(ledger: Ledger) -> None:
    ledger.refuse(REQUEST, NO, answers.refused(NO))


def test_events_and_whole_requests_are_counted_apart(ledger: Ledger) -> None:
    take(ledger, "a", "b")
    refuse(ledger)
    take(ledger, "bad")
    refuse(ledger)
    page = ledger.find.page(ALL, None, 10)
    assert (page.total, page.whole_requests) == (5, 2)
    assert [(entry.records, entry.preview) for entry in page.events] == [
        (0, "POST /v2/bulk/event/"),
        (1, "n: bad"),
        (0, "POST /v2/bulk/event/"),
        (2, "n: b"),
        (2, "n: a"),
    ]
    refused = ledger.find.page(Filters(verdict="refused"), None, 10)
    assert (refused.total, refused.whole_requests) == (3, 2)
    assert ledger.find.page(Filters(name="a"), None, 10).whole_requests == 0


def test_what_makes_room_is_counted_no_more() -> None:
    store = EntryStore(None, 3)
    ledger = Ledger(store, lambda: 1.0)
    refuse(ledger)
    assert ledger.find.page(ALL, None, 10).whole_requests == 1
    take(ledger, "a", "b", "c")
    page = ledger.find.page(ALL, None, 10)
    assert (page.total, page.whole_requests) == (3, 0)
    store.close()


def test_a_bulk_as_one(ledger: Ledger) -> None:
    take(ledger, "a", "a", "bad_1", "bad_2", "b")
    take(ledger, "single")
    refuse(ledger)
    page = ledger.find.requests(ALL, None, 10)
    assert (page.total, page.whole_requests, page.next_cursor) == (7, 1, None)
    whole, single, bulk = page.requests
    assert (whole.records, whole.refused, whole.example.preview) == (0, 1, "POST /v2/bulk/event/")
    assert (single.records, single.accepted, single.example.name) == (1, 1, "single")
    assert (bulk.records, bulk.accepted, bulk.refused, bulk.repeated, bulk.names) == (5, 3, 2, 0, 4)
    assert bulk.example.name == "bad_2", "of those that were refused the newest"


def test_filters_count_what_matches_of_a_bulk(ledger: Ledger) -> None:
    take(ledger, "a", "a", "b")
    take(ledger, "c")
    (bulk,) = ledger.find.requests(Filters(name="a"), None, 10).requests
    assert (bulk.records, bulk.accepted, bulk.names, bulk.example.name) == (3, 2, 1, "a")
    (bulk,) = ledger.find.requests(Filters(text='"n":"b"'), None, 10).requests
    assert (bulk.records, bulk.accepted) == (3, 1)
    assert ledger.find.requests(Filters(name="nothing"), None, 10).requests == []


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_of_requests_follow_one_another(ledger: Ledger, limit: int) -> None:
    sizes = [100, 1, 1, 100, 37, 100, 2, 1]
    for size in sizes:
        take(ledger, *[f"name_{n}" for n in range(size)])
    seen: list[int] = []
    cursor: int | None = None
    while True:
        page = ledger.find.requests(ALL, cursor, limit)
        assert len(page.requests) <= limit
        assert page.total == sum(sizes)
        assert all(row.accepted == row.records for row in page.requests)
        seen += [row.records for row in page.requests]
        if page.next_cursor is None:
            break
        cursor = int(page.next_cursor)
    assert seen == sizes[::-1]


def test_a_request_in_full(ledger: Ledger) -> None:
    take(ledger, "a", "bad", "b")
    detail = ledger.request(1)
    assert detail is not None
    assert [entry.name for entry in detail.entries] == ["a", "bad", "b"]
    assert (detail.records, detail.accepted, detail.refused, detail.example.name) == (3, 2, 1, "bad")
    assert detail.request == REQUEST
    assert detail.response is not None
    assert detail.response.status_code == 207
    assert len(json.loads(detail.response.body)["records"]) == 3
    assert ledger.request(2) is None


def add_large(store: EntryStore, count: int, size: int) -> None:
    rows = [StoredEntry(1.0, "accepted", 202, "x", f"u-{n}", None, None, "m", None) for n in range(count)]
    with store.transaction():
        store.add_entries(store.add_request(REQUEST, None), count, rows, [json.dumps({"x": "a" * size})] * count)


def test_a_search_goes_on_look_by_look(store: EntryStore) -> None:
    add_large(store, 500, 10)
    # No look may take any time, so that each is as short as can be.
    finder = Finder(store, look_seconds=0.0, at_once=4)
    looks = 1
    while not finder.look(ALL):
        looks += 1
    assert looks > 100
    assert finder.page(ALL, None, 1).total == 500
    assert finder.look(ALL)


def test_what_arrives_during_a_search_is_found_as_well(store: EntryStore) -> None:
    add_large(store, 100, 10)
    finder = Finder(store, look_seconds=0.0, at_once=4)
    assert not finder.look(ALL)
    add_large(store, 100, 10)
    assert finder.page(ALL, None, 500).total == 200


def test_a_search_that_begins_after_many_were_dropped_skips_them() -> None:
    store = EntryStore(None, 10)
    for _ in range(50):
        add_large(store, 10, 10)
    finder = Finder(store, look_seconds=0.0, at_once=10)
    assert [finder.look(ALL), finder.page(ALL, None, 500).total] == [True, 10]
    store.close()


def test_clearing_forgets_what_was_found(ledger: Ledger) -> None:
    take(ledger, "a", "b")
    assert ledger.find.page(ALL, None, 10).total == 2
    ledger.clear()
    page = ledger.find.page(ALL, None, 10)
    assert (page.events, page.total) == ([], 0)
    take(ledger, "c")
    assert [entry.name for entry in ledger.find.page(ALL, None, 10).events] == ["c"]


@pytest.mark.parametrize("length", [31, 32, 33, 500, 1000])
def test_a_text_that_nearly_fits_everywhere_is_looked_for_as_fast_as_any_other(store: EntryStore, length: int) -> None:
    # Compared letter by letter at each place, the longest would take minutes here, and nobody else had a turn.
    add_large(store, 40, 700_000)
    finder = Finder(store)
    assert finder.page(Filters(text="A" * (length - 1) + "b"), None, 10).total == 0
    assert finder.page(Filters(text="A" * length), None, 10).total == 40
