"""The retry decision, as a table and within its bounds."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suprsend_async.transport.retry import RETRYABLE_STATUS, RetryPolicy, Stop, Wait, decide

POLICY = RetryPolicy(max_retries=4, base=0.25, cap=8.0)


def highest(low: float, high: float) -> float:
    return high


def lowest(low: float, high: float) -> float:
    return low


@pytest.mark.parametrize(
    ("attempts", "retry_after", "time_left", "expected"),
    [
        (1, None, 30.0, Wait(0.25)),
        (2, None, 30.0, Wait(0.5)),
        (3, None, 30.0, Wait(1.0)),
        (4, None, 30.0, Wait(2.0)),
        (5, None, 30.0, "retries"),
        (1, 0.0, 30.0, Wait(0.25)),
        (1, 2.0, 30.0, Wait(2.0)),
        (4, 1.0, 30.0, Wait(2.0)),
        (1, 29.9, 30.0, Wait(29.9)),
        (1, 30.0, 30.0, "longer wait"),
        (1, 3600.0, 30.0, "longer wait"),
        (5, 3600.0, 30.0, "retries"),
        (1, None, 0.26, Wait(0.25)),
        (1, None, 0.25, "no time"),
        (1, None, 0.0, "longer wait|no time"),
        (1, None, -1.0, "longer wait|no time"),
    ],
)
def test_the_table(attempts: int, retry_after: float | None, time_left: float, expected: Wait | str) -> None:
    decision = decide(POLICY, attempts=attempts, retry_after=retry_after, time_left=time_left, uniform=highest)
    if isinstance(expected, Wait):
        assert decision == expected
    else:
        assert isinstance(decision, Stop)
        assert any(words in decision.reason for words in expected.split("|"))


@pytest.mark.parametrize("attempts", [6, 7, 12, 100, 5000])
def test_the_backoff_is_capped(attempts: int) -> None:
    policy = RetryPolicy(max_retries=10_000)
    decision = decide(policy, attempts=attempts, retry_after=None, time_left=math.inf, uniform=highest)
    assert decision == Wait(8.0)


def test_no_retries_at_all() -> None:
    policy = RetryPolicy(max_retries=0)
    assert isinstance(decide(policy, attempts=1, retry_after=None, time_left=30.0, uniform=lowest), Stop)


def test_full_jitter_begins_at_nothing() -> None:
    assert decide(POLICY, attempts=3, retry_after=None, time_left=30.0, uniform=lowest) == Wait(0.0)


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
    decision = decide(policy, attempts=attempts, retry_after=retry_after, time_left=time_left, uniform=chance.uniform)
    if isinstance(decision, Wait):
        assert attempts <= max_retries
        assert (retry_after or 0.0) <= decision.seconds < time_left
        assert decision.seconds <= max(policy.cap, retry_after or 0.0)
    else:
        assert decision.reason


def test_what_may_be_retried() -> None:
    assert sorted(RETRYABLE_STATUS) == [408, 425, 429, 500, 502, 503, 504]
