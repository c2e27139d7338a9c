"""Calls that are under way when their loop ends, their process is interrupted or their bulk is cancelled."""

from __future__ import annotations

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from tests.faults import transport_faults
from tests.faults.calls import BLOCKING_CALLS, events_for, timed_blocking
from tests.faults.clients import ENGINES, opened, opened_blocking
from tests.faults.judge import Judge
from tests.faults.processes import ended, go_on, read_until, started
from tests.faults.server import FaultServer
from tests.promises import CLOSING

from suprsend_async import Event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.promises import Promised


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        running.script.always(transport_faults.never_answer)
        yield running


@pytest.mark.parametrize("engine", ENGINES)
def test_a_loop_ends_under_calls_without_a_word(server: FaultServer, engine: str) -> None:
    with started("abandon", server.url, engine) as process:
        read_until(process, "waiting")
        server.wait_for_requests(20)
        go_on(process)
        ended(process)


@pytest.mark.parametrize("kind", ["interrupted_async", "interrupted_blocking"])
def test_an_interrupt_ends_a_call_at_once(server: FaultServer, kind: str) -> None:
    with started("abandon", server.url, kind) as process:
        read_until(process, "waiting")
        server.wait_for_requests(1)
        process.send_signal(signal.SIGINT)
        ended(process)


@pytest.mark.promises
@pytest.mark.parametrize("engine", ENGINES)
def test_closing_a_blocking_client_ends_the_calls_of_other_threads(
    server: FaultServer, engine: str, promised: Promised
) -> None:
    judge = Judge()
    with opened_blocking(server.url, engine, timeout=30) as client, ThreadPoolExecutor(8) as threads:
        calls = [
            threads.submit(timed_blocking, BLOCKING_CALLS[call], client, events_for(call), judge)
            for call in [*BLOCKING_CALLS, *BLOCKING_CALLS]
        ]
        server.wait_for_requests(8)
        with promised(0.0, CLOSING):
            client.close()
        said = [call.result() for call in calls]
        # To be closed with what is around it.
        client.__enter__()
    assert [one.raised for one in said] == [None] * 8
    assert [set(one.outcomes) for one in said] == [{"unknown"}] * 8
    found = judge.compare(server.ledger.entries)
    assert found.is_clean, str(found)


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_cancelled_trigger_can_be_triggered_again(server: FaultServer, engine: str) -> None:
    server.script.plan(*[transport_faults.late_answer(0.05)] * 3, *[transport_faults.never_answer] * 3)
    events = [Event(f"user-{number}", "order_placed") for number in range(1000)]
    async with opened(server.url, engine, concurrency=3, timeout=1) as client:
        bulk = client.bulk_events.new_instance()
        bulk.append(*events)
        task = asyncio.create_task(bulk.trigger())
        await asyncio.to_thread(server.wait_for_requests, 6)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        server.script.clear()
        seen = {entry.insert_id for entry in server.ledger.entries}
        response = await bulk.trigger()
    assert response.success == 1000
    judge = Judge()
    judge.hear_bulk(events, response)
    found = judge.compare(server.ledger.entries)
    assert found.is_clean, str(found)
    # The three chunks that were answered before the cancellation were not sent again.
    again = [entry for entry in server.ledger.entries if entry.attempt > 1]
    assert len(seen) == 600
    assert len(again) == 300
