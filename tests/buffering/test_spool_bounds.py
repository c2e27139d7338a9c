"""A spool's bounds: how much it takes, of events and of the disk."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest
from tests.buffering.exchanges import events, sent
from tests.conftest import Server

from suprsend_async import (
    AsyncSuprsend,
    BufferFull,
    ConfigurationError,
    DurableTracker,
    Event,
    SpoolError,
    ValidationError,
)
from suprsend_async.buffering.spool.store import SpoolStore


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

    def wait(_: SpoolStore) -> None:
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
