"""A caller hears what its request met, also if that is known only at the deadline."""

from __future__ import annotations

import asyncio

import anyio
import httpx
import pytest
from tests.virtual_time import VirtualTimeLoop

from suprsend_async import AsyncSuprsend, Event, EventResponse
from suprsend_async.transport.clock import Clock


class NeverAnswers(httpx.AsyncBaseTransport):
    """A network that takes a request and says nothing more."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await anyio.sleep_forever()
        raise AssertionError("it sleeps for ever")


async def track(loop: asyncio.AbstractEventLoop, linger: float) -> EventResponse:
    async with (
        httpx.AsyncClient(transport=NeverAnswers()) as http_client,
        AsyncSuprsend("k" * 20, "secret", http_client=http_client, timeout=30.0, max_retries=0) as client,
    ):
        client.sender.transport.session.clock = Clock(monotonic=loop.time)
        async with client.buffer(linger=linger) as tracker:
            return await tracker.track_event(Event("user-1", "signed_up"))


@pytest.mark.parametrize("linger", [0.0, 0.01])
def test_the_requests_own_answer_comes_before_the_callers_deadline(linger: float) -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        response = runner.run(track(runner.get_loop(), linger))
    assert (response.outcome, response.error_type, response.attempts) == ("unknown", "deadline_exceeded", 1)
    # The engine's words, and not those for a caller who knows nothing of its request.
    assert response.message == "no answer came before the deadline"
