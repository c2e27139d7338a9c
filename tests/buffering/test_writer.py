"""The writer: what is handed in together is committed together, and fails apart."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from suprsend_async import BufferFull, SpoolError
from suprsend_async.buffering.spool.store import SpoolStore
from suprsend_async.buffering.spool.writer import Writer
from suprsend_async.bulk.kind import Room

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Counting(SpoolStore):
    """A store that counts what it commits."""

    commits = 0

    def commit(self) -> None:
        super().commit()
        self.commits += 1


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "events.spool"
    file.touch()
    return file


@pytest.fixture
async def writer(path: Path) -> AsyncIterator[Writer]:
    made = Writer(lambda: Counting(path), lambda store: store.close(), lambda: None)
    await made.open()
    yield made
    await made.close()


def put(store: SpoolStore) -> int:
    return store.put(b"{}", 0.0)


async def test_many_puts_share_few_commits(writer: Writer) -> None:
    assert isinstance(writer.store, Counting)
    before = writer.store.commits
    positions = await asyncio.gather(*[writer.run(put) for _ in range(1_500)])
    assert positions == list(range(1, 1_501))
    assert writer.store.commits - before < 150


async def test_a_job_that_is_refused_fails_alone(writer: Writer) -> None:
    def refuse(store: SpoolStore) -> None:
        raise BufferFull("no room")

    def break_down(store: SpoolStore) -> None:
        raise LookupError

    results = await asyncio.gather(
        *[writer.run(job) for job in (put, refuse, put, break_down, put)], return_exceptions=True
    )
    assert [type(result) for result in results] == [int, BufferFull, int, LookupError, int]
    assert writer.store.committed.pending == 3


async def test_a_job_that_the_disk_refuses_fails_alone_and_leaves_nothing(writer: Writer) -> None:
    def half(store: SpoolStore) -> None:
        store.put(b"{}", 0.0)
        raise sqlite3.OperationalError("disk I/O error")

    first, second, third = await asyncio.gather(*[writer.run(job) for job in (put, half, put)], return_exceptions=True)
    assert isinstance(second, SpoolError)
    assert second.outcome == "not_sent"
    assert isinstance(first, int)
    assert isinstance(third, int)
    assert writer.store.committed.pending == 2
    assert len(await writer.run(lambda store: store.read(0, Room(10, 100)))) == 2


async def test_a_waiter_that_was_cancelled_is_not_waited_for(writer: Writer) -> None:
    call = asyncio.create_task(writer.run(put))
    await asyncio.sleep(0)
    call.cancel()
    assert await writer.run(put) == 2


async def test_what_was_handed_in_is_done_before_the_end(path: Path) -> None:
    writer = Writer(lambda: SpoolStore(path), lambda store: store.close(), lambda: None)
    await writer.open()
    puts = [asyncio.create_task(writer.run(put)) for _ in range(100)]
    await asyncio.sleep(0)
    await writer.close()
    assert await asyncio.gather(*puts) == list(range(1, 101))


async def test_a_store_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    writer = Writer(lambda: SpoolStore(tmp_path / "none.spool"), lambda store: store.close(), lambda: None)
    with pytest.raises(SpoolError, match="cannot be opened"):
        await writer.open()


def test_a_second_opener_is_locked_out(path: Path) -> None:
    first = SpoolStore(path)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        SpoolStore(path)
    first.close()
    SpoolStore(path).close()
