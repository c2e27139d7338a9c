"""A spool's life: processes that die, fork or share its directory, and what the next one finds."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from tests.buffering.exchanges import HOUR, events, sent
from tests.buffering.spool_files import encoded, files, left_behind
from tests.conftest import Server, StillTime
from tests.log_lines import text_of
from tests.waiting import until_async

from suprsend_async import AsyncSuprsend, ConfigurationError, Event, SpoolError
from suprsend_async.buffering.spool import session
from suprsend_async.buffering.spool.age import Ages
from suprsend_async.buffering.spool.contents import SpoolOrigin
from suprsend_async.buffering.spool.importer import OrphanImporter
from suprsend_async.buffering.spool.orphans import Notices, Orphans
from suprsend_async.buffering.spool.store import SpoolStore
from suprsend_async.configuration import resolve_origin
from suprsend_async.transport.authentication import WorkspaceSecret
from suprsend_async.transport.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable


async def test_what_a_dead_process_left_is_sent_with_its_bytes(
    client: AsyncSuprsend, server: Server, spool: Path, still_time: StillTime
) -> None:
    bodies = encoded(client, events(1_201))
    left_behind(spool, bodies[:1_200], still_time.now - HOUR)
    left_behind(spool, bodies[1_200:], still_time.now - HOUR, "events-2-dead.spool")
    async with client.buffer(spool=spool) as tracker:
        await tracker.flush()
        assert tracker.stats().accepted == 1_201
    assert sorted(sent(server)) == list(range(1_201))
    wire = b"".join(request.body for request in server.requests)
    assert all(body in wire for body in bodies)
    assert list(spool.iterdir()) == []


async def test_what_was_not_delivered_at_the_end_is_kept_for_the_next(
    make_client: Callable[..., AsyncSuprsend], server: Server, spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = events(150)
    async with make_client("http://127.0.0.1:9/", max_retries=0).buffer(spool=spool, drain_timeout=0) as tracker:
        await asyncio.gather(*[tracker.enqueue(event) for event in given])
    assert tracker.stats().pending == 150
    caplog.set_level(logging.INFO, "suprsend_async")
    async with make_client(server.url).buffer(spool=spool) as tracker:
        await tracker.flush()
    assert sorted(sent(server)) == list(range(150))
    stored = [record for record in caplog.records if "suprsend_stored" in vars(record)]
    assert [(record.levelname, text_of(record).partition(", from")[0]) for record in stored] == [
        ("WARNING", f"150 records stay in the spool {spool}; the next process sends what is there"),
        ("INFO", "imported 150 records of a process that ended"),
    ]
    assert [vars(record)["suprsend_stored"] for record in stored] == [150, 150]


async def test_a_process_killed_while_it_removes_its_file_leaves_one_that_can_be_opened(
    client: AsyncSuprsend, server: Server, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(path: Path, *, missing_ok: bool = False) -> None:
        raise OSError("killed here")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", die)
        async with client.buffer(spool=spool) as tracker:
            await tracker.enqueue(events(1)[0])
    assert list(spool.iterdir()) == files(spool)
    assert len(files(spool)) == 1
    async with client.buffer(spool=spool) as tracker:
        await tracker.flush()
    assert list(spool.iterdir()) == []
    assert sent(server) == [0]


async def test_a_living_process_keeps_its_file(client: AsyncSuprsend, server: Server, spool: Path) -> None:
    server.script.append(server.hold)
    async with client.buffer(spool=spool) as first:
        await first.enqueue(events(1)[0])
        async with client.buffer(spool=spool) as second:
            assert len(files(spool)) == 2
            await second.enqueue(events(2)[1])
            await second.flush()
            assert first.stats().pending == 1
        server.release.set()
    assert sorted(sent(server)) == [0, 1]


async def test_two_processes_on_one_directory_do_not_share_a_file(
    server: Server, client: AsyncSuprsend, spool: Path, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    async with client.buffer(spool=spool) as tracker:
        await tracker.enqueue(events(1)[0])
        await tracker.flush()
        [own] = files(spool)
        source = f"""
import asyncio, pathlib
from suprsend_async import AsyncSuprsend, Event
async def main():
    async with AsyncSuprsend(KEY, SECRET, base_url=URL) as client, client.buffer(spool={str(spool)!r}) as tracker:
        await tracker.enqueue(Event("user-1", "signed_up", {{"n": 1}}))
        await tracker.flush()
        print(*(file.name for file in pathlib.Path({str(spool)!r}).glob("*.spool")))
asyncio.run(main())
"""
        process = await asyncio.to_thread(run_python, source)
        assert (process.returncode, process.stderr) == (0, "")
        assert own.name in process.stdout
        assert len(process.stdout.split()) == 2
        assert files(spool) == [own]
    assert sent(server) == [0, 1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_after_a_fork_the_child_has_a_file_of_its_own(
    spool: Path, run_python: Callable[..., subprocess.CompletedProcess[str]], server: Server
) -> None:
    source = f"""
import asyncio, os, pathlib
from suprsend_async import AsyncSuprsend, ConfigurationError, Event
spool = pathlib.Path({str(spool)!r})
client = AsyncSuprsend(KEY, SECRET, base_url=URL)
tracker = client.buffer(spool=spool)

async def child():
    try:
        await tracker.enqueue(Event("user-1", "signed_up", {{"n": 9}}))
    except ConfigurationError:
        pass
    else:
        raise SystemExit("the parent's file was written to")
    async with client, tracker:
        await tracker.enqueue(Event("user-1", "signed_up", {{"n": 1}}))
        await tracker.flush()
        assert len(list(spool.glob("*.spool"))) == 2
        assert any(file.name.startswith(f"events-{{os.getpid()}}-") for file in spool.glob("*.spool"))

async def main():
    async with client, tracker:
        await tracker.enqueue(Event("user-1", "signed_up", {{"n": 0}}))
        await tracker.flush()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                asyncio.run(child())
                status = 0
            finally:
                os._exit(status)
        _, status = await asyncio.to_thread(os.waitpid, pid, 0)
        assert status == 0, status
        await tracker.enqueue(Event("user-1", "signed_up", {{"n": 2}}))
    print(*spool.iterdir())
asyncio.run(main())
"""
    process = run_python(source)
    assert (process.returncode, process.stdout, process.stderr) == (0, "\n", "")
    assert sent(server) == [0, 1, 2]


async def test_a_file_that_nobody_could_lock_at_the_start_is_looked_for_again_soon(
    client: AsyncSuprsend, server: Server, spool: Path, still_time: StillTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    looked_again, go_on = asyncio.Event(), asyncio.Event()

    class Anyio:
        def __getattr__(self, name: str) -> object:
            return getattr(anyio, name)

        async def sleep(self, seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) > 1:
                looked_again.set()
                await asyncio.Event().wait()
            await go_on.wait()

    monkeypatch.setattr(session, "anyio", Anyio())
    path = left_behind(spool, encoded(client, events(3)), still_time.now)
    # Of two processes that open a file at the same moment, SQLite now and then lets neither have it.
    holder = SpoolStore(path)
    async with client.buffer(spool=spool) as tracker:
        await tracker.flush()
        assert server.requests == []
        holder.close()
        go_on.set()
        await looked_again.wait()
        await tracker.flush()
    assert sorted(sent(server)) == [0, 1, 2]
    assert 0.2 <= pauses[0] <= 2.0
    assert pauses[1] == session.IMPORT_SECONDS


async def test_a_spool_whose_task_was_cancelled_says_so(client: AsyncSuprsend, server: Server, spool: Path) -> None:
    async with client.buffer(spool=spool) as tracker:
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        stored = 0
        # What is taken in before it has ended is stored as ever.
        with pytest.raises((ConfigurationError, SpoolError)):  # noqa: PT012 - at some turn
            while True:
                await tracker.enqueue(events(1)[0])
                stored += 1
        with pytest.raises(ConfigurationError, match=r"enqueue\(\) comes too late"):
            await tracker.enqueue(events(1)[0])
    async with client.buffer(spool=spool) as tracker:
        await tracker.flush()
    assert tracker.stats().accepted == stored


async def test_flushing_ends_with_the_block(make_client: Callable[..., AsyncSuprsend], spool: Path) -> None:
    async with make_client("http://127.0.0.1:9/").buffer(spool=spool, drain_timeout=0.1) as tracker:
        await tracker.enqueue(events(1)[0])
        flushing = asyncio.create_task(tracker.flush())
        await asyncio.sleep(0)
    with pytest.raises(SpoolError, match="the next opening sends"):
        await flushing


async def test_an_entry_that_is_cancelled_leaves_no_thread_and_no_lock(
    client: AsyncSuprsend, server: Server, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_open, threads = threading.Event(), set(threading.enumerate())
    create = session.create

    def late(directory: Path, origin: SpoolOrigin) -> SpoolStore:
        may_open.wait(10)
        return create(directory, origin)

    monkeypatch.setattr(session, "create", late)
    tracker = client.buffer(spool=spool)
    entering = asyncio.create_task(tracker.__aenter__())
    await until_async(lambda: any(thread.name == "suprsend-async-spool" for thread in threading.enumerate()))
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering
    with pytest.raises(ConfigurationError, match="a buffer that was entered"):
        tracker.stats()
    may_open.set()
    for thread in set(threading.enumerate()) - threads:
        if thread.name == "suprsend-async-spool":
            await asyncio.to_thread(thread.join, 10)
            assert not thread.is_alive()
    assert files(spool) == []


def test_a_job_of_the_importer_that_is_repeated_skips_no_file(spool: Path) -> None:
    for number in (1, 2):
        left_behind(spool, [b"{}"], 0.0, f"events-{number}-dead.spool")
    own = left_behind(spool, [], 0.0, "events-3-own.spool")
    time = StillTime()
    ages = Ages(Session(resolve_origin(None), WorkspaceSecret("key", "secret"), {}, 1, clock=time.clock), "boot")
    importer = OrphanImporter(Orphans(spool, own, "target", Notices()), ages)
    with closing(SpoolStore(own)) as store:
        assert [importer.next_file(store), importer.next_file(store)] == [True, True]
        copied = 0
        while importer.next_file(store):
            store.begin()
            while importer.copy(store):
                copied += 1
                store.commit()
                importer.delete_copied(store)
                store.begin()
            store.commit()
    assert copied == 2


async def test_two_thousand_cancelled_calls_leave_the_counters_right(
    client: AsyncSuprsend, server: Server, spool: Path
) -> None:
    async def call(number: int) -> Any:
        task = asyncio.create_task(tracker.track_event(Event("user-1", "signed_up", {"n": number})))
        for _ in range(number % 13):
            await asyncio.sleep(0)
        task.cancel()
        return (await asyncio.gather(task, return_exceptions=True))[0]

    async with client.buffer(spool=spool) as tracker:
        for start in range(0, 2_000, 200):
            await asyncio.gather(*[call(number) for number in range(start, start + 200)])
        assert (await tracker.track_event(Event("user-1", "signed_up", {"n": -1}))).success
        await tracker.flush()
        stats = tracker.stats()
    assert stats.pending == 0
    assert stats.taken == stats.accepted == len(set(sent(server)))
