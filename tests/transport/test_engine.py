"""The default engine against real connections on 127.0.0.1."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import socket
import zlib
from typing import TYPE_CHECKING

import anyio.to_thread
import pytest
from tests.log_lines import text_of
from tests.promises import TOLERANCE

from suprsend_async import AsyncSuprsend, Event

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Server, StillTime
    from tests.promises import Promised

EVENT = Event("user-1", "signed_up")
YES = json.dumps({"status": "success", "message_id": "m-1"}).encode()


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def test_twenty_calls_one_connection(client: AsyncSuprsend, server: Server) -> None:
    for _ in range(20):
        assert (await client.track_event(EVENT)).success
    assert (len(server.requests), server.connections) == (20, 1)


async def test_what_is_on_the_wire(client: AsyncSuprsend, server: Server) -> None:
    await client.track_event(EVENT)
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/v2/event/")
    assert request.headers["content-length"] == str(len(request.body))
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["user-agent"].startswith("suprsend-async/")
    assert "transfer-encoding" not in request.headers
    assert "expect" not in request.headers
    assert list(request.json)[:3] == ["$insert_id", "$time", "event"]


async def test_refused_is_not_sent(make_client: Callable[..., AsyncSuprsend], closed_port: int) -> None:
    response = await make_client(f"http://127.0.0.1:{closed_port}", max_retries=2).track_event(EVENT)
    assert (response.outcome, response.status_code, response.attempts) == ("not_sent", None, 3)
    assert response.error_type == "connection_failed"


async def test_a_name_that_does_not_resolve_is_not_sent(
    make_client: Callable[..., AsyncSuprsend], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def resolve(*arguments: object, **options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    client = make_client("https://nowhere.invalid/", max_retries=0)
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    response = await client.track_event(EVENT)
    assert (response.outcome, response.error_type) == ("not_sent", "connection_failed")


async def test_closed_after_the_request_was_read_is_unknown(
    make_client: Callable[..., AsyncSuprsend], server: Server
) -> None:
    server.script.extend([server.hang_up] * 3)
    response = await make_client(server.url, max_retries=2).track_event(EVENT)
    assert (response.outcome, response.status_code, response.attempts) == ("unknown", None, 3)
    assert len({request.body for request in server.requests}) == 1


async def test_closed_after_the_request_was_read_is_tried_again(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.hang_up)
    response = await client.track_event(EVENT)
    assert (response.outcome, response.attempts) == ("accepted", 2)
    first, second = server.requests
    assert first.body == second.body


async def test_a_connection_that_the_server_closed_while_idle_is_replaced(
    client: AsyncSuprsend, server: Server
) -> None:
    server.script.append(server.answer(202, YES, connection="close"))
    responses = [await client.track_event(EVENT) for _ in range(3)]
    assert all(response.success for response in responses)
    assert server.connections == 2


BROKEN: dict[str, bytes] = {
    "noise": b"\x00\x01\xff\xfe noise\r\n\r\n",
    "not a status": b"HTTP/1.1 abc OK\r\n\r\n",
    "empty line": b"\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "header without end": b"HTTP/1.1 202 Accepted\r\nContent-Le",
    "enormous header": b"HTTP/1.1 202 Accepted\r\nX: " + b"x" * 200_000,
    "body cut short": b"HTTP/1.1 202 Accepted\r\nContent-Length: 500\r\n\r\n" + YES,
    "broken chunking": b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nxx",
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_what_is_no_complete_answer_is_unknown(
    make_client: Callable[..., AsyncSuprsend], server: Server, broken: bytes
) -> None:
    client = make_client(server.url, max_retries=1)
    server.script.extend([server.last(broken)] * 2)
    response = await client.track_event(EVENT)
    assert (response.outcome, response.success, response.attempts) == ("unknown", False, 2)
    assert response.message.isprintable()
    response.message.encode()
    assert (await client.track_event(EVENT)).outcome == "accepted"


@pytest.mark.parametrize(
    ("coding", "encode"), [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress)]
)
async def test_an_answer_that_a_proxy_compressed_is_read(
    client: AsyncSuprsend, server: Server, coding: str, encode: Callable[[bytes], bytes]
) -> None:
    server.script.append(server.answer(202, encode(YES), content_encoding=coding))
    response = await client.track_event(EVENT)
    assert (response.outcome, response.message_id) == ("accepted", "m-1")


@pytest.mark.parametrize("coding", ["br", "gzip"])
async def test_an_answer_in_a_coding_that_cannot_be_read_is_unknown(
    make_client: Callable[..., AsyncSuprsend], server: Server, coding: str
) -> None:
    server.script.append(server.answer(202, b"\x8b\x03\x80not readable", content_encoding=coding))
    response = await make_client(server.url, max_retries=0).track_event(EVENT)
    assert (response.outcome, response.status_code) == ("unknown", 202)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (YES[:-1] + b" " * 2_000_000 + b"}", {}),
        (gzip.compress(YES[:-1] + b" " * 50_000_000 + b"}"), {"content_encoding": "gzip"}),
    ],
    ids=["long", "compressed bomb"],
)
async def test_an_answer_is_read_to_a_limit(
    make_client: Callable[..., AsyncSuprsend], server: Server, body: bytes, headers: dict[str, str]
) -> None:
    client = make_client(server.url, max_retries=0)
    server.script.append(server.answer(202, body, **headers))
    response = await client.track_event(EVENT)
    assert (response.outcome, response.raw_response) == ("unknown", None)
    assert "too long" in response.message
    assert (await client.track_event(EVENT)).success


async def test_an_answer_of_a_bulk_may_be_longer(client: AsyncSuprsend, server: Server) -> None:
    record = {"status": "success", "status_code": 202, "message_id": "m", "more": "x" * 30_000}
    server.script.append(server.answer(207, {"status": "success", "records": [record] * 100}))
    bulk = client.bulk_events.new_instance()
    bulk.append(*(Event(f"user-{number}", "signed_up") for number in range(100)))
    assert (await bulk.trigger()).success == 100


async def test_netrc_and_home_are_ignored(
    make_client: Callable[..., AsyncSuprsend], server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login planted password planted\ndefault login planted password planted\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", os.fspath(tmp_path))
    monkeypatch.setenv("NETRC", os.fspath(netrc))
    assert (await make_client(server.url).track_event(EVENT)).success
    assert server.requests[0].headers["authorization"].startswith("test-workspace-key-0123456789:")


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
async def test_no_proxy_for_this_machine(
    make_client: Callable[..., AsyncSuprsend],
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    closed_port: int,
    variable: str,
) -> None:
    monkeypatch.setenv(variable, f"http://127.0.0.1:{closed_port}")
    assert (await make_client(server.url).track_event(EVENT)).success


@pytest.mark.filterwarnings("ignore:base_url is plain http")
@pytest.mark.parametrize("credentials", ["", "user:password@"])
async def test_the_environments_proxy_is_used_for_others(
    make_client: Callable[..., AsyncSuprsend], server: Server, monkeypatch: pytest.MonkeyPatch, credentials: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://{credentials}127.0.0.1:{server.port}")
    response = await make_client("http://events.example.com/", max_retries=0).track_event(EVENT)
    assert response.success
    (request,) = server.requests
    assert request.target == "http://events.example.com/v2/event/"
    expected = "Basic dXNlcjpwYXNzd29yZA==" if credentials else None
    assert request.headers.get("proxy-authorization") == expected


@pytest.mark.filterwarnings("ignore:base_url is plain http")
async def test_no_proxy_lists_hosts_without_one(
    make_client: Callable[..., AsyncSuprsend], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.setenv("NO_PROXY", "invalid")
    response = await make_client("http://events.invalid/", max_retries=0).track_event(EVENT)
    assert response.outcome == "not_sent"
    assert server.requests == []


async def test_a_proxy_that_wants_a_password_means_not_sent(
    make_client: Callable[..., AsyncSuprsend], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    server.script.append(server.answer(407, connection="close"))
    response = await make_client("https://events.example.com/", max_retries=0).track_event(EVENT)
    assert (response.outcome, response.error_type) == ("not_sent", "connection_failed")
    assert "407" in response.message
    assert server.requests[0].target == "events.example.com:443"


async def test_cookies_are_not_sent_back(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.answer(202, YES, set_cookie="session=planted; Path=/"))
    for _ in range(2):
        await client.track_event(EVENT)
    assert [request.headers.get("cookie") for request in server.requests] == [None, None]


@pytest.mark.promises
@pytest.mark.parametrize("silent", ["no answer", "half an answer"])
async def test_the_deadline_is_kept_against_a_silent_server(server: Server, promised: Promised, silent: str) -> None:
    half = b"HTTP/1.1 202 Accepted\r\nContent-Length: 500\r\n\r\n{"
    server.script.append(server.hold if silent == "no answer" else half)
    async with AsyncSuprsend("key", "secret", base_url=server.url, timeout=0.3) as client:
        with promised(0.3, TOLERANCE):
            response = await client.track_event(EVENT)
        server.release.set()
    assert (response.outcome, response.error_type) == ("unknown", "deadline_exceeded")
    assert (response.status_code, response.attempts) == (None, 1)


@pytest.mark.promises
async def test_the_deadline_is_kept_while_connecting(promised: Promised) -> None:
    # A listener whose queue is full answers no new connection.
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        async with AsyncSuprsend("key", "secret", base_url=f"http://127.0.0.1:{address[1]}", timeout=0.3) as client:
            with promised(0.3, TOLERANCE):
                response = await client.track_event(EVENT)
        for one in waiting:
            one.close()
    assert (response.outcome, response.error_type) == ("not_sent", "deadline_exceeded")


async def test_cancelled_calls_leave_a_working_client(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.hold] * 20)
    calls = [asyncio.create_task(client.track_event(EVENT)) for _ in range(20)]
    await anyio.to_thread.run_sync(server.wait_for_requests, 20)
    for call in calls:
        call.cancel()
    ends = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ends)
    server.release.set()
    await anyio.to_thread.run_sync(server.wait_for_hang_ups, 20)
    responses = await asyncio.gather(*(client.track_event(EVENT) for _ in range(20)))
    assert all(response.success for response in responses)


async def test_logs_tell_of_retries_without_a_value(
    make_client: Callable[..., AsyncSuprsend], server: Server, caplog: pytest.LogCaptureFixture, still_time: StillTime
) -> None:
    caplog.set_level("DEBUG", "suprsend_async")
    server.script.extend([server.answer(503)] * 2)
    await make_client(server.url, max_retries=1).track_event(Event("planted", "signed_up", {"a": "planted"}))
    messages = [text_of(record) for record in caplog.records if record.name == "suprsend_async"]
    assert messages == [
        "v2/event/: attempts fail (503); until one succeeds, this is logged once a minute",
        "v2/event/: attempt 1 failed (503), again in 0.25 s",
        "v2/event/: giving up after attempt 2 (503)",
        "track_event: unknown after 2 attempts",
    ]
