"""What a buffer says of trouble: in few lines of the log, and in its counters."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from tests.conftest import Server
from tests.log_lines import text_of

from suprsend_async import AsyncSuprsend, Event
from suprsend_async.buffering.spool import sender
from suprsend_async.buffering.spool.store import SpoolStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Received, StillTime

WRONG_KEY = {"status": "error", "error": {"message": "no such key", "type": "auth"}}
BUSY = {"status": "error", "status_code": 503, "error": {"message": "busy", "type": "busy"}}


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def events(count: int) -> list[Event]:
    return [Event(f"user-{number}", "signed_up", {"n": number}) for number in range(count)]


def loud(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Return level and text of what a service would see."""
    return [
        (record.levelname, text_of(record))
        for record in caplog.records
        if record.name == "suprsend_async" and record.levelno >= logging.WARNING
    ]


def until(server: Server, still_time: StillTime, moment: float, answer: bytes) -> Callable[[Received], bytes]:
    """Answer like this until that moment."""

    def respond(request: Received) -> bytes:
        server.script.append(respond)
        return server.accept(request) if still_time.now >= moment else answer

    return respond


@pytest.mark.parametrize(("seconds", "lines"), [(9.0, 2), (200.0, 5)])
async def test_an_outage_of_a_spool_is_a_line_at_its_begin_one_a_minute_and_one_at_its_end(
    make_client: Callable[..., AsyncSuprsend],
    server: Server,
    still_time: StillTime,
    spool: Path,
    caplog: pytest.LogCaptureFixture,
    seconds: float,
    lines: int,
) -> None:
    server.script.append(until(server, still_time, still_time.now + seconds, server.answer(503)))
    async with make_client(server.url, max_retries=4).buffer(spool=spool) as tracker:
        await asyncio.gather(*[tracker.enqueue(event) for event in events(2_000)])
        await tracker.flush()
    told = loud(caplog)
    assert told[0] == (
        "WARNING",
        "v2/bulk/event/: attempts fail (503); until one succeeds, this is logged once a minute",
    )
    assert told[-1][1].startswith("v2/bulk/event/: attempts succeed again: in ")
    assert told[-1][1].endswith("records given up: 0")
    # In a still time the spool sleeps past some minutes.
    assert 2 <= len(told) <= lines


async def test_refused_credentials_of_a_spool_are_an_error_at_most_once_a_minute(
    make_client: Callable[..., AsyncSuprsend],
    server: Server,
    still_time: StillTime,
    spool: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    begin = still_time.now
    server.script.append(until(server, still_time, begin + 3_600.0, server.answer(401, WRONG_KEY)))
    async with make_client(server.url).buffer(spool=spool) as tracker:
        await asyncio.gather(*[tracker.enqueue(event) for event in events(2_000)])
        await tracker.flush()
        stats = tracker.stats()
    first, *repeats, end = loud(caplog)
    assert first[0] == "ERROR"
    assert "the platform refuses the credentials (401): check the workspace key and secret" in first[1]
    assert {level for level, _ in repeats} == {"ERROR"}
    assert all("the platform refuses the credentials (401)" in text for _, text in repeats)
    assert 10 < len(repeats) <= 60
    assert "accepts the credentials again" in end[1]
    assert (stats.accepted, stats.last_error) == (2_000, "no such key")


async def test_what_went_wrong_last_is_in_the_counters_of_a_spool_while_it_goes_wrong(
    make_client: Callable[..., AsyncSuprsend], server: Server, spool: Path
) -> None:
    server.script.extend([server.answer(503, WRONG_KEY), server.hold])
    async with make_client(server.url).buffer(spool=spool) as tracker:
        assert tracker.stats().last_error is None
        await tracker.enqueue(events(1)[0])
        await asyncio.to_thread(server.wait_for_requests, 2)
        assert tracker.stats().last_error == "no such key"
        server.release.set()
        await tracker.flush()
        server.script.append(server.answer(207, {"status": "success", "records": [BUSY | {"status_code": 400}]}))
        await tracker.enqueue(events(1)[0])
        await tracker.flush()
        assert tracker.stats().last_error == "busy"


async def test_what_went_wrong_last_is_in_the_counters_of_a_buffer_while_it_goes_wrong(
    make_client: Callable[..., AsyncSuprsend], server: Server
) -> None:
    server.script.extend([server.answer(503, WRONG_KEY), server.hold])
    async with make_client(server.url).buffer() as tracker:
        assert tracker.stats().last_error is None
        tracker.enqueue(events(1)[0])
        await asyncio.to_thread(server.wait_for_requests, 2)
        assert tracker.stats().last_error == "no such key"
        server.release.set()
        await tracker.flush()
        server.script.append(server.answer(401, WRONG_KEY | {"message": "wrong key", "error": None}))
        tracker.enqueue(events(1)[0])
        await tracker.flush()
    # It stays, also when all is well again and after the block.
    assert tracker.stats().last_error == "wrong key"
    assert tracker.stats().accepted == 1


async def test_one_event_that_is_refused_for_now_is_no_line_for_each_time(
    make_client: Callable[..., AsyncSuprsend],
    server: Server,
    still_time: StillTime,
    spool: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    busy = server.answer(207, {"status": "success", "records": [BUSY]})
    server.script.append(until(server, still_time, still_time.now + 1_800.0, busy))
    async with make_client(server.url, max_retries=4).buffer(spool=spool) as tracker:
        await tracker.enqueue(events(1)[0])
        await tracker.flush()
    told = loud(caplog)
    assert "attempts fail (207)" in told[0][1]
    assert len(told) <= 2 + 30


@pytest.mark.parametrize("method", ["read", "finish"])
async def test_a_disk_that_fails_for_a_while_is_two_lines(
    client: AsyncSuprsend,
    spool: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    method: str,
) -> None:
    monkeypatch.setattr(sender, "DISK_REST", 0.001)
    failures = iter(range(6))
    real = getattr(SpoolStore, method)

    def failing(*arguments: Any) -> Any:
        if next(failures, None) is not None:
            raise sqlite3.OperationalError("disk I/O error")
        return real(*arguments)

    monkeypatch.setattr(SpoolStore, method, failing)
    async with client.buffer(spool=spool) as tracker:
        await tracker.enqueue(events(1)[0])
        await tracker.flush()
    begin, end = loud(caplog)
    assert begin[0] == end[0] == "WARNING"
    assert "disk I/O error; it is tried again until it succeeds, and this is logged once a minute" in begin[1]
    assert "can be used again" in end[1]
    # A job that fails is tried once more before it is said to have failed.
    assert end[1].endswith(" 3 tries failed")
