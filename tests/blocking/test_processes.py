"""The blocking facade and the process: its end, its forks, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Server

PRELUDE = """
import os, sys, threading, warnings
from suprsend_async import AsyncSuprsend, Event, Suprsend
warnings.filterwarnings("ignore", message=".*fork.*", category=DeprecationWarning)

def event(name):
    return Event(name, "signed_up")

def in_child(function):
    child = os.fork()
    if child == 0:
        try:
            function()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""


@pytest.fixture
def run(run_python: Callable[..., subprocess.CompletedProcess[str]]) -> Callable[..., None]:
    """Run a script that must end in time, without a word on stderr."""

    def run_clean(source: str) -> None:
        process = run_python(PRELUDE + source)
        assert (process.returncode, process.stderr) == (0, "")

    return run_clean


def names(server: Server) -> list[str]:
    return [request.json["distinct_id"] for request in server.requests]


ENDS = {
    "used": 'client.track_event(event("one"))',
    "entered": "client.__enter__()",
    "many clients": "others = [Suprsend(KEY, SECRET, base_url=URL) for _ in range(5)]\n"
    'for one in (client, *others): one.track_event(event("one"))',
    "ended by an error": 'client.track_event(event("one"))\ntry: 1 / 0\nexcept ZeroDivisionError: sys.exit(0)',
    "closed": 'client.track_event(event("one"))\nclient.close()',
    "kept by a bulk": 'bulk = client.bulk_events.new_instance()\nbulk.append(event("one"))\nbulk.trigger()',
    "threads still calling": (
        "from suprsend_async import ConfigurationError\n"
        "def work():\n"
        "    try:\n"
        "        while True: client.track_event(event('one'))\n"
        "    except ConfigurationError: pass  # closed at exit\n"
        "for _ in range(4): threading.Thread(target=work, daemon=True).start()\n"
        "client.track_event(event('one'))"
    ),
}


@pytest.mark.parametrize("use", ENDS.values(), ids=ENDS)
def test_the_interpreter_ends_without_a_close(run: Callable[..., None], server: Server, use: str) -> None:
    run(f"client = Suprsend(KEY, SECRET, base_url=URL)\n{use}\n")


def test_the_interpreter_ends_with_a_bulk_whose_client_is_gone(run: Callable[..., None]) -> None:
    run("""
client = Suprsend(KEY, SECRET, base_url=URL)
bulk = client.bulk_events.new_instance()
client.track_event(event("one"))
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    del client
""")


def test_after_a_fork_child_and_parent_both_deliver(run: Callable[..., None], server: Server) -> None:
    run("""
client = Suprsend(KEY, SECRET, base_url=URL)
assert client.track_event(event("before")).success
in_child(lambda: client.track_event(event("child")).raise_for_status())
assert client.track_event(event("parent")).success
client.close()
""")
    assert [(request.connection, request.json["distinct_id"]) for request in server.requests] == [
        (1, "before"),
        (2, "child"),
        (1, "parent"),
    ]


def test_a_client_made_before_and_first_used_after_the_fork(run: Callable[..., None], server: Server) -> None:
    run("""
client = Suprsend(KEY, SECRET, base_url=URL)
for name in ("one", "two"):
    in_child(lambda: client.track_event(event(name)).raise_for_status())
client.track_event(event("parent"))
client.close()
""")
    assert names(server) == ["one", "two", "parent"]


def test_a_bulk_of_before_the_fork(run: Callable[..., None], server: Server) -> None:
    run("""
client = Suprsend(KEY, SECRET, base_url=URL)
bulk = client.bulk_events.new_instance()
bulk.append(event("one"))
bulk.trigger().raise_for_status()
bulk.append(event("two"))
in_child(lambda: bulk.trigger().raise_for_status())
bulk.trigger().raise_for_status()
client.close()
""")
    sent = [[item["distinct_id"] for item in request.json] for request in server.requests]
    assert sent == [["one"], ["two"], ["two"]]


def test_a_fork_while_other_threads_call(run: Callable[..., None], server: Server) -> None:
    run("""
client = Suprsend(KEY, SECRET, base_url=URL)
client.track_event(event("first"))  # a fork in the middle of another thread's import is beyond help
go_on = True
def work():
    while go_on:
        client.track_event(event("worker"))
workers = [threading.Thread(target=work) for _ in range(4)]
for worker in workers:
    worker.start()
for _ in range(5):
    in_child(lambda: client.track_event(event("child")).raise_for_status())
go_on = False
for worker in workers:
    worker.join()
client.close()
""")
    assert names(server).count("child") == 5


def test_a_child_may_end_normally_and_close_what_it_inherited(run: Callable[..., None], server: Server) -> None:
    run("""
client = Suprsend(KEY, SECRET, base_url=URL)
client.track_event(event("before"))
child = os.fork()
if child == 0:
    client.track_event(event("child"))
    client.close()
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
child = os.fork()
if child == 0:
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
client.track_event(event("parent"))
client.close()
""")
    assert names(server) == ["before", "child", "parent"]


def test_a_closed_client_stays_closed_in_the_child(run: Callable[..., None]) -> None:
    run("""
from suprsend_async import ConfigurationError
client = Suprsend(KEY, SECRET, base_url=URL)
client.close()
def call():
    try:
        client.track_event(event("child"))
    except ConfigurationError:
        return
    raise AssertionError
in_child(call)
""")


def test_ctrl_c_cancels_the_call_and_leaves_a_working_client(server: Server) -> None:
    source = (
        PRELUDE
        + """
client = Suprsend(KEY, SECRET, base_url=URL)
try:
    client.track_event(event("first"))
except KeyboardInterrupt:
    print("interrupted", flush=True)
sys.stdin.readline()
print(client.track_event(event("second")).outcome, flush=True)
client.close()
"""
    )
    prelude = f"KEY, SECRET, URL = 'key', 'secret', {server.url!r}\n"
    server.script.append(server.hold)
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", prelude + source],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    try:
        server.wait_for_requests(1)
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        assert process.stdout.readline() == "interrupted\n"
        server.release.set()
        server.wait_for_hang_ups(1)  # the cancelled call dropped its connection
        output, errors = process.communicate("\n", timeout=100)
    finally:
        process.kill()
        process.wait()
    assert (output, errors, process.returncode) == ("accepted\n", "", 0)
    assert names(server) == ["first", "second"]


def test_a_signals_handler_may_call_while_the_first_call_starts_the_thread(
    run: Callable[..., None], server: Server
) -> None:
    run(f"""
import signal
from suprsend_async import loop_thread
client = Suprsend("k" * 20, "secret", base_url={server.url!r})
signal.signal(signal.SIGUSR1, lambda *_: client.track_event(event("handler")).raise_for_status())
start = loop_thread.RunningLoop.start

def interrupted(running):
    loop_thread.RunningLoop.start = start
    signal.raise_signal(signal.SIGUSR1)
    start(running)

loop_thread.RunningLoop.start = interrupted
client.track_event(event("first")).raise_for_status()
client.close()
for thread in threading.enumerate():
    if thread.name == "suprsend-async":
        thread.join()  # the one that came too late ends by itself
""")
    assert names(server) == ["handler", "first"]


def test_a_loop_that_cannot_start_is_an_error_and_no_hang(run: Callable[..., None], server: Server) -> None:
    """A loop needs files of its own: with none left it cannot begin, and the caller must not wait for it."""
    run("""
import resource
from suprsend_async import ConnectionFailed
client = Suprsend(KEY, SECRET, base_url=URL)
limits = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
try:
    client.track_event(event("first"))
except ConnectionFailed as error:
    assert error.outcome == "not_sent", error.outcome
else:
    raise RuntimeError("it did not raise")
resource.setrlimit(resource.RLIMIT_NOFILE, limits)
assert client.track_event(event("second")).success
client.close()
""")
    assert names(server) == ["second"]


def test_a_thread_that_cannot_start_is_an_error_of_the_package(run: Callable[..., None], server: Server) -> None:
    run("""
from suprsend_async import ConnectionFailed
client = Suprsend(KEY, SECRET, base_url=URL)
start = threading.Thread.start
def refuse(thread):
    raise RuntimeError("can't start new thread")
threading.Thread.start = refuse
try:
    client.track_event(event("first"))
except ConnectionFailed as error:
    assert error.outcome == "not_sent", error.outcome
else:
    raise RuntimeError("it did not raise")
threading.Thread.start = start
assert client.track_event(event("second")).success
client.close()
""")
    assert names(server) == ["second"]


def test_hooks_of_the_application_may_still_call_at_exit(run: Callable[..., None], server: Server) -> None:
    run("""
import atexit
client = Suprsend(KEY, SECRET, base_url=URL)
atexit.register(lambda: client.track_event(event("at exit")).raise_for_status())
client.track_event(event("before"))
""")
    assert names(server) == ["before", "at exit"]
