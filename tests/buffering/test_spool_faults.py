"""A spool in trouble: damaged files, disks and directories that fail, and who may read it."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.buffering.exchanges import BUSY, FINE, events, sent
from tests.buffering.spool_files import encoded, files, left_behind
from tests.conftest import SECRET, Server, StillTime
from tests.log_lines import text_of

from suprsend_async import AsyncSuprsend, Event, SpoolError
from suprsend_async.buffering.spool.store import SpoolStore
from suprsend_async.errors import SuprsendError


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
    assert text_of(record) == f"the spool {spool} may be read by others (mode 755); make it 700"
    assert (record.levelname, vars(record)["suprsend_spool"]) == ("WARNING", str(spool))


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
    assert "a record in it is damaged" in caplog.text


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


async def test_a_spool_that_cannot_be_opened_is_a_clear_error(client: AsyncSuprsend, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolError, match="cannot be opened"):
        async with client.buffer(spool=tmp_path / "file"):
            pass


async def test_a_disk_that_cannot_be_read_for_a_while_stops_nothing(
    client: AsyncSuprsend, server: Server, spool: Path, monkeypatch: pytest.MonkeyPatch, still_time: StillTime
) -> None:
    failures = iter(range(6))
    read, read_these = SpoolStore.read, SpoolStore.read_these

    def failing(real: Any) -> Any:
        def method(*arguments: Any) -> Any:
            if next(failures, None) is not None:
                raise sqlite3.OperationalError("disk I/O error")
            return real(*arguments)

        return method

    async with client.buffer(spool=spool) as tracker:
        monkeypatch.setattr(SpoolStore, "read", failing(read))
        await tracker.enqueue(events(1)[0])
        await tracker.flush()
        # And when an event goes again.
        failures = iter(range(2))
        monkeypatch.setattr(SpoolStore, "read_these", failing(read_these))
        server.script.append(server.answer(207, {"status": "success", "records": [BUSY, FINE]}))
        server.script.extend([server.answer(207, {"status": "success", "records": [BUSY]})] * 4)
        await asyncio.gather(*[tracker.enqueue(event) for event in events(2)])
        await tracker.flush()
        assert tracker.stats().accepted == 3
    assert still_time.sleeps[:3] == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
async def test_a_path_that_is_none_is_a_clear_error(client: AsyncSuprsend, tmp_path: Path, name: str) -> None:
    with pytest.raises(SpoolError, match="cannot be opened"):
        async with client.buffer(spool=tmp_path / name):
            pass


async def test_a_directory_that_was_removed_is_an_error_of_the_spool(
    client: AsyncSuprsend, server: Server, spool: Path
) -> None:
    async with client.buffer(spool=spool) as tracker:
        shutil.rmtree(spool)
        with pytest.raises(SpoolError, match="cannot be read") as caught:
            await tracker.enqueue(events(1)[0])
    assert caught.value.outcome == "not_sent"


async def test_errors_of_the_spool_are_the_packages_own(client: AsyncSuprsend) -> None:
    assert issubclass(SpoolError, SuprsendError)
    with pytest.raises(SpoolError) as caught:
        async with client.buffer(spool="/proc/no-such-place"):
            pass
    assert caught.value.__cause__ is None
