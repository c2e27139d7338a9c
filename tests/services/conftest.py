"""Running the example services as real servers, against a sandbox."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.extras("sandbox")

EXAMPLES = Path(__file__).parents[2] / "examples" / "services"
SECONDS = 30


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@dataclass
class Service:
    """A server that was started, and what it said."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def terminate(self) -> str:
        """Ask the server to end as an orchestrator does; returns what it said when it has."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(SECONDS)
        return self.log.read_text()


def wait_until(reached: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


@pytest.fixture
def serve(sandbox: Sandbox, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Start a Python module with arguments; `{port}` in one becomes the port that it is to listen on."""
    stores = {"DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/shop.db", "SUPRSEND_SPOOL": str(tmp_path / "spool")}
    with contextlib.ExitStack() as stack:

        def start(*command: str, **variables: str) -> Service:
            port = _free_port()
            log = tmp_path / f"log-{port}"
            process = subprocess.Popen(
                [sys.executable, "-m", *(word.format(port=port) for word in command)],
                cwd=EXAMPLES,
                env={**os.environ, **sandbox.environment(), **stores, **variables},
                stdout=stack.enter_context(log.open("wb")),
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            stack.callback(_end, process)
            return Service(process, f"http://127.0.0.1:{port}", log)

        yield start


@pytest.fixture
def serve_http(serve: Callable[..., Service]) -> Callable[..., Service]:
    """The same for a web server; returns when it answers."""

    def start(*command: str, **variables: str) -> Service:
        service = serve(*command, **variables)

        def answers() -> bool:
            assert service.process.poll() is None, service.log.read_text()
            with contextlib.suppress(httpx.TransportError):
                return httpx.get(service.url).status_code == 404
            return False

        wait_until(answers, "the server answers")
        return service

    return start


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _end(process: subprocess.Popen[bytes]) -> None:
    # The group is the server's own: it holds its workers, and nobody else.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
