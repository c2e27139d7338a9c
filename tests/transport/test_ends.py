"""Whatever a program leaves open, its loop ends within five seconds; the application's own error is shown."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest
from tests.promises import CLOSING

if TYPE_CHECKING:
    from tests.conftest import Server
    from tests.promises import Lateness

PRELUDE = """
import asyncio, httpx, itertools, logging, sys, tempfile, time
from suprsend_async import AsyncSuprsend, Event, UserEdit
logging.getLogger("suprsend_async").setLevel(logging.CRITICAL)

kept = []  # what is left open stays referenced
hung = asyncio.Event()

def event(number=1):
    return Event(f"user-{number}", "signed_up")

def endless():
    return map(event, itertools.count())

def edits():
    return (UserEdit(f"user-{number}").set("plan", "pro") for number in itertools.count())

async def hang(_):
    hung.set()
    await asyncio.sleep(3600)

async def keep_to_itself(_):
    hung.set()
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        pass

async def hang_again(_):
    await keep_to_itself(_)
    await asyncio.sleep(3600)

def client(**options):
    kept.append(AsyncSuprsend(KEY, SECRET, base_url=URL, **options))
    return kept[-1]

def begin(coroutine):
    kept.append(asyncio.create_task(coroutine))
    return kept[-1]

async def opened(tracker):
    kept.append(tracker)
    return await tracker.__aenter__()

async def asked():
    # The test says when the server has been.
    await asyncio.to_thread(sys.stdin.readline)
"""

EPILOGUE = """
class OwnError(Exception):
    pass

async def main():
    await leave_open()
    began.append(time.monotonic())
    raise OwnError

began = []
try:
    asyncio.run(main())
finally:
    print(began[0], time.monotonic())
"""

# Each leaves something open when a request has come in and, where a callback hangs, that has begun to.
PROGRAMS = {
    "a stream": "stream = client().bulk_events.stream(endless())\nkept.append(stream)\nawait anext(stream)",
    "a stream whose server is silent": "begin(anext(client().bulk_events.stream(endless())))\nawait asked()",
    "edits": "stream = client().users.stream_edits(edits())\nkept.append(stream)\nawait anext(stream)",
    "edits whose server is silent": "begin(client().users.send_edits(edits()))\nawait asked()",
    "a call of a resource": "begin(client().users.get('user-1'))\nawait asked()",
    "a bulk": "begin(client().bulk_events.send(endless()))\nawait asked()",
    "a call": "begin(client().track_event(event()))\nawait asked()",
    "a client being closed": (
        "one = client()\nbegin(one.track_event(event()))\nawait asked()\nbegin(one.aclose())\nawait asyncio.sleep(0)"
    ),
    "a call over an http_client": (
        "begin(client(http_client=httpx.AsyncClient(timeout=None)).track_event(event()))\nawait asked()"
    ),
    "a cancelled call over an http_client": (
        "call = begin(client(http_client=httpx.AsyncClient(timeout=None)).track_event(event()))\n"
        "await asked()\ncall.cancel()\nawait asyncio.wait([call])"
    ),
    "a buffer": "tracker = await opened(client().buffer())\ntracker.enqueue(event())\nawait asked()",
    "a spool": (
        "tracker = await opened(client().buffer(spool=tempfile.mkdtemp()))\n"
        "await tracker.enqueue(event())\nawait asked()"
    ),
    **{
        f"{name} whose callback {kind}": program.format(kind)
        for kind in ("hang", "keep_to_itself", "hang_again")
        for name, program in {
            "a bulk": "begin(client().bulk_events.send([1], on_failure={}))\nawait hung.wait()",
            "an endless bulk": (
                "begin(client().bulk_events.send(endless(), on_failure={0}, on_progress={0}))\nawait hung.wait()"
            ),
            "a stream": "begin(anext(client().bulk_events.stream([1], on_failure={})))\nawait hung.wait()",
            "a buffer": (
                "tracker = await opened(client(max_retries=0).buffer(on_failure={}))\n"
                "tracker.enqueue(event())\nawait asked()\nawait hung.wait()"
            ),
        }.items()
    },
}


@pytest.mark.promises
@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_what_is_left_open_does_not_keep_a_loop_from_ending(server: Server, lateness: Lateness, program: str) -> None:
    is_refused = "await hung.wait()" in program
    if "await asked()" in program:
        server.script.extend([server.answer(400) if is_refused else server.hold] * 50)
    lines = textwrap.indent(program, "    ")
    names = f"KEY, SECRET, URL = 'key', 'secret', {server.url!r}"
    source = f"{names}\n{PRELUDE}\nasync def leave_open():\n{lines}\n{EPILOGUE}"
    process = subprocess.Popen(
        [sys.executable, "-c", source],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        if "await asked()" in program:
            server.wait_for_requests(1)
        output, errors = process.communicate("\n", timeout=60)
    finally:
        process.kill()
        process.wait()
    assert errors.splitlines()[-1].endswith("OwnError")
    # The clock is the same one for all processes.
    began, ended = map(float, output.split())
    assert lateness.overrun(began + CLOSING, ended) <= 0
