"""The retry decision, as a table and within its bounds."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suprsend_async.transport.retry import RETRYABLE_STATUS, RetryPolicy, decide

POLICY = RetryPolicy(max_retries=4, base=0.25, cap=8.0)


def highest(low: float, high: float) -> float:
    return high


def lowest(low: float, high: float) -> float:
    return low


@pytest.mark.parametrize(
    ("attempts", "retry_after", "time_left", "expected"),
    [
        (1, None, 30.0, 0.25),
        (2, None, 30.0, 0.5),
        (3, None, 30.0, 1.0),
        (4, None, 30.0, 2.0),
        (5, None, 30.0, None),
        (1, 0.0, 30.0, 0.25),
        (1, 2.0, 30.0, 2.0),
        (4, 1.0, 30.0, 2.0),
        (1, 29.9, 30.0, 29.9),
        (1, 30.0, 30.0, None),
        (1, 3600.0, 30.0, None),
        (5, 3600.0, 30.0, None),
        (1, None, 0.26, 0.25),
        (1, None, 0.25, 0.25),
        # A draw that would not fit is made smaller: the last moment of the deadline is used, too.
        (4, None, 0.5, 0.5),
        (1, None, 0.0, None),
        (1, None, -1.0, None),
    ],
)
def test_the_table(attempts: int, retry_after: float | None, time_left: float, expected: float | None) -> None:
    seconds = decide(POLICY, attempts=attempts, retry_after=retry_after, time_left=time_left, uniform=highest)
    assert seconds == expected


@pytest.mark.parametrize("attempts", [6, 7, 12, 100, 5000])
def test_the_backoff_is_capped(attempts: int) -> None:
    policy = RetryPolicy(max_retries=10_000, cap=8.0)
    seconds = decide(policy, attempts=attempts, retry_after=None, time_left=math.inf, uniform=highest)
    assert seconds == 8.0


@pytest.mark.parametrize(
    ("timeout", "cap", "least"), [(30.0, 3.75, 0.1), (10.0, 1.25, 0.1), (2.0, 0.25, 0.1), (0.5, 0.0625, 0.025)]
)
def test_a_policy_within_a_deadline(timeout: float, cap: float, least: float) -> None:
    policy = RetryPolicy.within(timeout, None)
    assert (policy.max_retries, policy.cap, policy.least) == (None, cap, pytest.approx(least))
    waits = [
        decide(policy, attempts=attempts, retry_after=None, time_left=left, uniform=highest)
        for attempts, left in ((1, timeout), (500, timeout), (500, 1.5 * least), (500, least), (500, 0.0))
    ]
    assert waits == [min(0.25, cap), cap, pytest.approx(0.5 * least), None, None]
    assert decide(policy, attempts=1, retry_after=timeout - least, time_left=timeout, uniform=highest) is None


def test_no_retries_at_all() -> None:
    policy = RetryPolicy(max_retries=0)
    assert decide(policy, attempts=1, retry_after=None, time_left=30.0, uniform=lowest) is None


def test_full_jitter_begins_at_nothing() -> None:
    assert decide(POLICY, attempts=3, retry_after=None, time_left=30.0, uniform=lowest) == 0.0


@settings(max_examples=300, deadline=None)
@given(
    st.integers(1, 2000),
    st.one_of(st.none(), st.floats(0, 1e6)),
    st.floats(-10, 1e4),
    st.integers(0, 2000),
    st.randoms(use_true_random=False),
)
def test_a_wait_is_within_its_bounds(
    attempts: int, retry_after: float | None, time_left: float, max_retries: int, chance: random.Random
) -> None:
    policy = RetryPolicy(max_retries)
    seconds = decide(policy, attempts=attempts, retry_after=retry_after, time_left=time_left, uniform=chance.uniform)
    if seconds is not None:
        assert attempts <= max_retries
        assert (retry_after or 0.0) <= seconds <= time_left
        assert seconds <= max(policy.cap, retry_after or 0.0)


def test_what_may_be_retried() -> None:
    assert sorted(RETRYABLE_STATUS) == [408, 425, 429, 500, 502, 503, 504]
