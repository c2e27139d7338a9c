"""The judge finds what it is there to find: each violation, planted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.faults.judge import Judge
from tests.faults.ledger import Entry, Ledger, split_array

from suprsend_async import BulkResponse, Event, EventResponse, FailedRecord, RecordResult

if TYPE_CHECKING:
    from tests.faults.judge import Outcome

EVENT = Event("user-1", "order_placed")
OTHER = Event("user-2", "order_placed")


def entry(event: Event, *, accepted: bool = True, digest: str = "same", insert_id: str | None = None) -> Entry:
    return Entry(insert_id or event.insert_id, event.idempotency_key, 1, digest, accepted)


def response(outcome: Outcome) -> EventResponse:
    return EventResponse(outcome=outcome, status_code=None, message="", attempts=1)


def failed(event: Event | None, index: int, outcome: Outcome = "rejected") -> FailedRecord:
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
