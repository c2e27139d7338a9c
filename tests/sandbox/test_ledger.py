"""What the sandbox remembers, and for how long."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from pydantic_core import from_json, to_json

from suprsend_async.sandbox.platform import answers
from suprsend_async.sandbox.refusal import Refusal
from suprsend_async.sandbox.state.entry import RawRequest
from suprsend_async.sandbox.state.ledger import Ledger
from suprsend_async.sandbox.state.search import Filters
from suprsend_async.sandbox.state.store import EntryStore
from suprsend_async.sandbox.state.transaction import Judged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from suprsend_async.sandbox.state.entry import SentAnswer
    from suprsend_async.sandbox.state.transaction import Transaction

DAY = 24 * 60 * 60.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EntryStore]:
    opened = EntryStore(tmp_path / "sandbox.db" if request.param == "file" else None, 1000)
    yield opened
    opened.close()


@pytest.fixture
def ledger(store: EntryStore, clock: Clock) -> Ledger:
    return Ledger(store, clock)


NO = Refusal(401, "authentication_error", "no")
REQUEST = RawRequest(method="POST", target="/v2/event/", headers=[], body="", body_size=0)


def accept(ledger: Ledger, event: dict[str, Any]) -> str:
    answer = ledger.act(REQUEST, lambda state: answers.one(state.enter(Judged(event))))
    return str(from_json(answer.body)["message_id"])


def counts(ledger: Ledger) -> tuple[int, ...]:
    stats = ledger.stats()
    return stats.accepted, stats.repeated, stats.refused, stats.requests, stats.connections


def test_events_stay_in_order_as_they_came(ledger: Ledger) -> None:
    sent = [{"n": n, "distinct_id": "  u  "} for n in range(5)]
    ids = [accept(ledger, event) for event in sent]
    assert ledger.events == sent
    assert len(set(ids)) == 5


def test_a_repeat_gets_the_first_answer_and_is_not_stored(ledger: Ledger) -> None:
    first = accept(ledger, {"$idempotency_key": "k", "n": 1})
    assert accept(ledger, {"$idempotency_key": "k", "n": 2}) == first
    assert ledger.events == [{"$idempotency_key": "k", "n": 1}]
    assert ledger.stats().repeated == 1


def test_spaces_around_a_key_do_not_make_it_another(ledger: Ledger) -> None:
    assert accept(ledger, {"$idempotency_key": "k"}) == accept(ledger, {"$idempotency_key": "  k "})


@pytest.mark.parametrize("event", [{}, {"$idempotency_key": None}])
def test_events_without_a_key_are_never_repeats(ledger: Ledger, event: dict[str, None]) -> None:
    assert accept(ledger, event) != accept(ledger, event)
    assert (len(ledger.events), ledger.stats().repeated) == (2, 0)


@pytest.mark.parametrize(("passed", "stored"), [(DAY - 0.1, 1), (DAY, 2)])
def test_a_key_is_remembered_for_24_hours(ledger: Ledger, clock: Clock, passed: float, stored: int) -> None:
    accept(ledger, {"$idempotency_key": "k"})
    clock.now += passed
    accept(ledger, {"$idempotency_key": "k"})
    assert len(ledger.events) == stored


def test_a_repeat_does_not_prolong_the_24_hours(ledger: Ledger, clock: Clock) -> None:
    accept(ledger, {"$idempotency_key": "k"})
    clock.now += DAY - 1
    accept(ledger, {"$idempotency_key": "k"})
    clock.now += 1
    accept(ledger, {"$idempotency_key": "k"})
    assert len(ledger.events) == 2


def test_keys_expire_one_by_one(ledger: Ledger, clock: Clock) -> None:
    accept(ledger, {"$idempotency_key": "old"})
    clock.now += DAY / 2
    accept(ledger, {"$idempotency_key": "young"})
    clock.now += DAY / 2
    accept(ledger, {"$idempotency_key": "young"})
    accept(ledger, {"$idempotency_key": "old"})
    assert [event["$idempotency_key"] for event in ledger.events] == ["old", "young", "old"]


def test_the_list_of_events_is_the_callers_own(ledger: Ledger) -> None:
    accept(ledger, {"n": 1})
    ledger.events.clear()
    assert ledger.events == [{"n": 1}]


def test_clear_forgets_events_keys_and_counts(ledger: Ledger) -> None:
    first = accept(ledger, {"$idempotency_key": "k"})
    accept(ledger, {"$idempotency_key": "k"})
    ledger.count_request()
    ledger.count_connection()
    ledger.refuse(REQUEST, NO, answers.refused(NO))
    assert counts(ledger) == (1, 1, 1, 1, 1)
    ledger.clear()
    assert counts(ledger) == (0, 0, 0, 0, 0)
    assert ledger.events == []
    assert accept(ledger, {"$idempotency_key": "k"}) != first


def test_a_refused_request_with_one_event_stands_in_the_history_of_its_key(ledger: Ledger) -> None:
    event = {"event": "order_placed", "distinct_id": "user-1", "$idempotency_key": "k"}
    body = to_json(event).decode()
    ledger.refuse(REQUEST.model_copy(update={"body": body}), NO, answers.refused(NO), is_event=True)
    accept(ledger, event)
    (accepted, refused) = ledger.find.page(Filters(), None, 10).events
    assert (refused.name, refused.distinct_id, refused.reason) == ("order_placed", "user-1", "no")
    detail = ledger.detail(accepted.id)
    assert detail is not None
    assert [entry.verdict for entry in detail.history] == ["accepted", "refused"]


@pytest.mark.parametrize("body", ["", "[{}]", '{"event": "cut o', '{"n": NaN}', "1"])
def test_of_any_other_refused_request_only_that_is_known(ledger: Ledger, body: str) -> None:
    ledger.refuse(REQUEST.model_copy(update={"body": body}), NO, answers.refused(NO), is_event=True)
    (refused,) = ledger.find.page(Filters(), None, 10).events
    assert (refused.name, refused.idempotency_key) == (None, None)


def test_one_key_from_many_threads_is_stored_once(ledger: Ledger) -> None:
    with ThreadPoolExecutor(16) as pool:
        ids = set(pool.map(lambda event: accept(ledger, event), [{"$idempotency_key": "k"}] * 500))
    assert len(ids) == 1
    assert (len(ledger.events), ledger.stats().repeated) == (1, 499)


def test_a_key_that_an_earlier_version_wrote_is_an_events(store: EntryStore, ledger: Ledger, clock: Clock) -> None:
    with store.transaction():
        store.add_key("k", clock.now, "first")
    found: list[tuple[str, bool]] = []

    def act(transaction: Transaction) -> SentAnswer:
        found.extend(transaction.once(kind, "k") for kind in ("", "trigger", "trigger", "broadcast"))
        return answers.ok()

    ledger.act(REQUEST, act)
    event, trigger, again, broadcast = found
    assert event == ("first", False)
    assert (trigger[1], again, broadcast[1]) == (True, (trigger[0], False), True)
    assert len({event[0], trigger[0], broadcast[0]}) == 3
