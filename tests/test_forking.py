"""What a fork finds: locks that are free, whatever the parent's threads do at that moment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from tests.conftest import Server

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")

Run = Callable[..., subprocess.CompletedProcess[str]]

PRELUDE = """
import asyncio, os, threading, warnings
from suprsend_async import forking
warnings.filterwarnings("ignore", message=".*fork.*", category=DeprecationWarning)

lock = threading.Lock()
begun = threading.Event()

def work():
    with lock:
        begun.set()
        for _ in range(20):
            os.stat(os.sep)  # lets other threads run meanwhile, as what signs a request does

def forked(child=lambda: lock.acquire(blocking=False)):
    pid = os.fork()
    if pid == 0:
        os._exit(0 if child() else 1)
    return os.waitpid(pid, 0)[1] == 0
"""

LOOP = """
from suprsend_async.running_loop import RunningLoop

async def begin():
    async def go_on():
        while True:
            work()
            await asyncio.sleep(0)
    global task
    task = asyncio.create_task(go_on())

loop = RunningLoop()
loop.start()
loop.call(begin)
"""

WRITER = """
from suprsend_async.buffering.spool.writer import Writer
from suprsend_async.running_loop import RunningLoop

class Store:
    def begin(self): pass
    commit = rollback = begin

async def begin():
    writer = Writer(Store, lambda store: None, lambda: None)
    await writer.open()
    async def go_on():
        while True:
            await asyncio.gather(*(writer.run(lambda store: work()) for _ in range(10)))
    global task
    task = asyncio.create_task(go_on())

loop = RunningLoop()
loop.start()
loop.call(begin)
"""

RESOLVER = """
import socket
from suprsend_async.running_loop import RunningLoop
from suprsend_async.transport.resolver import Resolver

def getaddrinfo(*_, **__):
    work()
    return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 80))]

socket.getaddrinfo = getaddrinfo

async def begin():
    resolver = Resolver()
    async def go_on():
        while True:
            await resolver.resolve("example.com")
    global task
    task = asyncio.create_task(go_on())

loop = RunningLoop()
loop.start()
loop.call(begin)
"""


def run_clean(run_python: Run, source: str) -> None:
    process = run_python(PRELUDE + source)
    assert (process.returncode, process.stderr) == (0, "")


@pytest.mark.parametrize("thread", [LOOP, WRITER, RESOLVER], ids=["loop", "spool writer", "resolver"])
def test_a_child_finds_no_lock_of_a_busy_thread_held(run_python: Run, thread: str) -> None:
    run_clean(run_python, thread + "begun.wait()\nassert all([forked() for _ in range(50)])\n")


def test_a_fork_waits_no_longer_than_the_limit_for_a_thread_that_hangs(run_python: Run) -> None:
    run_clean(
        run_python,
        LOOP
        + """
forking.REST_LIMIT = 0.01
over = threading.Event()
async def hang():
    over.wait()
loop.call_soon(hang)
assert forked(lambda: True)
over.set()
async def answer():
    return 1
assert loop.call(answer) == 1
""",
    )


def test_the_threads_go_on_after_forks_from_many_threads_and_from_the_loop_itself(run_python: Run) -> None:
    run_clean(
        run_python,
        LOOP
        + """
failed = []
def fork_often():
    if not all([forked(lambda: True) for _ in range(10)]):
        failed.append(1)
async def fork_here():
    fork_often()
threads = [threading.Thread(target=fork_often) for _ in range(4)]
for thread in threads: thread.start()
loop.call(fork_here)
for thread in threads: thread.join()
async def answer():
    return 1
assert loop.call(answer) == 1
assert not failed
""",
    )


# Python's hooks do not run, as in uWSGI.
WITHOUT_HOOKS = """
import ctypes, os, sys, tempfile
from suprsend_async import Event, Suprsend, forking

def forked(child):
    sys.stdout.flush()
    # A server forks when nothing is under way; here a call has just ended.
    forking._let_all_rest()
    pid = ctypes.PyDLL(None).fork()
    if pid == 0:
        status = 1
        try:
            status = 0 if child() else 1
        finally:
            os._exit(status)
    forking._end_rests()
    return os.waitpid(pid, 0)[1] == 0

client = Suprsend(KEY, SECRET, base_url=URL)
def event(number):
    return Event("user-1", "signed_up", idempotency_key=f"key-{number}")
"""
CHILDREN = {
    "a client": """
assert client.track_event(event(0)).success
print(forked(lambda: client.track_event(event(1)).success))
assert client.track_event(event(2)).success
client.close()
""",
    "a buffer": """
tracker = client.buffer().open()
assert tracker.track_event(event(0)).success
print(forked(lambda: tracker.track_event(event(1)).success))
assert tracker.track_event(event(2)).success
tracker.close()
client.close()
""",
    "a spool, closed by the child": """
tracker = client.buffer(spool=tempfile.mkdtemp()).open()
assert tracker.track_event(event(0)).success
def child():
    tracker.enqueue(event(1))
    tracker.close()
    client.close()
    return True
print(forked(child))
assert tracker.track_event(event(2)).success
tracker.close()
client.close()
""",
    "a child that only closes": """
tracker = client.buffer().open()
assert tracker.track_event(event(0)).success
def child():
    tracker.close()
    client.close()
    return True
print(forked(child))
for number in (1, 2):
    assert tracker.track_event(event(number)).success
tracker.close()
client.close()
""",
}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere such a child may do next to nothing")
@pytest.mark.parametrize("program", CHILDREN.values(), ids=CHILDREN)
def test_a_child_begins_anew_though_no_hook_has_run(run_python: Run, server: Server, program: str) -> None:
    process = run_python(WITHOUT_HOOKS + program)
    assert process.stdout == "True\n", process.stderr
    assert process.returncode == 0, process.stderr
    bodies: list[Any] = [json.loads(request.body) for request in server.requests]
    events: list[dict[str, Any]] = []
    for body in bodies:
        events += body if isinstance(body, list) else [body]
    assert sorted(str(event["$idempotency_key"]) for event in events) == ["key-0", "key-1", "key-2"]
