"""Whose a spool's files are, where they are, and what is done when they are gone."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.buffering.exchanges import sent
from tests.buffering.spool_files import files
from tests.conftest import KEY, SECRET, Server
from tests.log_lines import text_of, troubles

from suprsend_async import AsyncSuprsend, ConfigurationError, Event, SpoolError
from suprsend_async.buffering.spool import session
from suprsend_async.buffering.spool.contents import SpoolOrigin
from suprsend_async.buffering.spool.orphans import Notices, Orphans
from suprsend_async.buffering.spool.store import SpoolStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import StillTime

NOWHERE = "http://127.0.0.1:9/"


def event(number: int) -> Event:
    return Event("user-1", "signed_up", {"n": number})


def left_behind(spool: Path, bodies: list[bytes], stored_at: float, origin: SpoolOrigin | None, name: str) -> Path:
    """Make the file of a process that ended."""
    spool.mkdir(mode=0o700, exist_ok=True)
    path = spool / name
    path.touch(0o600)
    with closing(SpoolStore(path, origin)) as store:
        store.begin()
        for body in bodies:
            store.put(body, stored_at)
        store.commit()
    return path


# Where they are.


async def test_a_relative_path_is_that_of_the_directory_in_which_the_buffer_was_made(
    client: AsyncSuprsend, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    monkeypatch.chdir(here)
    tracker = client.buffer(spool="spool")
    monkeypatch.chdir(there)
    async with tracker:
        await tracker.enqueue(event(1))
        monkeypatch.chdir(tmp_path)
        await tracker.enqueue(event(2))
        await tracker.flush()
        assert len(files(here / "spool")) == 1
    assert sorted(sent(server)) == [1, 2]
    assert list((here / "spool").iterdir()) == []
    assert list(there.iterdir()) == []


async def test_a_spool_of_the_same_name_elsewhere_is_another_one(
    client: AsyncSuprsend, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, still_time: StillTime
) -> None:
    there = tmp_path / "there"
    there.mkdir()
    body = client.sender.kind.encode(event(9))
    other = left_behind(there / "spool", [body], still_time.now, None, "events-1-dead.spool")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "SECOND_LOOK", (0.0, 0.0))
    async with client.buffer(spool="spool") as tracker:
        monkeypatch.chdir(there)
        await tracker.enqueue(event(1))
        await tracker.flush()
    assert sent(server) == [1]
    assert other.exists()


async def test_without_a_working_directory_a_relative_path_is_an_error_that_says_what_to_do(
    client: AsyncSuprsend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ConfigurationError, match="give an absolute one"):
        client.buffer(spool="spool")
    client.buffer(spool=tmp_path / "spool")


# Whose they are.


def client_with(key: str, server: Server, time: StillTime) -> AsyncSuprsend:
    client = AsyncSuprsend(key, SECRET, base_url=server.url)
    client.sender.transport.session.clock = time.clock
    return client


async def keep(client: AsyncSuprsend, spool: Path, number: int) -> None:
    """Leave an event in the spool."""
    async with client.buffer(spool=spool, drain_timeout=0.0) as tracker:
        await tracker.enqueue(event(number))
    await client.aclose()


async def test_the_events_of_another_workspace_are_left_alone_and_named(
    server: Server, spool: Path, still_time: StillTime, caplog: pytest.LogCaptureFixture
) -> None:
    server.script.append(server.hold)
    await keep(client_with("the-other-workspace", server, still_time), spool, 1)
    server.release.set()
    [other] = files(spool)
    content = other.read_bytes()
    async with client_with(KEY, server, still_time) as client, client.buffer(spool=spool) as tracker:
        await tracker.enqueue(event(2))
        await tracker.flush()
        assert tracker.stats().taken == 1
    assert files(spool) == [other]
    assert other.read_bytes() == content
    [trouble] = troubles(caplog)
    assert str(other) in trouble
    assert "was written for another workspace and is left alone" in trouble
    # As the line says: the client of that workspace sends it.
    server.requests.clear()
    async with client_with("the-other-workspace", server, still_time) as client, client.buffer(spool=spool) as tracker:
        await tracker.flush()
    assert sent(server) == [1]
    assert {each["env"] for request in server.requests for each in request.json} == {"the-other-workspace"}
    assert list(spool.iterdir()) == []


async def test_the_workspaces_own_events_are_sent_whatever_the_address(
    make_client: Callable[..., AsyncSuprsend], server: Server, spool: Path
) -> None:
    # A wrong base_url is put right: what was stored for it goes out.
    async with make_client(NOWHERE, max_retries=0).buffer(spool=spool, drain_timeout=0.0) as tracker:
        await tracker.enqueue(event(1))
    async with make_client(server.url).buffer(spool=spool) as tracker:
        await tracker.flush()
    assert sent(server) == [1]


async def test_a_file_does_not_name_the_workspace_but_in_its_events(
    make_client: Callable[..., AsyncSuprsend], spool: Path
) -> None:
    async with make_client(NOWHERE).buffer(spool=spool) as tracker:
        content = b"".join(file.read_bytes() for file in spool.iterdir())
        assert tracker.stats().taken == 0
    assert content
    assert KEY.encode() not in content
    assert SECRET.encode() not in content


def test_what_is_passed_over_is_named_once_however_often_it_is_looked_at(
    spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = left_behind(spool, [], 0.0, SpoolOrigin("ours", "boot"), "events-1-own.spool")
    left_behind(spool, [b"{}"], 0.0, SpoolOrigin("theirs", "boot"), "events-2-other.spool")
    with closing(sqlite3.connect(left_behind(spool, [], 0.0, None, "events-3-later.spool"))) as connection:
        connection.execute("PRAGMA user_version = 7")
    orphans = Orphans(spool, own, "ours", Notices())
    for _ in range(3):
        assert list(orphans.look()) == []
    assert [trouble.partition(" is ")[2] for trouble in troubles(caplog)] == [
        ("left alone: a client with that workspace's key sends it; give each workspace its own directory"),
        "of version 7 and is left alone",
    ]


def test_a_database_of_another_program_is_left_alone(spool: Path, caplog: pytest.LogCaptureFixture) -> None:
    own = left_behind(spool, [], 0.0, None, "events-1-own.spool")
    path = spool / "songs.spool"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
        connection.commit()
    assert list(Orphans(spool, own, "ours", Notices()).look()) == []
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("songs",)]
    assert "is left alone" in caplog.text


def test_an_earlier_release_can_read_what_this_one_writes(spool: Path) -> None:
    path = left_behind(spool, [b"{}"], 5.0, SpoolOrigin("ours", "boot"), "events-1-new.spool")
    with closing(sqlite3.connect(path)) as connection:
        # What that release asks.
        connection.execute("""CREATE TABLE IF NOT EXISTS pending (
            position INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL, stored_at REAL NOT NULL)""")
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT position, body, stored_at FROM pending").fetchall() == [(1, b"{}", 5.0)]
        connection.execute("DELETE FROM pending WHERE position = ?", (1,))


# Files that are gone while the spool is open.


def delete_all(file: Path) -> None:
    for each in file.parent.iterdir():
        each.unlink()


def delete_the_log(file: Path) -> None:
    file.with_name(f"{file.name}-wal").unlink()


def replace(file: Path) -> None:
    delete_all(file)
    file.touch(0o600)


def move(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))


def move_the_directory(file: Path) -> None:
    file.parent.rename(file.parent.with_name("elsewhere"))


def delete_the_directory(file: Path) -> None:
    shutil.rmtree(file.parent)


GONE = [delete_all, delete_the_log, replace, move, move_the_directory, delete_the_directory]


@pytest.mark.parametrize("lose", GONE)
async def test_nothing_is_said_to_be_stored_in_a_file_that_is_gone_and_what_was_is_sent(
    client: AsyncSuprsend, server: Server, spool: Path, lose: Callable[[Path], None]
) -> None:
    server.script.append(server.hold)
    async with client.buffer(spool=spool) as tracker:
        await asyncio.gather(*[tracker.enqueue(event(number)) for number in range(250)])
        lose(files(spool)[0])
        for call in (tracker.enqueue, tracker.track_event):
            with pytest.raises(SpoolError) as caught:
                await call(event(-1))
            assert caught.value.outcome == "not_sent"
            assert "was not stored" in " ".join(caught.value.message.split())
        server.release.set()
        await tracker.flush()
        assert tracker.stats().accepted == 250
    assert sorted(sent(server)) == list(range(250))


async def test_another_buffer_stores_again_as_the_error_says(
    client: AsyncSuprsend, server: Server, spool: Path
) -> None:
    async with client.buffer(spool=spool) as tracker:
        delete_the_directory(files(spool)[0])
        with pytest.raises(SpoolError):
            await tracker.enqueue(event(1))
        async with client.buffer(spool=spool) as another:
            await another.enqueue(event(2))
    assert sent(server) == [2]


@pytest.mark.parametrize("lose", GONE)
async def test_what_is_left_of_a_file_that_is_gone_is_written_anew_for_the_next_process(
    make_client: Callable[..., AsyncSuprsend],
    server: Server,
    spool: Path,
    caplog: pytest.LogCaptureFixture,
    lose: Callable[[Path], None],
) -> None:
    refusal = {"status": "error", "status_code": 404, "error": {"message": "no such user", "type": "not_found"}}
    server.script.append(server.answer(207, {"status": "success", "records": [refusal]}))
    server.script.append(server.hold)
    async with make_client(server.url, max_retries=0).buffer(spool=spool, drain_timeout=0.0) as tracker:
        await tracker.track_event(event(1))
        await tracker.enqueue(event(2))
        lose(files(spool)[0])
    server.release.set()
    assert text_of(caplog.records[-1]) == f"1 record stays in the spool {spool}; the next process sends what is there"
    server.requests.clear()
    async with make_client(server.url).buffer(spool=spool) as tracker:
        await tracker.flush()
        assert [letter.event.properties["n"] for letter in await tracker.dead_letters()] == [1]
        assert all(file.stat().st_mode & 0o777 == 0o600 for file in spool.iterdir())
    assert sent(server) == [2]


async def test_what_can_be_written_nowhere_is_said_to_be_lost(
    make_client: Callable[..., AsyncSuprsend], spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with make_client(NOWHERE, max_retries=0).buffer(spool=spool, drain_timeout=0.0) as tracker:
        await tracker.enqueue(event(1))
        delete_the_directory(files(spool)[0])
        spool.write_text("a file where the directory was")
    [line] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "1 record that was not sent and 0 dead letters are lost" in text_of(line)
    assert "the next process sends" not in caplog.text


async def test_a_file_that_is_gone_is_named_without_another_event(
    client: AsyncSuprsend, spool: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(session, "SECOND_LOOK", (0.0, 0.0))
    monkeypatch.setattr(session, "IMPORT_SECONDS", 0.0)
    async with client.buffer(spool=spool):
        [own] = files(spool)
        delete_all(own)
        while not troubles(caplog):
            await asyncio.sleep(0)
        # It is looked at again and again.
        for _ in range(100):
            await asyncio.sleep(0)
    [trouble] = troubles(caplog)
    assert f"the spool {own} was deleted or moved while it is open" in trouble


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_what_was_said_to_be_stored_survives_a_kill_although_a_file_was_deleted_before(
    run_python: Callable[..., subprocess.CompletedProcess[str]], server: Server, spool: Path
) -> None:
    process = run_python(f"""
import asyncio, os, pathlib, signal
from suprsend_async import AsyncSuprsend, Event, SpoolError
spool = pathlib.Path({str(spool)!r})
async def main():
    async with (
        AsyncSuprsend(KEY, SECRET, base_url="http://127.0.0.1:9/") as client,
        client.buffer(spool=spool) as lost,
        client.buffer(spool=spool) as kept,
    ):
        lost._session._writer.store.path.unlink()
        for number, tracker in enumerate((lost, kept)):
            try:
                await tracker.enqueue(Event("user-1", "signed_up", {{"n": number}}))
            except SpoolError:
                continue
            print(number, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
""")
    assert process.stdout == "1\n", process.stderr

    async def next_process() -> None:
        async with AsyncSuprsend(KEY, SECRET, base_url=server.url) as client, client.buffer(spool=spool) as tracker:
            await tracker.flush()

    asyncio.run(next_process())
    assert sent(server) == [1]
