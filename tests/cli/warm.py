"""Runs the command in forks of a process that has imported it: importing takes longer than most commands.

The rest is as it is for any process: file descriptors, environment, folder, signals, exit hooks and exit status.
"""

from __future__ import annotations

import gc
import io
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRELOADED = (
    "aiohttp",
    "httpx_aiohttp",
    "rich.progress",
    "sqlalchemy.dialects.sqlite",
    "suprsend_async.blocking",
    "suprsend_async.cli.application",
    "suprsend_async.ingest",
    "suprsend_async.migration.program",
    "suprsend_async.outbox",
    "suprsend_async.sandbox",
    "suprsend_async.transport.engine",
    "uvicorn",
)
_BYTES = 1 << 18


def can_be_warm(variables: dict[str, str]) -> bool:
    """Return whether a command needs no variable that counts before anything is imported."""
    return hasattr(os, "fork") and all(name.startswith("SUPRSEND_") or name == "DATABASE_URL" for name in variables)


class WarmProcess:
    """A process that has imported the command, and forks for each run of it: one after the other."""

    def __init__(self) -> None:
        self._channel, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with there:
            code = f"from tests.cli.warm import serve; serve({there.fileno()})"
            command = [sys.executable, "-W", "error", "-c", code]
            self._process = subprocess.Popen(command, pass_fds=[there.fileno()], cwd=ROOT)

    def run(
        self, arguments: tuple[str, ...], environment: dict[str, str], folder: Path | None, seconds: float
    ) -> subprocess.CompletedProcess[str]:
        """Run the command to its end; one that takes too long is killed."""
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            order = json.dumps([arguments, environment, str(folder or Path.cwd())]).encode()
            socket.send_fds(self._channel, [order], [output.fileno(), errors.fileno()])
            pid = int(self._channel.recv(_BYTES))
            self._channel.settimeout(seconds)
            try:
                status = int(self._channel.recv(_BYTES))
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                self._channel.settimeout(None)
                status = int(self._channel.recv(_BYTES))
            self._channel.settimeout(None)
            said: list[str] = []
            for file in (output, errors):
                file.seek(0)
                said.append(file.read().decode())
        command = [sys.executable, "-m", "suprsend_async.cli", *arguments]
        return subprocess.CompletedProcess(command, os.waitstatus_to_exitcode(status), *said)

    def close(self) -> None:
        """End it."""
        self._channel.close()
        self._process.wait()


def serve(descriptor: int) -> None:
    """Fork for each order until there are no more; a child returns when it has run the command."""
    channel = socket.socket(fileno=descriptor)
    for name in PRELOADED:
        # What is not installed, a command will miss by itself.
        with suppress(ModuleNotFoundError):
            import_module(name)
    # A child would look through all of it for garbage at its end, and copy the memory in doing so.
    gc.collect()
    gc.freeze()
    while True:
        order, (*ends,), _, _ = socket.recv_fds(channel, _BYTES, 2)
        if not order:
            channel.close()
            return
        pid = os.fork()
        if pid == 0:
            break
        for end in ends:
            os.close(end)
        channel.send(str(pid).encode())
        _, status = os.waitpid(pid, 0)
        channel.send(str(status).encode())
    channel.close()
    _become(*json.loads(order), *ends)
    runpy.run_module("suprsend_async.cli", run_name="__main__", alter_sys=True)


def _become(arguments: list[str], environment: dict[str, str], folder: str, output: int, errors: int) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for end, place in ((nothing, 0), (output, 1), (errors, 2)):
        os.dup2(end, place)
        os.close(end)
    sys.stdout = sys.__stdout__ = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w", closefd=False)), "utf-8")
    sys.stderr = sys.__stderr__ = io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(2, "w", closefd=False)), "utf-8", errors="backslashreplace", line_buffering=True
    )
    sys.argv = ["", *arguments]
