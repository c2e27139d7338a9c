"""A buffer whose client is closed while the block goes on, and one that cannot be entered."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest
import trio
from tests.log_lines import text_of

from suprsend_async import AsyncSuprsend, ConfigurationError, Event, FailedRecord

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from tests.conftest import Server


def event(number: int = 1) -> Event:
    return Event("user-1", "signed_up", {"n": number})


def sent(server: Server) -> list[int]:
    return [event["properties"]["n"] for request in server.requests for event in request.json]


@pytest.fixture(params=["memory", "spool"])
def options(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    return {} if request.param == "memory" else {"spool": tmp_path / "spool"}


async def enqueue(tracker: Any, number: int) -> None:
    stored = tracker.enqueue(event(number))
    if stored is not None:
        await stored


async def test_closing_the_client_sends_what_its_buffers_hold(
    client: AsyncSuprsend, server: Server, options: dict[str, Any]
) -> None:
    async with client.buffer(linger=3600, **options) as tracker:
        await tracker.track_event(event(0))
        for number in range(1, 251):
            await enqueue(tracker, number)
        await client.aclose()
        assert tracker.stats().accepted == 251
        with pytest.raises(ConfigurationError, match="needs an open buffer"):
            await enqueue(tracker, 251)
    assert sorted(sent(server)) == list(range(251))


async def test_closing_takes_no_longer_for_a_buffer_that_cannot_be_emptied(
    make_client: Callable[..., AsyncSuprsend], server: Server, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suprsend_async.transport.loops.CLOSE_GRACE", 0.1)
    server.script.extend([server.hold] * 2)
    lost: list[FailedRecord] = []
    client = make_client(server.url)
    async with client.buffer(drain_timeout=3600, on_failure=lost.append, **options) as tracker:
        await enqueue(tracker, 1)
        single = asyncio.create_task(client.track_event(event(2)))
        await asyncio.to_thread(server.wait_for_requests, 2)
        # The test's own limit of time says whether it ends.
        await client.aclose()
        assert (await single).outcome == "unknown"
        server.release.set()
    if options:
        assert tracker.stats().pending == 1
    else:
        assert [record.outcome for record in lost] == ["unknown"]


async def test_an_on_failure_that_raises_does_not_disturb_the_closing(
    client: AsyncSuprsend, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.script.append(server.answer(400))

    def fail(_: FailedRecord) -> None:
        raise LookupError

    async with client.buffer(on_failure=fail) as tracker:
        tracker.enqueue(event())
        await client.aclose()
    assert [text_of(record) for record in caplog.records if record.levelno >= logging.ERROR] == [
        "buffer: 1 record was not accepted",
        "buffer: on_failure raised LookupError",
    ]


def test_a_buffer_of_another_threads_loop_is_emptied_there(client: AsyncSuprsend, server: Server) -> None:
    async def elsewhere(entered: asyncio.Event, closed: asyncio.Event) -> None:
        async with client.buffer(linger=3600) as tracker:
            await tracker.track_event(event(1))
            tracker.enqueue(event(2))
            entered.set()
            await closed.wait()

    async def main() -> None:
        entered, closed, loop = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop()

        async def other() -> None:
            its_entered, its_closed = asyncio.Event(), asyncio.Event()
            work = asyncio.create_task(elsewhere(its_entered, its_closed))
            await its_entered.wait()
            loop.call_soon_threadsafe(entered.set)
            its_loop = asyncio.get_running_loop()
            asyncio.run_coroutine_threadsafe(closed.wait(), loop).add_done_callback(
                lambda _: its_loop.call_soon_threadsafe(its_closed.set)
            )
            await work

        thread = asyncio.create_task(asyncio.to_thread(asyncio.run, other()))
        await entered.wait()
        await client.aclose()
        assert sorted(sent(server)) == [1, 2]
        closed.set()
        await thread

    asyncio.run(main())


def test_another_loop_than_asyncios_is_a_clear_error(options: dict[str, Any]) -> None:
    client = AsyncSuprsend("key", "secret", base_url="http://127.0.0.1:9/")

    async def main() -> None:
        with pytest.raises(ConfigurationError, match="needs a running asyncio event loop"):
            async with client.buffer(**options):
                pass

    # Every warning is an error here: a coroutine that is never awaited, for one.
    trio.run(main)
