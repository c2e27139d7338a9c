"""How long a spool rests; no loop involved."""

from __future__ import annotations

import pytest

from suprsend_async.buffering.spool.backoff import Backoff


def most(low: float, high: float) -> float:
    return high


def fails(backoff: Backoff, times: int, *, retry_after: float | None = None) -> list[float]:
    """Fail again as soon as each rest is over; returns the rests."""
    rests, now = [], 0.0
    for _ in range(times):
        backoff.failed(now, now, retry_after, most)
        rests.append(backoff.until - now)
        now = backoff.until
    return rests


def test_rests_grow_to_a_minute() -> None:
    assert fails(Backoff(), 8) == [2, 4, 8, 16, 32, 60, 60, 60]


def test_what_the_server_asks_for_is_a_floor() -> None:
    assert fails(Backoff(), 3, retry_after=600.0) == [600, 600, 600]


def test_it_never_gives_up() -> None:
    assert fails(Backoff(), 5_000)[-1] == 60


def test_a_success_begins_anew() -> None:
    backoff = Backoff()
    fails(backoff, 4)
    assert backoff.is_failing
    backoff.succeeded()
    assert not backoff.is_failing
    backoff.failed(1_000, 1_000, None, most)
    assert backoff.until == 1_002


@pytest.mark.parametrize("requests", [2, 16])
def test_requests_under_way_at_the_first_failure_count_as_one(requests: int) -> None:
    backoff = Backoff()
    for number in range(requests):
        backoff.failed(0.0, 1.0 + number / 100, None, most)
    assert backoff.until < 4
