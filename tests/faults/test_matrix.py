"""The matrix: each fault, through each way into the SDK, over each engine, on each loop."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import pytest
from tests.faults.calls import ASYNC_CALLS, BLOCKING_CALLS, events_for
from tests.faults.cases import BRIEF
from tests.faults.checks import allowed, check_requests, check_said
from tests.faults.squares import Square, sample, whole_matrix
from tests.faults.trials import AsyncWay, BlockingWay, Trial, run
from tests.promises import TOLERANCE

if TYPE_CHECKING:
    from tests.promises import Lateness


@functools.cache
def trials(square: Square) -> dict[str, Trial]:
    """Run one square of the matrix; each of its tests looks at its own part."""
    return run(square, {call: way_of(call, square.case.padding) for call in square.calls})


def way_of(call: str, padding: int) -> AsyncWay | BlockingWay:
    events = events_for(call, padding)
    if call in BLOCKING_CALLS:
        return BlockingWay(BLOCKING_CALLS[call], events)
    return AsyncWay(ASYNC_CALLS[call], events)


# Of so many squares whose time can be measured, one is in a run that is not full.
IN_REAL_TIME = 3


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    is_full, seed = metafunc.config.getoption("full"), metafunc.config.getoption("fault_seed")
    squares = whole_matrix() if is_full else sample(seed)
    if "lateness" in metafunc.fixturenames:
        squares = [square for square in squares if square.case.timeout <= BRIEF and square.mode == "always"]
        # These wait in real time, one after the other; which of them a run tries, the seed says.
        squares = squares if is_full else squares[seed % IN_REAL_TIME :: IN_REAL_TIME]
    tests = [(square, call) for square in squares for call in square.calls]
    names = [f"{square.name}-{square.mode}-{square.engine}-{square.loop}-{call}" for square, call in tests]
    metafunc.parametrize(("square", "call"), tests, ids=names)


def test_what_is_said_is_true(square: Square, call: str) -> None:
    trial = trials(square)[call]
    expected = allowed(trial, square.expected(call))
    check_requests(trial)
    is_bulk, is_stream = not call.endswith("track_event"), call.endswith("stream")
    check_said(trial.said, expected, is_bulk=is_bulk, has_error=not is_stream)
    if expected.attempts is not None:
        assert trial.most_attempts <= expected.attempts


@pytest.mark.promises
def test_it_is_said_in_time(square: Square, call: str, lateness: Lateness) -> None:
    said = trials(square)[call].said
    assert lateness.overrun(said.begin + square.case.timeout, said.begin + said.seconds) <= TOLERANCE
