"""Tests of an application: one client for all of them, and for each a loop of its own, as pytest-asyncio has it."""

from __future__ import annotations

import asyncio
import os

import pytest
from tests.faults.clients import PATIENT, async_client
from tests.faults.programs.telling import tell_response

from suprsend_async import Event

client = async_client(os.environ["BENCH_URL"], timeout=PATIENT)
loops: set[asyncio.AbstractEventLoop] = set()


@pytest.mark.asyncio
@pytest.mark.parametrize("number", range(6))
async def test_send(number: int) -> None:
    loops.add(asyncio.get_running_loop())
    assert len(loops) == number + 1
    events = [Event(f"user-{number}", "order_placed") for _ in range(2)]
    for event, response in zip(events, await asyncio.gather(*map(client.track_event, events)), strict=True):
        tell_response(event, response)
