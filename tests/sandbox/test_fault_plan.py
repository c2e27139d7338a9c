"""Which fault a request runs into, and how often: decided without a server."""

from __future__ import annotations

from collections import Counter

import pytest
from pydantic import ValidationError

from suprsend_async.sandbox.faults import Html502, Latency, RandomMix, RateLimit, RefuseRecords, Reset, Silence, Status
from suprsend_async.sandbox.faults.plan import LONGEST_WAIT, Faults, Strike
from suprsend_async.sandbox.refusal import Refusal


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def faults(clock: Clock) -> Faults:
    return Faults(clock)


def endings(faults: Faults, requests: int) -> list[object]:
    return [faults.strike().ending for _ in range(requests)]


def test_without_faults_nothing_happens(faults: Faults) -> None:
    assert faults.strike() == Strike(0.0, None)
    assert faults.refuse("event", "x", ["u"]) is None
    assert faults.limit(100) is None


def test_faults_come_in_the_order_they_were_planned(faults: Faults) -> None:
    first, second = Status(count=2), Status(count=1, status=429, retry_after="2")
    faults.plan(first)
    faults.plan(second)
    assert endings(faults, 4) == [first, first, second, None]
    assert faults.planned() == []


def test_without_a_count_it_lasts_until_it_is_cleared(faults: Faults) -> None:
    faults.plan(Html502())
    assert endings(faults, 50) == [Html502()] * 50
    faults.clear()
    assert endings(faults, 1) == [None]


def test_one_fault_can_be_removed(faults: Faults) -> None:
    first, second = faults.plan(Silence()), faults.plan(Html502())
    assert faults.remove(first.id)
    assert not faults.remove(first.id)
    assert [planned.id for planned in faults.planned()] == [second.id]
    assert endings(faults, 1) == [Html502()]


def test_the_plan_is_bounded(faults: Faults) -> None:
    for _ in range(1_000):
        faults.plan(Html502(count=1))
    with pytest.raises(ValueError, match="1000 faults are planned already; clear them first"):
        faults.plan(Html502())
    faults.strike()
    faults.plan(Html502())


def test_a_delay_and_an_ending_strike_together_and_count_by_themselves(faults: Faults) -> None:
    faults.plan(Latency(seconds=2, count=2))
    faults.plan(Reset(count=1))
    assert faults.strike() == Strike(2.0, Reset(count=1))
    assert [planned.left for planned in faults.planned()] == [1]
    assert faults.strike() == Strike(2.0, None)
    assert faults.planned() == []


def test_only_the_first_ending_counts_down(faults: Faults) -> None:
    faults.plan(Status(count=5))
    faults.plan(Reset(count=5))
    faults.strike()
    assert [planned.left for planned in faults.planned()] == [4, 5]


def test_jitter_draws_from_its_range(faults: Faults) -> None:
    faults.plan(Latency(seconds=1, jitter=0.5))
    delays = [faults.strike().delay for _ in range(100)]
    assert all(1 <= delay <= 1.5 for delay in delays)
    assert len(set(delays)) > 50


def test_records_are_refused_by_who_and_by_name(faults: Faults) -> None:
    faults.plan(RefuseRecords(distinct_id="u-1", status=404))
    faults.plan(RefuseRecords(name="bad"))
    message = "The sandbox has a planned fault for this event."
    assert faults.refuse("event", "good", ["u-1"]) == Refusal(404, "planned_fault", message)
    assert faults.refuse("event", "bad", ["u-2"]) == Refusal(422, "planned_fault", message)
    assert faults.refuse("event", "good", ["u-2"]) is None


def test_both_who_and_name_must_match(faults: Faults) -> None:
    faults.plan(RefuseRecords(distinct_id="u-1", name="bad"))
    assert faults.refuse("event", "bad", ["u-2"]) is None
    assert faults.refuse("event", "good", ["u-1"]) is None
    assert faults.refuse("event", "bad", ["u-1"]) is not None


def test_refused_records_count_down(faults: Faults) -> None:
    faults.plan(RefuseRecords(count=2))
    assert [faults.refuse("event", "x", ["u"]) is None for _ in range(3)] == [False, False, True]


def test_a_rate_limit_lets_the_rate_pass(faults: Faults, clock: Clock) -> None:
    faults.plan(RateLimit(events_per_second=10))
    passed = 0
    for tick in range(1_000):
        clock.now = tick / 100
        passed += faults.limit(1) is None
    # Ten seconds of ten, and the ten that may come at once.
    assert 108 <= passed <= 111


def test_a_request_larger_than_the_rate_passes_and_those_after_it_wait(faults: Faults, clock: Clock) -> None:
    faults.plan(RateLimit(events_per_second=10))
    assert faults.limit(100) is None
    refusal = faults.limit(1)
    assert refusal is not None
    assert (refusal.status_code, refusal.type, refusal.headers) == (429, "rate_limited", {"Retry-After": "9"})
    clock.now = 8.9
    assert faults.limit(1) is not None
    clock.now = 9.1
    assert faults.limit(1) is None


def test_the_refusals_of_a_rate_limit_count_down(faults: Faults) -> None:
    faults.plan(RateLimit(events_per_second=1, count=1))
    assert [faults.limit(1) is None for _ in range(4)] == [True, False, True, True]


@pytest.mark.parametrize("rate", [1e-320, 1e-300, 1e-9])
def test_a_rate_of_next_to_nothing_says_to_wait_for_long_and_not_for_ever(faults: Faults, rate: float) -> None:
    faults.plan(RateLimit(events_per_second=rate))
    assert faults.limit(100) is None
    refusal = faults.limit(1)
    assert refusal is not None
    assert refusal.headers == {"Retry-After": str(LONGEST_WAIT)}


def test_a_random_mix_is_the_same_for_the_same_seed(faults: Faults, clock: Clock) -> None:
    faults.plan(RandomMix(share=0.5, seed=7))
    again, other = Faults(clock), Faults(clock)
    again.plan(RandomMix(share=0.5, seed=7))
    other.plan(RandomMix(share=0.5, seed=8))
    drawn = [faults.strike() for _ in range(200)]
    assert drawn == [again.strike() for _ in range(200)]
    assert drawn != [other.strike() for _ in range(200)]


def test_a_random_mix_strikes_its_share_and_each_of_its_faults(faults: Faults) -> None:
    of = (Status(), Reset(when="after"), Latency(seconds=3))
    faults.plan(RandomMix(share=0.3, of=of))
    drawn = Counter(faults.strike() for _ in range(3_000))
    assert set(drawn) == {Strike(), Strike(0.0, of[0]), Strike(0.0, of[1]), Strike(3.0)}
    assert 0.65 < drawn[Strike()] / 3_000 < 0.75
    assert all(200 < drawn[each] < 400 for each in drawn if each != Strike())


def test_what_a_random_mix_does_not_strike_is_not_counted(faults: Faults) -> None:
    faults.plan(RandomMix(share=0.5, count=10, of=(Html502(),)))
    assert endings(faults, 500).count(Html502()) == 10
    assert faults.planned() == []


@pytest.mark.parametrize("status", [399, 600])
def test_a_status_must_be_an_errors(status: int) -> None:
    with pytest.raises(ValidationError, match="status"):
        Status(status=status)


@pytest.mark.parametrize("count", [0, -1, True, "2", 1.5])
def test_a_count_must_be_a_number_of_times(count: object) -> None:
    with pytest.raises(ValidationError, match="count"):
        Html502(count=count)  # type: ignore[arg-type]


def test_a_header_that_cannot_be_sent_is_refused() -> None:
    with pytest.raises(ValidationError, match="retry_after"):
        Status(retry_after="1\r\nX-Injected: 1")


def test_the_faults_in_a_mix_have_no_count() -> None:
    with pytest.raises(ValidationError, match="leave out the count"):
        RandomMix(of=(Status(count=1),))
