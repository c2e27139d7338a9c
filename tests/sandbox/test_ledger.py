"""What the sandbox remembers, and for how long."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from suprsend_async.sandbox.faults import Fault, Faults
from suprsend_async.sandbox.ledger import Ledger

DAY = 24 * 60 * 60.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(clock: Clock) -> Ledger:
    return Ledger(clock)


def test_events_stay_in_order_as_they_came(ledger: Ledger) -> None:
    sent = [{"n": n, "distinct_id": "  u  "} for n in range(5)]
    ids = [ledger.accept(event) for event in sent]
    assert ledger.events == sent
    assert len(set(ids)) == 5


def test_a_repeat_gets_the_first_answer_and_is_not_stored(ledger: Ledger) -> None:
    first = ledger.accept({"$idempotency_key": "k", "n": 1})
    assert ledger.accept({"$idempotency_key": "k", "n": 2}) == first
    assert ledger.events == [{"$idempotency_key": "k", "n": 1}]
    assert ledger.repeats == 1


def test_spaces_around_a_key_do_not_make_it_another(ledger: Ledger) -> None:
    assert ledger.accept({"$idempotency_key": "k"}) == ledger.accept({"$idempotency_key": "  k "})


@pytest.mark.parametrize("event", [{}, {"$idempotency_key": None}])
def test_events_without_a_key_are_never_repeats(ledger: Ledger, event: dict[str, None]) -> None:
    assert ledger.accept(event) != ledger.accept(event)
    assert (len(ledger.events), ledger.repeats) == (2, 0)


@pytest.mark.parametrize(("passed", "stored"), [(DAY - 0.1, 1), (DAY, 2)])
def test_a_key_is_remembered_for_24_hours(ledger: Ledger, clock: Clock, passed: float, stored: int) -> None:
    ledger.accept({"$idempotency_key": "k"})
    clock.now += passed
    ledger.accept({"$idempotency_key": "k"})
    assert len(ledger.events) == stored


def test_a_repeat_does_not_prolong_the_24_hours(ledger: Ledger, clock: Clock) -> None:
    ledger.accept({"$idempotency_key": "k"})
    clock.now += DAY - 1
    ledger.accept({"$idempotency_key": "k"})
    clock.now += 1
    ledger.accept({"$idempotency_key": "k"})
    assert len(ledger.events) == 2


def test_keys_expire_one_by_one(ledger: Ledger, clock: Clock) -> None:
    ledger.accept({"$idempotency_key": "old"})
    clock.now += DAY / 2
    ledger.accept({"$idempotency_key": "young"})
    clock.now += DAY / 2
    ledger.accept({"$idempotency_key": "young"})
    ledger.accept({"$idempotency_key": "old"})
    assert [event["$idempotency_key"] for event in ledger.events] == ["old", "young", "old"]


def test_the_list_of_events_is_the_callers_own(ledger: Ledger) -> None:
    ledger.accept({"n": 1})
    ledger.events.clear()
    assert ledger.events == [{"n": 1}]


def test_clear_forgets_events_keys_and_counts(ledger: Ledger) -> None:
    first = ledger.accept({"$idempotency_key": "k"})
    ledger.accept({"$idempotency_key": "k"})
    ledger.count_request()
    ledger.count_connection()
    ledger.count_refusal()
    assert (ledger.requests, ledger.connections, ledger.refusals, ledger.repeats) == (1, 1, 1, 1)
    ledger.clear()
    assert (ledger.requests, ledger.connections, ledger.refusals, ledger.repeats) == (0, 0, 0, 0)
    assert ledger.events == []
    assert ledger.accept({"$idempotency_key": "k"}) != first


def test_one_key_from_many_threads_is_stored_once(ledger: Ledger) -> None:
    with ThreadPoolExecutor(16) as pool:
        ids = set(pool.map(ledger.accept, [{"$idempotency_key": "k"}] * 500))
    assert len(ids) == 1
    assert (len(ledger.events), ledger.repeats) == (1, 499)


def test_faults_come_in_the_order_they_were_planned() -> None:
    faults = Faults()
    faults.plan(2, Fault(503))
    faults.plan(1, Fault(429, "2"))
    assert [faults.take() for _ in range(4)] == [Fault(503), Fault(503), Fault(429, "2"), None]


def test_planned_faults_can_be_forgotten() -> None:
    faults = Faults()
    faults.plan(2, Fault(503))
    faults.clear()
    assert faults.take() is None


@pytest.mark.parametrize("status", [400, 599])
def test_an_errors_status_makes_a_fault(status: int) -> None:
    assert Fault(status).status == status


@pytest.mark.parametrize("status", [399, 600])
def test_another_status_makes_none(status: int) -> None:
    with pytest.raises(ValueError, match=f"status must be from 400 to 599, not {status}"):
        Fault(status)


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="count must not be negative, not -1"):
        Faults().plan(-1, Fault(503))
