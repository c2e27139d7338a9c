"""Where entries are kept: bounds, restarts, SIGKILL, and how little it takes to find a page."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from suprsend_async import Event
from suprsend_async.sandbox import Sandbox
from suprsend_async.sandbox.state.entry import RawRequest
from suprsend_async.sandbox.state.finder import Finder
from suprsend_async.sandbox.state.search import Filters
from suprsend_async.sandbox.state.store import EntryStore, StoredEntry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REQUEST = RawRequest(method="POST", target="/v2/bulk/event/", headers=[], body="", body_size=0)
CREDENTIALS = {"workspace_key": "w" * 20, "workspace_secret": "s", "workspace_uid": "uid", "api_key": "a"}


@pytest.fixture(params=["memory", "file"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path / "sandbox.db" if request.param == "file" else None


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sandbox.db"


def add(store: EntryStore, first: int, count: int, size: int = 10) -> None:
    numbers = range(first, first + count)
    rows = [StoredEntry(float(n), "accepted", 202, f"name_{n % 20}", f"u-{n}", None, None, "m", None) for n in numbers]
    with store.transaction():
        contents = [json.dumps({"n": n, "x": "x" * size}) for n in numbers]
        store.add_entries(store.add_request(REQUEST, None), count, rows, contents)


def ids(store: EntryStore) -> list[int]:
    return [entry.id for entry in Finder(store).page(Filters(), None, 500).events]


def test_the_oldest_entries_make_room(path: Path | None) -> None:
    store = EntryStore(path, 5)
    for first in (0, 3, 6):
        add(store, first, 3)
    assert ids(store) == [9, 8, 7, 6, 5]
    assert (store.kept, store.dropped, store.latest_id) == (5, 4, 9)
    assert [event["n"] for event in store.events()] == [4, 5, 6, 7, 8]
    assert store.entry(4) is None
    store.close()


def test_a_request_larger_than_the_store_leaves_its_end(path: Path | None) -> None:
    store = EntryStore(path, 2)
    add(store, 0, 5)
    assert (ids(store), store.dropped) == ([5, 4], 3)
    store.close()


def test_requests_go_with_their_last_entry(path: Path | None) -> None:
    store = EntryStore(path, 3)
    for first in (0, 2, 4):
        add(store, first, 2)
    entries = Finder(store).page(Filters(), None, 500).events
    assert [entry.request_id for entry in entries] == [3, 3, 2]
    assert store.requests.get(2) == (REQUEST, None)
    with store.transaction():
        assert store._database.execute("SELECT count(*) FROM requests").fetchone() == (2,)
    store.close()


def test_bytes_are_bounded_as_well(path: Path | None) -> None:
    store = EntryStore(path, 1_000_000, max_bytes=2_000_000)
    for first in range(0, 1_000, 10):
        add(store, first, 10, size=10_000)
    assert store._size() < 2_300_000
    assert 100 < store.kept < 220
    assert store.dropped + store.kept == 1_000
    assert ids(store)[0] == 1_000
    store.close()


def test_paging_goes_on_while_the_oldest_make_room(path: Path | None) -> None:
    store = EntryStore(path, 6)
    add(store, 0, 6)
    first = Finder(store).page(Filters(), None, 2)
    add(store, 6, 3)
    second = Finder(store).page(Filters(), int(first.next_cursor or 0), 2)
    assert [entry.id for entry in (*first.events, *second.events)] == [6, 5, 4]
    assert (second.next_cursor, second.total) == (None, 6)
    store.close()


def test_of_keys_the_newest_are_remembered(path: Path | None) -> None:
    store = EntryStore(path, 10)
    with store.transaction():
        for number in range(100):
            store.add_key(f"k-{number}", float(number), f"m-{number}")
        store.forget_keys(9.0, 50)
        known = [number for number in range(100) if store.find_key(f"k-{number}")]
    assert known == list(range(50, 100))
    store.close()


def test_ids_go_on_after_clearing(path: Path | None) -> None:
    store = EntryStore(path, 10)
    add(store, 0, 3)
    store.clear()
    assert (ids(store), store.kept, store.latest_id) == ([], 0, 3)
    add(store, 0, 1)
    assert ids(store) == [4]
    store.close()


@pytest.mark.parametrize("bound", [0, -1])
def test_a_bound_of_nothing_is_an_error(bound: int) -> None:
    with pytest.raises(ValueError, match="max_events must be a whole number, 1 or more"):
        Sandbox(max_events=bound)


def test_the_bound_is_the_sandboxs() -> None:
    with Sandbox(max_events=3) as sandbox, sandbox.blocking_client() as client:
        for n in range(5):
            assert client.track_event(Event(f"u-{n}", "signed_up")).success
        assert [event["distinct_id"] for event in sandbox.events] == ["u-2", "u-3", "u-4"]
        stats = sandbox.stats
        assert (stats.accepted, stats.kept, stats.dropped, stats.max_events) == (5, 3, 2, 3)


def test_a_key_is_known_longer_than_its_event_is_kept() -> None:
    with Sandbox(max_events=1) as sandbox, sandbox.blocking_client() as client:
        first = client.track_event(Event("u", "signed_up", idempotency_key="once"))
        client.track_event(Event("u", "other_thing"))
        again = client.track_event(Event("u", "signed_up", idempotency_key="once"))
        assert (again.message_id, again.attempts) == (first.message_id, 1)
        assert sandbox.repeats == 1


def test_a_file_keeps_events_and_keys_across_restarts(file: Path) -> None:
    with Sandbox(store=file, **CREDENTIALS) as sandbox, sandbox.blocking_client() as client:
        first = client.track_event(Event("u", "signed_up", {"a": 1}, idempotency_key="once"))
        assert sandbox.stats.store == str(file)
    with Sandbox(store=file, **CREDENTIALS) as sandbox, sandbox.blocking_client() as client:
        assert [event["properties"]["a"] for event in sandbox.events] == [1]
        again = client.track_event(Event("u", "signed_up", {"a": 1}, idempotency_key="once"))
        assert again.message_id == first.message_id
        assert (len(sandbox.events), sandbox.repeats, sandbox.accepted, sandbox.stats.kept) == (1, 1, 0, 2)


def test_a_file_keeps_the_credentials_that_were_made_for_it(file: Path) -> None:
    with Sandbox(store=file) as sandbox:
        first = sandbox.environment()
        sandbox.clear()
    with Sandbox(store=file) as sandbox:
        again = sandbox.environment()
        names = ("workspace_key", "workspace_secret", "workspace_uid", "api_key")
        kept = [getattr(sandbox, name) for name in names]
    with Sandbox(store=file, workspace_secret="mine") as sandbox:
        assert [getattr(sandbox, name) for name in names] == [kept[0], "mine", *kept[2:]]
    first.pop("SUPRSEND_BASE_URL"), again.pop("SUPRSEND_BASE_URL")
    assert first == again
    with Sandbox() as sandbox:
        assert sandbox.workspace_secret != kept[1]


def test_no_secret_of_the_users_own_reaches_the_file(file: Path) -> None:
    with Sandbox(store=file, workspace_secret="planted-secret") as sandbox, sandbox.blocking_client() as client:
        client.track_event(Event("u", "signed_up", {"a": "planted"}))
        secret = sandbox.workspace_secret.encode()
    written = b"".join(path.read_bytes() for path in file.parent.iterdir())
    assert b"planted" in written
    assert secret not in written


def test_a_stopped_sandbox_leaves_one_file_that_another_can_take(file: Path) -> None:
    sandbox = Sandbox(store=file)
    sandbox.start()
    sandbox.stop()
    assert [path.name for path in file.parent.iterdir()] == ["sandbox.db"]
    with Sandbox(store=file), pytest.raises(RuntimeError, match="store is closed"):
        _ = sandbox.events
    sandbox.start()
    assert sandbox.events == []
    sandbox.stop()


def test_a_file_in_use_is_an_error(file: Path) -> None:
    with Sandbox(store=file), pytest.raises(OSError, match="another sandbox is using it"):
        Sandbox(store=file)


def test_a_file_of_something_else_is_an_error_and_stays_as_it_is(file: Path) -> None:
    file.write_bytes(b"precious" * 1_000)
    with pytest.raises(ValueError, match="is not the file of a sandbox"):
        Sandbox(store=file)
    assert file.read_bytes() == b"precious" * 1_000


def test_another_programs_database_is_an_error_and_stays_as_it_is(file: Path) -> None:
    other = sqlite3.connect(file)
    other.executescript("CREATE TABLE keys (mine TEXT); INSERT INTO keys VALUES ('precious');")
    other.close()
    with pytest.raises(ValueError, match="is not the file of a sandbox"):
        Sandbox(store=file)
    other = sqlite3.connect(file)
    assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("keys",)]
    other.close()


def test_a_file_of_a_later_version_is_an_error(file: Path) -> None:
    EntryStore(file, 1).close()
    database = sqlite3.connect(file)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(ValueError, match="of a sandbox of this version"):
        Sandbox(store=file)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Sandbox(store=tmp_path / "missing" / "sandbox.db")


@pytest.fixture
def served(file: Path) -> Iterator[subprocess.Popen[str]]:
    code = (
        "import sys, time\n"
        "from suprsend_async.sandbox import Sandbox\n"
        f"with Sandbox(store={str(file)!r}, **{CREDENTIALS!r}) as sandbox:\n"
        "    print(sandbox.url, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.communicate()


def test_what_was_answered_survives_a_kill(file: Path, served: subprocess.Popen[str]) -> None:
    assert served.stdout is not None
    url = served.stdout.readline().strip()
    headers = {"Authorization": f"Bearer {CREDENTIALS['api_key']}"}
    answered: dict[str, str] = {}
    # At some moment of the requests that follow, not between two of them.
    killer = threading.Timer(0.05, served.kill)
    with httpx.Client(base_url=url, headers=headers, trust_env=False) as client:
        for chunk in count():
            keys = [f"k-{chunk}-{n}" for n in range(100)]
            try:
                records = client.post("v2/bulk/event/", json=[wire_event(key) for key in keys]).json()["records"]
            except httpx.TransportError:
                break
            answered |= {key: record["message_id"] for key, record in zip(keys, records, strict=True)}
            if chunk == 20:
                killer.start()
    killer.join()
    served.wait()
    assert len(answered) >= 2_000
    with Sandbox(store=file, **CREDENTIALS) as sandbox, httpx.Client(base_url=sandbox.url, headers=headers) as client:
        kept = {event["$idempotency_key"] for event in sandbox.events}
        assert set(answered) <= kept
        for key in list(answered)[::100]:
            assert client.post("v2/event/", json=wire_event(key)).json()["message_id"] == answered[key]
        assert sandbox.accepted == 0


def wire_event(key: str) -> dict[str, Any]:
    return {
        "$insert_id": "00000000-0000-4000-8000-000000000000",
        "$time": 1_704_164_645_000,
        "event": "signed_up",
        "env": CREDENTIALS["workspace_uid"],
        "distinct_id": "u",
        "$idempotency_key": key,
        "properties": {},
    }


@pytest.mark.parametrize(
    "filters",
    [
        Filters(),
        Filters(name="name_3"),
        Filters(distinct_id="u-77"),
        Filters(verdict="accepted", name="nothing"),
        Filters(verdict="refused"),
    ],
)
def test_all_pages_after_the_first_are_found_without_a_search(full: EntryStore, filters: Filters) -> None:
    finder = Finder(full)
    with counted_steps(full) as first:
        finder.page(filters, None, 50)
    with counted_steps(full) as next_one:
        finder.page(filters, 50_000, 50)
    # A search looks at each of the 100,000 entries; what is remembered is looked up.
    assert sum(first) >= 100_000
    assert sum(next_one) < 10_000


def test_the_search_of_one_tab_does_not_undo_anothers(full: EntryStore) -> None:
    finder = Finder(full)
    tabs = [Filters(name=f"name_{n}") for n in range(16)]
    for tab in tabs:
        finder.page(tab, None, 50)
    with counted_steps(full) as again:
        for tab in tabs:
            finder.page(tab, None, 1)
    assert sum(again) < 10_000


def test_forgetting_keys_costs_the_same_however_many_are_kept(full: EntryStore) -> None:
    with full.transaction():
        for number in range(50_000):
            full.add_key(f"k-{number}", 5.0, "m")
    with counted_steps(full) as steps, full.transaction():
        full.forget_keys(1.0, 49_990)
    assert full.find_key("k-9") is None
    assert sum(steps) < 10_000


def test_making_room_costs_the_same_however_much_is_kept(full: EntryStore) -> None:
    with counted_steps(full) as steps:
        add(full, 100_000, 10)
    assert full.dropped == 10
    assert sum(steps) < 10_000


@contextmanager
def counted_steps(store: EntryStore) -> Iterator[list[int]]:
    """Count the instructions of SQLite's machine, in thousands: unlike the time, they are the same on every machine."""
    steps: list[int] = []
    database = store._database
    database.set_progress_handler(lambda: steps.append(1000), 1000)
    yield steps
    database.set_progress_handler(None, 0)


@pytest.fixture(scope="module", params=["memory", "file"])
def full(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EntryStore]:
    store = EntryStore(tmp_path_factory.mktemp("full") / "sandbox.db" if request.param == "file" else None, 100_000)
    for first in range(0, 100_000, 1_000):
        add(store, first, 1_000, size=400)
    yield store
    store.close()
