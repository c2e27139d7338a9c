"""Requests and changes in the store: how many are kept, what a transaction that fails leaves, and older files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from suprsend_async.sandbox.state.browse import Browse, Collection, records_of
from suprsend_async.sandbox.state.entry import Outcome, RawRequest, RawResponse
from suprsend_async.sandbox.state.store import EntryStore, StoredEntry

if TYPE_CHECKING:
    from pathlib import Path

REQUEST = RawRequest(method="POST", target="/v1/user/u/", headers=[], body="{}", body_size=2)
TAKEN = Outcome(1.0, 201, None, 0.25)
ENTRY = StoredEntry(1.0, "accepted", 202, "e", "u", None, None, "m", None)
ALL = Collection("requests", "id, target")


def ids(store: EntryStore) -> list[int]:
    with store.reading() as database:
        return [number for (number,) in database.execute("SELECT id FROM requests ORDER BY id")]


def add(store: EntryStore, *, has_entries: bool = False) -> int:
    with store.transaction():
        number = store.add_request(REQUEST, None, TAKEN, has_entries=has_entries)
        if has_entries:
            store.add_entries(number, 1, [ENTRY], ["{}"])
    return number


def test_the_oldest_requests_make_room_but_not_those_of_entries() -> None:
    store = EntryStore(None, 3)
    add(store, has_entries=True)
    for _ in range(5):
        add(store)
    assert ids(store) == [1, 4, 5, 6]
    for _ in range(3):
        add(store, has_entries=True)
    assert ids(store) == [7, 8, 9]


def test_requests_make_room_when_the_store_is_too_large() -> None:
    store = EntryStore(None, 1000, max_bytes=200_000)
    large = REQUEST.model_copy(update={"body": "x" * 10_000})
    for _ in range(100):
        with store.transaction():
            store.add_request(large, None, TAKEN, has_entries=False)
    kept = ids(store)
    assert len(kept) < 40
    assert kept[-1] == 100


def test_changes_make_room() -> None:
    store = EntryStore(None, 3)
    for number in range(5):
        with store.transaction():
            store.records.put("user", "", "u", {"n": number}, float(number))
    assert [change.content for change in store.changes.of([("user", "", "u")])] == [{"n": 4}, {"n": 3}, {"n": 2}]


def test_what_a_failed_transaction_did_is_no_change() -> None:
    store = EntryStore(None, 3)

    def fail() -> None:
        with store.transaction():
            store.records.put("user", "", "u", {}, 1.0)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with store.transaction():
        store.records.put("user", "", "other", {}, 1.0)
    assert store.changes.of([("user", "", "u")]) == []


def test_a_change_knows_its_request_and_one_without_knows_none() -> None:
    store = EntryStore(None, 3)
    with store.transaction():
        store.records.put("user", "", "u", {"n": 1}, 1.0)
        number = store.add_request(REQUEST, None, TAKEN, has_entries=False)
    with store.transaction():
        store.records.put("user", "", "u", {"n": 2}, 2.0)
    later, first = store.changes.of([("user", "", "u")])
    assert (first.request_id, first.request, first.status_code) == (number, "POST /v1/user/u/", 201)
    assert (later.request_id, later.request) == (None, None)


def test_what_belongs_to_a_list_by_the_thousand_is_one_change_of_it() -> None:
    store = EntryStore(None, 10)
    with store.transaction():
        for number in range(1000):
            store.records.put("list_member", "beta", f"u{number}", {}, 1.0)
    assert [change.verb for change in store.changes.of([("list", "", "beta")])] == ["members"]


@pytest.mark.parametrize("text", ["", "needle"])
def test_a_page_is_found_in_short_looks(text: str) -> None:
    store = EntryStore(None, 10)
    with store.transaction():
        for number in range(2000):
            store.records.put("user", "", f"u{number}", {"text": "needle" if number % 2 else "hay"}, 1.0)
            store.records.put("list_member", "beta", f"u{number}", {}, 1.0)
    browse = Browse(records_of("user", ""), text, None, 900)
    looks = 1
    while not browse.look(store):
        looks += 1
    # With a text it takes several, between which others have their turn.
    assert (looks > 1) is bool(text)
    assert len(browse.rows) == 900
    assert [row[0] for row in browse.rows] == sorted((row[0] for row in browse.rows), reverse=True)
    assert browse.next_cursor is not None
    rest = Browse(records_of("user", ""), text, browse.next_cursor, 2000)
    while not rest.look(store):
        pass
    assert len(rest.rows) == (100 if text else 1100)
    assert rest.next_cursor is None


def test_a_file_of_the_layout_before_has_its_requests(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    before = EntryStore(path, 10)
    answer = RawResponse(status_code=207, headers=[], body="{}", body_size=2)
    refused = StoredEntry(5.0, "refused", 422, "e", "u", None, None, None, "the reason")
    with before.transaction():
        before.add_entries(before.add_request(REQUEST, answer), 2, [ENTRY, refused], ["{}", "{}"])
        before.add_entries(before.add_request(REQUEST, None), 0, [refused], [None])
    with before.reading() as database:
        database.execute("DROP TABLE changes")
        database.execute("DROP INDEX requests_without_entries")
        for column in ("received_at", "status_code", "reason", "duration", "has_entries"):
            database.execute(f"ALTER TABLE requests DROP COLUMN {column}")
        database.execute("PRAGMA user_version = 3")
    before.close()
    after = EntryStore(path, 10)
    with after.reading() as database:
        rows = database.execute("SELECT received_at, status_code, reason, duration, has_entries FROM requests")
        assert rows.fetchall() == [(1.0, 207, "the reason", None, 1), (5.0, 422, "the reason", None, 1)]
    after.close()
