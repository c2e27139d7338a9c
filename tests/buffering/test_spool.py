"""The durable tracker: a scripted server, real files, real faults of the disk."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from tests.conftest import SECRET, Received, Server

from suprsend_async import (
    AsyncSuprsend,
    BufferFull,
    ConfigurationError,
    DurableTracker,
    Event,
    FailedRecord,
    SpoolError,
    ValidationError,
)
from suprsend_async.buffering.spool import session
from suprsend_async.buffering.spool.adoption import Adoption
from suprsend_async.buffering.spool.store import Store
from suprsend_async.errors import SuprsendError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import StillTime

HOUR = 3600.0
BUSY = {"status": "error", "status_code": 503, "error": {"message": "busy", "type": "busy"}}
FINE = {"status": "success", "status_code": 202, "message_id": "m"}


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def events(count: int) -> list[Event]:
    return [Event(f"user-{number}", "signed_up", {"n": number}) for number in range(count)]


def files(spool: Path) -> list[Path]:
    return sorted(spool.glob("*.spool"))


def sent(server: Server) -> list[int]:
    return [event["properties"]["n"] for request in server.requests for event in request.json]


def left_behind(spool: Path, bodies: list[bytes], stored_at: float, name: str = "events-1-dead.spool") -> Path:
    """Make the file of a process that died."""
    spool.mkdir(mode=0o700, exist_ok=True)
    path = spool / name
    path.touch(0o600)
    with closing(Store(path)) as store:
        store.begin()
        for body in bodies:
            store.put(body, stored_at)
        store.commit()
    return path


def encoded(client: AsyncSuprsend, given: list[Event]) -> list[bytes]:
    return [client._encoder.encode(event) for event in given]


def refuse_user_1(request: Received) -> bytes:
    return Server.answer(
        207,
        {
            "status": "success",
            "records": [
                {"status": "error", "status_code": 404, "error": {"message": "no such user", "type": "not_found"}}
                if event["distinct_id"] == "user-1"
                else {"status": "success", "status_code": 202, "message_id": "m"}
                for event in request.json
            ],
        },
    )


async def test_what_is_enqueued_is_sent_with_the_bytes_it_was_stored_with(
    client: AsyncSuprsend, server: Server, spool: Path
) -> None:
    given = events(3)
    async with client.buffer(spool=spool) as tracker:
        for event in given:
            await tracker.enqueue(event)
        await tracker.flush()
        stats = tracker.stats()
    wire = b"".join(request.body for request in server.requests)
    assert all(wire.count(body) == 1 for body in encoded(client, given))
    assert (stats.taken, stats.accepted, stats.pending) == (3, 3, 0)
    assert list(spool.iterdir()) == []


async def test_enqueue_returns_only_when_the_event_is_in_the_file(
    client: AsyncSuprsend, server: Server, spool: Path, tmp_path: Path
) -> None:
    server.script.extend([server.hold] * 10)
    async with client.buffer(spool=str(spool), drain_timeout=0.1) as tracker:
        for number, event in enumerate(events(5)):
            await tracker.enqueue(event)
            # What another process would find if this one died now.
            copy = tmp_path / f"copy-{number}"
            [own] = files(spool)
            for suffix in ("", "-wal"):
                copy.with_name(copy.name + suffix).write_bytes(own.with_name(own.name + suffix).read_bytes())
            with closing(Store(copy)) as found:
                assert found.sizes.pending == number + 1
        server.release.set()


async def test_nobody_else_can_read_it_and_no_credential_is_in_it(
    client: AsyncSuprsend, server: Server, spool: Path
) -> None:
    server.script.append(server.hold)
    async with client.buffer(spool=spool) as tracker:
        await tracker.enqueue(Event("user-1", "signed_up"))
        assert stat.S_IMODE(spool.stat().st_mode) == 0o700
        for file in spool.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        content = b"".join(file.read_bytes() for file in spool.iterdir())
        server.release.set()
    assert b"signed_up" in content
    assert SECRET.encode() not in content
    for signature in {request.headers["authorization"].split(":")[-1] for request in server.requests}:
        assert signature.encode() not in content


async def test_a_directory_that_others_can_read_is_warned_of(
    client: AsyncSuprsend, spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool.mkdir()
    spool.chmod(0o755)
    async with client.buffer(spool=spool):
        pass
    [record] = [record for record in caplog.records if "suprsend_trouble" in vars(record)]
    assert record.getMessage() == f"the spool {spool} may be read by others (mode 755); make it 700"
    assert (record.levelname, vars(record)["suprsend_spool"]) == ("WARNING", str(spool))


async def test_track_event_gives_the_platforms_answer(client: AsyncSuprsend, server: Server, spool: Path) -> None:
    server.script.append(refuse_user_1)
    async with client.buffer(spool=spool) as tracker:
        first, second = await asyncio.gather(*[tracker.track_event(event) for event in events(2)])
        assert await tracker.track_event(Event("user-2", "signed_up"), wait=False) is None
    assert (first.outcome, first.message_id, first.attempts) == ("accepted", "m", 1)
    assert (second.outcome, second.status_code, second.message) == ("rejected", 404, "no such user")


async def test_track_event_tells_in_time_that_no_answer_came_and_the_event_is_sent_later(
    make_client: Callable[..., AsyncSuprsend], server: Server, spool: Path
) -> None:
    server.script.append(server.hold)
    async with make_client(server.url, timeout=0.2).buffer(spool=spool) as tracker:
        response = await tracker.track_event(Event("user-1", "signed_up"))
        assert (response.outcome, response.error_type) == ("unknown", "deadline_exceeded")
        assert "will be sent" in response.message
        server.release.set()
        await tracker.flush()
        assert tracker.stats().accepted == 1


async def test_bad_input_raises_before_anything_is_stored(client: AsyncSuprsend, spool: Path) -> None:
    async with client.buffer(spool=spool, max_pending_bytes=1_000) as tracker:
        with pytest.raises(ValidationError, match="NaN"):
            await tracker.enqueue(Event("user-1", "signed_up", {"n": float("nan")}))
        with pytest.raises(ValidationError, match="max_pending_bytes"):
            await tracker.enqueue(Event("user-1", "signed_up", {"text": "x" * 2_000}))
        with pytest.raises(TypeError):
            await tracker.enqueue("signed_up")  # type: ignore[arg-type]
        assert tracker.stats().taken == 0
    with pytest.raises(ConfigurationError, match="path of a directory"):
        client.buffer(spool=7)  # type: ignore[call-overload]


@pytest.mark.parametrize("bounds", [{"max_pending": 5}, {"max_pending_bytes": 1_500}])
async def test_a_full_spool_raises_and_stores_nothing(
    client: AsyncSuprsend, server: Server, spool: Path, bounds: dict[str, int]
) -> None:
    server.script.extend([server.hold] * 10)
    async with client.buffer(spool=spool, **bounds) as tracker:  # type: ignore[call-overload]
        results = await asyncio.gather(*[tracker.enqueue(event) for event in events(20)], return_exceptions=True)
        refused = [result for result in results if result is not None]
        assert refused
        assert all(isinstance(result, BufferFull) and result.outcome == "not_sent" for result in refused)
        stored = tracker.stats().taken
        assert stored == results.count(None)
        server.release.set()
        await tracker.flush()
        await tracker.enqueue(Event("user-1", "signed_up", {"n": 99}))
    assert len(sent(server)) == stored + 1


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
    assert [(record.levelname, record.getMessage().partition(", from")[0]) for record in stored] == [
        ("WARNING", f"150 events stay in the spool {spool}; the next process sends them"),
        ("INFO", "adopted 150 events of a process that ended"),
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


@pytest.mark.parametrize("content", [b"no database at all" * 100, None])
async def test_a_broken_file_is_set_aside_and_named(
    client: AsyncSuprsend,
    server: Server,
    spool: Path,
    still_time: StillTime,
    caplog: pytest.LogCaptureFixture,
    content: bytes | None,
) -> None:
    path = left_behind(spool, encoded(client, events(2_000)), still_time.now)
    before = path.read_bytes()
    # A page in the middle of the file is overwritten, or all of it.
    path.write_bytes(content or before[:8192] + b"\xff" * 65536 + before[73728:])
    damaged = path.read_bytes()
    async with client.buffer(spool=spool) as tracker:
        await tracker.flush()
        await tracker.enqueue(Event("user-1", "signed_up", {"n": -1}))
    aside = spool / f"{path.name}.corrupt"
    assert [file.name for file in spool.iterdir() if not file.name.endswith("-wal")] == [aside.name]
    assert aside.stat().st_size == len(damaged)
    assert str(path) in caplog.text
    assert aside.name in caplog.text
    assert sent(server)[-1] == -1


async def test_an_event_in_a_file_that_is_no_json_spoils_no_request(
    client: AsyncSuprsend, server: Server, spool: Path, still_time: StillTime, caplog: pytest.LogCaptureFixture
) -> None:
    path = left_behind(spool, [b"{broken"], still_time.now)
    async with client.buffer(spool=spool) as tracker:
        await tracker.flush()
    assert server.requests == []
    assert (spool / f"{path.name}.corrupt").exists()
    assert "not what was stored" in caplog.text


async def test_a_file_of_another_version_is_left_alone(
    client: AsyncSuprsend, spool: Path, still_time: StillTime, caplog: pytest.LogCaptureFixture
) -> None:
    path = left_behind(spool, encoded(client, events(1)), still_time.now)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 7")
    async with client.buffer(spool=spool) as tracker:
        await tracker.flush()
    assert files(spool) == [path]
    assert "of version 7" in caplog.text


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
    holder = Store(path)
    async with client.buffer(spool=spool) as tracker:
        await tracker.flush()
        assert server.requests == []
        holder.close()
        go_on.set()
        await looked_again.wait()
        await tracker.flush()
    assert sorted(sent(server)) == [0, 1, 2]
    assert 0.2 <= pauses[0] <= 2.0
    assert pauses[1] == session.ADOPT_SECONDS


async def stored(tracker: DurableTracker, number: int, size: int) -> SpoolError | None:
    """Enqueue an event; returns what it failed with."""
    try:
        await tracker.enqueue(Event("user-1", "signed_up", {"n": number, "text": "x" * size}))
    except SpoolError as error:
        return error
    return None


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_file_that_cannot_grow_raises_stores_nothing_and_recovers(
    client: AsyncSuprsend, server: Server, spool: Path
) -> None:
    server.script.extend([server.hold] * 3)
    async with client.buffer(spool=spool) as tracker:
        with no_file_larger_than(2 * 1024 * 1024):
            results = [await stored(tracker, number, 100_000) for number in range(60)]
            assert tracker.stats().taken == results.count(None)
        server.release.set()
        await tracker.flush()
        assert await stored(tracker, 1_000, 10) is None
    refusals = [result for result in results if result is not None]
    assert 0 < len(refusals) < 60
    assert {refusal.outcome for refusal in refusals} == {"not_sent"}
    assert "xxx" not in refusals[0].message
    assert sorted(sent(server)) == [*(number for number, result in enumerate(results) if result is None), 1_000]
    assert list(spool.iterdir()) == []


@asynccontextmanager
async def in_one_transaction(tracker: DurableTracker) -> AsyncIterator[None]:
    """Keep the writer busy, so that all that is handed in meanwhile is committed together."""
    is_busy, may_go_on = threading.Event(), threading.Event()

    def wait(_: Store) -> None:
        is_busy.set()
        assert may_go_on.wait(30)

    assert tracker._session is not None
    waiting = asyncio.create_task(tracker._session._writer.run(wait))
    await asyncio.to_thread(is_busy.wait, 30)
    yield
    await asyncio.sleep(0)  # the tasks that were made hand in their events
    may_go_on.set()
    await waiting


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("a disk can be mounted by root only; the test above does the same with a limit of the system")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="tmpfs is Linux's")
async def test_a_disk_that_fills_up_raises_stores_nothing_and_is_emptied_by_sending(
    client: AsyncSuprsend, server: Server, small_disk: Path
) -> None:
    server.script.append(server.hold)
    async with client.buffer(spool=small_disk / "spool") as tracker:
        async with in_one_transaction(tracker):
            storing = [asyncio.create_task(stored(tracker, number, 50_000)) for number in range(300)]
        results = await asyncio.gather(*storing)
        assert tracker.stats().taken == results.count(None)
        assert any("is full" in result.message for result in results if result is not None)
        server.release.set()
        await tracker.flush()
        assert await stored(tracker, 1_000, 10) is None
    assert sorted(sent(server)) == [*(number for number, result in enumerate(results) if result is None), 1_000]


@pytest.mark.skipif(sys.platform != "linux", reason="tmpfs is Linux's")
async def test_a_disk_that_others_have_filled_raises_and_what_was_sent_is_noted_when_there_is_room(
    client: AsyncSuprsend, server: Server, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suprsend_async.buffering.spool.session.RESERVED_BYTES", 0)
    server.script.append(server.hold)
    async with client.buffer(spool=small_disk / "spool") as tracker:
        others = small_disk / "others"
        with others.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(b"x" * 4096):
                pass
        results = [await stored(tracker, number, 50_000) for number in range(3)]
        assert [result is not None for result in results] == [True] * 3
        assert "xxx" not in str(results[0])
        others.unlink()
        assert await stored(tracker, 3, 10) is None
        server.release.set()
    assert sent(server) == [3]


async def test_a_spool_that_cannot_be_opened_is_a_clear_error(client: AsyncSuprsend, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolError, match="cannot be opened"):
        async with client.buffer(spool=tmp_path / "file"):
            pass


async def test_an_hour_without_the_platform_loses_nothing_and_holds_little(
    client: AsyncSuprsend, server: Server, spool: Path, still_time: StillTime
) -> None:
    begin = still_time.now
    most_in_flight = 0

    def down_for_an_hour(request: Received) -> bytes:
        nonlocal most_in_flight
        most_in_flight = max(most_in_flight, tracker.stats().requests)
        if still_time.now < begin + HOUR:
            server.script.append(down_for_an_hour)
            return server.answer(503)
        return server.accept(request)

    server.script.append(down_for_an_hour)
    async with client.buffer(spool=spool) as tracker:
        await asyncio.gather(*[tracker.enqueue(event) for event in events(3_000)])
        await tracker.flush()
        assert tracker.stats().accepted == 3_000
    assert still_time.now >= begin + HOUR
    assert set(sent(server)) == set(range(3_000))
    # 16 find out that it is down; from then on one at a time asks, about once a minute, in 5 attempts each time.
    assert most_in_flight <= 16
    assert len(server.requests) < 16 * 5 + 70 * 5 + 30


async def test_a_refusal_becomes_a_dead_letter_at_once_and_holds_nobody_up(
    client: AsyncSuprsend, server: Server, spool: Path
) -> None:
    server.script.append(refuse_user_1)
    told: list[FailedRecord] = []
    given = events(3)
    given[1].add_attachment("https://example.com/invoice.pdf", "invoice.pdf")
    async with client.buffer(spool=spool, on_failure=told.append) as tracker:
        await asyncio.gather(*[tracker.enqueue(event) for event in given])
        await tracker.flush()
        [letter] = await tracker.dead_letters()
        stats = tracker.stats()
    assert (stats.accepted, stats.rejected, stats.dead_letters) == (2, 1, 1)
    assert (letter.outcome, letter.status_code, letter.error) == ("rejected", 404, "no such user")
    assert letter.event == given[1]
    assert client._encoder.encode(letter.event) == letter.body
    assert [(record.record, record.code) for record in told] == [(given[1], 404)]
    assert "user-1" not in repr(letter)
    # It is still there for the next process.
    assert len(files(spool)) == 1


async def test_a_refusal_does_not_settle_what_an_earlier_round_may_have_brought_there(
    client: AsyncSuprsend, server: Server, spool: Path
) -> None:
    server.script.extend([server.hang_up] * (client._transport.policy.max_retries + 1))
    server.script.append(server.answer(400, {"status": "error", "error": {"message": "no", "type": "x"}}))
    told: list[FailedRecord] = []
    async with client.buffer(spool=spool, on_failure=told.append) as tracker:
        await tracker.enqueue(events(1)[0])
        await tracker.flush()
        [letter] = await tracker.dead_letters()
        assert (tracker.stats().rejected, tracker.stats().unknown) == (0, 1)
    assert (letter.outcome, letter.status_code, letter.error) == ("unknown", 400, "no")
    assert [record.outcome for record in told] == ["unknown"]


async def test_dead_letters_can_be_sent_again_or_discarded_by_the_next_process(
    client: AsyncSuprsend, server: Server, spool: Path
) -> None:
    server.script.append(server.answer(400, {"status": "error", "error": {"message": "no", "type": "x"}}))
    async with client.buffer(spool=spool) as tracker:
        await asyncio.gather(*[tracker.enqueue(event) for event in events(3)])
        await tracker.flush()
    async with client.buffer(spool=spool) as tracker:
        await tracker.flush()
        first, second, third = await tracker.dead_letters()
        assert await tracker.resend(first, third) == 2
        assert await tracker.resend(first) == 0
        assert await tracker.discard(second) == 1
        await tracker.flush()
        assert await tracker.dead_letters() == []
    assert sent(server) == [0, 1, 2, 0, 2]
    assert list(spool.iterdir()) == []


async def test_what_is_older_than_23_hours_becomes_a_dead_letter_instead_of_going_out(
    client: AsyncSuprsend, server: Server, spool: Path, still_time: StillTime
) -> None:
    bodies = encoded(client, events(2))
    left_behind(spool, bodies[:1], still_time.now - 23 * HOUR)
    left_behind(spool, bodies[1:], still_time.now - 23 * HOUR + 60, "events-2-dead.spool")
    async with client.buffer(spool=spool) as tracker:
        await tracker.flush()
        [letter] = await tracker.dead_letters()
        assert tracker.stats().unknown == 1
    assert sent(server) == [1]
    assert (letter.body, letter.outcome, letter.status_code) == (bodies[0], "unknown", None)
    assert "23 hours" in letter.error


async def test_refused_credentials_are_no_events_fault(client: AsyncSuprsend, server: Server, spool: Path) -> None:
    refusal = server.answer(401, {"status": "error", "error": {"message": "wrong key", "type": "auth"}})
    server.script.extend([refusal] * 4)
    async with client.buffer(spool=spool) as tracker:
        await tracker.enqueue(events(1)[0])
        await tracker.flush()
        assert (tracker.stats().accepted, tracker.stats().dead_letters) == (1, 0)
    assert len(server.requests) == 5


async def test_a_caller_who_waited_in_vain_is_told_why_nothing_gets_through(
    make_client: Callable[..., AsyncSuprsend], server: Server, spool: Path
) -> None:
    refusal = server.answer(401, {"status": "error", "error": {"message": "wrong key", "type": "auth"}})
    server.script.extend([refusal, server.hold])
    async with make_client(server.url, timeout=0.3).buffer(spool=spool) as tracker:
        response = await tracker.track_event(events(1)[0])
        server.release.set()
    assert (response.outcome, response.error_type) == ("unknown", "deadline_exceeded")
    assert "stored and will be sent; the last attempt failed: wrong key" in response.message


async def test_a_slip_of_the_server_silences_no_spool_for_years(
    client: AsyncSuprsend, server: Server, spool: Path, still_time: StillTime
) -> None:
    begin = still_time.now
    server.script.append(server.answer(429, retry_after="999999999"))
    async with client.buffer(spool=spool) as tracker:
        await tracker.enqueue(events(1)[0])
        await tracker.flush()
        assert tracker.stats().accepted == 1
    # An hour is kept, as every pause that a server may mean.
    assert HOUR <= still_time.now - begin < 2 * HOUR


async def test_a_disk_that_cannot_be_read_for_a_while_stops_nothing(
    client: AsyncSuprsend, server: Server, spool: Path, monkeypatch: pytest.MonkeyPatch, still_time: StillTime
) -> None:
    failures = iter(range(6))
    read, read_these = Store.read, Store.read_these

    def failing(real: Any) -> Any:
        def method(*arguments: Any) -> Any:
            if next(failures, None) is not None:
                raise sqlite3.OperationalError("disk I/O error")
            return real(*arguments)

        return method

    async with client.buffer(spool=spool) as tracker:
        monkeypatch.setattr(Store, "read", failing(read))
        await tracker.enqueue(events(1)[0])
        await tracker.flush()
        # And when an event goes again.
        failures = iter(range(2))
        monkeypatch.setattr(Store, "read_these", failing(read_these))
        server.script.append(server.answer(207, {"status": "success", "records": [BUSY, FINE]}))
        server.script.extend([server.answer(207, {"status": "success", "records": [BUSY]})] * 4)
        await asyncio.gather(*[tracker.enqueue(event) for event in events(2)])
        await tracker.flush()
        assert tracker.stats().accepted == 3
    assert still_time.sleeps[:3] == [1.0, 2.0, 4.0]


async def test_a_spool_whose_task_was_cancelled_says_so(client: AsyncSuprsend, server: Server, spool: Path) -> None:
    async with client.buffer(spool=spool) as tracker:
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        stored = 0
        # What is taken in before it has ended is stored as ever.
        with anyio.fail_after(10), pytest.raises((ConfigurationError, SpoolError)):  # noqa: PT012 - at some turn
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
    with anyio.fail_after(5), pytest.raises(SpoolError, match="stays for the next opening"):
        await flushing


async def test_an_entry_that_is_cancelled_leaves_no_thread_and_no_lock(
    client: AsyncSuprsend, server: Server, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_open, threads = threading.Event(), set(threading.enumerate())
    create = session.create

    def late(directory: Path) -> Store:
        may_open.wait(10)
        return create(directory)

    monkeypatch.setattr(session, "create", late)
    tracker = client.buffer(spool=spool)
    entering = asyncio.create_task(tracker.__aenter__())
    await asyncio.sleep(0)
    while not [thread for thread in threading.enumerate() if thread.name == "suprsend-async-spool"]:
        await asyncio.sleep(0.001)
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


def test_a_job_of_the_adoption_that_is_repeated_skips_no_file(spool: Path) -> None:
    for number in (1, 2):
        left_behind(spool, [b"{}"], 0.0, f"events-{number}-dead.spool")
    own = left_behind(spool, [], 0.0, "events-3-own.spool")
    adoption = Adoption(spool, own)
    with closing(Store(own)) as store:
        assert [adoption.next_file(store), adoption.next_file(store)] == [True, True]
        copied = 0
        while adoption.next_file(store):
            store.begin()
            while adoption.copy(store):
                copied += 1
                store.commit()
                adoption.delete_copied(store)
                store.begin()
            store.commit()
    assert copied == 2


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
async def test_a_path_that_is_none_is_a_clear_error(client: AsyncSuprsend, tmp_path: Path, name: str) -> None:
    with anyio.fail_after(5), pytest.raises(SpoolError, match="cannot be opened"):
        async with client.buffer(spool=tmp_path / name):
            pass


async def test_a_directory_that_was_removed_is_an_error_of_the_spool(
    client: AsyncSuprsend, server: Server, spool: Path
) -> None:
    async with client.buffer(spool=spool) as tracker:
        shutil.rmtree(spool)
        with pytest.raises(SpoolError, match="cannot be looked at") as caught:
            await tracker.enqueue(events(1)[0])
    assert caught.value.outcome == "not_sent"


async def test_one_event_that_keeps_failing_does_not_hold_up_the_others(
    client: AsyncSuprsend, server: Server, spool: Path, still_time: StillTime
) -> None:
    until = still_time.now + HOUR

    def user_1_is_busy(request: Received) -> bytes:
        server.script.append(user_1_is_busy)
        is_busy = still_time.now < until
        records = [BUSY if event["distinct_id"] == "user-1" and is_busy else FINE for event in request.json]
        return server.answer(207, {"status": "success", "records": records})

    server.script.append(user_1_is_busy)
    async with client.buffer(spool=spool) as tracker:
        await asyncio.gather(*[tracker.enqueue(event) for event in events(500)])
        await tracker.flush()
        assert tracker.stats().accepted == 500


async def test_errors_of_the_spool_are_the_packages_own(client: AsyncSuprsend) -> None:
    assert issubclass(SpoolError, SuprsendError)
    with pytest.raises(SpoolError) as caught:
        async with client.buffer(spool="/proc/no-such-place"):
            pass
    assert caught.value.__cause__ is None


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
