"""The sandbox's life: start, stop, and what it leaves behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import httpx
import pytest

import suprsend_async
from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Wire

SECRETS = ("workspace_secret", "api_key")


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("suprsend-sandbox")]


def port_of(sandbox: Sandbox) -> int:
    return httpx.URL(sandbox.url).port or 0


def connect(sandbox: Sandbox) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port_of(sandbox)), timeout=10)


def rest(connection: socket.socket) -> bytes:
    """Read to the connection's end and close it."""
    received = b""
    with connection, contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65_536):
            received += piece
    return received


def status(sandbox: Sandbox) -> int:
    return httpx.get(sandbox.url + "v2/", trust_env=False).status_code


def test_it_listens_on_loopback_at_a_port_of_the_systems_choice() -> None:
    with Sandbox() as one, Sandbox() as other:
        assert one.url == f"http://127.0.0.1:{port_of(one)}/"
        assert one.url != other.url
        assert (status(one), status(other)) == (404, 404)


@pytest.mark.usefixtures("_waits_for_ever")
def test_it_stops_with_idle_connections_open_and_leaves_nothing() -> None:
    sandbox = Sandbox()
    sandbox.start()
    assert len(threads()) == 1
    idle = [connect(sandbox) for _ in range(5)]
    for connection in idle[:3]:
        connection.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 404"
    idle[3].sendall(b"POST /v2/event/ HTTP/1.1\r\nHo")
    sandbox.stop()
    assert threads() == []
    for connection in idle:
        rest(connection)
    # A socket or transport left open would warn here, and every warning is an error.
    gc.collect()


def test_it_stops_while_a_body_is_on_its_way(caplog: pytest.LogCaptureFixture) -> None:
    sandbox = Sandbox()
    sandbox.start()
    with connect(sandbox) as connection:
        head = b"POST /v2/event/ HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n"
        connection.sendall(head)
        assert connection.recv(12) == b"HTTP/1.1 100"
        sandbox.stop()
        assert b"HTTP/1.1" not in rest(connection), "it makes up no answer"
    assert threads() == []
    assert sandbox.events == []
    assert caplog.records == []
    gc.collect()


def test_a_connection_made_at_the_last_moment_is_closed() -> None:
    for _ in range(50):
        sandbox = Sandbox()
        sandbox.start()
        with connect(sandbox):
            sandbox.stop()
    gc.collect()
    assert threads() == []


def test_stopping_twice_does_no_harm() -> None:
    sandbox = Sandbox()
    sandbox.start()
    sandbox.stop()
    sandbox.stop()
    with pytest.raises(httpx.ConnectError):
        status(sandbox)


def test_stopping_before_starting_does_no_harm() -> None:
    Sandbox().stop()


def test_starting_twice_is_an_error(sandbox: Sandbox) -> None:
    with pytest.raises(RuntimeError, match="already started"):
        sandbox.start()
    assert status(sandbox) == 404


def test_it_comes_back_at_the_same_url_with_its_events(
    sandbox: Sandbox, wire: Wire, make_event: Callable[..., dict[str, Any]]
) -> None:
    event = make_event()
    wire.post("/v2/event/", event)
    url = sandbox.url
    sandbox.stop()
    sandbox.start()
    assert sandbox.url == url
    assert status(sandbox) == 404
    assert sandbox.events == [event]


def test_a_given_port_is_used() -> None:
    with Sandbox() as first:
        port = port_of(first)
    with Sandbox(port=port) as second:
        assert port_of(second) == port
        assert status(second) == 404


def test_a_port_in_use_is_an_error_and_leaves_nothing(sandbox: Sandbox) -> None:
    other = Sandbox(port=port_of(sandbox))
    with pytest.raises(OSError, match=r"[Aa]ddress already in use|Only one usage"):
        other.start()
    gc.collect()
    assert len(threads()) == 1
    sandbox.stop()
    other.start()
    assert status(other) == 404
    other.stop()


def test_a_server_that_cannot_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise OSError("no more files")

    monkeypatch.setattr("uvicorn.Server.startup", broken)
    with pytest.raises(RuntimeError, match="did not start") as caught:
        Sandbox().start()
    assert isinstance(caught.value.__cause__, OSError)
    assert threads() == []
    gc.collect()


def test_there_is_no_url_before_the_start() -> None:
    sandbox = Sandbox()
    with pytest.raises(RuntimeError, match="no port yet"):
        _ = sandbox.url
    assert repr(sandbox) == "<Sandbox, not started>"


def test_an_error_in_the_block_stops_it() -> None:
    with pytest.raises(ZeroDivisionError), Sandbox():
        _ = 1 / 0
    assert threads() == []


async def test_it_works_beside_a_running_loop() -> None:
    async with Sandbox() as sandbox, httpx.AsyncClient(trust_env=False) as client:
        replies = await asyncio.gather(*(client.get(sandbox.url + "v2/") for _ in range(10)))
        assert {reply.status_code for reply in replies} == {404}
        assert sandbox.requests == 10
    assert threads() == []


async def test_a_cancelled_block_stops_it() -> None:
    entered = asyncio.Event()

    async def hold() -> None:
        async with Sandbox():
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hold())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert threads() == []


async def test_a_cancelled_scope_stops_it() -> None:
    with anyio.CancelScope() as scope:
        async with Sandbox():
            scope.cancel()
            await anyio.lowlevel.checkpoint()
    assert scope.cancelled_caught
    assert threads() == []


def test_connections_are_counted_not_requests(sandbox: Sandbox) -> None:
    with httpx.Client(trust_env=False) as client:
        for _ in range(5):
            client.get(sandbox.url + "v2/")
    assert (sandbox.requests, sandbox.connections) == (5, 1)
    for _ in range(3):
        status(sandbox)
    assert (sandbox.requests, sandbox.connections) == (8, 4)


def test_a_connection_without_a_request_counts_too(sandbox: Sandbox) -> None:
    with connect(sandbox) as connection:
        connection.sendall(b"noise\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 400"
    assert (sandbox.requests, sandbox.connections) == (0, 1)


def test_clear_forgets_planned_failures_and_counts(sandbox: Sandbox) -> None:
    status(sandbox)
    sandbox.fail_next(3)
    sandbox.clear()
    assert (sandbox.requests, sandbox.connections, sandbox.refusals) == (0, 0, 0)
    assert status(sandbox) == 404


def test_the_injected_clock_decides_when_a_key_is_forgotten(make_event: Callable[..., dict[str, Any]]) -> None:
    now = [0.0]
    sandbox = Sandbox(clock=lambda: now[0])
    with sandbox, httpx.Client(base_url=sandbox.url, trust_env=False) as client:
        headers = {"Authorization": f"Bearer {sandbox.api_key}"}
        event = make_event(env=sandbox.workspace_uid, **{"$idempotency_key": "k"})
        first, second = (client.post("v2/event/", json=event, headers=headers).json() for _ in range(2))
        now[0] = 86_400.0
        third = client.post("v2/event/", json=event, headers=headers).json()
    assert first == second
    assert third["message_id"] != first["message_id"]
    assert len(sandbox.events) == 2


def test_credentials_are_random() -> None:
    one, other = Sandbox(), Sandbox()
    names = ("workspace_key", "workspace_secret", "workspace_uid", "api_key")
    assert len({getattr(sandbox, name) for sandbox in (one, other) for name in names}) == 8
    assert len(one.workspace_key) >= 20
    assert len(one.workspace_uid) >= 20


def test_credentials_can_be_given() -> None:
    given = {"workspace_key": "k" * 20, "workspace_secret": "s", "workspace_uid": "u", "api_key": "a"}
    sandbox = Sandbox(**given)
    assert {name: getattr(sandbox, name) for name in given} == given


@pytest.mark.parametrize("name", ["workspace_key", "workspace_secret", "workspace_uid", "api_key"])
def test_an_empty_credential_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must not be empty"):
        Sandbox(**{name: ""})


def test_a_short_workspace_key_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least 20 characters"):
        Sandbox(workspace_key="k" * 19)


def test_no_secret_shows(sandbox: Sandbox) -> None:
    assert repr(sandbox) == f"<Sandbox {sandbox.url}>"
    for name in SECRETS:
        assert getattr(sandbox, name) not in repr(vars(sandbox))


def test_the_environment_points_a_client_here(sandbox: Sandbox) -> None:
    assert sandbox.environment() == {
        "SUPRSEND_WORKSPACE_KEY": sandbox.workspace_key,
        "SUPRSEND_WORKSPACE_SECRET": sandbox.workspace_secret,
        "SUPRSEND_BASE_URL": sandbox.url,
    }


@pytest.mark.parametrize(("method", "name"), [("client", "AsyncSuprsend"), ("blocking_client", "Suprsend")])
def test_clients_point_here(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, method: str, name: str) -> None:
    made: list[tuple[tuple[str, ...], dict[str, object]]] = []
    stand_in = object()

    def make(*args: str, **options: object) -> object:
        made.append((args, options))
        return stand_in

    monkeypatch.setattr(suprsend_async, name, make, raising=False)
    assert getattr(sandbox, method)(timeout=3.0) is stand_in
    assert getattr(sandbox, method)(base_url="http://127.0.0.1:9/") is stand_in
    credentials = (sandbox.workspace_key, sandbox.workspace_secret)
    assert made == [
        (credentials, {"base_url": sandbox.url, "timeout": 3.0}),
        (credentials, {"base_url": "http://127.0.0.1:9/"}),
    ]


def test_the_processs_logging_is_left_alone(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    access = logging.getLogger("uvicorn.access")
    assert (access.level, access.handlers, access.propagate) == (logging.NOTSET, [], True)
    with caplog.at_level(logging.INFO):
        status(sandbox)
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []


def test_without_the_extra_the_error_says_what_to_install() -> None:
    code = "import sys; sys.modules['uvicorn'] = None; import suprsend_async.sandbox"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "pip install 'suprsend-async[sandbox]'" in run.stderr
