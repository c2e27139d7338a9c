"""The matrix again for users: a line for each kind of call. Counters are counted: none lost, no ghost, none double."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from tests.faults.checks import allowed, check_requests, check_said
from tests.faults.lines import parametrize
from tests.faults.trials import AsyncWay, BlockingWay, Trial, run
from tests.faults.user_calls import ASYNC_USER_CALLS, BLOCKING_USER_CALLS, SEND_EDITS, edits_for, ledger_key, may_repeat
from tests.faults.user_cases import USER_CASES, expected_of, kinds_of

if TYPE_CHECKING:
    import pytest
    from tests.faults.squares import Square


@functools.cache
def trials(square: Square, prefixes: tuple[str, ...]) -> dict[str, Trial]:
    """Run one square of the matrix; each of its tests looks at its own part."""
    calls = [f"{prefix}{kind}" for prefix in prefixes for kind in kinds_of(square)]
    return run(square, {call: way_of(call, square.case.padding) for call in calls})


def way_of(call: str, padding: int) -> AsyncWay | BlockingWay:
    edits = edits_for(call, padding)
    if call in BLOCKING_USER_CALLS:
        return BlockingWay(BLOCKING_USER_CALLS[call], edits)
    return AsyncWay(ASYNC_USER_CALLS[call], edits)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, USER_CASES, kinds_of)


def test_what_is_said_of_users_is_true(square: Square, prefixes: tuple[str, ...], call: str) -> None:
    trial, kind = trials(square, prefixes)[call], call.removeprefix("blocking_")
    check_requests(trial)
    for repeatable in (True, False):
        part = [number for number, edit in enumerate(trial.records) if may_repeat(call, edit) is repeatable]
        if part:
            expected = allowed(trial, expected_of(square, kind, may_repeat=repeatable))
            check_said(trial.said.part(part), expected, is_bulk=kind == SEND_EDITS)
            keys = {ledger_key(call, trial.records[number]) for number in part}
            most_attempts = max((entry.attempt for entry in trial.entries if entry.key in keys), default=0)
            assert most_attempts <= (expected.attempts or most_attempts)
