"""What importing the package does, and does not do."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files

import pytest

HEAVY = (
    "httpx",
    "aiohttp",
    "httpx_aiohttp",
    "starlette",
    "uvicorn",
    "typer",
    "rich",
    "respx",
    "opentelemetry",
    "pytest",
)


def run(source: str) -> str:
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", source], capture_output=True, text=True, check=True, timeout=30
    )
    assert process.stderr == ""
    return process.stdout.strip()


def test_importing_loads_no_http_library_and_no_extra() -> None:
    source = f"import sys, suprsend_async; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert run(source) == "[]"


def test_only_those_who_buffer_import_what_is_for_buffers() -> None:
    source = """
import sys, suprsend_async
print([name for name in sys.modules if "buffering" in name])
print(suprsend_async.BufferStats.__name__, "suprsend_async.buffering.stats" in sys.modules)
"""
    assert run(source) == "[]\nBufferStats True"


def test_making_clients_loads_none_either() -> None:
    source = f"""
import sys
from suprsend_async import AsyncSuprsend, Event, Suprsend
AsyncSuprsend("key", "secret"), Suprsend("key", "secret"), Event("user-1", "signed_up")
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    assert run(source) == "[]"


def test_making_clients_starts_no_thread_and_opens_no_file() -> None:
    source = """
import os, threading
from suprsend_async import AsyncSuprsend, Suprsend
before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
clients = AsyncSuprsend("key", "secret"), Suprsend("key", "secret")
after = len(os.listdir("/proc/self/fd")) if before else 0
print(threading.active_count(), after - before)
"""
    assert run(source) == "1 0"


def test_the_logger_is_silent_and_no_other_is_touched() -> None:
    source = """
import logging
before = (logging.root.level, list(logging.root.handlers), sorted(logging.root.manager.loggerDict))
import suprsend_async
after = (logging.root.level, list(logging.root.handlers))
logger = logging.getLogger("suprsend_async")
assert after == before[:2]
assert [type(handler).__name__ for handler in logger.handlers] == ["NullHandler"]
assert logger.level == logging.NOTSET and logger.propagate
others = set(logging.root.manager.loggerDict) - set(before[2])
assert all(isinstance(other, logging.PlaceHolder) or other.level == logging.NOTSET
           for other in map(logging.root.manager.loggerDict.get, others))
logger.warning("nothing of this may be seen")
"""
    assert run(source) == ""


def test_the_types_are_published() -> None:
    assert files("suprsend_async").joinpath("py.typed").is_file()


@pytest.mark.parametrize("module", ["httpx", "aiohttp", "httpx_aiohttp"])
def test_only_one_module_imports_the_http_library(module: str) -> None:
    package = files("suprsend_async")
    users = [
        f"{room}/{source.name}".lstrip("/")
        for room in ("", "events", "transport")
        for source in package.joinpath(room).iterdir()
        if source.name.endswith(".py")
        # Indented imports are for type checkers only.
        and any(line.startswith((f"import {module}", f"from {module} ")) for line in source.read_text().splitlines())
    ]
    assert users == ["transport/engine.py"]
