"""The buffer's life: entering, leaving, cancelling, closing, forking."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import threading
from typing import TYPE_CHECKING

import anyio
import pytest
from tests.buffering.exchanges import bodies, events
from tests.conftest import Server
from tests.waiting import all_have_run, until_async

from suprsend_async import AsyncSuprsend, ConfigurationError, Event, FailedRecord

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from tests.conftest import Received


async def test_leaving_the_block_sends_what_is_left(client: AsyncSuprsend, server: Server) -> None:
    async with client.buffer(linger=3600) as tracker:
        await tracker.track_event(Event("user-1", "signed_up"))
        for event in events(250):
            tracker.enqueue(event)
    assert sum(bodies(server)) == 251
    assert tracker.stats().accepted == 251
    assert tracker.undelivered == ()


async def test_a_buffer_whose_task_was_cancelled_takes_nothing_in_and_names_what_it_had(
    client: AsyncSuprsend, server: Server
) -> None:
    async with client.buffer(linger=60.0) as tracker:
        assert (await tracker.track_event(events(1)[0])).success
        tracker.enqueue(waiting := events(1)[0])
        # As programs do that end everything at once.
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await until_async(lambda: tracker.stats().pending == 0)
        with pytest.raises(ConfigurationError, match=r"enqueue\(\) comes too late"):
            tracker.enqueue(events(3)[2])
        with pytest.raises(ConfigurationError, match=r"track_event\(\) comes too late"):
            await tracker.track_event(events(3)[2])
    assert [record.record for record in tracker.undelivered] == [waiting]


async def test_a_buffer_is_entered_once_also_by_two_at_the_same_time(client: AsyncSuprsend) -> None:
    tracker = client.buffer()

    async def enter() -> None:
        async with tracker:
            await all_have_run()

    first, second = await asyncio.gather(enter(), enter(), return_exceptions=True)
    assert first is None
    assert isinstance(second, ConfigurationError)


async def test_an_exception_in_the_block_drains_all_the_same(client: AsyncSuprsend, server: Server) -> None:
    with pytest.raises(LookupError):  # noqa: PT012 - so that the block ends by it
        async with client.buffer() as tracker:
            tracker.enqueue(Event("user-1", "signed_up"))
            raise LookupError
    assert bodies(server) == [1]
    assert tracker.stats().accepted == 1


@pytest.mark.parametrize("how", ["task", "scope"])
async def test_cancelling_the_block_drains_all_the_same(client: AsyncSuprsend, server: Server, how: str) -> None:
    trackers = []
    entered = anyio.Event()

    async def block() -> None:
        async with client.buffer() as tracker:
            trackers.append(tracker)
            tracker.enqueue(Event("user-1", "signed_up"))
            entered.set()
            await anyio.sleep_forever()

    if how == "task":
        task = asyncio.create_task(block())
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        async with anyio.create_task_group() as group:
            group.start_soon(block)
            await entered.wait()
            group.cancel_scope.cancel()
    assert bodies(server) == [1]
    assert trackers[0].stats().accepted == 1


async def test_the_drain_is_bounded_and_what_was_not_delivered_is_named(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.hold] * 3)
    told: list[FailedRecord] = []
    given = events(121)
    async with client.buffer(drain_timeout=0.1, max_pending=120, on_failure=told.append) as tracker:
        for event in given[:120]:
            tracker.enqueue(event)
        in_line = asyncio.create_task(tracker.track_event(given[120]))
        await asyncio.to_thread(server.wait_for_requests, 2)
    server.release.set()
    assert [record.record for record in tracker.undelivered] == given
    assert [record.outcome for record in tracker.undelivered] == ["unknown"] * 120 + ["not_sent"]
    # The caller heard of its event itself.
    assert sorted(record.index for record in told) == list(range(120))
    assert (await in_line).outcome == "not_sent"
    stats = tracker.stats()
    assert (stats.pending, stats.unknown, stats.not_sent) == (0, 120, 1)


async def test_a_second_cancellation_ends_the_drain_at_once(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.hold)
    told: list[FailedRecord] = []

    async def block() -> None:
        async with client.buffer(drain_timeout=3600, on_failure=told.append) as tracker:
            tracker.enqueue(Event("user-1", "signed_up"))
            await anyio.sleep_forever()

    task = asyncio.create_task(block())
    await asyncio.to_thread(server.wait_for_requests, 1)
    task.cancel()
    await all_have_run()
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    server.release.set()
    assert [record.outcome for record in told] == ["unknown"]


async def test_outside_of_the_block_calls_are_refused(client: AsyncSuprsend) -> None:
    tracker = client.buffer()
    with pytest.raises(ConfigurationError, match="async with client"):
        tracker.enqueue(Event("user-1", "signed_up"))
    with pytest.raises(ConfigurationError, match="entered"):
        tracker.stats()
    async with tracker:
        with pytest.raises(ConfigurationError, match="in use"):
            async with tracker:
                pass
    for call in (tracker.track_event, tracker.enqueue):
        with pytest.raises(ConfigurationError, match="async with client"):
            await call(Event("user-1", "signed_up"))  # type: ignore[misc]
    async with tracker:
        assert (await tracker.track_event(Event("user-1", "signed_up"))).success


async def test_another_thread_is_told_the_way(client: AsyncSuprsend) -> None:
    problems: list[Exception] = []
    async with client.buffer() as tracker:

        def call() -> None:
            try:
                tracker.enqueue(Event("user-1", "signed_up"))
            except ConfigurationError as error:
                problems.append(error)

        thread = threading.Thread(target=call)
        thread.start()
        await asyncio.to_thread(thread.join)
    assert "call_soon_threadsafe" in str(problems[0])


async def test_closing_the_client_waits_for_a_block_that_is_being_left(
    make_client: Callable[..., AsyncSuprsend], server: Server
) -> None:
    client = make_client(server.url, concurrency=1)
    answers = threading.Event()

    def answer_later(request: Received) -> bytes:
        answers.wait()
        return server.accept(request)

    async def leave() -> int:
        async with client.buffer() as tracker:
            for event in events(250):
                tracker.enqueue(event)
        return tracker.stats().accepted

    server.script.append(answer_later)
    leaving = asyncio.create_task(leave())
    await until_async(lambda: len(server.requests) == 1)
    closing = asyncio.create_task(client.aclose())
    await all_have_run()
    answers.set()
    await closing
    assert await leaving == 250


async def test_a_closed_client_gives_no_buffer(client: AsyncSuprsend) -> None:
    await client.aclose()
    with pytest.raises(ConfigurationError, match="was closed"):
        async with client.buffer():
            pass


async def test_ten_thousand_random_cancellations_leave_the_counters_right(client: AsyncSuprsend) -> None:
    chance = random.Random(7)
    logging.disable()
    try:
        async with client.buffer(max_pending=50) as tracker:

            async def call(number: int) -> bool:
                task = asyncio.create_task(tracker.track_event(Event(f"user-{number}", "signed_up")))
                for _ in range(chance.randrange(12)):
                    await asyncio.sleep(0)
                task.cancel()
                return (await asyncio.gather(task, return_exceptions=True))[0] is not None

            for _ in range(50):
                await asyncio.gather(*[call(number) for number in range(200)])
            await tracker.flush()
            assert (await tracker.track_event(Event("user-1", "signed_up"))).success
    finally:
        logging.disable(logging.NOTSET)
    stats = tracker.stats()
    assert (stats.pending, stats.waiting, stats.requests) == (0, 0, 0)
    assert stats.taken == stats.accepted


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_neither_sends_nor_uses_what_the_parent_has_taken_in(
    run_python: Callable[..., subprocess.CompletedProcess[str]], server: Server
) -> None:
    source = """
import asyncio, os
from suprsend_async import AsyncSuprsend, ConfigurationError, Event
client = AsyncSuprsend(KEY, SECRET, base_url=URL)
tracker = client.buffer()

async def child():
    try:
        tracker.enqueue(Event("user-1", "signed_up", {"n": 9}))
    except ConfigurationError:
        pass
    async with client, tracker:
        assert (await tracker.track_event(Event("user-1", "signed_up", {"n": 1}))).success
    assert tracker.stats().taken == 1

async def main():
    async with client, tracker:
        tracker.enqueue(Event("user-1", "signed_up", {"n": 0}))
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
asyncio.run(main())
"""
    process = run_python(source)
    assert (process.returncode, process.stderr) == (0, "")
    assert sorted(event["properties"]["n"] for request in server.requests for event in request.json) == [0, 1]
