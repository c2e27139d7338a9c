"""Processes that the benchmarks start: each ends with its `with` block, and none outlives its time."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, Self

from benchmarks.cpus import client_cpu, server_cpu
from benchmarks.records import FLAT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType


class Process:
    """A Python module run as a process that is talked to line by line."""

    def __init__(self, module: str, *arguments: str, limit: float) -> None:
        """Start it; after `limit` seconds it is killed."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._watchdog = threading.Timer(limit, self._process.kill)
        self._watchdog.daemon = True
        self._watchdog.start()

    def say(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def hear(self) -> str:
        """Return the next line of its standard output; empty if it has ended."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._watchdog.cancel()


class Server(Process):
    """The server, on its own core."""

    def __init__(self) -> None:
        """Start it."""
        super().__init__("benchmarks.server", *_cpu(server_cpu()), limit=3600)
        self.url = f"http://127.0.0.1:{json.loads(self.hear())['port']}/"

    def reset(self, latency: float = 0.0, *, keep: bool = True) -> None:
        """Forget what has arrived; from now on, answer after `latency` seconds, and keep the bodies or not."""
        self.say(f"reset {latency} {int(keep)}")
        self.hear()

    def count(self) -> dict[str, int]:
        """Return what has arrived since the last reset."""
        self.say("count")
        counts: dict[str, int] = json.loads(self.hear())
        return counts


def run_worker(
    server: Server,
    module: str,
    subject: str,
    numbers: Mapping[str, float],
    *,
    shape: str = FLAT,
    latency: float = 0.0,
    keep: bool = True,
    path: str = "",
    limit: float = 120.0,
) -> dict[str, Any] | None:
    """Run a worker against the server; returns its report and the server's counts, None if it did not end well.

    The numbers become the worker's arguments, and `path` the beginning of every path. After `limit` seconds it is
    stopped.
    """
    server.reset(latency)
    options = [word for name, number in numbers.items() for word in (f"--{name}", str(number))]
    arguments = (subject, "--url", server.url + path, "--shape", shape, *options, *_cpu(client_cpu()))
    with Process(f"benchmarks.workers.{module}", *arguments, limit=limit) as worker:
        if worker.hear() != "ready":
            return None
        server.reset(latency, keep=keep)
        worker.say("go")
        report = worker.hear()
        return {**json.loads(report), **server.count()} if report else None


def _cpu(cpu: int | None) -> list[str]:
    return [] if cpu is None else ["--cpu", str(cpu)]
