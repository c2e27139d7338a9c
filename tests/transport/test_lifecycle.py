"""Lifecycle: loops that come and go, closing with calls in flight, threads, and clients that nobody closed."""

from __future__ import annotations

import asyncio
import gc
import re
import ssl
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import pytest
import uvloop
from tests.promises import CLOSING

from suprsend_async import AsyncSuprsend, ConfigurationError, Event
from suprsend_async.transport import engine

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Server
    from tests.promises import Promised

EVENT = Event("user-1", "signed_up")
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


@pytest.fixture
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suprsend_async.transport.loops.CLOSE_GRACE", 0.05)


@pytest.fixture
def forgotten(server: Server) -> AsyncSuprsend:
    """Return a client that the test is to close, or to forget."""
    return AsyncSuprsend("key", "secret", base_url=server.url)


@pytest.mark.parametrize("new_loop", LOOPS)
def test_one_client_on_loop_after_loop(
    forgotten: AsyncSuprsend, server: Server, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def main() -> bool:
        return (await forgotten.track_event(EVENT)).success

    for _ in range(20):
        with asyncio.Runner(loop_factory=new_loop) as runner:
            assert runner.run(main())
    # Each loop closed its own connection.
    server.wait_for_hang_ups(20)
    assert server.connections == 20
    gc.collect()


def test_twenty_runs_in_a_process_where_warnings_are_errors(
    run_python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    source = """
import asyncio
from suprsend_async import AsyncSuprsend, Event
client = AsyncSuprsend(KEY, SECRET, base_url=URL)

async def main():
    responses = await asyncio.gather(*(client.track_event(Event("user-1", "signed_up")) for _ in range(3)))
    return [response.outcome for response in responses]

for _ in range(20):
    assert asyncio.run(main()) == ["accepted"] * 3
"""
    process = run_python(source)
    assert (process.returncode, process.stderr) == (0, "")


def test_a_call_leaves_no_thread_and_no_hook_at_exit(
    run_python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    source = """
import asyncio, atexit, threading
hooks = []
register = atexit.register
atexit.register = lambda hook, *args, **kwargs: hooks.append(hook.__module__) or register(hook, *args, **kwargs)
from suprsend_async import AsyncSuprsend, Event

async def main():
    async with AsyncSuprsend(KEY, SECRET, base_url=URL) as client:
        assert (await client.track_event(Event("user-1", "signed_up"))).success
        assert (await client.bulk_events.send([Event("user-1", "signed_up")])).success == 1
        assert threading.active_count() == 1, threading.enumerate()

asyncio.run(main())
print([hook for hook in hooks if hook.startswith("suprsend_async")])
"""
    process = run_python(source)
    assert (process.returncode, process.stdout.strip(), process.stderr) == (0, "[]", "")


def test_the_certificates_are_loaded_once_for_all_loops_and_clients(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, loaded = ssl.SSLContext.load_verify_locations, []

    def count(context: ssl.SSLContext, *arguments: Any, **options: Any) -> None:
        loaded.append(context)
        load(context, *arguments, **options)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", count)
    engine.tls_context.cache_clear()
    for _ in range(3):
        client = AsyncSuprsend("key", "secret", base_url=server.url)
        for _ in range(2):
            assert asyncio.run(client.track_event(EVENT)).success
    assert len(loaded) == 1


def test_one_client_on_the_loops_of_many_threads(forgotten: AsyncSuprsend, server: Server) -> None:
    async def main() -> list[bool]:
        return [(await forgotten.track_event(EVENT)).success for _ in range(5)]

    threads = [threading.Thread(target=asyncio.run, args=(main(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(server.requests) == 40
    assert server.connections == 8


def test_closing_also_closes_what_lives_on_another_threads_loop(forgotten: AsyncSuprsend, server: Server) -> None:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        call = asyncio.run_coroutine_threadsafe(forgotten.track_event(EVENT), loop)
        assert call.result(10).success
        asyncio.run(forgotten.aclose())
        server.wait_for_hang_ups(1)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def test_closing_does_not_wait_for_ever_for_a_loop_that_is_stuck(
    forgotten: AsyncSuprsend, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suprsend_async.transport.loops.CLOSE_GRACE", 0.05)
    monkeypatch.setattr("suprsend_async.transport.loops.CLOSE_LIMIT", 0.05)
    stuck, free = threading.Event(), threading.Event()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def block() -> None:
        stuck.set()
        free.wait()

    try:
        assert asyncio.run_coroutine_threadsafe(forgotten.track_event(EVENT), loop).result(10).success
        loop.call_soon_threadsafe(block)
        assert stuck.wait(10)
        asyncio.run(forgotten.aclose())
        # It returned although the other loop is still stuck.
        assert not free.is_set()
    finally:
        free.set()
        # What the stuck loop could not do in time it does now.
        asyncio.run_coroutine_threadsafe(loop.shutdown_asyncgens(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@pytest.mark.promises
def test_closing_many_loops_takes_no_longer_than_closing_one(
    forgotten: AsyncSuprsend, server: Server, promised: Promised
) -> None:
    server.script.extend([server.hold] * 6)

    async def call() -> str:
        return (await forgotten.track_event(EVENT)).outcome

    with ThreadPoolExecutor(6) as threads:
        calls = [threads.submit(asyncio.run, call()) for _ in range(6)]
        server.wait_for_requests(6)
        with promised(0.0, CLOSING):
            asyncio.run(forgotten.aclose())
        assert {call.result(10) for call in calls} == {"unknown"}


@pytest.mark.usefixtures("short_grace")
async def test_calls_in_flight_end_as_unknown(forgotten: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.hold] * 5)
    calls = [asyncio.create_task(forgotten.track_event(EVENT)) for _ in range(5)]
    await anyio.to_thread.run_sync(server.wait_for_requests, 5)
    await forgotten.aclose()
    responses = await asyncio.gather(*calls)
    assert {(response.outcome, response.status_code, response.attempts) for response in responses} == {
        ("unknown", None, 1)
    }


@pytest.mark.usefixtures("short_grace")
async def test_calls_that_wait_for_a_connection_end_as_not_sent(server: Server) -> None:
    client = AsyncSuprsend("key", "secret", base_url=server.url, max_connections=1)
    server.script.append(server.hold)
    calls = [asyncio.create_task(client.track_event(EVENT)) for _ in range(3)]
    await anyio.to_thread.run_sync(server.wait_for_requests, 1)
    await client.aclose()
    responses = await asyncio.gather(*calls)
    assert [response.outcome for response in responses] == ["unknown", "not_sent", "not_sent"]
    assert len(server.requests) == 1


async def test_calls_in_flight_may_end_by_themselves(forgotten: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.hold)
    call = asyncio.create_task(forgotten.track_event(EVENT))
    await anyio.to_thread.run_sync(server.wait_for_requests, 1)
    closing = asyncio.create_task(forgotten.aclose())
    await asyncio.sleep(0)
    server.release.set()
    await closing
    assert (await call).outcome == "accepted"


@pytest.mark.usefixtures("short_grace")
async def test_a_cancelled_close_closes_all_the_same(forgotten: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.hold)
    call = asyncio.create_task(forgotten.track_event(EVENT))
    await anyio.to_thread.run_sync(server.wait_for_requests, 1)
    closing = asyncio.create_task(forgotten.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert (await call).outcome == "unknown"
    server.release.set()
    await anyio.to_thread.run_sync(server.wait_for_hang_ups, 1)


async def test_a_closed_client_says_so_and_can_be_entered_again(forgotten: AsyncSuprsend, server: Server) -> None:
    async with forgotten as entered:
        assert entered is forgotten
        assert (await forgotten.track_event(EVENT)).success
    with pytest.raises(ConfigurationError, match=r"closed.*async with"):
        await forgotten.track_event(EVENT)
    async with forgotten:
        assert (await forgotten.track_event(EVENT)).success
    assert server.connections == 2


async def test_closing_twice_or_unused_does_no_harm(forgotten: AsyncSuprsend) -> None:
    await forgotten.aclose()
    await forgotten.aclose()
    async with forgotten:
        pass
    await forgotten.aclose()


async def test_an_error_in_the_block_is_not_swallowed(forgotten: AsyncSuprsend) -> None:
    with pytest.raises(LookupError):
        async with forgotten:
            raise LookupError


@pytest.mark.parametrize(
    "make",
    [
        lambda url: AsyncSuprsend("key", "secret", base_url=url),
        lambda url: AsyncSuprsend.with_workspace_api_key("uid", "key", base_url=url),
    ],
)
def test_a_client_that_nobody_closed_warns_with_its_place(server: Server, make: Callable[[str], AsyncSuprsend]) -> None:
    with asyncio.Runner() as runner:
        client = make(server.url)
        runner.run(client.track_event(EVENT))
        with pytest.warns(ResourceWarning, match=rf"{re.escape(__file__)}:\d+ was not closed") as caught:
            del client
        assert len(caught) == 1
        gc.collect()
    server.wait_for_hang_ups(1)


def test_an_unused_a_closed_and_an_outlived_client_do_not_warn(server: Server) -> None:
    async def use(client: AsyncSuprsend) -> None:
        await client.track_event(EVENT)

    async def use_and_close(client: AsyncSuprsend) -> None:
        async with client:
            await client.track_event(EVENT)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        AsyncSuprsend("key", "secret", base_url=server.url)
        asyncio.run(use_and_close(AsyncSuprsend("key", "secret", base_url=server.url)))
        client = AsyncSuprsend("key", "secret", base_url=server.url)
        asyncio.run(use(client))
        del client
        gc.collect()


def test_a_broken_construction_leaves_nothing_to_warn_about() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConfigurationError):
            AsyncSuprsend("key", "secret", timeout=0)
        gc.collect()


async def test_another_loop_than_asyncios_is_named(forgotten: AsyncSuprsend, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_runs() -> None:
        raise RuntimeError("no running event loop")

    with monkeypatch.context() as patched:
        patched.setattr("suprsend_async.transport.loops.asyncio.get_running_loop", none_runs)
        coroutine = forgotten.track_event(EVENT)
        with pytest.raises(ConfigurationError, match="asyncio"):
            coroutine.send(None)


@pytest.mark.parametrize("proxy", ["http://proxy:planted", "socks5://user:planted@proxy:1"])
async def test_an_environment_that_allows_no_connection_is_a_clear_error_everywhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    client = AsyncSuprsend("key", "secret")
    event = Event("user-1", "signed_up")

    async def buffered(**options: Any) -> None:
        async with client.buffer(**options):
            pass

    async def streamed() -> None:
        async for _ in client.bulk_events.stream([event]):
            pass

    for call in (
        client.track_event(event),
        client.bulk_events.send([event]),
        streamed(),
        buffered(),
        buffered(spool=tmp_path / "spool"),
        client.__aenter__(),
    ):
        with pytest.raises(ConfigurationError, match=r"^HTTPS_PROXY ") as caught:
            await call
        assert "planted" not in str(caught.value)
    # What was made for a call that could not begin is closed, or says so here.
    del caught
    gc.collect()
    await client.aclose()
