"""Closing the blocking client in one thread while another one goes through its bulk."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from suprsend_async import Event, FailedRecord, RecordResult, Suprsend

if TYPE_CHECKING:
    from tests.conftest import Server


@pytest.fixture
def _short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suprsend_async.transport.loops.CLOSE_GRACE", 0.05)
    # However busy the machine is, the bulk below is done by then.
    monkeypatch.setattr("suprsend_async.loop_thread.DRAIN_LIMIT", 60.0)


@pytest.mark.usefixtures("_short_grace")
def test_what_was_in_flight_is_reported_before_the_loop_stops(server: Server) -> None:
    server.script.extend([server.hold] * 2)
    told: list[FailedRecord] = []
    results: list[RecordResult] = []

    async def on_failure(record: FailedRecord) -> None:
        if record.index == 149:
            # The other chunk's results have been handed over: a loop that waited for no bulk would stop meanwhile.
            await asyncio.sleep(0.1)
        told.append(record)

    client = Suprsend("key", "secret", base_url=server.url)
    events = [Event(f"user-{number}", "signed_up") for number in range(150)]
    streaming = threading.Thread(
        target=lambda: results.extend(client.bulk_events.stream(events, on_failure=on_failure)), daemon=True
    )
    streaming.start()
    server.wait_for_requests(2)
    client.close()
    streaming.join()
    assert [record.outcome for record in told] == ["unknown"] * 150
    assert sorted(result.index for result in results) == list(range(150))
