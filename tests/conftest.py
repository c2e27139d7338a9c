"""What the tests share: a scripted HTTP server on 127.0.0.1, time that never passes by itself, and clients for both."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from http.client import responses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async import AsyncSuprsend
from suprsend_async.transport.clock import Clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

# What a shell starts in the background ignores interrupts, and so would all programs that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# For the tests of the pytest plugin; pytest wants this line here.
pytest_plugins = ("pytester", "tests.extras", "tests.hanging", "tests.promises")


# Tests that are run by their marker only, in sessions of nox of their own.
APART = ("promises", "long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    apart = [mark for mark in APART if mark not in config.getoption("markexpr")]
    left_out = {item for item in items if any(item.get_closest_marker(mark) for mark in apart)}
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish() -> None:
    """Let no later collection of garbage look at thousands of tests once more."""
    gc.collect()
    gc.freeze()


KEY = "test-workspace-key-0123456789"
SECRET = "test-workspace-secret-0123456789"  # the one of the signature vectors

PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@dataclass(frozen=True)
class Received:
    """A request as it came off the wire."""

    connection: int
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Last(bytes):
    """Bytes after which the connection is closed."""


class Server:
    """An HTTP/1.1 server in threads that answers from a script, and accepts every event once the script is used up.

    A line of the script is the bytes of an answer, or a function that takes the request and returns them; None closes
    the connection. Being in threads, it serves asynchronous, blocking and foreign clients alike.
    """

    def __init__(self) -> None:
        self.script: deque[bytes | Callable[[Received], bytes | None]] = deque()
        self.requests: list[Received] = []
        self.connections = 0
        self.peak = 0
        self.hung_up = 0
        self.release = threading.Event()
        self._in_flight = 0
        self._changed = threading.Condition()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self._spawn(self._listen)

    @staticmethod
    def answer(status: int, content: object = b"", **headers: str) -> bytes:
        """Return an answer's bytes; content that is not bytes goes as JSON."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        fields = {"content_length": str(len(body)), "content_type": "application/json"} | headers
        lines = [f"HTTP/1.1 {status} {responses.get(status, 'Unassigned')}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        answer = "\r\n".join([*lines, "", ""]).encode() + body
        return Last(answer) if headers.get("connection") == "close" else answer

    @staticmethod
    def last(data: bytes) -> bytes:
        """Return bytes that are sent as they are, and followed by the end of the connection."""
        return Last(data)

    def accept(self, request: Received) -> bytes:
        """Answer as the platform does when all is well."""
        is_bulk = "/bulk/" in request.target or (request.target == "/trigger/" and isinstance(request.json, list))
        if not is_bulk:
            return self.answer(202, {"status": "success", "message_id": f"m-{len(self.requests)}"})
        record = {"status": "success", "status_code": 202, "message_id": "m"}
        return self.answer(207, {"status": "success", "records": [record] * len(request.json)})

    def hold(self, request: Received) -> bytes | None:
        """Accept, but not before `release` is set."""
        self.release.wait()
        return self.accept(request)

    def hang_up(self, request: Received) -> None:
        """Read the request and close the connection."""

    def wait_for_requests(self, count: int) -> None:
        """Return when that many requests have come."""
        self._wait(lambda: len(self.requests) >= count)

    def wait_for_hang_ups(self, count: int) -> None:
        """Return when that many clients have closed their connection."""
        self._wait(lambda: self.hung_up >= count)

    def close(self) -> None:
        self.release.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        for connection in self._sockets:
            with suppress(OSError):  # closed already
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _wait(self, reached: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(reached, timeout=60), "it does not happen"

    def _spawn(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self._sockets.append(connection)
            self._spawn(self._serve, connection, self.connections)

    def _serve(self, connection: socket.socket, number: int) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as stream:
            while (request := _read(stream, number)) is not None:
                answer = self._respond(request)
                connection.sendall(answer or b"")
                if answer is None or isinstance(answer, Last):
                    connection.shutdown(socket.SHUT_RDWR)
                    return
        with self._changed:
            self.hung_up += 1
            self._changed.notify_all()

    def _respond(self, request: Received) -> bytes | None:
        with self._changed:
            self.requests.append(request)
            self._in_flight += 1
            self.peak = max(self.peak, self._in_flight)
            line = self.script.popleft() if self.script else self.accept
            self._changed.notify_all()
        answer = line(request) if callable(line) else line
        with self._changed:
            self._in_flight -= 1
        return answer


def _read(stream: Any, number: int) -> Received | None:
    first = stream.readline()
    if not first:
        return None
    method, target, _ = first.decode().split(" ")
    headers: dict[str, str] = {}
    while line := stream.readline().strip():
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    return Received(number, method, target, headers, stream.read(int(headers.get("content-length", 0))))


async def await_what_was_cancelled(_: object = None) -> None:
    """Do what code of an application does when a task of its own was cancelled."""
    gone = asyncio.get_running_loop().create_future()
    gone.cancel()
    await gone


class StillTime:
    """Time that only passes while somebody sleeps, and chance that always draws the upper bound."""

    def __init__(self) -> None:
        self.now = 1_704_164_645.0  # Tue, 02 Jan 2024 03:04:05 GMT
        self.sleeps: list[float] = []
        self.draws: list[tuple[float, float]] = []

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds

    def draw(self, low: float, high: float) -> float:
        self.draws.append((low, high))
        return high

    @property
    def clock(self) -> Clock:
        return Clock(monotonic=lambda: self.now, wall=lambda: self.now, sleep=self.sleep, uniform=self.draw)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("SUPRSEND_") or name.upper() in PROXY_VARIABLES:
            monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture
def still_time() -> StillTime:
    return StillTime()


@pytest.fixture
async def make_client(still_time: StillTime) -> AsyncIterator[Callable[..., AsyncSuprsend]]:
    """Make clients that never really sleep, and are closed at the end of the test."""
    clients: list[AsyncSuprsend] = []

    def make(base_url: str = "https://hub.suprsend.com/", **options: Any) -> AsyncSuprsend:
        client = AsyncSuprsend(KEY, SECRET, base_url=base_url, **options)
        client.sender.transport.session.clock = still_time.clock
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def client(make_client: Callable[..., AsyncSuprsend], server: Server) -> AsyncSuprsend:
    """Return a client of the scripted server."""
    return make_client(server.url, max_retries=4)


@pytest.fixture
def run_python(server: Server) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python source in a process of its own, where every warning is an error; the server's URL is in URL."""

    # Only a program that hangs takes so long, however busy the machine is.
    def run(source: str, *, seconds: float = 100, **variables: str) -> subprocess.CompletedProcess[str]:
        prelude = f"KEY, SECRET, URL = {KEY!r}, {SECRET!r}, {server.url!r}\n"
        return subprocess.run(
            [sys.executable, "-W", "error", "-c", prelude + textwrap.dedent(source)],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def german_locale(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the variables that give a process German days and months; the locale is built, for few systems have it."""
    localedef = shutil.which("localedef")
    if localedef is None:
        pytest.skip("this system builds no locales: it has no localedef")
    folder = tmp_path_factory.mktemp("locales")
    letters = [f"<U{code:04X}> /x{code:02x}" for code in range(128)]
    charmap = ["<code_set_name> ANSI_X3.4-1968", "<comment_char> %", "<escape_char> /", "CHARMAP", *letters]
    (folder / "ascii").write_text("\n".join([*charmap, "END CHARMAP", ""]))
    source = Path(__file__).with_name("data") / "german.locale"
    # It warns about the categories that the source leaves out, and its exit status says so.
    command = [localedef, "-c", "-i", source, "-f", folder / "ascii", folder / "de_XX"]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (folder / "de_XX" / "LC_TIME").exists(), built.stderr
    return {"LOCPATH": str(folder), "LC_ALL": "de_XX"}
