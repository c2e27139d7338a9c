"""What comes before its request, or before all of the request is there, is no yes to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import sys
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import aiohttp
import httpx
import pytest
from httpx_aiohttp import AiohttpTransport
from tests.faults.certificates import Certificates
from tests.faults.clients import async_client
from tests.faults.framing import Tricks, marked
from tests.faults.own_answers import ENGINES, check, opened
from tests.faults.server import HOST, FaultServer
from tests.faults.wire import Connection as FaultConnection
from tests.faults.wire import answer, to_json

from suprsend_async import Event
from suprsend_async.transport.connector import HEAD_WAITS
from suprsend_async.transport.sending import SPOKE_FIRST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aiohttp.connector import Connection
    from tests.faults.exchange import Exchange


@pytest.fixture
def narrow() -> Iterator[FaultServer]:
    """Give a server whose system takes in next to nothing for it."""
    with FaultServer(bound=narrow_socket()) as server:
        yield server


def narrow_socket() -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    bound.bind((HOST, 0))
    return bound


LARGE = Event("user-1", "order_placed", {"text": "x" * 790_000})


CLOSES = {"Connection": "close"}
YES = to_json({"status": "success", "message_id": "early"})
# A yes in each form, and what becomes of the connection then.
FORMS: dict[str, tuple[bytes, Callable[[FaultConnection], None] | None]] = {
    "kept": (answer(202, YES), None),
    "to be closed": (answer(202, YES, CLOSES), None),
    "of HTTP/1.0": (answer(202, YES, version="HTTP/1.0"), None),
    "to be closed, then an end": (answer(202, YES, CLOSES), FaultConnection.end_sending),
    "an end": (answer(202, YES), FaultConnection.end_sending),
    "of no length, then an end": (b"HTTP/1.1 202 Accepted\r\n\r\n" + YES, FaultConnection.end_sending),
    "a reset": (answer(202, YES), FaultConnection.reset),
    "to be closed, then a reset": (answer(202, YES, CLOSES), FaultConnection.reset),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("engine", ENGINES)
async def test_a_yes_to_a_request_that_is_not_there_yet_is_no_yes(engine: str, form: str, narrow: FaultServer) -> None:
    yes, end = FORMS[form]

    async def say_yes_at_once(exchange: Exchange) -> None:
        exchange.connection.stop_reading()
        await exchange.connection.send(yes)
        if end is not None:
            end(exchange.connection)
        await asyncio.Event().wait()

    narrow.script.always(say_yes_at_once)
    async with opened(narrow.url, engine, retries=1) as client:
        response = await client.track_event(LARGE)
        assert (response.outcome, response.attempts) == ("unknown", 2)
        assert narrow.accepted_connections == 2
        narrow.script.clear()
        assert (await client.track_event(Event("user-2", "order_placed"))).outcome == "accepted"


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_yes_over_tls_to_a_request_that_is_not_there_yet_is_no_yes(
    engine: str, certificates: Certificates, trusted: ssl.SSLContext
) -> None:
    async def say_yes_at_once(exchange: Exchange) -> None:
        exchange.connection.stop_reading()
        await exchange.connection.send(answer(202, YES, CLOSES))
        await asyncio.Event().wait()

    with FaultServer(tls=certificates.good(), bound=narrow_socket()) as server:
        server.script.always(say_yes_at_once)
        async with opened(server.url, engine, trusted, retries=0) as client:
            response = await client.track_event(LARGE)
    assert (response.outcome, response.attempts) == ("unknown", 1)


@pytest.mark.parametrize("headers", [CLOSES, {}], ids=["to be closed", "kept"])
@pytest.mark.parametrize("event", [LARGE, Event("user-1", "order_placed")], ids=["large", "small"])
@pytest.mark.parametrize("engine", ENGINES)
async def test_a_yes_to_the_whole_request_counts_at_once(
    engine: str, event: Event, headers: dict[str, str], narrow: FaultServer
) -> None:
    async def say_yes(exchange: Exchange) -> None:
        status, document = await exchange.take()
        await exchange.answer(status, document, headers)
        if headers:
            await exchange.connection.close()

    narrow.script.always(say_yes)
    async with opened(narrow.url, engine) as client:
        responses = [await client.track_event(event) for _ in range(3)]
    assert [(response.outcome, response.attempts) for response in responses] == [("accepted", 1)] * 3
    assert narrow.accepted_connections == (3 if headers else 1)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what has been acknowledged")
@pytest.mark.parametrize("engine", ["default", "given aiohttp"])
async def test_what_is_acknowledged_a_moment_after_its_answer_came_counts(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in gVisor: also where the answer closes the connection meanwhile."""
    looks: list[int] = []

    def look(descriptor: int) -> int:
        looks.append(descriptor)
        return len(looks) % 2

    async def say_yes(exchange: Exchange) -> None:
        status, document = await exchange.take()
        await exchange.answer(status, document, CLOSES)

    monkeypatch.setattr("suprsend_async.transport.sockets._unacknowledged", look)
    with FaultServer() as server:
        server.script.always(say_yes)
        async with opened(server.url, engine) as client:
            response = await client.track_event(Event("user-1", "order_placed"))
    assert (response.outcome, response.attempts, len(looks)) == ("accepted", 1, 2)
    for descriptor in looks:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what has been acknowledged")
@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("engine", ["default", "given aiohttp"])
async def test_a_call_that_is_cancelled_while_its_answer_is_looked_at_leaves_nothing_open(
    engine: str, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[int] = []
    is_noted = asyncio.Event()

    def note(descriptor: int) -> int:
        noted.append(os.dup(descriptor))
        is_noted.set()
        return noted[-1]

    def give_back(descriptor: int) -> None:
        noted.remove(descriptor)
        os.close(descriptor)

    monkeypatch.setattr("suprsend_async.transport.sockets._unacknowledged", lambda _: 1)
    monkeypatch.setattr("suprsend_async.transport.sockets.os", SimpleNamespace(dup=note, close=give_back))
    monkeypatch.setattr("suprsend_async.transport.round_trip._MOMENT", 30.0)
    with FaultServer() as server:
        async with opened(server.url, engine) as client:
            call = asyncio.create_task(client.track_event(Event("user-1", "order_placed")))
            await is_noted.wait()
            for _ in range(turns):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.wait([call])
            assert call.cancelled()
            assert not noted


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_no_to_a_request_that_is_not_there_yet_is_a_no(engine: str, narrow: FaultServer) -> None:
    async def say_no_at_once(exchange: Exchange) -> None:
        exchange.connection.stop_reading()
        await exchange.answer(413, b"too large")
        await asyncio.Event().wait()

    narrow.script.always(say_no_at_once)
    async with opened(narrow.url, engine) as client:
        response = await client.track_event(LARGE)
    assert (response.outcome, response.status_code, response.attempts) == ("rejected", 413, 1)


class SpeaksWithTheHandshake:
    """A server over TLS 1.2 that says yes with the last bytes of the handshake, and listens afterwards."""

    def __init__(self, certificates: Certificates) -> None:
        self._context = certificates.good()
        self._context.maximum_version = ssl.TLSVersion.TLSv1_2
        self._listening = socket.create_server((HOST, 0))
        self.url = f"https://{HOST}:{self._listening.getsockname()[1]}/"
        self.received: list[bytes] = []
        self._taken: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # The client closes with its loop, which waits here.
        for taken in [self._listening, *self._taken]:
            with contextlib.suppress(OSError):
                taken.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self._taken.append(connection)
                with connection, contextlib.suppress(ConnectionError):
                    self._speak(connection)

    def _speak(self, connection: socket.socket) -> None:
        came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        secure = self._context.wrap_bio(came, goes, server_side=True)
        while True:
            try:
                secure.do_handshake()
                break
            except ssl.SSLWantReadError:
                connection.sendall(goes.read())
                came.write(connection.recv(65536))
        body = b'{"status": "success", "message_id": "unasked"}'
        secure.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        connection.sendall(goes.read())
        while data := connection.recv(65536):
            came.write(data)
            with contextlib.suppress(ssl.SSLError):
                self.received.append(secure.read())


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_yes_with_the_handshake_is_no_yes(
    engine: str, certificates: Certificates, trusted: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on systems that cannot say what has been acknowledged, and on Linux where that went fast.
    monkeypatch.setattr("suprsend_async.transport.httpx_connection.has_unacknowledged", lambda _: False)
    with SpeaksWithTheHandshake(certificates) as server:
        async with opened(server.url, engine, trusted, retries=0) as client:
            response = await client.track_event(Event("user-1", "order_placed"))
    assert (response.outcome, response.message, response.attempts) == ("not_sent", SPOKE_FIRST, 1)
    assert [data for data in server.received if data] == []


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_yes_that_greets_is_no_yes(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suprsend_async.transport.httpx_connection.has_unacknowledged", lambda _: False)
    connect = asyncio.BaseEventLoop.create_connection
    body = b'{"status": "success", "message_id": "unasked"}'

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        greeted.set()
        await asyncio.wait([closed])
        writer.close()

    async def connect_and_wait(*arguments: Any, **named: Any) -> Any:
        made = await connect(*arguments, **named)
        await greeted.wait()
        return made

    monkeypatch.setattr(asyncio.BaseEventLoop, "create_connection", connect_and_wait)
    greeted, closed = asyncio.Event(), asyncio.get_running_loop().create_future()
    async with await asyncio.start_server(greet, HOST, 0) as server:
        url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}/"
        async with opened(url, engine, retries=0) as client:
            response = await client.track_event(Event("user-1", "order_placed"))
        closed.set_result(None)
    assert (response.outcome, response.message) == ("not_sent", SPOKE_FIRST)


class Interrupted:
    """A session of aiohttp's in which something of the application's own takes time at one point of each request."""

    def __init__(self, point: str) -> None:
        self.reached = asyncio.Event()
        self.may_go_on = asyncio.Event()
        trace = aiohttp.TraceConfig()
        getattr(trace, point).append(self._wait)
        # Held on to here: the loop is closed only once it is closed itself.
        self.session = aiohttp.ClientSession(trace_configs=[trace])

    async def _wait(self, *params: object) -> None:
        self.reached.set()
        await self.may_go_on.wait()


@pytest.mark.parametrize(
    "point",
    [
        "on_connection_create_end",
        pytest.param(
            "on_request_headers_sent",
            marks=pytest.mark.skipif(not HEAD_WAITS, reason="before 3.12 aiohttp tells of the head when it is out"),
        ),
    ],
)
async def test_what_comes_before_the_request_goes_out_is_no_answer_to_it(point: str) -> None:
    interrupted = Interrupted(point)

    async def speak_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await interrupted.reached.wait()
        body = b'{"status": "success", "message_id": "unasked"}'
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        interrupted.may_go_on.set()
        try:
            received.append(await reader.read())
        except ConnectionResetError:
            received.append(b"")
        writer.close()

    received: list[bytes] = []
    server = await asyncio.start_server(speak_first, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with (
        interrupted.session,
        httpx.AsyncClient(transport=AiohttpTransport(client=interrupted.session)) as given,
        async_client(url, http_client=given, retries=0) as client,
    ):
        response = await client.track_event(Event("user-1", "order_placed"))
        while not received:
            await asyncio.sleep(0)
    server.close()
    await server.wait_closed()
    assert (response.outcome, response.message) == ("not_sent", SPOKE_FIRST)
    assert received == [b""]


@pytest.mark.skipif(sys.version_info >= (3, 12) or not HEAD_WAITS, reason="the head goes out at once there")
@pytest.mark.parametrize("engine", ["default", "given aiohttp"])
async def test_what_comes_in_the_round_before_the_head_goes_out_is_no_answer(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, said = threading.Event(), threading.Event()
    send = aiohttp.ClientRequest.send

    async def send_slowly(request: aiohttp.ClientRequest, connection: Connection) -> aiohttp.ClientResponse:
        response = await send(request, connection)
        if server.requests:
            # The loop is held up here, with what is to be written waiting for its next round.
            taken.set()
            assert said.wait(10)
        return response

    async def answer_and_copy(exchange: Exchange) -> None:
        answer = (await marked(exchange)).whole
        await exchange.connection.send(answer)
        await asyncio.to_thread(taken.wait)
        await exchange.connection.send(answer)
        said.set()

    monkeypatch.setattr(aiohttp.ClientRequest, "send", send_slowly)
    events = [Event("user-1", "order_placed"), Event("user-2", "order_placed")]
    with FaultServer() as server:
        server.script.plan(answer_and_copy)
        server.script.always(Tricks(lambda one: [one.whole]).fault)
        async with opened(server.url, engine) as client:
            responses = [await client.track_event(event) for event in events]
        assert [response.attempts for response in responses] == [1, 2]
        # The attempt that was given up did not reach the server.
        assert server.requests == 2
    check(server, list(zip(events, responses, strict=True)))
