"""The rate, over simulated time."""

import math

import pytest

from suprsend_async.ingest.job.row_reader import Rate


@pytest.mark.parametrize(("events_per_second", "group"), [(0.5, 1), (7.0, 7), (99.5, 99), (100.0, 100), (5_000.0, 100)])
def test_no_more_than_the_rate(events_per_second: float, group: int) -> None:
    rate = Rate(events_per_second)
    assert rate.group == group
    now, sent = 1_000.0, 0
    for _ in range(50):
        now += rate.delay(now)
        sent += group
    # The first group goes at once.
    assert (sent - group) / (now - 1_000.0) == pytest.approx(events_per_second)


def test_a_pause_is_not_made_up_for() -> None:
    rate = Rate(1_000.0)
    assert rate.delay(0.0) == 0.0
    assert rate.delay(60.0) == 0.0
    assert rate.delay(60.0) == pytest.approx(0.1)


def test_without_a_rate_nothing_waits() -> None:
    rate = Rate(math.inf)
    assert [rate.delay(0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
