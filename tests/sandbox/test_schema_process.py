"""Schemas that take for ever: each is bounded in time, and neither its neighbours nor other clients wait for it."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any
from unittest.mock import ANY

import pytest

from suprsend_async.sandbox import Sandbox
from suprsend_async.sandbox.platform import bounded_program, validation
from suprsend_async.sandbox.platform.bounded_process import Stopped
from suprsend_async.sandbox.platform.schema_process import SchemaProcesses
from suprsend_async.sandbox.platform.schemas import Schemas

from .conftest import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    MakeEvent = Callable[..., dict[str, Any]]

CATASTROPHIC = {"properties": {"a": {"pattern": "^(a+)+$"}}}
POISON, GOOD, BAD = {"a": "a" * 60 + "b"}, {"a": "aaa"}, {"a": "b"}
BOMB = {
    "$ref": "#/$defs/d0",
    "$defs": {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 10} for n in range(20)} | {"d20": {}},
}
SLOW_TO_READ = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "enum": [[n] if n % 2 else {"n": n} for n in range(40_000)],
}
# Short, so that a test of what takes for ever does not; generous for what does not.
SHORT = 0.5  # seconds


@pytest.fixture
def processes() -> Iterator[SchemaProcesses]:
    made = SchemaProcesses(SHORT)
    yield made
    made.close()


def running() -> list[str]:
    """Return the processes of this program that apply schemas."""
    listed = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(os.getpid())], capture_output=True, text=True, check=False
    )
    return [line for line in listed.stdout.splitlines() if "validation.py" in line]


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="it looks at processes as Linux's ps does")


@pytest.mark.parametrize(("schema", "properties"), [(CATASTROPHIC, POISON), (BOMB, {})])
def test_what_takes_for_ever_is_cut_off(
    processes: SchemaProcesses, schema: Mapping[str, Any], properties: Mapping[str, Any]
) -> None:
    assert processes.problem("x", schema) is None
    (said,) = processes.check("x", schema, [properties])
    assert said is not None
    assert said.startswith("`properties` could not be checked by the event's schema within 0.5 s; look for")


def test_reading_a_schema_is_bounded_as_well(processes: SchemaProcesses) -> None:
    said = processes.problem("x", SLOW_TO_READ)
    assert said is not None
    assert said.startswith("cannot be used: reading it takes longer than 0.5 s")


def test_one_that_takes_for_ever_harms_none_beside_it(processes: SchemaProcesses) -> None:
    said = processes.check("x", CATASTROPHIC, [GOOD, POISON, GOOD, BAD, GOOD])
    assert [text is None for text in said] == [True, False, True, False, True]
    assert "within 0.5 s" in (said[1] or "")
    assert "breaks the event's schema" in (said[3] or "")


def test_all_of_a_request_together_are_bounded(processes: SchemaProcesses) -> None:
    said = processes.check("x", CATASTROPHIC, [POISON] * 50)
    assert len(said) == 50
    assert None not in said
    assert "was not checked: other events of this request" in (said[-1] or "")


@linux_only
def test_a_process_is_kept_for_the_next_order_and_for_every_schema(processes: SchemaProcesses) -> None:
    processes.check("x", CATASTROPHIC, [GOOD])
    first = running()
    for name in ("x", "y", "x"):
        processes.check(name, CATASTROPHIC, [GOOD] * 10)
    assert running() == first
    assert len(first) == 1


def test_a_schema_that_was_replaced_is_forgotten(processes: SchemaProcesses) -> None:
    processes.check("x", CATASTROPHIC, [GOOD])
    (said,) = processes.check("x", {"required": ["b"]}, [GOOD])
    assert said == "`properties.b` is missing; the event's schema requires it."


def test_a_schema_that_was_not_taken_leaves_the_one_before(processes: SchemaProcesses) -> None:
    kept = {"required": ["b"]}
    assert processes.problem("x", kept) is None
    assert processes.problem("x", {"type": 5}) is not None
    assert processes.check("x", kept, [{}]) != [None]


@linux_only
def test_a_process_that_knows_too_many_schemas_is_replaced(
    processes: SchemaProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suprsend_async.sandbox.platform.bounded_process._MOST_KNOWN", 3)
    for name in ("a", "b", "c"):
        assert processes.check(name, {"required": [name]}, [GOOD]) == ([None] if name == "a" else [ANY])
    first = running()
    assert processes.check("d", {}, [GOOD]) == [None]
    assert processes.check("a", {"required": ["a"]}, [GOOD, {}]) == [None, ANY]
    assert len(running()) == 1
    assert running() != first


@linux_only
def test_a_process_that_was_killed_meanwhile_is_replaced(processes: SchemaProcesses) -> None:
    processes.check("x", CATASTROPHIC, [GOOD])
    pid = int(running()[0].split()[0])
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert processes.check("x", CATASTROPHIC, [GOOD, BAD])[0] is None


def test_closing_ends_what_is_under_way() -> None:
    processes = SchemaProcesses(5.0)
    ended: list[type[BaseException]] = []

    def check() -> None:
        try:
            processes.check("x", CATASTROPHIC, [POISON] * 3)
        except Stopped as stop:
            ended.append(type(stop))

    processes.check("x", CATASTROPHIC, [GOOD])
    thread = threading.Thread(target=check)
    thread.start()
    # Until the one process that there is was lent out.
    while processes._idle:
        time.sleep(0.001)
    processes.close()
    processes.close()
    thread.join()
    assert ended == [Stopped]
    with pytest.raises(Stopped):
        processes.check("x", CATASTROPHIC, [GOOD])
    processes.open()
    assert processes.check("x", CATASTROPHIC, [GOOD]) == [None]
    processes.close()


@linux_only
def test_nothing_is_left_when_nobody_closes() -> None:
    SchemaProcesses(5.0).check("x", CATASTROPHIC, [GOOD])
    gc.collect()
    assert running() == []


@linux_only
def test_nothing_is_left_when_the_program_is_killed() -> None:
    code = (
        "import os, sys\n"
        "from suprsend_async.sandbox.platform.schema_process import SchemaProcesses\n"
        "processes = SchemaProcesses(5.0)\n"
        "processes.check('x', {}, [{}])\n"
        "print(next(iter(processes._all))._running.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        watched = os.pidfd_open(int(program.stdout.readline()))
        program.kill()
        # It reads that there are no more orders.
        import select

        assert select.select([watched], [], [], 30)[0]
        os.close(watched)


@linux_only
def test_a_forked_process_ends_nothing_of_its_parents() -> None:
    code = (
        "import os, sys\n"
        "from suprsend_async.sandbox.platform.schema_process import SchemaProcesses\n"
        "processes = SchemaProcesses(5.0)\n"
        "processes.check('x', {}, [{}])\n"
        "child = os.fork()\n"
        "if not child: sys.exit()\n"
        "os.waitpid(child, 0)\n"
        "[process] = processes._all\n"
        "print(process.is_alive, processes.check('x', {}, [{}]))\n"
        "processes.close()\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "True [None]\n"


def test_a_schema_without_an_interpreter_is_refused_in_plain_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    schemas = Schemas()
    with pytest.raises(ValueError, match="the schema for 'x' cannot be used: no process can be started"):
        schemas.register("x", {})
    schemas.close()


def test_without_the_library_it_says_what_to_install(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # The process finds what this one finds: here, nothing.
    monkeypatch.setattr(sys, "path", [path for path in sys.path if "site-packages" not in path])
    schemas = Schemas()
    with pytest.raises(ValueError, match=r"pip install 'suprsend-async\[sandbox\]'"):
        schemas.register("x", {})
    schemas.close()


@pytest.mark.parametrize("handler", ["signal.SIG_IGN", "lambda *_: None"])
@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="other systems have no such signal")
def test_it_ends_in_time_whatever_the_program_does_with_the_signal(handler: str) -> None:
    code = (
        "import signal\n"
        "from suprsend_async.sandbox.platform.schema_process import SchemaProcesses\n"
        f"signal.signal(signal.SIGALRM, {handler})\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})\n"
        "processes = SchemaProcesses(0.2)\n"
        f"print(processes.check('x', {CATASTROPHIC!r}, [{POISON!r}])[0][:36])\n"
        "processes.close()\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "`properties` could not be checked by\n"


def test_the_other_clock_ends_it_too() -> None:
    """Windows has no interval timer: there, a thread that needs no lock of Python's ends the process."""
    code = (
        "import re, signal\n"
        "from suprsend_async.sandbox.platform import bounded_program\n"
        "if hasattr(signal, 'setitimer'): del signal.setitimer\n"
        "bounded_program.end_after(0.2)\n"
        "bounded_program.end_after(0)\n"
        "bounded_program.end_after(0.2)\n"
        "print('waits', flush=True)\n"
        "re.match('^(a+)+$', 'a' * 60 + 'b')\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    # It got so far, and then its time was up: a program that fails has the same status.
    assert (ended.returncode, ended.stdout) == (1, "waits\n")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox(schema_seconds=SHORT)
    with made:
        yield made


def test_the_event_is_refused_and_a_row_says_why(wire: Wire, make_event: MakeEvent) -> None:
    assert put(wire, "order_placed", CATASTROPHIC) == 204
    reply = wire.post("/v2/event/", make_event(properties=POISON))
    assert reply.status == 422
    assert "within 0.5 s" in reply.message
    (row,) = wire.request("GET", "/_sandbox/events").json["events"]
    assert (row["verdict"], row["name"], row["reason"]) == ("refused", "order_placed", reply.message)


def test_in_a_bulk_it_is_refused_alone(wire: Wire, make_event: MakeEvent) -> None:
    put(wire, "order_placed", CATASTROPHIC)
    events = [make_event(properties=each) for each in (GOOD, POISON, GOOD)]
    other = make_event(event="order_shipped", properties=POISON)
    records = wire.post("/v2/bulk/event/", [*events, other, 7]).json["records"]
    assert [record["status_code"] for record in records] == [202, 422, 202, 202, 400]


def test_a_schema_that_is_slow_to_read_is_not_registered(wire: Wire) -> None:
    assert put(wire, "order_placed", SLOW_TO_READ) == 422
    assert wire.request("GET", "/_sandbox/schemas").json == {"schemas": {}}


def put(wire: Wire, name: str, schema: object) -> int:
    json_type = {"Content-Type": "application/json"}
    return wire.request("PUT", f"/_sandbox/schemas/{name}", json.dumps(schema).encode(), json_type).status


def test_nobody_else_waits_and_a_stop_makes_no_verdict_up() -> None:
    # So long that nothing here ends by itself.
    with Sandbox(schema_seconds=600) as sandbox:
        wire = Wire(sandbox)
        put(wire, "order_placed", CATASTROPHIC)
        put(wire, "order_paid", {"required": ["a"]})
        ended: list[str] = []

        def send_poison() -> None:
            connection = Wire(sandbox)
            try:
                ended.append(repr(connection.post("/v2/event/", event_of(sandbox, "order_placed", POISON))))
            except OSError as error:
                ended.append(type(error).__name__)
            connection.close()

        clients = [threading.Thread(target=send_poison) for _ in range(5)]
        for client in clients:
            client.start()
        # All of them have arrived: what comes now would stand behind them.
        while sandbox.requests < len(clients):
            time.sleep(0.001)
        assert wire.post("/v2/event/", event_of(sandbox, "other", POISON)).status == 202
        assert wire.post("/v2/event/", event_of(sandbox, "order_paid", GOOD)).status == 202
        assert wire.post("/v2/event/", event_of(sandbox, "order_paid", {})).status == 422
        assert wire.request("GET", "/_sandbox/health").status == 200
        assert ended == []
        entries = sandbox.entries()
        wire.close()
    for client in clients:
        client.join()
    assert set(ended) <= {"RemoteDisconnected", "ConnectionResetError"}
    assert [entry.name for entry in entries] == ["order_paid", "order_paid", "other"]


def event_of(sandbox: Sandbox, name: str, properties: object) -> dict[str, Any]:
    return {
        "$insert_id": "00000000-0000-4000-8000-000000000000",
        "$time": 1_704_164_645_000,
        "event": name,
        "env": sandbox.workspace_uid,
        "distinct_id": "u",
        "properties": properties,
    }


@pytest.mark.parametrize("program", [validation, bounded_program])
def test_the_program_that_applies_schemas_imports_nothing_of_this_package(program: Any) -> None:
    code = (
        "import runpy, sys\n"
        "sys.stdin = open('/dev/null')\n"
        f"runpy.run_path({program.__file__!r})\n"
        "assert not [name for name in sys.modules if name.startswith('suprsend')]\n"
    )
    subprocess.run([sys.executable, "-P", "-c", code], check=True)
