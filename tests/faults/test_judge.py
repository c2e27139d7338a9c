"""The judge finds what it is there to find: each violation, planted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.faults import notifications
from tests.faults.judge import Judge, identity_of, increments_of
from tests.faults.ledger import Entry, Increment, Ledger, split_array
from tests.faults.notification_calls import make_broadcast, make_trigger
from tests.faults.wire import Head

from suprsend_async import (
    BulkResponse,
    Event,
    EventResponse,
    FailedRecord,
    RecordResult,
    SubscriberListBroadcast,
    TriggerResponse,
    UserEdit,
    WorkflowTriggerRequest,
)
from suprsend_async.resources.broadcast import broadcast_bytes
from suprsend_async.resources.trigger import trigger_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.judge import Notification, Outcome, Record

EVENT = Event("user-1", "order_placed")
OTHER = Event("user-2", "order_placed")


def entry(event: Event, *, accepted: bool = True, digest: str = "same", insert_id: str | None = None) -> Entry:
    return Entry(insert_id or event.insert_id, event.idempotency_key, 1, digest, accepted)


def response(outcome: Outcome) -> EventResponse:
    return EventResponse(outcome=outcome, status_code=None, message="", attempts=1)


def failed(event: Record | None, index: int, outcome: Outcome = "rejected") -> FailedRecord:
    return FailedRecord(record=event, error="no", code=None, index=index, outcome=outcome)


def bulk(success: int, *records: FailedRecord) -> BulkResponse:
    return BulkResponse(success=success, failure=len(records), failed_records=list(records), warnings=[])


def result(index: int, outcome: Outcome = "accepted") -> RecordResult:
    return RecordResult(index, outcome == "accepted", None, None, None, outcome)


@pytest.mark.parametrize("outcome", ["accepted", "unknown"])
def test_what_is_told_truly_is_no_violation(outcome: Outcome) -> None:
    judge = Judge()
    judge.hear_response(EVENT, response(outcome))
    judge.hear(OTHER, "rejected")
    entries = [entry(EVENT, accepted=False), entry(EVENT), entry(OTHER, accepted=False)]
    assert judge.compare(entries).is_clean


def test_an_unknown_event_may_be_missing() -> None:
    judge = Judge()
    judge.hear_response(EVENT, response("unknown"))
    assert judge.compare([]).is_clean


@pytest.mark.parametrize("entries", [[], [entry(EVENT, accepted=False)], [entry(OTHER)]])
def test_lost(entries: list[Entry]) -> None:
    judge = Judge()
    judge.hear_response(EVENT, response("accepted"))
    assert judge.compare(entries).lost == [EVENT.insert_id]


@pytest.mark.parametrize("outcome", ["rejected", "not_sent"])
def test_ghost(outcome: Outcome) -> None:
    judge = Judge()
    judge.hear_response(EVENT, response(outcome))
    found = judge.compare([entry(EVENT)])
    assert found.ghost == [EVENT.insert_id]
    assert not found.is_clean


def test_one_key_under_two_insert_ids_is_double() -> None:
    judge = Judge()
    judge.hear(EVENT, "accepted")
    found = judge.compare([entry(EVENT), entry(EVENT, accepted=False, insert_id="another")])
    assert found.double == [EVENT.idempotency_key]


def test_one_event_taken_under_two_keys_is_double() -> None:
    judge = Judge()
    judge.hear(EVENT, "accepted")
    found = judge.compare([entry(EVENT), Entry(EVENT.insert_id, "another-key", 1, "same", accepted=True)])
    assert found.double == [EVENT.insert_id]
    assert found.stranger == ["another-key"]


def test_altered_bytes() -> None:
    judge = Judge()
    judge.hear(EVENT, "accepted")
    found = judge.compare([entry(EVENT, accepted=False), entry(EVENT, digest="different")])
    assert found.altered == [EVENT.idempotency_key]


def test_stranger() -> None:
    assert Judge().compare([entry(EVENT)]).stranger == [EVENT.idempotency_key]


def test_a_cancelled_call_is_judged_for_doubles_only() -> None:
    judge = Judge()
    judge.hear(EVENT, None)
    assert judge.compare([]).is_clean
    assert judge.compare([entry(EVENT)]).is_clean
    assert judge.compare([entry(EVENT), entry(EVENT)]).double == [EVENT.insert_id]


@pytest.mark.parametrize(
    "told",
    [
        bulk(1),
        bulk(2, failed(OTHER, 1)),
        bulk(0, failed(OTHER, 1), failed(OTHER, 1)),
        bulk(1, failed(EVENT, 1)),
        bulk(1, failed(None, 1)),
        bulk(1, failed(OTHER, 2)),
        bulk(1, failed(OTHER, 1, "accepted")),
        BulkResponse(success=1, failure=1, failed_records=[], warnings=[]),
    ],
)
def test_a_bulk_that_does_not_add_up_is_unclear(told: BulkResponse) -> None:
    judge = Judge()
    judge.hear_bulk([EVENT, OTHER], told)
    assert judge.compare([entry(EVENT)]).unclear


def test_a_bulk_is_judged_event_by_event() -> None:
    judge = Judge()
    judge.hear_bulk([EVENT, OTHER], bulk(1, failed(OTHER, 1)))
    found = judge.compare([entry(OTHER)])
    assert (found.lost, found.ghost, found.unclear) == ([EVENT.insert_id], [OTHER.insert_id], [])


@pytest.mark.parametrize(
    "told",
    [
        [result(0)],
        [result(0), result(0), result(1)],
        [result(0), result(1), result(2)],
        [result(0), RecordResult(1, True, None, None, None, "unknown")],
    ],
)
def test_a_stream_that_does_not_add_up_is_unclear(told: list[RecordResult]) -> None:
    judge = Judge()
    judge.hear_stream([EVENT, OTHER], told)
    assert judge.compare([entry(EVENT), entry(OTHER)]).unclear


def test_a_stream_that_was_left_is_judged_by_what_it_told() -> None:
    judge = Judge()
    judge.hear_stream([EVENT, OTHER], [result(0)], partly=True)
    assert judge.compare([entry(EVENT), entry(OTHER)]).is_clean
    assert judge.compare([entry(OTHER)]).lost == [EVENT.insert_id]


def test_the_ledger_takes_a_key_once_and_counts_its_attempts() -> None:
    ledger = Ledger()
    raw = json.dumps({"$insert_id": "id-1", "$idempotency_key": " key-1 "}).encode()
    assert ledger.arrive(raw, accept=False) is None
    message_id = ledger.arrive(raw, accept=True)
    assert message_id is not None
    assert ledger.arrive(raw, accept=True) == message_id
    assert [(line.key, line.attempt, line.accepted) for line in ledger.entries] == [
        ("key-1", 1, False),
        ("key-1", 2, True),
        ("key-1", 3, False),
    ]
    assert len({line.digest for line in ledger.entries}) == 1


def test_a_body_is_split_into_the_bytes_of_its_events() -> None:
    elements = [b'{"a": "]},{"}', '{"b":"\u00e9\u4e2d"}'.encode(), b"{}"]
    assert split_array(b"[" + b",".join(elements) + b"]") == elements
    assert split_array(b"[" + b" , ".join(elements) + b" ]") == elements
    assert split_array(b"[]") == []


@pytest.mark.parametrize("body", [b"", b"{}", b"[{}", b"[{}{}]", b"[{}]x", b"[{},]", b"[,{}]"])
def test_what_is_no_array_is_not_split(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"array|Expecting"):
        split_array(body)


# Counters of users: an edit that counts, the arrivals of it that were done, and what its caller was told.
@pytest.mark.parametrize(
    ("outcome", "times", "found"),
    [
        ("accepted", 1, None),
        ("accepted", 0, "lost"),
        ("accepted", 2, "double"),
        ("unknown", 0, None),
        ("unknown", 1, None),
        ("unknown", 2, "double"),
        ("rejected", 0, None),
        ("rejected", 1, "ghost"),
        ("not_sent", 1, "ghost"),
        (None, 1, None),
        (None, 2, "double"),
    ],
)
def test_increments_are_counted(outcome: Outcome | None, times: int, found: str | None) -> None:
    edit = UserEdit("user-1").set("plan", "pro").increment("orders", 1)
    ledger = Ledger()
    for _ in range(times):
        ledger.arrive_by_key(edit.insert_id, b"{}", increments_of(edit), accept=True)
    ledger.arrive_by_key(edit.insert_id, b"{}", increments_of(edit), accept=False)
    judge = Judge()
    judge.hear(edit, outcome)
    judgement = judge.compare(ledger.entries)
    kinds = {kind for kind in ("lost", "ghost", "double") if "user-1.orders" in getattr(judgement, kind)}
    assert kinds == ({found} if found else set())
    assert judgement.is_clean is (found is None)


def test_increments_of_one_counter_are_summed() -> None:
    edits = [UserEdit("user-1").increment("orders", 1) for _ in range(3)]
    ledger, judge = Ledger(), Judge()
    for edit, outcome in zip(edits, ("accepted", "accepted", "rejected"), strict=True):
        judge.hear(edit, outcome)
    # One was done twice and one never: the entries tell of the one, the counter alone of neither.
    for edit in (edits[0], edits[0]):
        ledger.arrive_by_key(edit.insert_id, b"{}", increments_of(edit), accept=True)
    assert judge.compare(ledger.entries).lost == [edits[1].insert_id]
    ledger.arrive_by_key(edits[1].insert_id, b"{}", increments_of(edits[1]), accept=True)
    assert judge.compare(ledger.entries).ghost == ["user-1.orders"]


def test_what_counts_for_a_user_that_nobody_named_is_a_stranger() -> None:
    edit = UserEdit("user-1").increment("orders", 1)
    ledger, judge = Ledger(), Judge()
    judge.hear(edit, "accepted")
    ledger.arrive_by_key(edit.insert_id, b"{}", [Increment("user-2", "orders", 1)], accept=True)
    judgement = judge.compare(ledger.entries)
    assert (judgement.lost, judgement.stranger) == (["user-1.orders"], ["user-2.orders"])


def test_a_repeat_of_what_does_not_count_is_no_double() -> None:
    edit = UserEdit("user-1").set("plan", "pro")
    ledger, judge = Ledger(), Judge()
    judge.hear(edit, "accepted")
    for _ in range(2):
        ledger.arrive_by_key(edit.insert_id, b"{}", increments_of(edit), accept=True)
    assert judge.compare(ledger.entries).is_clean


def test_a_bulk_of_edits_is_judged_edit_by_edit() -> None:
    edits = [UserEdit("user-1").increment("orders", 1), UserEdit("user-2").set("plan", "pro")]
    ledger, judge = Ledger(), Judge()
    judge.hear_bulk(edits, bulk(1, failed(edits[1], 1)))
    ledger.arrive_by_key(edits[1].insert_id, b"{}", accept=True)
    judgement = judge.compare(ledger.entries)
    assert (judgement.lost, judgement.ghost) == ([edits[0].insert_id, "user-1.orders"], [edits[1].insert_id])


def take(ledger: Ledger, record: Notification, times: int = 1) -> None:
    """Let the server take a notification so many times."""
    is_trigger = isinstance(record, WorkflowTriggerRequest)
    raw = trigger_bytes(record) if isinstance(record, WorkflowTriggerRequest) else broadcast_bytes(record)
    head = Head("POST", "/trigger/" if is_trigger else "/workspace/broadcast/", {})
    for _ in range(times):
        status, _answer = notifications.take(ledger, head, raw, lambda position, count: True)
        assert status == 202


# Notifications: what the caller of a trigger or a broadcast was told, how often the server took it, and what that is.
@pytest.mark.parametrize("make", [make_trigger, make_broadcast])
@pytest.mark.parametrize(
    ("outcome", "times", "found"),
    [
        ("accepted", 1, None),
        ("accepted", 0, "lost"),
        ("unknown", 0, None),
        ("unknown", 1, None),
        ("rejected", 0, None),
        ("rejected", 1, "ghost"),
        ("not_sent", 1, "ghost"),
        (None, 1, None),
    ],
)
def test_notifications_are_counted(
    make: Callable[[], Notification], outcome: Outcome | None, times: int, found: str | None
) -> None:
    record, ledger, judge = make(), Ledger(), Judge()
    judge.hear(record, outcome)
    take(ledger, record, times)
    judgement = judge.compare(ledger.entries)
    assert judgement.is_clean is (found is None)
    if found:
        assert getattr(judgement, found) == [identity_of(record)[0]]


@pytest.mark.parametrize("outcome", ["accepted", "unknown", None])
def test_a_broadcast_that_came_twice_is_double_and_a_trigger_is_not(outcome: Outcome | None) -> None:
    for record in (make_trigger(), make_broadcast()):
        ledger, judge = Ledger(), Judge()
        judge.hear(record, outcome)
        take(ledger, record, 2)
        is_double = isinstance(record, SubscriberListBroadcast)
        assert judge.compare(ledger.entries).double == ([identity_of(record)[0]] if is_double else [])


def test_a_trigger_under_two_keys_is_double() -> None:
    record = make_trigger()
    again = WorkflowTriggerRequest(record.workflow, record.recipients, record.data)
    ledger, judge = Ledger(), Judge()
    judge.hear(record, "accepted")
    for each in (record, again):
        take(ledger, each)
    judgement = judge.compare(ledger.entries)
    assert (judgement.double, judgement.stranger) == ([identity_of(record)[0]], [again.idempotency_key])


def test_two_triggers_under_one_key_are_double() -> None:
    record = make_trigger()
    other = WorkflowTriggerRequest("order-shipped", ["u"], make_trigger().data, idempotency_key=record.idempotency_key)
    ledger, judge = Ledger(), Judge()
    for each in (record, other):
        judge.hear(each, "accepted")
        take(ledger, each)
    assert judge.compare(ledger.entries).double == [record.idempotency_key]


def test_a_broadcast_that_is_said_to_be_safe_to_repeat_is_unclear() -> None:
    record, judge = make_broadcast(), Judge()
    response = TriggerResponse(outcome="unknown", status_code=None, message="", attempts=1, repeatable=False)
    judge.hear_response(record, response)
    assert judge.compare([]).is_clean
    judge.hear_response(record, response.model_copy(update={"repeatable": True}))
    assert judge.compare([]).unclear


def test_a_bulk_of_triggers_is_judged_trigger_by_trigger() -> None:
    records = [make_trigger(), make_trigger()]
    ledger, judge = Ledger(), Judge()
    judge.hear_bulk(records, bulk(1, failed(records[1], 1)))
    take(ledger, records[1])
    judgement = judge.compare(ledger.entries)
    assert (judgement.lost, judgement.ghost) == ([identity_of(records[0])[0]], [identity_of(records[1])[0]])
