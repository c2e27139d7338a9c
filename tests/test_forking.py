"""What a fork finds: locks that are free, whatever the parent's threads do at that moment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import pytest

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


def run_clean(run_python: Run, source: str) -> None:
    process = run_python(PRELUDE + source)
    assert (process.returncode, process.stderr) == (0, "")


@pytest.mark.parametrize("thread", [LOOP, WRITER], ids=["loop", "spool writer"])
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
