"""The matrix again for triggers, broadcasts and lists. Notifications are counted: none lost, no ghost, none double."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from tests.faults.cases import CASES
from tests.faults.checks import allowed, check_requests, check_said
from tests.faults.lines import parametrize
from tests.faults.notification_calls import (
    ASYNC_NOTIFICATION_CALLS,
    BLOCKING_NOTIFICATION_CALLS,
    BULK_TRIGGER,
    kind_of,
    ledger_key,
    records_for,
)
from tests.faults.notification_cases import expected_of, kinds_of
from tests.faults.trials import AsyncWay, BlockingWay, Trial, run

if TYPE_CHECKING:
    import pytest
    from tests.faults.squares import Square


@functools.cache
def trials(square: Square, prefixes: tuple[str, ...]) -> dict[str, Trial]:
    """Run one square of the matrix; each of its tests looks at its own part."""
    calls = [f"{prefix}{kind}" for prefix in prefixes for kind in kinds_of(square)]
    return run(square, {call: way_of(call, square.case.padding) for call in calls})


def way_of(call: str, padding: int) -> AsyncWay | BlockingWay:
    records = records_for(call, padding)
    if call in BLOCKING_NOTIFICATION_CALLS:
        return BlockingWay(BLOCKING_NOTIFICATION_CALLS[call], records)
    return AsyncWay(ASYNC_NOTIFICATION_CALLS[call], records)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, CASES, kinds_of)


def test_what_is_said_of_notifications_is_true(square: Square, prefixes: tuple[str, ...], call: str) -> None:
    trial, kind = trials(square, prefixes)[call], kind_of(call)
    check_requests(trial)
    expected = allowed(trial, expected_of(square, kind))
    check_said(trial.said, expected, is_bulk=kind == BULK_TRIGGER)
    keys = {ledger_key(record) for record in trial.records}
    most_attempts = max((entry.attempt for entry in trial.entries if entry.key in keys), default=0)
    assert most_attempts <= (expected.attempts or most_attempts)
