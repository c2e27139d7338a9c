"""The blocking client under gunicorn with `--preload`: made and used in the master, used again in each worker."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.faults.processes import ROOT, environment
from tests.faults.server import HOST, FaultServer

pytest.importorskip("gunicorn")


def test_a_client_that_was_used_before_the_workers_were_forked() -> None:
    with FaultServer() as server, contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.create_server((HOST, 0)))
        process = subprocess.Popen(
            [
                sys.executable,
                *("-W", "error", "-m", "gunicorn", "--preload", "--workers", "2"),
                *("--threads", "4", "--log-level", "error", "--bind", f"fd://{listening.fileno()}"),
                "tests.faults.programs.web:application",
            ],
            env=environment(BENCH_URL=server.url),
            cwd=ROOT,
            pass_fds=[listening.fileno()],
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            url = f"http://{HOST}:{listening.getsockname()[1]}/"

            def visit(number: int) -> bytes:
                with urllib.request.urlopen(url, timeout=20) as answer:
                    return answer.read()

            # Which worker takes a connection is the system's choice: visits go on until both have been seen.
            seen: list[bytes] = []
            with ThreadPoolExecutor(8) as threads:
                while len(set(seen)) < 2 and len(seen) < 6_000:
                    seen += threads.map(visit, range(60))
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                problems = process.communicate(timeout=100)[1]
            finally:
                process.kill()
    assert process.returncode == 0, problems
    # gunicorn has warnings of its own; none may come from the client or what it uses.
    assert "suprsend" not in problems
    assert "aiohttp" not in problems
    assert len(set(seen)) == 2
    entries = server.ledger.entries
    assert [entry.accepted for entry in entries] == [True] * (len(seen) + 1)
    assert server.complaints == []
