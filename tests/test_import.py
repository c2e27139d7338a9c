"""What importing the package does, and does not do."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

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


def test_importing_the_package_loads_none_of_its_modules() -> None:
    source = """
import sys
before = set(sys.modules)
import suprsend_async
print(sorted(name for name in sys.modules if name.startswith("suprsend_async")))
print(sorted({"asyncio", "anyio", "pydantic", "typing", "logging"} & (set(sys.modules) - before)))
"""
    assert run(source) == "['suprsend_async', 'suprsend_async.version']\n[]"


def test_a_name_is_looked_up_once() -> None:
    source = """
import suprsend_async
print("Event" in vars(suprsend_async), suprsend_async.Event is vars(suprsend_async)["Event"])
"""
    assert run(source) == "False True"


def test_who_looks_at_all_modules_imports_none() -> None:
    source = """
import suprsend_async, sys
print([getattr(suprsend_async, name) for name in dir(suprsend_async)] and "suprsend_async.client" in sys.modules)
"""
    assert run(source) == "False"  # freezegun does so


def test_what_sends_events_loads_no_http_library_and_no_extra() -> None:
    source = f"""
import sys
from suprsend_async import AsyncSuprsend, Event
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    assert run(source) == "[]"


def test_a_model_is_built_when_it_is_first_needed() -> None:
    source = """
from suprsend_async import AsyncSuprsend, Event, EventResponse, User
AsyncSuprsend("key", "secret").users
Event("user-1", "order_placed", {"total": 9.5}, tenant_id="acme")
print([model.__name__ for model in (Event, EventResponse, User) if model.__pydantic_complete__])
"""
    assert run(source) == "[]"


def test_threads_may_build_a_model_at_the_same_time() -> None:
    source = """
import sys
from concurrent.futures import ThreadPoolExecutor
from suprsend_async import Event
sys.setswitchinterval(1e-6)
with ThreadPoolExecutor(8) as pool:
    made = pool.map(lambda number: Event(f" user-{number}", "order_placed").model_dump()["distinct_id"], range(8))
    print(list(made) == [f"user-{number}" for number in range(8)])
"""
    assert run(source) == "True"


def test_only_those_who_buffer_import_what_is_for_buffers() -> None:
    source = """
import sys, suprsend_async
suprsend_async.AsyncSuprsend
print([name for name in sys.modules if "buffering" in name])
print(suprsend_async.BufferStats.__name__, "suprsend_async.buffering.reports" in sys.modules)
"""
    assert run(source) == "[]\nBufferStats True"


def test_only_those_who_use_resources_import_them() -> None:
    source = """
import sys, suprsend_async
mine = lambda: sorted(name.rpartition(".")[2] for name in sys.modules if name.startswith("suprsend_async.resources."))
client = suprsend_async.AsyncSuprsend("key", "secret")
print(mine())
client.objects
print("objects" in mine(), "users" in mine(), "blocking_users" in mine(), "preference_models" in mine())
"""
    assert run(source) == "['access']\nTrue False False False"


USING_A_CLIENT = """
import asyncio, logging, tempfile, threading
from importlib.machinery import ExtensionFileLoader, SourceFileLoader
from suprsend_async import AsyncSuprsend, Event

on_the_loop = []

def watched(execute):
    def watch(self, module):
        if threading.current_thread() is threading.main_thread():
            on_the_loop.append(module.__name__)
        execute(self, module)
    return watch

for loader in (ExtensionFileLoader, SourceFileLoader):
    loader.exec_module = watched(loader.exec_module)

async def main():
    # Nobody listens there.
    async with AsyncSuprsend("key", "secret", base_url="http://127.0.0.1:1/", max_retries=0) as client:
        {use}

logging.disable()
asyncio.run(main())
print(*on_the_loop)
"""


def imported_on_the_loop(use: str) -> list[str]:
    """Return what a program that uses an open client imports on its event loop, after `from suprsend_async import`."""
    return run(USING_A_CLIENT.format(use=use)).split()


def test_opening_a_client_and_the_first_calls_import_next_to_nothing_on_the_loop() -> None:
    use = """
        await client.track_event(Event("user-1", "signed_up", tenant_id="acme"))
        await client.bulk_events.send([Event("user-1", "signed_up")])
        # These need the models, which are built now.
        Event(" user-1 ", "signed_up").add_attachment("https://example.com/invoice.pdf")
"""
    imported = imported_on_the_loop(use)
    assert all(name.startswith("suprsend_async.") for name in imported)
    assert len(imported) <= 3


def test_what_writes_a_spool_is_imported_in_a_thread() -> None:
    use = """
        async with client.buffer(spool=tempfile.mkdtemp()):
            pass
"""
    imported = imported_on_the_loop(use)
    assert "suprsend_async.buffering.spool.tracker" in imported
    assert not {"sqlite3", "suprsend_async.buffering.spool.session"} & set(imported)


BLOCKING = ("blocking", "bridge", "cursor", "derived_methods", "loop_thread")


@pytest.mark.parametrize("use", ["", 'suprsend_async.AsyncSuprsend("key", "secret").bulk_events.new_instance()'])
def test_only_those_who_block_import_the_blocking_client(use: str) -> None:
    source = f"""
import sys, anyio
already = {{"anyio.from_thread"}} & set(sys.modules)  # an old anyio imports it
import suprsend_async
{use}
mine = lambda: [name for name in {BLOCKING!r} if "suprsend_async." + name in sys.modules]
print(mine(), "anyio.from_thread" in {{*sys.modules}} - already)
print(suprsend_async.Suprsend.__name__, mine())
"""
    # The cursor is imported by those who have pages.
    assert run(source) == "[] False\nSuprsend ['blocking', 'bridge', 'derived_methods', 'loop_thread']"


def test_names_that_are_imported_later_are_found_all_the_same() -> None:
    source = """
import suprsend_async
from suprsend_async import *
print(Suprsend is suprsend_async.Suprsend, [name for name in suprsend_async.__all__ if name not in globals()])
try:
    suprsend_async.Suprsent
except AttributeError as error:
    print(error)
"""
    assert run(source) == "True []\nmodule 'suprsend_async' has no attribute 'Suprsent'"


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


def test_importing_touches_no_logger() -> None:
    source = """
import logging
before = (logging.root.level, list(logging.root.handlers), sorted(logging.root.manager.loggerDict))
import suprsend_async
after = (logging.root.level, list(logging.root.handlers))
logger = logging.getLogger("suprsend_async")
assert after == before[:2]
assert logger.handlers == []
assert logger.level == logging.NOTSET and logger.propagate
others = set(logging.root.manager.loggerDict) - set(before[2])
assert all(isinstance(other, logging.PlaceHolder) or other.level == logging.NOTSET
           for other in map(logging.root.manager.loggerDict.get, others))
"""
    assert run(source) == ""


def test_the_types_are_published() -> None:
    assert files("suprsend_async").joinpath("py.typed").is_file()


ENGINES = {
    f"transport/{name}.py"
    for name in (
        *(
            "attended",
            "connector",
            "engine",
            "given_engine",
            "incoming",
            "proxies",
            "resolver",
            "round_trip",
            "sending",
        ),
        *("unreadable", "whole_answers"),
    )
}
"""The modules that know an HTTP library; they are imported with the first call."""


@pytest.mark.parametrize("module", ["httpx", "aiohttp", "httpx_aiohttp"])
def test_only_the_engines_import_an_http_library(module: str) -> None:
    package = Path(str(files("suprsend_async")))
    users = {
        source.relative_to(package).as_posix()
        for source in package.rglob("*.py")
        # Indented imports are for type checkers, or made when first used.
        if re.search(rf"^(import|from) {module}\b", source.read_text("utf-8"), flags=re.MULTILINE)
    }
    assert "transport/engine.py" in users
    assert users <= ENGINES
