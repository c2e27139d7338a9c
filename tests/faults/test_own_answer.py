"""An answer is given to the request that it answers, whatever bytes come when."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import TYPE_CHECKING

import pytest
from tests.faults.certificates import Certificates
from tests.faults.framing import TRICKS, Tricks, marked
from tests.faults.judge import Judge
from tests.faults.own_answers import ENGINES, check, opened
from tests.faults.places import LOOPS
from tests.faults.server import FaultServer

from suprsend_async import Event, EventResponse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.exchange import Exchange


# What over TLS, or with many calls at once, might go another way than it does in the plain case.
SOME = [
    "copy in one write",
    "copy at once",
    "copy in pieces",
    "half a copy, the rest with the next request",
    "the beginning of a copy in one write, the rest with the next request",
    "a byte of a copy with the end of the answer, then a copy",
    "chunked, the last chunk with a copy",
    "204, then an answer",
]
# Of these everything is there before the call that is answered has ended.
AT_ONCE = ["copy in one write", "copy with the end of the answer", "chunked and a copy", "length too short"]


def wait_until_quiet(tricks: Tricks, server: FaultServer) -> None:
    """Wait until all has gone out that comes without a further request. Called on the loop, it lets nothing be read."""
    for _ in range(10_000):
        if tricks.quiet >= server.requests:
            return
        time.sleep(0.001)
    raise AssertionError("the server does not come to an end")


async def let_be_read(tricks: Tricks, server: FaultServer) -> None:
    """Wait for the same, and until the client's loop has read it."""
    await asyncio.to_thread(wait_until_quiet, tricks, server)
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize("name", TRICKS)
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("loop", "reads"), [("asyncio", True), ("asyncio", False), ("uvloop", True)])
def test_one_call_after_another(name: str, engine: str, loop: str, reads: bool) -> None:
    tricks = Tricks(TRICKS[name])
    said: list[tuple[Event, EventResponse]] = []

    async def main(server: FaultServer) -> None:
        async with opened(server.url, engine) as client:
            for number in range(3):
                event = Event(f"user-{number}", "order_placed")
                said.append((event, await client.track_event(event)))
                if reads:
                    await let_be_read(tricks, server)
                else:
                    wait_until_quiet(tricks, server)

    with FaultServer() as server, asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        server.script.always(tricks.fault)
        runner.run(main(server))
    check(server, said)


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("engine", ENGINES)
async def test_over_tls(name: str, engine: str, certificates: Certificates, trusted: ssl.SSLContext) -> None:
    tricks = Tricks(TRICKS[name])
    said: list[tuple[Event, EventResponse]] = []
    with FaultServer(tls=certificates.good()) as server:
        server.script.always(tricks.fault)
        async with opened(server.url, engine, trusted) as client:
            for number in range(3):
                event = Event(f"user-{number}", "order_placed")
                said.append((event, await client.track_event(event)))
                await let_be_read(tricks, server)
    check(server, said)


@pytest.mark.parametrize("engine", ENGINES)
async def test_over_tls_connections_are_used_again(
    engine: str, certificates: Certificates, trusted: ssl.SSLContext
) -> None:
    with FaultServer(tls=certificates.good()) as server:
        async with opened(server.url, engine, trusted) as client:
            for _ in range(5):
                assert (await client.track_event(Event("user-1", "order_placed"))).attempts == 1
    assert server.accepted_connections == 1


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("engine", ENGINES)
async def test_calls_side_by_side(name: str, engine: str) -> None:
    tricks = Tricks(TRICKS[name])
    said: list[tuple[Event, EventResponse]] = []
    with FaultServer() as server:
        server.script.always(tricks.fault)
        async with opened(server.url, engine) as client:
            for _ in range(3):
                events = [Event(f"user-{number}", "order_placed") for number in range(8)]
                said += zip(events, await asyncio.gather(*map(client.track_event, events)), strict=True)
                await let_be_read(tricks, server)
    check(server, said)


@pytest.mark.parametrize("name", AT_ONCE)
@pytest.mark.parametrize("engine", ENGINES)
async def test_many_calls_without_a_pause(name: str, engine: str) -> None:
    tricks = Tricks(TRICKS[name])
    with FaultServer() as server:
        server.script.always(tricks.fault)
        async with opened(server.url, engine, max_connections=8) as client:
            events = [Event(f"user-{number}", "order_placed") for number in range(100)]
            responses = await asyncio.gather(*map(client.track_event, events))
    check(server, list(zip(events, responses, strict=True)))


@pytest.mark.parametrize("name", AT_ONCE)
@pytest.mark.parametrize("engine", ENGINES)
async def test_a_bulk(name: str, engine: str) -> None:
    tricks = Tricks(TRICKS[name])
    events = [Event(f"user-{number}", "order_placed") for number in range(1000)]
    judge = Judge()
    with FaultServer() as server:
        server.script.always(tricks.fault)
        async with opened(server.url, engine) as client:
            results = [result async for result in client.bulk_events.stream(events, concurrency=4)]
    judge.hear_stream(events, results)
    assert {result.message_id for result in results} <= {None, *(event.insert_id for event in events)}
    assert [result for result in results if result.message_id not in (None, events[result.index].insert_id)] == []
    assert judge.compare(server.ledger.entries).is_clean


async def test_an_interim_answer_is_not_the_last_word(server_that_ends: FaultServer) -> None:
    async with opened(server_that_ends.url, "default") as client:
        response = await client.track_event(Event("user-1", "order_placed"))
    assert (response.outcome, response.success) == ("unknown", False)


@pytest.fixture(params=[b"100 Continue", b"101 Switching Protocols", b"102 Processing", b"103 Early Hints"])
def server_that_ends(request: pytest.FixtureRequest) -> Iterator[FaultServer]:
    """Give a server whose last word is an interim answer."""

    async def end(exchange: Exchange) -> None:
        await marked(exchange)
        await exchange.connection.send(b"HTTP/1.1 " + request.param + b"\r\n\r\n")
        await exchange.connection.close()

    with FaultServer() as server:
        server.script.always(end)
        yield server
