"""Lifecycles, each in a process of its own in which every warning is an error and nothing may appear on stderr."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest
from tests.faults import http_faults, transport_faults
from tests.faults.clients import ENGINES
from tests.faults.judge import Judge, Told
from tests.faults.processes import ended, go_on, read_until, run, started
from tests.faults.server import FaultServer

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.faults.exchange import Exchange


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


def judged(server: FaultServer, output: str) -> int:
    """Judge what a program told; return the number of events that were told accepted."""
    judge = Judge()
    for line in output.splitlines():
        insert_id, key, outcome = line.split()
        judge.told.append(Told(insert_id, key, None if outcome == "None" else outcome))  # type: ignore[arg-type]
    found = judge.compare(server.ledger.entries)
    # Programs tell of what matters to them, not of all that they send.
    assert (found.lost, found.ghost, found.double, found.altered) == ([], [], [], []), str(found)
    assert server.complaints == []
    return sum(told.outcome == "accepted" for told in judge.told)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_hundred_runs_with_one_client(server: FaultServer, loop: str) -> None:
    assert judged(server, run("many_runs", server.url, loop)) == 300
    assert server.accepted_connections <= 300


def test_four_loops_in_four_threads(server: FaultServer) -> None:
    assert judged(server, run("many_threads", server.url)) == 400
    assert server.accepted_connections <= 16


@pytest.mark.parametrize("way", ["plain", "multiprocessing", "busy"])
@pytest.mark.parametrize("kind", ["async", "runner", "blocking"])
def test_fork_after_use(server: FaultServer, kind: str, way: str) -> None:
    if (kind, way) == ("runner", "busy"):
        pytest.skip("one loop does not run in several threads at once")
    children = 3 if way == "multiprocessing" else 1
    accepted = judged(server, run("fork", server.url, kind, way))
    assert accepted >= 3 * (3 + children)
    if (kind, way) in (("blocking", "plain"), ("runner", "plain")):
        # The parent's connection was not disturbed: both processes used one each, the parent the same as before.
        assert server.accepted_connections == (2 if kind == "blocking" else 4)


def test_fork_under_a_blocking_stream(server: FaultServer) -> None:
    assert judged(server, run("fork", server.url, "blocking", "stream", seconds=20)) >= 9


@pytest.mark.parametrize("loop", ["asyncio", pytest.param("uvloop", marks=pytest.mark.full)])
@pytest.mark.parametrize(
    "program",
    [
        "exit_without_close",
        "exit_with_a_stream_open",
        "inside_a_running_loop",
        "from_many_threads",
        "from_its_own_thread",
        "reopened",
        "drop_a_stream",
        "drop_a_stream_on_the_loop",
        "close_with_a_stream_open",
        "callback_calls_back",
        "source_calls_back",
    ],
)
def test_the_blocking_client(server: FaultServer, program: str, loop: str) -> None:
    assert judged(server, run("facade", server.url, program, loop)) >= 1


def test_the_blocking_client_runs_on_the_kind_of_loop_that_the_process_has_chosen(server: FaultServer) -> None:
    assert judged(server, run("facade", server.url, "on_a_chosen_loop", "uvloop")) == 1


def test_a_loop_for_each_test(server: FaultServer) -> None:
    """One client for a whole module of tests, each of which has a loop of its own."""
    assert judged(server, run("many_tests", BENCH_URL=server.url)) == 12


def test_the_interpreter_ends_although_calls_are_under_way(server: FaultServer) -> None:
    async def first_only(exchange: Exchange) -> None:
        await (exchange.genuine if server.requests == 1 else lambda: transport_faults.never_answer(exchange))()

    server.script.always(first_only)
    with started("facade", server.url, "exit_by_exception", "asyncio") as process:
        output = read_until(process, "waiting")
        server.wait_for_requests(5)
        go_on(process)
        output += ended(process)
    judged(server, output)


def stand_still(process: subprocess.Popen[str], server: FaultServer, seconds: float) -> None:
    """Stop a process for so long, during which the server closes what is idle."""
    os.kill(process.pid, signal.SIGSTOP)
    os.waitpid(process.pid, os.WUNTRACED)
    server.close_idle()
    time.sleep(seconds)
    os.kill(process.pid, signal.SIGCONT)
    go_on(process)


@pytest.mark.parametrize("seconds", [0, pytest.param(60, marks=pytest.mark.full)])
@pytest.mark.parametrize("kind", ["async", "blocking"])
def test_a_frozen_process_goes_on(server: FaultServer, kind: str, seconds: int) -> None:
    with started("freeze", server.url, kind) as process:
        output = ""
        for stop in (0, 0, seconds):
            output += read_until(process, "waiting")
            stand_still(process, server, stop)
        output += ended(process)
    assert judged(server, output) == (20 if kind == "async" else 4)


@pytest.mark.parametrize("engine", ENGINES)
def test_few_file_descriptors(server: FaultServer, engine: str) -> None:
    assert judged(server, run("few_descriptors", server.url, engine)) == 202


@pytest.mark.parametrize("engine", ENGINES)
def test_under_a_german_locale(german_locale: dict[str, str], engine: str) -> None:
    """Dates are written, and the server's are read, in English: signatures hold, the clock and the wait are learned."""
    with FaultServer(clock_offset=3600.0) as server:
        server.script.plan(http_faults.own_clock, http_faults.too_many_until(2))
        server.script.always(http_faults.own_clock)
        assert judged(server, run("abroad", server.url, engine, **german_locale)) == 3
        assert server.requests == 3 + 1 + 2
    attempts = [entry.attempt for entry in server.ledger.entries]
    assert attempts[:3] == [1, 2, 3]


CHANCE = [
    transport_faults.reset_before_any_byte,
    transport_faults.accepted_then_reset,
    transport_faults.cut_answer(0.5),
    transport_faults.late_answer(0.01),
    transport_faults.connection_close,
    http_faults.status_page(503),
    http_faults.status_page(502, accept=True),
]


@pytest.mark.parametrize("number", [2_000, pytest.param(10_000, marks=pytest.mark.full)])
@pytest.mark.parametrize("engine", ENGINES)
def test_random_cancellations(server: FaultServer, engine: str, number: int, seed: int) -> None:
    """Some come twice, some during the wait for the next attempt; afterwards all is as good as new."""
    server.script.by_chance(CHANCE, 0.5)
    with started("cancel", server.url, engine, seed, number) as process:
        told = read_until(process, "calm")
        server.script.clear()
        go_on(process)
        told += ended(process, 120.0)
    assert told.count(" None\n") >= number
    assert judged(server, told) >= 60
