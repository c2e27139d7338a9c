"""What comes back over real connections, through each of the engines: heads, bodies and failures."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
import zlib
from typing import TYPE_CHECKING, Any

import aiohttp
import anyio.to_thread
import pytest
from httpx_aiohttp import AiohttpTransport, HttpxAiohttpClient

from suprsend_async import AsyncSuprsend, Event
from suprsend_async.api.call import fetch
from suprsend_async.errors import NotFound, TransportError
from suprsend_async.transport.answer import Answer, Failure
from suprsend_async.transport.clock import Clock
from suprsend_async.transport.request import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Server

    Using = Callable[..., AsyncSuprsend]

EVENT = Event("user-1", "signed_up")
YES = json.dumps({"status": "success", "message_id": "m-1"}).encode()


def with_headers(*fields: tuple[str, str]) -> bytes:
    lines = [f"{name}: {value}" for name, value in fields]
    return "\r\n".join(["HTTP/1.1 202 Accepted", f"Content-Length: {len(YES)}", *lines, "", ""]).encode() + YES


@pytest.mark.parametrize(
    "fields",
    [
        [("X-Trace", "x" * 9_000)],
        [("X-Trace", "x" * 200_000)],
        [("Set-Cookie", f"a{number}=b") for number in range(300)],
        [(f"X-Station-{number}", "passed") for number in range(1_500)],
    ],
    ids=["9 KB in one", "200 KB in one", "300 of one name", "1,500"],
)
async def test_a_yes_with_a_long_head_is_a_yes(
    client: AsyncSuprsend, server: Server, fields: list[tuple[str, str]]
) -> None:
    server.script.append(with_headers(*fields))
    response = await client.track_event(EVENT)
    assert (response.outcome, response.status_code, response.attempts) == ("accepted", 202, 1)


async def test_what_is_advised_for_a_given_client_and_long_heads_works(make_client: Using, server: Server) -> None:
    server.script.extend([with_headers(("X-Trace", "x" * 60_000))] * 2)
    async with HttpxAiohttpClient(trust_env=False) as http_client:
        response = await make_client(server.url, http_client=http_client, max_retries=0).track_event(EVENT)
    assert (response.outcome, response.message) == ("unknown", "the answer cannot be read: its head is too large")
    transport = AiohttpTransport(client=lambda: aiohttp.ClientSession(max_field_size=65536))
    async with HttpxAiohttpClient(transport=transport) as http_client:
        response = await make_client(server.url, http_client=http_client, max_retries=0).track_event(EVENT)
    assert response.outcome == "accepted"


def raw_deflate(data: bytes) -> bytes:
    return zlib.compress(data)[2:-4]


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        ("utf-8", bytes),
        ("none", bytes),
        ("aws-chunked", bytes),
        ("br", bytes),
        ("gzip", bytes),
        ("deflate", bytes),
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("aws-chunked, gzip", gzip.compress),
    ],
)
async def test_a_yes_in_any_coding_is_a_yes(
    using: Using, server: Server, coding: str, encode: Callable[[bytes], bytes]
) -> None:
    server.script.append(server.answer(202, encode(YES), content_encoding=coding))
    response = await using(server.url).track_event(EVENT)
    assert (response.outcome, response.message_id, response.attempts) == ("accepted", "m-1", 1)


@pytest.mark.parametrize(("status", "outcome"), [(202, "unknown"), (400, "rejected"), (429, "rejected")])
async def test_the_status_counts_though_the_body_cannot_be_read(
    using: Using, server: Server, status: int, outcome: str
) -> None:
    server.script.append(server.answer(status, b"\x8b\x03\x80not readable", content_encoding="br", retry_after="77"))
    response = await using(server.url, max_retries=0).track_event(EVENT)
    assert (response.outcome, response.status_code) == (outcome, status)
    assert response.retry_after == (None if status == 400 else 77.0)
    assert "in the coding br" in response.message


@pytest.mark.filterwarnings("ignore:base_url is plain http")
@pytest.mark.parametrize(
    "host",
    ["xn--a", "xn--a.example.com", "a..b", "x" * 64, ".", "-", "1.2.3", "127.1", "0x7f.1", "a_b", "%41%42", "a%00b"],
)
async def test_a_host_that_does_not_exist_means_not_sent(
    using: Using, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    async def resolve(name: Any, *arguments: object, **options: object) -> None:
        str(name).encode("idna")  # as the resolver does first
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    response = await using(f"http://{host}:9/", max_retries=0).track_event(EVENT)
    assert (response.outcome, response.error_type) == ("not_sent", "connection_failed"), response.message


@contextlib.contextmanager
def black_hole(host: str, port: int = 0) -> Iterator[int]:
    """Listen with a queue that is full: nobody answers who wants to connect."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.create_server((host, port), backlog=0))
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]


async def test_connecting_gets_a_part_of_the_time_only(using: Using) -> None:
    async def sleep(seconds: float) -> None:
        """Wait for nothing between the attempts; what connecting takes is real."""

    with black_hole("127.0.0.1") as port:
        client = using(f"http://127.0.0.1:{port}/", timeout=1.8, max_retries=1)
        client.sender.transport.session.clock = Clock(sleep=sleep)
        response = await client.track_event(EVENT)
    # With all of the time there would have been one attempt.
    assert (response.outcome, response.error_type, response.attempts) == ("not_sent", "deadline_exceeded", 2)
    assert response.retryable


async def test_an_answer_may_take_longer_than_connecting(using: Using, server: Server) -> None:
    client = using(server.url, timeout=30.0)
    assert (await client.track_event(EVENT)).success
    server.script.append(server.hold)
    session = client.sender.transport.session
    state = await session.loops.current()
    exchanging = asyncio.create_task(
        state.engine.exchange(session.sign(Request("POST", "v2/event/", body=b"{}"), state.engine), 30.0, 0.001)
    )
    await anyio.to_thread.run_sync(server.wait_for_requests, 2)
    server.release.set()
    assert isinstance(await exchanging, Answer)


async def test_a_request_goes_out_once_for_each_attempt(using: Using, server: Server) -> None:
    """Where the connection is lost, aiohttp sends a GET or a DELETE again by itself; then a deed would look undone."""
    client = using(server.url, max_retries=0)
    delete = Request("DELETE", "v1/user/{distinct_id}/", {"distinct_id": "planted"}, not_found_is_done=True)
    assert (await client.track_event(EVENT)).success
    server.script.extend([server.hang_up, server.answer(404, {"message": "not found"})])
    with pytest.raises(TransportError) as caught:
        await fetch(client.sender.transport, delete, "users.delete")
    assert (caught.value.outcome, caught.value.attempts) == ("unknown", 1)
    assert not isinstance(caught.value, NotFound)
    assert len(server.requests) == 2

    server.script.appendleft(server.hang_up)
    client = using(server.url, max_retries=1)
    assert await fetch(client.sender.transport, delete, "users.delete") is None
    assert len(server.requests) == 4
    # None is opened for what is not sent on it: one of the first client's, two of the second's.
    assert server.connections == 3


@pytest.mark.parametrize("user_id", ["planted", "planted@example.com", "plänted ü"])
@pytest.mark.parametrize("fault", ["noise", "hang up", "silence", "black hole"])
async def test_no_id_is_in_a_message(using: Using, server: Server, user_id: str, fault: str) -> None:
    request = Request("GET", "v1/user/{distinct_id}/", {"distinct_id": user_id})
    server.script.append(
        {"noise": server.last(b"\x00noise\r\n\r\n"), "hang up": server.hang_up}.get(fault, server.hold)
    )
    with black_hole("127.0.0.1") if fault == "black hole" else contextlib.nullcontext(server.port) as port:
        client = using(f"http://127.0.0.1:{port}/", max_retries=0)
        session = client.sender.transport.session
        state = await session.loops.current()
        bounds = (60.0, 60.0) if fault in {"noise", "hang up"} else (0.2, 0.1)
        failure = await state.engine.exchange(session.sign(request, state.engine), *bounds)
        server.release.set()
    assert isinstance(failure, Failure)
    assert "nted" not in failure.message
    # On a busy machine silence may be cut off before anything is sent.
    assert fault == "silence" or failure.sent is (fault != "black hole")


async def test_what_is_handed_over_too_late_to_be_sent_is_not_unknown(using: Using, server: Server) -> None:
    """On a busy machine the deadline passes while the library has been given the request, and has not begun with it."""
    client = using(server.url)
    session = client.sender.transport.session
    state = await session.loops.current()
    signed = session.sign(Request("POST", "v2/event/", body=b"{}"), state.engine)
    for timeout in (0.0, 1e-6):
        failure = await state.engine.exchange(signed, timeout, timeout)
        assert isinstance(failure, Failure)
        assert (failure.error_type, failure.sent) == ("deadline_exceeded", False)
    assert (await client.track_event(EVENT)).success
    assert len(server.requests) == 1
