"""Edits that must not be repeated, in a spool: whoever is killed, and wherever, none is sent twice and none is lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from tests.buffering.spool_files import files
from tests.buffering.test_kinds import EDITS, EVENTS, TRIGGERS, at, counted, pause, put, users
from tests.conftest import KEY, SECRET, Received, Server, StillTime

from suprsend_async import AsyncSuprsend, DurableTracker, Event, UserEdit
from suprsend_async.buffering.spool.age import Ages
from suprsend_async.buffering.spool.directory import rescue
from suprsend_async.buffering.spool.importer import OrphanImporter
from suprsend_async.buffering.spool.orphans import Notices, Orphans
from suprsend_async.buffering.spool.store import SpoolStore
from suprsend_async.bulk.kind import Room
from suprsend_async.transport.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MUST_NOT_COUNT_TWICE = "it may have arrived with an earlier try, and a repeat would count twice"
PROGRAM = """
import asyncio, sys
from suprsend_async import AsyncSuprsend, Event, UserEdit, WorkflowTriggerRequest

async def main(url, spool, key, secret):
    async with AsyncSuprsend(key, secret, base_url=url) as client, client.buffer(spool=spool) as tracker:
        await tracker.enqueue(Event("user-1", "paid", {}, "event-1"))
        await tracker.enqueue(WorkflowTriggerRequest("shipped", ["user-1"], idempotency_key="trigger-1"))
        await tracker.enqueue(UserEdit("user-1").set("plan", "pro"))
        await tracker.enqueue(UserEdit("user-2").increment("orders", 1))
        print("stored", flush=True)
        await asyncio.sleep(600)

asyncio.run(main(*sys.argv[1:]))
"""


def stored(spool: Path, *edits: UserEdit, at: float, client: AsyncSuprsend, name: str = "events-1-dead.spool") -> Path:
    """Make the file of a process that died with these edits in it."""
    spool.mkdir(mode=0o700, exist_ok=True)
    path = spool / name
    path.touch(0o600)
    with closing(SpoolStore(path)) as store:
        store.begin()
        for edit in edits:
            body = client.users.sender.kind.encode(edit)
            store.put(body, at, kind="edit", repeatable=edit.repeatable)
        store.commit()
    return path


async def undecided(tracker: DurableTracker) -> list[str]:
    letters = await tracker.dead_letters(1000)
    assert {(letter.kind, letter.outcome) for letter in letters} <= {("edit", "unknown")}
    return [letter.edit.distinct_id for letter in letters]


async def test_an_increment_under_way_at_a_sigkill_becomes_a_dead_letter_and_all_else_is_sent_again(
    client: AsyncSuprsend, server: Server, spool: Path
) -> None:
    server.script.extend([server.hold] * 4)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, server.url, str(spool), KEY, SECRET],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "stored\n"
        # All of it is under way; the edits perhaps in two requests, one after another.
        server.wait_for_requests(3)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    came = [user for records in users(server, EDITS) for user in records]
    server.release.set()
    server.script.clear()
    # The file notes when it was stored, by the machine's clocks.
    client.sender.transport.session.clock = Clock()
    async with client.buffer(spool=spool) as tracker:
        await tracker.flush()
        letters = await undecided(tracker)
        stats = tracker.stats()
    assert Counter(event["$idempotency_key"] for records in at(server, EVENTS) for event in records) == {"event-1": 2}
    assert Counter(run["$idempotency_key"] for records in at(server, TRIGGERS) for run in records) == {"trigger-1": 2}
    sent = Counter(user for records in users(server, EDITS) for user in records)
    assert sent["user-1"] == came.count("user-1") + 1
    # Sent by the first process or by the second, and never by both.
    assert sent["user-2"] == 1
    assert letters == ["user-2"] * came.count("user-2")
    assert stats.accepted == 4 - len(letters)


async def test_what_the_note_says_holds_for_the_next_process(
    client: AsyncSuprsend, server: Server, spool: Path, still_time: StillTime
) -> None:
    path = stored(spool, counted(1), UserEdit("user-2").set("n", 2), counted(3), at=still_time.now, client=client)
    with closing(SpoolStore(path)) as store:
        store.begin()
        store.begin_try([1], still_time.now)
        store.commit()
    failures: list[str] = []
    async with client.buffer(spool=spool, on_failure=lambda failure: failures.append(failure.error)) as tracker:
        await tracker.flush()
        assert await undecided(tracker) == ["user-1"]
        assert (tracker.stats().accepted, tracker.stats().unknown) == (2, 1)
    assert failures == [MUST_NOT_COUNT_TWICE]
    assert users(server, EDITS) == [["user-2", "user-3"]]


async def test_it_is_on_the_disk_before_it_is_sent_that_it_may_have_arrived(
    client: AsyncSuprsend, server: Server, spool: Path, tmp_path: Path
) -> None:
    found: list[float | None] = []

    def look(request: Received) -> bytes:
        [own] = files(spool)
        copy = tmp_path / "copy"
        for suffix in ("", "-wal"):
            copy.with_name(copy.name + suffix).write_bytes(own.with_name(own.name + suffix).read_bytes())
        with closing(SpoolStore(copy)) as store:
            found.extend(row.begun_at for row in store.read_these([1, 2], "edit"))
        return server.accept(request)

    server.script.append(look)
    async with client.buffer(spool=spool, linger=3600) as tracker:
        # The second waits for nothing: what may be repeated needs no note.
        await put(tracker, counted(1))
        await tracker.flush()
    assert len(found) == 1
    assert found[0] is not None


async def test_an_increment_that_is_under_way_when_the_block_is_left_is_unknown_at_once(
    client: AsyncSuprsend, server: Server, spool: Path
) -> None:
    server.script.append(server.hold)
    failures: list[Any] = []
    async with client.buffer(spool=spool, drain_timeout=0.05, on_failure=failures.append) as tracker:
        await put(tracker, counted())
        while not server.requests:
            await pause()
    server.release.set()
    assert [failure.outcome for failure in failures] == ["unknown"]
    async with client.buffer(spool=spool) as tracker:
        await tracker.flush()
        assert await undecided(tracker) == ["user-1"]
    assert len(server.requests) == 1


async def test_an_increment_that_surely_was_not_sent_when_the_block_was_left_is_sent_by_the_next(
    make_client: Callable[..., AsyncSuprsend], client: AsyncSuprsend, server: Server, spool: Path
) -> None:
    unreachable = make_client("http://127.0.0.1:9/")

    async def sleep(seconds: float) -> None:
        # The block is left before a next attempt: one that is under way then might have been sent.
        await (anyio.sleep(seconds) if tracker.stats().last_error is None else anyio.sleep_forever())

    # In time that passes by sleeping only, it would soon be too old.
    client.sender.transport.session.clock = Clock()
    unreachable.sender.transport.session.clock = Clock(sleep=sleep)
    async with unreachable.buffer(spool=spool, drain_timeout=0.05) as tracker:
        await put(tracker, counted())
        while tracker.stats().last_error is None:
            await pause()
    [file] = files(spool)
    with closing(SpoolStore(file)) as store:
        assert [row.begun_at for row in _all(store, "edit")] == [None]
    async with client.buffer(spool=spool) as tracker:
        await tracker.flush()
        assert tracker.stats().accepted == 1
        assert await undecided(tracker) == []


async def test_refused_credentials_cost_no_increment(client: AsyncSuprsend, server: Server, spool: Path) -> None:
    refusal = {"status": "error", "status_code": 401, "error": {"message": "wrong key", "type": "auth"}}
    server.script.extend([server.answer(401, refusal)] * 2)
    async with client.buffer(spool=spool) as tracker:
        await put(tracker, counted())
        await tracker.flush()
        assert (tracker.stats().accepted, tracker.stats().dead_letters) == (1, 0)
    assert len(server.requests) == 3


async def test_while_the_platform_answers_unclearly_one_increment_at_a_time_finds_out_whether_it_is_back(
    make_client: Callable[..., AsyncSuprsend], server: Server, spool: Path, still_time: StillTime
) -> None:
    client = make_client(server.url, max_retries=0)
    server.script.extend([server.answer(500)] * 3)
    stored(spool, *(counted(number) for number in range(1000)), at=still_time.now, client=client)
    async with client.buffer(spool=spool) as tracker:
        await tracker.flush()
        assert len(await undecided(tracker)) == 402
        assert tracker.stats().accepted == 598
    assert [len(records) for records in at(server, EDITS)] == [400, 1, 1, 1, 400, 197]


@pytest.mark.parametrize("status", [404, 408, 499, 520])
async def test_after_a_gateways_page_what_counts_is_undecided_and_all_else_goes_again(
    make_client: Callable[..., AsyncSuprsend], server: Server, spool: Path, still_time: StillTime, status: int
) -> None:
    client = make_client(server.url, max_retries=0)
    server.script.append(server.answer(status, b"<html>", content_type="text/html"))
    stored(spool, counted(1), UserEdit("user-2").set("n", 2), at=still_time.now, client=client)
    async with client.buffer(spool=spool) as tracker:
        await tracker.flush()
        assert await undecided(tracker) == ["user-1"]
        assert tracker.stats().accepted == 1
    assert users(server, EDITS) == [["user-1", "user-2"], ["user-2"]]


async def test_edits_that_go_again_are_not_overtaken(
    make_client: Callable[..., AsyncSuprsend], server: Server, spool: Path, still_time: StillTime
) -> None:
    client = make_client(server.url, max_retries=0)
    edits = [UserEdit("user-1").set("n", number) for number in range(1000)]
    server.script.extend([server.answer(500), server.answer(503)])
    stored(spool, *edits, at=still_time.now, client=client)
    async with client.buffer(spool=spool) as tracker:
        await tracker.flush()
        assert tracker.stats().accepted == 1000
    sent = [edit["$user_operations"][0]["$set"]["n"] for records in at(server, EDITS)[2:] for edit in records]
    assert sent == list(range(1000))


@pytest.mark.parametrize("has_deleted", [False, True])
async def test_an_import_that_is_killed_in_the_middle_leaves_one_of_two_that_can_be_sent(
    client: AsyncSuprsend, server: Server, spool: Path, tmp_path: Path, still_time: StillTime, *, has_deleted: bool
) -> None:
    stored(spool, counted(1), UserEdit("user-2").set("n", 2), at=still_time.now, client=client)
    own_path = spool / "events-2-own.spool"
    own_path.touch(0o600)
    session = client.sender.transport.session
    with closing(SpoolStore(own_path)) as own:
        ages = Ages(session, "boot")
        importer = OrphanImporter(Orphans(spool, own_path, session.workspace(), Notices()), ages)
        own.begin()
        assert importer.next_file(own)
        assert importer.copy(own)
        # The writer does it once more if another job breaks the transaction.
        own.rollback()
        own.begin()
        assert importer.copy(own)
        own.commit()
        if has_deleted:
            importer.delete_copied(own)
        importer.close(own)
    async with client.buffer(spool=spool) as tracker:
        await tracker.flush()
        letters = await undecided(tracker)
    sent = Counter(user for records in users(server, EDITS) for user in records)
    # What may be repeated was in both files, and went twice with one identity.
    assert sent == {"user-1": 1, "user-2": 1 if has_deleted else 2}
    assert letters == ([] if has_deleted else ["user-1"])


async def test_a_file_that_is_moved_while_it_is_open_is_written_anew_and_its_increments_go_from_one_of_the_two(
    client: AsyncSuprsend, server: Server, spool: Path, still_time: StillTime
) -> None:
    path = stored(spool, counted(1), at=still_time.now, client=client)
    with closing(SpoolStore(path)) as store:
        path.rename(spool / "moved.spool")
        rescue(store)
    async with client.buffer(spool=spool) as tracker:
        await tracker.flush()
        assert await undecided(tracker) == ["user-1"]
        assert tracker.stats().accepted == 1
    assert users(server, EDITS) == [["user-1"]]


def test_a_file_is_one_that_earlier_releases_read_until_it_holds_another_kind(
    client: AsyncSuprsend, spool: Path
) -> None:
    spool.mkdir()
    path = spool / "events-1.spool"
    path.touch()

    def version(store: SpoolStore) -> object:
        return store._connection.execute("PRAGMA user_version").fetchone()[0]

    with closing(SpoolStore(path)) as store:
        store.begin()
        store.put(client.sender.kind.encode(Event("user-1", "paid")), 0.0)
        store.commit()
        assert version(store) == 1
        tables = {name for (name,) in store._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert tables == {"pending", "dead", "origin", "sqlite_sequence"}
        store.begin()
        store.put(b"{}", 0.0, kind="trigger")
        store.rollback()
        assert (version(store), store.sizes.pending) == (1, 1)
        store.begin()
        store.put(json.dumps({"workflow": "w"}).encode(), 0.0, kind="trigger")
        store.put(b"{}", 0.0, kind="edit", repeatable=False, begun_at=7.0)
        store.commit()
        assert version(store) == 2
    with closing(SpoolStore(path)) as store:
        sizes = store.sizes
        assert (sizes.pending, sizes.pending_of("event"), sizes.others) == (3, 1, {"trigger": 1, "edit": 1})
        assert [
            (row.repeatable, row.begun_at) for kind in ("event", "trigger", "edit") for row in _all(store, kind)
        ] == [
            (True, None),
            (True, None),
            (False, 7.0),
        ]
    shutil.rmtree(spool)


def _all(store: SpoolStore, kind: Any) -> list[Any]:
    return store.read(0, Room(100, 1_000_000), kind)
