"""A real S3 server on this machine, and a bucket in it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import s3fs

from suprsend_async.sandbox import Sandbox

# Seconds that anything gets that a busy machine may hold up.
PATIENCE = 300.0


class Store:
    """moto's server as a process, and what is put into its bucket."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._objects: dict[str, bytes] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Forget all objects; start it if it does not run."""
        self._objects.clear()
        if self._process is None:
            self.start()
        else:
            urlopen(Request(f"{self.url}/moto-api/reset", method="POST"), timeout=PATIENCE).close()
            self.files.mkdir("flights")

    def start(self) -> None:
        """Start it, with the objects that it had."""
        self._process = subprocess.Popen(
            [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(self.port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        self.files.mkdir("flights")
        for name, data in self._objects.items():
            self.put(name, data)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def files(self) -> Any:
        return s3fs.S3FileSystem(skip_instance_cache=True)

    def put(self, name: str, data: bytes) -> str:
        """Write an object, in several parts if it is large, and return its URL."""
        self._objects[name] = data
        url = f"s3://flights/{name}"
        with self.files.open(url, "wb", block_size=5 * 1024 * 1024) as file:
            file.write(data)
        return url


@pytest.fixture(scope="session")
def server() -> Iterator[Store]:
    """One server for all tests: starting it takes longer than most of them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = Store(port)
    yield found
    found.kill()


@pytest.fixture
def store(server: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name in [name for name in os.environ if name.startswith(("AWS_", "FSSPEC_"))]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    # fsspec keeps what it has connected, and this server is another one.
    s3fs.S3FileSystem.clear_instance_cache()
    server.begin()
    return server


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(max_events=100_000) as running:
        yield running


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `suprsend-async ingest` in a folder of its own, against a sandbox."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(Path(__file__).parents[2] / "examples" / "flights.toml", tmp_path)

    def run(sandbox: Sandbox, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "suprsend_async.cli", "ingest", *arguments],
            env={**os.environ, **sandbox.environment(), "COLUMNS": "300", "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    return run
