"""The table of records: one by one, by page, and beside the entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suprsend_async.sandbox.refusal import Refused, missing
from suprsend_async.sandbox.state.records import Records
from suprsend_async.sandbox.state.store import EntryStore, StoredEntry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.extras("sandbox")


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EntryStore]:
    opened = EntryStore(tmp_path / "sandbox.db" if request.param == "file" else None, 1000)
    yield opened
    opened.close()


@pytest.fixture
def records(store: EntryStore) -> Records:
    return store.records


def names(found: list[object]) -> list[str]:
    return [record.name for record in found]  # type: ignore[attr-defined]


def test_a_record_keeps_its_place_and_its_creation_when_it_is_written_again(records: Records) -> None:
    first = records.put("user", "", "u", {"a": 1}, 10.0)
    records.put("user", "", "v", {}, 11.0)
    again = records.put("user", "", "u", {"a": 2}, 12.0)
    assert (again.id, again.created_at, again.updated_at, again.content) == (first.id, 10.0, 12.0, {"a": 2})
    assert records.get("user", "", "u") == again
    assert records.get("user", "x", "u") is records.get("object", "", "u") is None


def test_deleting_by_scope_by_name_and_one(records: Records) -> None:
    for scope in "abc":
        for name in "xy":
            records.put("member", scope, name, {}, 1.0)
    assert records.delete("member", "a", "x") == 1
    assert records.delete("member", "a", "x") == 0
    assert records.delete("member", name="y") == 3
    assert records.delete("member", "b") == 1
    assert records.count("member") == 1
    assert [(each.scope, each.name) for each in records.each("member")] == [("c", "x")]


def test_an_id_is_never_used_again(records: Records) -> None:
    last = records.put("user", "", "u", {}, 1.0)
    records.delete("user")
    assert records.put("user", "", "u", {}, 1.0).id > last.id


def test_each_goes_on_while_records_are_deleted(records: Records) -> None:
    for number in range(250):
        records.put("user", "", str(number), {}, 1.0)
    seen = []
    for record in records.each("user"):
        seen.append(record.name)
        records.delete("user", "", record.name)
    assert seen == [str(number) for number in range(250)]
    assert records.count("user") == 0


def test_pages_forward_and_back(records: Records) -> None:
    for name in "abcde":
        records.put("user", "", name, {}, 1.0)
    first = records.page("user", limit=2)
    assert (names(first.records), first.total, first.has_before, first.has_after) == (["a", "b"], 5, False, True)
    second = records.page("user", limit=2, after=first.records[-1].id)
    assert (names(second.records), second.has_before, second.has_after) == (["c", "d"], True, True)
    last = records.page("user", limit=2, after=second.records[-1].id)
    assert (names(last.records), last.has_before, last.has_after) == (["e"], True, False)
    back = records.page("user", limit=2, before=last.records[0].id)
    assert names(back.records) == ["c", "d"]
    beyond = records.page("user", limit=2, after=last.records[-1].id)
    assert (beyond.records, beyond.total, beyond.has_before, beyond.has_after) == ([], 5, True, False)
    assert records.page("nothing", limit=2) == type(first)([], 0, has_before=False, has_after=False)
    assert names(records.skip("user", limit=2, offset=3)) == ["d", "e"]


def test_pages_newest_first(records: Records) -> None:
    for name in "abcde":
        records.put("user", "", name, {}, 1.0)
    first = records.page("user", limit=2, newest_first=True)
    assert (names(first.records), first.has_before, first.has_after) == (["e", "d"], False, True)
    second = records.page("user", limit=2, newest_first=True, after=first.records[-1].id)
    assert (names(second.records), second.has_before, second.has_after) == (["c", "b"], True, True)
    last = records.page("user", limit=2, newest_first=True, after=second.records[-1].id)
    assert (names(last.records), last.has_before, last.has_after) == (["a"], True, False)
    back = records.page("user", limit=2, newest_first=True, before=second.records[0].id)
    assert (names(back.records), back.has_before, back.has_after) == (["e", "d"], False, True)
    beyond = records.page("user", limit=2, newest_first=True, after=last.records[-1].id)
    assert (beyond.records, beyond.has_before, beyond.has_after) == ([], True, False)
    before_all = records.page("user", limit=2, newest_first=True, before=first.records[0].id)
    assert (before_all.records, before_all.has_before, before_all.has_after) == ([], False, True)
    assert records.page("nothing", limit=2, newest_first=True) == type(first)([], 0, has_before=False, has_after=False)


def test_the_newest_and_those_until_one(records: Records) -> None:
    for name in "abcd":
        records.put("run", "", name, {}, 1.0)
    records.put("run", "other", "x", {}, 1.0)
    newest = records.newest("run", "")
    assert newest is not None
    assert (newest.name, records.newest("none", "")) == ("d", None)
    records.delete_until("run", "", "none")
    records.delete_until("run", "", "b")
    assert [each.name for each in records.each("run")] == ["c", "d", "x"]


def test_what_is_moved_keeps_its_place_and_the_size(records: Records) -> None:
    for name in "ab":
        records.put("draft", "v", name, {"n": name}, 1.0)
    before, size = list(records.each("draft")), records.size
    records.move("draft", "v", "live", "l")
    assert [(each.id, each.scope, each.name) for each in records.each("live")] == [(r.id, "l", r.name) for r in before]
    assert (records.count("draft"), records.size) == (0, size)


@settings(max_examples=60, deadline=None)
@given(
    limit=st.integers(1, 4),
    changes=st.lists(st.tuples(st.sampled_from(["add", "write", "delete"]), st.integers(0, 30)), max_size=40),
)
def test_what_stays_is_on_one_page_whatever_changes_meanwhile(limit: int, changes: list[tuple[str, int]]) -> None:
    store = EntryStore(None, 10)
    records = store.records
    for number in range(12):
        records.put("user", "", str(number), {}, 1.0)
    pending = iter(changes)
    touched: set[str] = set()
    seen: list[str] = []
    after = None
    while True:
        page = records.page("user", limit=limit, after=after)
        seen += names(page.records)  # type: ignore[arg-type]
        if not page.has_after:
            break
        after = page.records[-1].id
        for (change, number), _ in zip(pending, range(3), strict=False):
            if change == "delete":
                touched.add(str(number))
                records.delete("user", "", str(number))
            else:
                touched |= {str(number)} if records.get("user", "", str(number)) is None else set()
                records.put("user", "", str(number), {"n": change}, 2.0)
    assert [name for name in seen if name not in touched] == [
        str(number) for number in range(12) if str(number) not in touched
    ]
    store.close()


def test_a_refused_call_changes_nothing(store: EntryStore) -> None:
    with pytest.raises(Refused), store.transaction():  # noqa: PT012 - what was written before is taken back
        store.records.put("user", "", "u", {"a": 1}, 1.0)
        raise Refused(missing("not there"))
    assert store.records.count("user") == 0
    assert store.records.size == 0


def test_records_do_not_push_entries_out() -> None:
    store = EntryStore(None, 1000, max_bytes=400_000)
    with store.transaction():
        for number in range(50):
            store.records.put("user", "", str(number), {"text": "x" * 20_000}, 1.0)
        store.records.put("user", "", "0", {"text": "x" * 10_000}, 1.0)
        store.records.delete("user", "", "1")
        rows = [StoredEntry(1.0, "accepted", 202, "e", "u", None, None, "m", None)] * 10
        store.add_entries(1, 10, rows, ["{}"] * 10)
    assert store.kept == 10
    assert 970_000 < store.records.size < 971_000
    with store.transaction():
        store.records.clear()
    assert (store.kept, store.records.count("user"), store.records.size) == (10, 0, 0)
    store.close()


def test_a_file_of_the_layout_before_gets_the_table(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    before = EntryStore(path, 10)
    with before.transaction():
        before.add_entries(1, 1, [StoredEntry(1.0, "accepted", 202, "e", "u", None, None, "m", None)], ["{}"])
    with before.reading() as database:
        for name in ("record_added", "record_changed", "record_deleted"):
            database.execute(f"DROP TRIGGER {name}")
        database.execute("DROP TABLE records")
        database.execute("DROP TABLE records_size")
        database.execute("DROP TABLE changes")
        database.execute("DROP INDEX requests_without_entries")
        for column in ("received_at", "status_code", "reason", "duration", "has_entries"):
            database.execute(f"ALTER TABLE requests DROP COLUMN {column}")
        database.execute("PRAGMA user_version = 2")
    before.close()
    after = EntryStore(path, 10)
    with after.transaction():
        after.records.put("user", "", "u", {"a": 1}, 1.0)
    assert (after.kept, after.records.size) == (1, 7)
    after.close()
