"""An outage that ends before half of the deadline loses nothing; in virtual time, for thousands of calls."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from tests.virtual_time import loop_clock, now, run

from suprsend_async import AsyncSuprsend, Event
from suprsend_async.transport.answer import Answer, Failure
from suprsend_async.transport.loops import LoopStates

if TYPE_CHECKING:
    from suprsend_async import BulkResponse
    from suprsend_async.transport.request import SignedRequest

LATENCY = 0.02
CALLS = 250
EVENTS = 4_000
BUSY = Answer(503, {}, b'{"status": "error", "error": {"message": "busy", "type": "busy"}}')
PAGE = b"<html>"
ANSWERS = {
    "503": BUSY,
    "502 page": Answer(502, {"content-type": "text/html"}, PAGE),
    "404 page": Answer(404, {"content-type": "text/html"}, PAGE),
    "520 page": Answer(520, {"content-type": "text/html"}, PAGE),
}
KINDS = ("refused", "reset", "black hole", *ANSWERS)


class Platform:
    """An engine of its own: it is down for a while, in one way, and accepts everything else."""

    max_in_flight = None

    def __init__(self, kind: str, down: tuple[float, float]) -> None:
        self.kind = kind
        self.down = down
        self.requests: list[float] = []

    def uri_as_sent(self, uri: str) -> str:
        return uri

    async def exchange(self, signed: SignedRequest, timeout: float, connect_timeout: float) -> Answer | Failure:
        began = now()
        self.requests.append(began)
        if not self.down[0] <= began < self.down[1]:
            await anyio.sleep(LATENCY)
            return self._yes(signed)
        match self.kind:
            case "refused":
                return Failure("connection_failed", "refused", sent=False)
            case "reset":
                await anyio.sleep(LATENCY)
                return Failure("connection_failed", "reset", sent=True)
            case "black hole":
                await anyio.sleep(min(timeout, connect_timeout))
                return Failure("deadline_exceeded", "no connection", sent=False)
            case _:
                await anyio.sleep(LATENCY)
                return ANSWERS[self.kind]

    def _yes(self, signed: SignedRequest) -> Answer:
        body = json.loads(signed.request.body)
        if isinstance(body, dict):
            return Answer(202, {}, b'{"status": "success", "message_id": "m"}')
        record = {"status": "success", "status_code": 202, "message_id": "m"}
        return Answer(207, {}, json.dumps({"status": "success", "records": [record] * len(body)}).encode())

    async def aclose(self) -> None:
        pass


def client_of(platform: Platform, chance: random.Random, **options: Any) -> AsyncSuprsend:
    async def load() -> None:
        pass

    client = AsyncSuprsend("key", "secret", base_url="http://127.0.0.1:9/", **options)
    session = client.sender.transport.session
    session.clock = loop_clock()._replace(uniform=chance.uniform)
    session.loops = LoopStates(load, lambda: platform, session.max_connections)
    return client


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.05, 0.25, 0.5])
@pytest.mark.parametrize("timeout", [2.0, 10.0, 30.0])
def test_single_calls_outlast_it(timeout: float, share: float, kind: str) -> None:
    seconds = timeout * share

    async def main() -> Counter[str]:
        client = client_of(Platform(kind, (0.0, seconds)), random.Random(1), timeout=timeout, max_connections=CALLS)

        async def call(number: int) -> str:
            # Some begin with the outage, some in its last moment.
            await anyio.sleep(seconds * number / CALLS)
            return (await client.track_event(Event(f"user-{number}", "signed_up"))).outcome

        outcomes = Counter(await asyncio.gather(*map(call, range(CALLS))))
        await client.aclose()
        return outcomes

    outcomes = run(main)
    assert outcomes["accepted"] >= 0.999 * CALLS, outcomes


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.05, 0.25, 0.5])
@pytest.mark.parametrize("timeout", [2.0, 10.0, 30.0])
def test_a_bulk_outlasts_it(timeout: float, share: float, kind: str) -> None:
    async def main() -> BulkResponse:
        # The outage begins when some chunks are through.
        platform = Platform(kind, (5 * LATENCY, 5 * LATENCY + timeout * share))
        client = client_of(platform, random.Random(1), timeout=timeout)
        result = await client.bulk_events.send(Event(f"user-{number}", "signed_up") for number in range(EVENTS))
        await client.aclose()
        return result

    result = run(main)
    assert result.success >= 0.999 * EVENTS, Counter(failed.error for failed in result.failed_records)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["refused", "503", "black hole"])
def test_a_server_that_is_back_is_not_stormed(kind: str) -> None:
    end = 15.0
    platforms = [Platform(kind, (0.0, end)) for _ in range(1_000)]

    async def main() -> set[str]:
        chance = random.Random(1)
        clients = [client_of(platform, chance) for platform in platforms]
        responses = await asyncio.gather(*(client.track_event(Event("user-1", "up")) for client in clients))
        for client in clients:
            await client.aclose()
        return {response.outcome for response in responses}

    assert run(main) == {"accepted"}
    by_tenth = Counter(int((at - end) * 10) for platform in platforms for at in platform.requests if at >= end)
    # A thousand clients whose longest wait is 3.75 s: about 53 in a tenth of a second, if they are spread evenly.
    assert max(by_tenth.values()) < 150
    assert max(len(platform.requests) for platform in platforms) < 40
