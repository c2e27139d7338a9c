"""Applications freeze the clock in tests: a blocking call ends all the same, an asynchronous one says what to set."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
import uvloop
from tests.waiting import until_async

from suprsend_async import AsyncSuprsend, ConfigurationError, Event, FailedRecord, Suprsend
from suprsend_async.buffering.lifecycle import State
from suprsend_async.sandbox import Sandbox
from suprsend_async.sandbox.faults import Latency
from suprsend_async.transport.transport import Transport

if TYPE_CHECKING:
    import subprocess
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
    from pathlib import Path

    from tests.conftest import Server

freezegun: Any = pytest.importorskip("freezegun")
time_machine: Any = pytest.importorskip("time_machine")
pytestmark = pytest.mark.extras("freezegun", "time_machine")

MOMENT = "2026-01-02 03:04:05"
FREEZERS = {
    "freezegun": lambda: freezegun.freeze_time(MOMENT),
    "freezegun, ticking": lambda: freezegun.freeze_time(MOMENT, tick=True),
    "freezegun, asyncio real": lambda: freezegun.freeze_time(MOMENT, real_asyncio=True),
    "time-machine": lambda: time_machine.travel(MOMENT, tick=False),
}


@pytest.mark.parametrize("freeze", FREEZERS.values(), ids=FREEZERS)
def test_a_blocking_call_retries_and_ends(server: Server, freeze: Callable[[], Any]) -> None:
    server.script.extend([server.answer(503), server.answer(503), server.accept, server.hold])
    with freeze(), Suprsend("key", "secret", base_url=server.url) as client:
        response = client.track_event(Event("user-1", "signed_up"))
        assert (response.outcome, response.attempts) == ("accepted", 3)
        silent = client.with_options(timeout=0.2).track_event(Event("user-1", "signed_up"))
        assert (silent.outcome, silent.error_type) == ("unknown", "deadline_exceeded")
        server.release.set()


def test_a_client_imported_and_made_before_is_called_when_the_clock_stands(server: Server) -> None:
    with Suprsend("key", "secret", base_url=server.url) as client:
        assert client.track_event(Event("user-1", "signed_up")).success
        server.script.append(server.answer(503))
        with freezegun.freeze_time(MOMENT):
            assert client.track_event(Event("user-1", "signed_up")).attempts == 2
        server.script.append(server.answer(503))
        assert client.track_event(Event("user-1", "signed_up")).attempts == 2


def test_a_package_imported_while_the_clock_stands(
    server: Server, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    server.script.extend([server.answer(503), server.accept, server.answer(503)])
    process = run_python("""
        from freezegun import freeze_time
        def send(client):
            response = client.track_event(Event("user-1", "signed_up"))
            print(response.outcome, response.attempts)
        with freeze_time("2026-01-02"):
            from suprsend_async import Event, Suprsend
            with Suprsend(KEY, SECRET, base_url=URL) as client:
                send(client)
        with client:
            send(client)
    """)
    assert process.stdout == "accepted 2\naccepted 2\n", process.stderr
    assert process.returncode == 0


async def buffered(client: AsyncSuprsend, **options: Any) -> None:
    async with client.buffer(**options):
        pass


async def entered(client: AsyncSuprsend) -> None:
    async with client:
        pass


CALLS: dict[str, Callable[[AsyncSuprsend, Path], Awaitable[object]]] = {
    "track_event": lambda client, _: client.track_event(Event("user-1", "signed_up")),
    "bulk_events.send": lambda client, _: client.bulk_events.send([Event("user-1", "signed_up")]),
    "buffer": lambda client, _: buffered(client),
    "buffer with a spool": lambda client, folder: buffered(client, spool=folder),
    "async with": lambda client, _: entered(client),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_an_asynchronous_call_says_at_once_what_to_set(
    make_client: Callable[..., AsyncSuprsend],
    server: Server,
    tmp_path: Path,
    call: Callable[[AsyncSuprsend, Path], Awaitable[object]],
) -> None:
    client = make_client(server.url)
    with (
        freezegun.freeze_time(MOMENT),
        pytest.raises(ConfigurationError, match=r"real_asyncio=True\)"),
    ):
        await call(client, tmp_path)
    assert server.requests == []


async def track(tracker: Any) -> None:
    await tracker.track_event(Event("user-1", "signed_up"))


async def enqueue(tracker: Any) -> None:
    stored = tracker.enqueue(Event("user-1", "signed_up"))
    if stored is not None:
        await stored


async def flush(tracker: Any) -> None:
    await tracker.flush()


async def stop_the_clock_and(use: Callable[[Any], Awaitable[None]], client: AsyncSuprsend, **options: Any) -> None:
    tracker: Any
    async with client.buffer(linger=3600, **options) as tracker:
        with freezegun.freeze_time(MOMENT):
            await use(tracker)


@pytest.mark.parametrize("use", [track, enqueue, flush])
@pytest.mark.parametrize("is_stored", [False, True], ids=["memory", "spool"])
async def test_a_buffer_that_is_open_when_the_clock_stops_says_it_too(
    make_client: Callable[..., AsyncSuprsend],
    server: Server,
    tmp_path: Path,
    use: Callable[[Any], Awaitable[None]],
    is_stored: bool,
) -> None:
    options: dict[str, Any] = {"spool": tmp_path / "spool"} if is_stored else {}
    with pytest.raises(ConfigurationError, match=r"real_asyncio=True"):
        await stop_the_clock_and(use, make_client(server.url), **options)
    assert server.requests == []


@pytest.mark.parametrize("is_stored", [False, True], ids=["memory", "spool"])
async def test_a_buffer_that_is_left_while_the_clock_stands_says_it_too(
    make_client: Callable[..., AsyncSuprsend], server: Server, tmp_path: Path, is_stored: bool
) -> None:
    options: dict[str, Any] = {"spool": tmp_path / "spool"} if is_stored else {}
    tracker: Any = make_client(server.url).buffer(linger=3600, **options)
    await tracker.__aenter__()
    # So that its task waits already, and nothing runs then but what the leaving itself has run.
    for _ in range(100):
        await asyncio.sleep(0)
    await enqueue(tracker)
    with freezegun.freeze_time(MOMENT), pytest.raises(ConfigurationError, match=r"real_asyncio=True"):
        await tracker.__aexit__(None, None, None)
    if not is_stored:
        assert [failed.outcome for failed in tracker.undelivered] == ["not_sent"]
    assert server.requests == []


async def stopped_for_a_moment(tracker: Any, server: Server) -> None:
    """Have a record in flight and another one waiting, and leave while the buffer's task ends."""
    server.script.append(server.hold)
    async with tracker:
        await enqueue(tracker)
        await until_async(lambda: len(server.requests) > 0)
        await enqueue(tracker)
        with freezegun.freeze_time(MOMENT):
            while tracker._session.state is State.OPEN:
                await asyncio.sleep(0)
        server.release.set()


async def test_what_is_left_in_a_buffer_whose_clock_stopped_for_a_moment_has_the_reason(
    make_client: Callable[..., AsyncSuprsend], server: Server
) -> None:
    failures: list[FailedRecord[Any]] = []
    tracker: Any = make_client(server.url).buffer(linger=3600, on_failure=failures.append)
    with pytest.raises(ConfigurationError, match=r"real_asyncio=True"):
        await stopped_for_a_moment(tracker, server)
    assert "real_asyncio=True" in {failed.outcome: failed.error for failed in failures}["not_sent"]


async def test_what_is_enqueued_before_the_failing_request_has_its_turn_has_the_reason(
    make_client: Callable[..., AsyncSuprsend], monkeypatch: pytest.MonkeyPatch
) -> None:
    failing, fails = asyncio.Event(), asyncio.Event()

    async def send(*_: object) -> Any:
        if failing.is_set():
            await asyncio.Event().wait()
        failing.set()
        await fails.wait()
        raise ConfigurationError("the clock stands still")

    monkeypatch.setattr(Transport, "send", send)
    failures: list[FailedRecord[Any]] = []
    tracker: Any = make_client("http://127.0.0.1:9/").buffer(linger=0, on_failure=failures.append)

    async def use() -> None:
        async with tracker:
            await enqueue(tracker)
            await failing.wait()
            fails.set()
            tracker.enqueue(Event("user-2", "signed_up"))

    with pytest.raises(ConfigurationError, match="the clock stands still"):
        await use()
    reason = "it was not sent: the clock stands still"
    assert [(failed.outcome, failed.error) for failed in failures] == [("not_sent", reason)] * 2
    assert "user-2" in {failed.record.distinct_id for failed in tracker.undelivered}
    assert tracker.stats().last_error == reason


async def test_a_spool_that_is_left_while_its_task_ends_says_why_and_what_stays(
    make_client: Callable[..., AsyncSuprsend], server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tracker: Any = make_client(server.url).buffer(spool=tmp_path / "spool")
    with pytest.raises(ConfigurationError, match=r"real_asyncio=True"):
        await stopped_for_a_moment(tracker, server)
    assert "in the spool" in caplog.text


async def test_a_bulk_whose_source_stops_the_clock_says_it_too(
    make_client: Callable[..., AsyncSuprsend], server: Server
) -> None:
    with contextlib.ExitStack() as stack:

        def events() -> Any:
            stack.enter_context(freezegun.freeze_time(MOMENT))
            yield Event("user-1", "signed_up")

        with pytest.raises(ConfigurationError, match=r"real_asyncio=True"):
            await make_client(server.url).bulk_events.send(events())
    assert server.requests == []


async def tracked(client: AsyncSuprsend) -> object:
    return await client.track_event(Event("user-1", "signed_up"))


async def sent_in_bulk(client: AsyncSuprsend) -> object:
    return await client.bulk_events.send([Event("user-1", "signed_up")], ordered=True)


@pytest.mark.parametrize("call", [tracked, sent_in_bulk])
async def test_a_call_that_waits_for_its_retry_when_the_clock_stops_says_it_too(
    server: Server, call: Callable[[AsyncSuprsend], Coroutine[Any, Any, object]]
) -> None:
    server.script.append(server.answer(503, retry_after="600"))
    async with AsyncSuprsend("key", "secret", base_url=server.url, timeout=3600) as client:
        calling = asyncio.create_task(call(client))
        await until_async(lambda: len(server.requests) > 0)
        with freezegun.freeze_time(MOMENT), pytest.raises(ConfigurationError, match=r"real_asyncio=True") as caught:
            await calling
    assert call is not tracked or caught.value.outcome == "unknown"


async def test_a_call_that_waits_for_a_silent_server_when_the_clock_stops_ends_and_says_it(
    make_client: Callable[..., AsyncSuprsend], server: Server
) -> None:
    server.script.append(server.hold)
    client = make_client(server.url, max_retries=0, timeout=3600)
    calling = asyncio.create_task(tracked(client))
    await until_async(lambda: len(server.requests) > 0)
    with freezegun.freeze_time(MOMENT):
        response: Any = await calling
    server.release.set()
    assert response.outcome == "unknown"
    assert "real_asyncio=True" in response.message


@pytest.mark.parametrize("ordered", [False, True])
async def test_a_stream_that_is_open_when_the_clock_stops_says_it_too(
    make_client: Callable[..., AsyncSuprsend], server: Server, ordered: bool
) -> None:
    stopped = asyncio.Event()

    async def events() -> AsyncIterator[Event]:
        yield Event("user-1", "signed_up")
        await stopped.wait()
        yield Event("user-1", "signed_in")
        await asyncio.Event().wait()

    stream = make_client(server.url).bulk_events.stream(events(), ordered=ordered)
    async with contextlib.aclosing(stream):
        assert (await anext(stream)).success
        with freezegun.freeze_time(MOMENT):
            stopped.set()
            with pytest.raises(ConfigurationError, match=r"real_asyncio=True"):
                await anext(stream)


@pytest.mark.parametrize("freeze", list(FREEZERS.values())[1:], ids=list(FREEZERS)[1:])
def test_what_it_says_to_set_works(server: Server, freeze: Callable[[], Any]) -> None:
    server.script.extend([server.answer(503), server.accept, server.hold])

    async def main() -> None:
        async with AsyncSuprsend("key", "secret", base_url=server.url) as client:
            response = await client.track_event(Event("user-1", "signed_up"))
            assert (response.outcome, response.attempts) == ("accepted", 2)
            silent = await client.with_options(timeout=0.2).track_event(Event("user-1", "signed_up"))
            assert silent.outcome == "unknown"
            server.release.set()
            assert (await client.bulk_events.send([Event("user-1", "signed_up")])).success == 1

    with freeze():
        asyncio.run(main())


def test_uvloop_has_a_clock_of_its_own(server: Server) -> None:
    async def main() -> int:
        async with AsyncSuprsend("key", "secret", base_url=server.url) as client:
            return (await client.track_event(Event("user-1", "signed_up"))).attempts

    server.script.append(server.answer(503))
    with freezegun.freeze_time(MOMENT):
        assert uvloop.run(main()) == 2


@pytest.mark.extras("sandbox")
@pytest.mark.parametrize("started", ["before", "meanwhile"])
def test_a_sandbox_goes_on_while_the_clock_stands(started: str) -> None:
    with contextlib.ExitStack() as stack:
        if started == "meanwhile":
            stack.enter_context(freezegun.freeze_time(MOMENT))
        sandbox = stack.enter_context(Sandbox())
        if started == "before":
            stack.enter_context(freezegun.freeze_time(MOMENT))
        sandbox.provoke(Latency(seconds=0.01, count=1))
        client = stack.enter_context(sandbox.blocking_client())
        response = client.with_options(timeout=5).track_event(Event("user-1", "signed_up"))
        assert (response.outcome, response.attempts) == ("accepted", 1)
