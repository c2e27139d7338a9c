"""The command, run as users run it and in this process, against a real sandbox."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from suprsend_async.sandbox import Sandbox

from .ingesting import write
from .warm import WarmProcess, can_be_warm

pytestmark = pytest.mark.extras("cli")

PATIENCE = 60.0  # seconds until a command that hangs is killed, so that its test can show what it said

Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file of 250 rows."""
    return write(tmp_path / "users.jsonl", 250)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of the commands: without credentials, 80 columns wide, no colour."""
    for name in [name for name in os.environ if name.startswith("SUPRSEND_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    return dict(os.environ)


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Start]:
    """Starts `python -m suprsend_async.cli`; what still runs at the end, or for too long, is killed."""
    started: list[subprocess.Popen[str]] = []
    timers: list[threading.Timer] = []

    def begin(
        *arguments: str, code: str | None = None, cwd: Path | None = None, **variables: str
    ) -> subprocess.Popen[str]:
        what = ["-m", "suprsend_async.cli"] if code is None else ["-c", code]
        process = subprocess.Popen(
            [sys.executable, "-W", "error", *what, *arguments],
            env={**environment, **variables},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        timer = threading.Timer(PATIENCE, process.kill)
        timer.start()
        started.append(process)
        timers.append(timer)
        return process

    yield begin
    for timer in timers:
        timer.cancel()
        timer.join()
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def warm() -> Iterator[WarmProcess]:
    process = WarmProcess()
    yield process
    process.close()


@pytest.fixture
def run(start: Start, warm: WarmProcess, environment: dict[str, str]) -> Run:
    """Runs a command in a process of its own, to its end."""

    def run_it(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        variables = {name: value for name, value in options.items() if name not in {"code", "cwd"}}
        if "code" not in options and can_be_warm(variables):
            return warm.run(arguments, {**environment, **variables}, options.get("cwd"), PATIENCE)
        process = start(*arguments, **options)
        output, errors = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    return run_it


@pytest.fixture
def cli(environment: dict[str, str]) -> CliRunner:
    """Runs a command in this process."""
    return CliRunner()
