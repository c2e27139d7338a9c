"""The blocking client's buffers and the process: its end, its forks, its children, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.buffering.exchanges import sent
from tests.conftest import Server

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

PRELUDE = """
import os, sys, threading
from suprsend_async import Event, Suprsend
def event(number): return Event("user-1", "signed_up", {"n": number})
client = Suprsend(KEY, SECRET, base_url=URL)
tracker = client.buffer(**OPTIONS).open()
"""


@pytest.fixture
def run(run_python: Callable[..., subprocess.CompletedProcess[str]], options: dict[str, Any]) -> Callable[[str], None]:
    """Run a program that ends well and says nothing."""

    def run(source: str) -> None:
        given = {name: str(value) for name, value in options.items()}
        process = run_python(f"OPTIONS = {given!r}\n{PRELUDE}{source}")
        assert (process.returncode, process.stdout, process.stderr) == (0, "", "")

    return run


def left_in(options: dict[str, Any]) -> list[Path]:
    return list(options["spool"].iterdir()) if options else []


def test_what_is_left_is_sent_at_the_programs_end(
    run: Callable[[str], None], server: Server, options: dict[str, Any]
) -> None:
    run("""
for number in range(250):
    tracker.enqueue(event(number))
""")
    assert sorted(sent(server)) == list(range(250))
    assert left_in(options) == []


def test_hooks_of_the_application_may_still_call_at_exit(
    run: Callable[[str], None], server: Server, options: dict[str, Any]
) -> None:
    run("""
import atexit
atexit.register(lambda: tracker.enqueue(event(2)))
tracker.enqueue(event(1))
""")
    assert sorted(sent(server)) == [1, 2]
    assert left_in(options) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_begins_anew_and_disturbs_no_parent(
    run: Callable[[str], None], server: Server, options: dict[str, Any]
) -> None:
    run("""
tracker.enqueue(event(1))
pid = os.fork()
if pid == 0:
    threads = [threading.Thread(target=tracker.enqueue, args=(event(10 + number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tracker.stats().taken == 8, tracker.stats()
    # The child ends as a program does.
    sys.exit()
_, status = os.waitpid(pid, 0)
assert status == 0, status
tracker.enqueue(event(2))
tracker.flush()
assert tracker.stats().accepted == 2, tracker.stats()
tracker.close()
client.close()
""")
    assert sorted(sent(server)) == [1, 2, *range(10, 18)]
    assert left_in(options) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_that_never_calls_has_nothing_to_leave(
    run: Callable[[str], None], server: Server, options: dict[str, Any]
) -> None:
    run("""
tracker.enqueue(event(1))
pid = os.fork()
if pid == 0:
    tracker.close()
    client.close()
    sys.exit()
_, status = os.waitpid(pid, 0)
assert status == 0, status
tracker.close()
client.close()
""")
    assert sent(server) == [1]


@pytest.mark.skipif(sys.platform != "linux", reason="fork is the start method")
def test_a_child_of_multiprocessing_sends_what_is_left_at_its_end(
    run: Callable[[str], None], server: Server, options: dict[str, Any]
) -> None:
    run("""
import multiprocessing
def work():
    for number in range(10, 260):
        tracker.enqueue(event(number))
tracker.enqueue(event(1))
child = multiprocessing.get_context("fork").Process(target=work)
child.start()
child.join()
assert child.exitcode == 0
client.close()
""")
    assert sorted(sent(server)) == [1, *range(10, 260)]
    assert left_in(options) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals as on Unix")
def test_an_interrupt_leaves_the_block_properly(
    run_python: Callable[..., subprocess.CompletedProcess[str]], server: Server
) -> None:
    process = run_python(f"""
import os, signal
from suprsend_async import Event, Suprsend
with Suprsend(KEY, SECRET, base_url=URL) as client:
    try:
        with client.buffer(linger=3600) as tracker:
            for number in range(3):
                tracker.enqueue(Event("user-1", "signed_up", {{"n": number}}))
            os.kill(os.getpid(), signal.{signal.SIGINT.name})
            raise SystemExit("not interrupted")
    except KeyboardInterrupt:
        assert tracker.stats().accepted == 3, tracker.stats()
""")
    assert (process.returncode, process.stderr) == (0, "")
    assert sorted(sent(server)) == [0, 1, 2]
