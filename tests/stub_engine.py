"""An engine that answers from a script without a network, and clients' parts around it on the virtual clock."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import TYPE_CHECKING, Any

import anyio
from tests.virtual_time import loop_clock

from suprsend_async.transport.answer import Answer, Failure
from suprsend_async.transport.authentication import WorkspaceSecret
from suprsend_async.transport.loops import LoopStates
from suprsend_async.transport.origin import parse_base_url
from suprsend_async.transport.retry import RetryPolicy
from suprsend_async.transport.session import Session
from suprsend_async.transport.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from suprsend_async.transport.request import SignedRequest

    Line = Callable[[SignedRequest], Any] | Answer | Failure


# Seconds that each exchange takes; without any, time would never pass beside a source that never ends.
LATENCY = 0.001


def records(signed: SignedRequest) -> list[Any]:
    """Return the records of a request."""
    return json.loads(signed.request.body)


def accept(signed: SignedRequest) -> Answer:
    """Answer as the platform does when all is well."""
    record = {"status": "success", "status_code": 202}
    return Answer(207, {}, json.dumps({"records": [record] * len(records(signed))}).encode())


class StubEngine:
    """Answers each request with a line of the script, and accepts all once that is used up."""

    max_in_flight: int | None = None

    def __init__(self, *script: Line) -> None:
        self.script: deque[Line] = deque(script)
        self.requests: list[SignedRequest] = []
        self.arrived = anyio.Event()
        self.release = asyncio.Event()

    def uri_as_sent(self, uri: str) -> str:
        return uri

    async def exchange(self, signed: SignedRequest, timeout: float, connect_timeout: float) -> Answer | Failure:
        self.requests.append(signed)
        self.arrived.set()
        line = self.script.popleft() if self.script else accept
        result = line
        with anyio.move_on_after(timeout):
            await anyio.sleep(LATENCY)
            if callable(line):
                result = line(signed)
                if asyncio.iscoroutine(result):
                    result = await result
            return result
        return Failure("deadline_exceeded", "no answer came before the deadline", sent=True)

    async def hold(self, signed: SignedRequest) -> Answer:
        """Accept, but not before `release` is set."""
        await self.release.wait()
        return accept(signed)

    async def wait_for_requests(self, count: int) -> None:
        while len(self.requests) < count:
            self.arrived = anyio.Event()
            await self.arrived.wait()

    async def aclose(self) -> None:
        """Nothing is held."""


async def _loaded() -> None:
    """Nothing is to be imported."""


def transport_over(engine: StubEngine, *, timeout: float = 30.0, max_retries: int = 4) -> Transport:
    """Return what sends through an engine, with time and chance of the virtual loop."""
    session = Session(
        parse_base_url("https://hub.suprsend.com/"),
        WorkspaceSecret("test-workspace-key-0123456789", "test-workspace-secret-0123456789"),
        headers={"User-Agent": "suprsend-async/test"},
        max_connections=100,
        clock=loop_clock(),
    )
    session.loops = LoopStates(_loaded, lambda: engine, session.max_connections)
    return Transport(session, timeout, RetryPolicy(max_retries))
