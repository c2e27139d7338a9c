"""A spool's linger, in real time: neither a flush nor a full request waits for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from tests.conftest import KEY, SECRET, Server

from suprsend_async import AsyncSuprsend, DurableTracker, Event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


def event(number: int) -> Event:
    return Event("user-1", "signed_up", {"n": number})


def bodies(server: Server) -> list[int]:
    return [len(request.json) for request in server.requests]


@pytest.fixture
async def tracker(server: Server, tmp_path: Path) -> AsyncIterator[DurableTracker]:
    """Make a tracker that has just sent a request, and lingers for an hour."""
    async with (
        AsyncSuprsend(KEY, SECRET, base_url=server.url) as client,
        client.buffer(spool=tmp_path / "spool", linger=3600) as tracker,
    ):
        assert (await tracker.track_event(event(0))).success
        await tracker.enqueue(event(1))
        yield tracker


async def test_a_flush_sends_without_lingering(tracker: DurableTracker, server: Server) -> None:
    await tracker.flush()
    assert tracker.stats().accepted == 2
    assert bodies(server) == [1, 1]


async def test_leaving_the_block_sends_without_lingering(tracker: DurableTracker, server: Server) -> None:
    await tracker.__aexit__(None, None, None)
    assert bodies(server) == [1, 1]


async def test_a_full_request_does_not_linger(tracker: DurableTracker, server: Server) -> None:
    await asyncio.gather(*[tracker.enqueue(event(number)) for number in range(2, 101)])
    await asyncio.to_thread(server.wait_for_requests, 2)
    assert bodies(server) == [1, 100]
    # What comes after a flush lingers as before, and travels together.
    await tracker.flush()
    await tracker.enqueue(event(101))
    await tracker.enqueue(event(102))
    await tracker.flush()
    assert bodies(server) == [1, 100, 2]
