"""Calls in exit hooks, by the name of a host, on each Python that is here: what a program says last is delivered.

Nothing is connected yet, or the connection has been closed meanwhile, so that a name is looked up while the interpreter
ends: its executors take no more work then, and from 3.12 on no thread starts.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import suprsend_async

if TYPE_CHECKING:
    from tests.conftest import Server

NEEDED = ("aiohttp", "anyio", "httpx", "httpx_aiohttp", "pydantic", "typing_extensions")
SOURCE = Path(suprsend_async.__file__).parents[1]

PRELUDE = """
import asyncio, atexit, os, threading, warnings
from suprsend_async import AsyncSuprsend, Event, Suprsend

def event(name):
    return Event(name, "signed_up")

def same(outcome):
    assert outcome == "accepted", outcome
"""

PROGRAMS = {
    "nothing is connected": """
        client = Suprsend(KEY, SECRET, base_url=URL)
        atexit.register(lambda: same(client.track_event(event("hook")).outcome))
    """,
    "the connection was closed": """
        client = Suprsend(KEY, SECRET, base_url=URL)
        same(client.track_event(event("before")).outcome)
        @atexit.register
        def hook():
            client.loop.call("", client.twin.sender.transport.session.loops.aclose)
            same(client.track_event(event("hook")).outcome)
    """,
    "a bulk": """
        client = Suprsend(KEY, SECRET, base_url=URL)
        @atexit.register
        def hook():
            result = client.bulk_events.send(event(f"user-{n}") for n in range(250))
            assert result.success == 250, result
            assert [one.outcome for one in client.bulk_events.stream([event("hook")])] == ["accepted"]
    """,
    "made, used and closed in the hook": """
        @atexit.register
        def hook():
            with Suprsend(KEY, SECRET, base_url=URL) as client:
                same(client.track_event(event("hook")).outcome)
    """,
    "from a thread that outlives the main one": """
        client = Suprsend(KEY, SECRET, base_url=URL)
        def work():
            threading.main_thread().join()
            same(client.track_event(event("hook")).outcome)
        threading.Thread(target=work).start()
    """,
    "an http_client": """
        import httpx
        http_client = httpx.AsyncClient(headers={"Connection": "close"})
        client = Suprsend(KEY, SECRET, base_url=URL, http_client=http_client)
        atexit.register(lambda: same(client.track_event(event("hook")).outcome))
    """,
    "an http_client over aiohttp": """
        from httpx_aiohttp import HttpxAiohttpClient
        http_client = HttpxAiohttpClient()
        client = Suprsend(KEY, SECRET, base_url=URL, http_client=http_client)
        @atexit.register
        def hook():
            same(client.track_event(event("hook")).outcome)
            client.loop.call("", http_client.aclose)
    """,
    "a loop that begins in the hook": """
        async def main():
            async with AsyncSuprsend(KEY, SECRET, base_url=URL) as client:
                same((await client.track_event(event("hook"))).outcome)
        atexit.register(lambda: asyncio.run(main()))
    """,
    "a loop that goes on in the hook": """
        client = AsyncSuprsend(KEY, SECRET, base_url=URL)
        runner = asyncio.Runner()
        async def once():
            async with client:
                await client.track_event(event("before"))
        runner.run(once())
        async def last():
            await client.__aenter__()
            same((await client.track_event(event("hook"))).outcome)
            await client.aclose()
        @atexit.register
        def hook():
            runner.run(last())
            runner.get_loop().close()  # `Runner.close` waits for the loop's threads in another one
    """,
    "nobody closed it": """
        client = Suprsend(KEY, SECRET, base_url=URL)
        same(client.track_event(event("hook")).outcome)
    """,
    "nobody closed it, nor a stream": """
        client = Suprsend(KEY, SECRET, base_url=URL)
        stream = client.bulk_events.stream(event("hook") for _ in iter(int, 1))
        same(next(stream).outcome)
    """,
}


def interpreters() -> list[str]:
    """Return this Python, and those of environments beside it which can run the package, one for each version."""
    here = f"3.{sys.version_info.minor}"
    found = {here: sys.executable}
    if SOURCE.name != "src":
        # What is installed lies among libraries of this Python alone.
        return [sys.executable]
    for python in sorted(Path(sys.prefix).parent.glob("*/bin/python3.*")):
        version = python.name.removeprefix("python")
        if version not in found and _can_run(python):
            found[version] = str(python)
    return list(found.values())


def _can_run(python: Path) -> bool:
    check = [str(python), "-c", f"import {', '.join(NEEDED)}"]
    return subprocess.run(check, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize("python", interpreters(), ids=lambda python: python.rsplit("/", 1)[-1])
def test_what_is_sent_at_the_end_arrives_and_nothing_is_said(server: Server, python: str, program: str) -> None:
    url = server.url.replace("127.0.0.1", "localhost")
    prelude = f"KEY, SECRET, URL = 'key', 'secret', {url!r}\nimport sys\nsys.path.insert(0, {str(SOURCE)!r})\n"
    process = subprocess.run(
        [python, "-W", "error", "-c", prelude + PRELUDE + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (process.returncode, process.stderr, process.stdout) == (0, "", "")
    last = server.requests[-1].json
    assert (last[0] if isinstance(last, list) else last)["distinct_id"] == "hook"
