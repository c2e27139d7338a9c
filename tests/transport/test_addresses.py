"""A name with several addresses, or with others than before: where the next attempt goes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from typing import TYPE_CHECKING, Any, NoReturn

import anyio.to_thread
import pytest
from aiohttp.abc import AbstractResolver
from httpx_aiohttp import HttpxAiohttpClient
from tests.faults.certificates import Certificates
from tests.faults.clients import async_client
from tests.faults.server import FaultServer
from tests.transport.test_round_trip import black_hole

from suprsend_async import AsyncSuprsend, Event
from suprsend_async.transport import engine as default_engine
from suprsend_async.transport.connector import SOCKETS_ARE_MADE_HERE
from suprsend_async.transport.resolver import FailedLast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aiohttp.abc import ResolveResult
    from tests.conftest import Server

    from suprsend_async import EventResponse

    Using = Callable[..., AsyncSuprsend]

EVENT = Event("user-1", "signed_up")
PATIENCE = 30.0  # seconds until a test that hangs fails
YES = b'{"status": "success", "message_id": "m-1"}'


@contextlib.contextmanager
def left_address(port: int, *, resets: bool) -> Iterator[threading.Event]:
    """Take connections where the platform no longer is: they are reset with the request, or nothing comes on them."""
    taken: list[socket.socket] = []
    came = threading.Event()

    def take() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                taken.append(connection)
                came.set()
                if resets:
                    connection.recv(1)
                    connection.close()

    with socket.create_server(("127.0.0.2", port)) as listening:
        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield came
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in taken:
                connection.close()


BEFORE: dict[str, Callable[[int], contextlib.AbstractContextManager[object]]] = {
    "refused": lambda _: contextlib.nullcontext(),
    "black hole": lambda port: black_hole("127.0.0.2", port),
    "reset": lambda port: left_address(port, resets=True),
    "silent": lambda port: left_address(port, resets=False),
}


@pytest.fixture
async def look_ups(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Give the answers of the name service, each a list of addresses; the last one stays."""
    answers: list[list[str]] = []

    async def resolve(host: Any, port: Any, **options: object) -> list[Any]:
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port)) for address in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    return answers


@pytest.mark.filterwarnings("ignore:base_url is plain http")
@pytest.mark.parametrize("before", BEFORE)
async def test_a_name_that_moved_is_looked_up_again(
    using: Using, server: Server, look_ups: list[list[str]], before: str
) -> None:
    look_ups += [["127.0.0.2"], ["127.0.0.1"]]
    client = using(f"http://moved.example.com:{server.port}/", timeout=1.2)
    with BEFORE[before](server.port):
        response = await client.track_event(EVENT)
    assert (response.outcome, response.attempts) == ("accepted", 2), response.message


@pytest.mark.filterwarnings("ignore:base_url is plain http")
@pytest.mark.parametrize("engine", ["default", "given aiohttp"])
async def test_an_address_that_fails_goes_behind_the_others(
    make_client: Using, server: Server, look_ups: list[list[str]], engine: str
) -> None:
    """Looked up anew, a name has the same addresses in the same order; one of them may be of no use."""
    look_ups.append(["127.0.0.2", "127.0.0.1"])
    async with HttpxAiohttpClient(trust_env=False) as given:
        client = make_client(
            f"http://two.example.com:{server.port}/", max_retries=1, http_client=given if engine != "default" else None
        )
        with left_address(server.port, resets=True):
            for _ in range(4):
                assert (await client.track_event(EVENT)).outcome == "accepted"
                server.script.append(server.last(server.answer(202, YES)))


@pytest.mark.filterwarnings("ignore:base_url is plain http")
async def test_an_address_stays_before_the_others_if_a_connection_that_rested_is_closed(
    make_client: Using, server: Server, look_ups: list[list[str]]
) -> None:
    look_ups.append(["127.0.0.2", "127.0.0.1"])
    client = make_client(f"http://two.example.com:{server.port}/", max_retries=1)
    with left_address(server.port, resets=True):
        assert (await client.track_event(EVENT)).attempts == 2
        server.script.append(server.last(b""))
        response = await client.track_event(EVENT)
    assert (response.outcome, response.attempts) == ("accepted", 2)


@pytest.mark.filterwarnings("ignore:base_url is plain http")
@pytest.mark.parametrize("engine", ["default", "given aiohttp"])
async def test_a_call_that_its_caller_gives_up_says_nothing_of_its_address(
    make_client: Using, server: Server, look_ups: list[list[str]], engine: str
) -> None:
    look_ups += [["127.0.0.1"], ["127.0.0.2"]]
    server.script.append(server.hold)
    async with HttpxAiohttpClient(trust_env=False) as given:
        client = make_client(
            f"http://two.example.com:{server.port}/", max_retries=0, http_client=given if engine != "default" else None
        )
        given_up = asyncio.create_task(client.track_event(EVENT))
        await anyio.to_thread.run_sync(server.wait_for_requests, 1)
        given_up.cancel()
        await asyncio.wait([given_up])
        assert (await client.track_event(EVENT)).outcome == "accepted"
    assert server.connections == 2


@pytest.mark.skipif(not SOCKETS_ARE_MADE_HERE, reason="before 3.12 aiohttp does not say where it connects to")
@pytest.mark.parametrize("calls", [1, 8])
async def test_an_address_that_is_silent_in_the_handshake_goes_behind_the_others(
    look_ups: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    certificates = Certificates()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.write_authority(tmp_path)))
    default_engine.tls_context.cache_clear()
    look_ups.append(["127.0.0.2", "127.0.0.1"])
    with FaultServer(tls=certificates.good("two.example.com")) as server:
        url = f"https://two.example.com:{server.port}/"
        with left_address(server.port, resets=False):
            async with async_client(url, retries=1, timeout=12.0) as client:
                events = [Event(f"user-{number}", "signed_up") for number in range(calls)]
                responses = await asyncio.gather(*map(client.track_event, events))
    default_engine.tls_context.cache_clear()
    assert {(response.outcome, response.attempts) for response in responses} <= {("accepted", 1), ("accepted", 2)}


async def test_a_client_of_the_users_goes_on_to_the_next_address_within_one_attempt(look_ups: list[list[str]]) -> None:
    """aiohttp has a limit for each address, and what is set for a tunnel must not end the whole row of them."""
    certificates = Certificates()
    look_ups.append(["127.0.0.2", "127.0.0.1"])
    with FaultServer(tls=certificates.good("two.example.com")) as server:
        url = f"https://two.example.com:{server.port}/"
        with left_address(server.port, resets=False) as silent:
            async with (
                HttpxAiohttpClient(trust_env=False, verify=certificates.client()) as given,
                AsyncSuprsend("k" * 20, "s", base_url=url, http_client=given, timeout=12.0, max_retries=0) as client,
            ):
                response = await client.track_event(EVENT)
    assert silent.is_set()
    assert (response.outcome, response.attempts) == ("accepted", 1), response.message


class Addresses(AbstractResolver):
    """Knows the addresses of every name."""

    def __init__(self, *hosts: str) -> None:
        self._hosts = hosts

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        return [
            {"hostname": host, "host": one, "port": port, "family": family, "proto": 0, "flags": 0}
            for one in self._hosts
        ]

    async def close(self) -> None:
        """Do nothing."""


async def test_what_failed_just_now_is_left_out_and_comes_last_afterwards() -> None:
    """aiohttp begins with another address each time: behind the others it would still be the first of some."""
    now = 0.0
    resolver = FailedLast(Addresses("a", "b", "c"), lambda: now)

    async def found() -> str:
        return "".join(one["host"] for one in await resolver.resolve("two.example.com"))

    assert await found() == "abc"
    resolver.note(("a", 443))
    assert await found() == "bc"
    now = 30.0
    resolver.note(("b", 443))
    assert await found() == "c"
    resolver.note(("c", 443))
    assert await found() == "abc"
    resolver.note(("a", 443))
    assert await found() == "bca"
    now = 3600.0
    resolver.note(("c", 443))
    assert await found() == "ba"


async def test_no_more_addresses_are_remembered_than_are_of_use() -> None:
    resolver = FailedLast(Addresses("0", "999"), lambda: 0.0)
    for number in range(1000):
        resolver.note((str(number), 443))
    assert [one["host"] for one in await resolver.resolve("two.example.com")] == ["0"]


async def test_a_name_is_not_looked_up_for_each_connection(
    make_client: Using, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[object] = []

    async def resolve(host: Any, port: Any, **options: object) -> list[Any]:
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", server.port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    client = make_client(f"http://app.localhost:{server.port}/")
    responses = await asyncio.gather(*(client.track_event(Event("user-1", "signed_up")) for _ in range(20)))
    assert all(response.success for response in responses)
    assert len(looked_up) == 1


@pytest.mark.filterwarnings("ignore:base_url is plain http")
def test_the_loop_ends_while_the_name_service_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, over, answered = threading.Event(), threading.Event(), threading.Event()

    def silent(*_: object, **__: object) -> NoReturn:
        asked.set()
        over.wait(PATIENCE)
        answered.set()
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", silent)

    async def call() -> EventResponse:
        async with AsyncSuprsend("k" * 20, "s", base_url="http://silent.example.com/", timeout=0.2) as client:
            return await client.track_event(EVENT)

    try:
        response = asyncio.run(call())
        assert response.outcome == "not_sent"
        assert asked.is_set()
        assert not answered.is_set()
    finally:
        over.set()
        answered.wait(PATIENCE)
