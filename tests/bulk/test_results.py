"""The results as the caller holds them: fields, items, and what they show."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from suprsend_async import BulkResponse, Event, EventResponse, FailedRecord, RecordResult, UserEdit
from suprsend_async.api.verdict import Verdict
from suprsend_async.bulk.chunk import Chunk
from suprsend_async.bulk.tally import Tally
from suprsend_async.events.bulk import event_kind
from suprsend_async.events.encoding import DOCUMENTED_EVENT_BYTES, Encoder
from suprsend_async.outcome import Outcome

KIND = event_kind(Encoder("test-workspace-key-0123456789", "suprsend-async/test", 819_200))
EVENT = Event("planted-user", "signed_up", {"note": "planted-note"})

ACCEPTED = EventResponse(
    outcome="accepted",
    status_code=202,
    message="m-1",
    message_id="m-1",
    attempts=1,
    raw_response={"status": "success", "message_id": "m-1"},
)
FAILED = FailedRecord(record=EVENT, error="no", code=404, index=3, outcome="rejected")
PARTIAL = BulkResponse(success=1, failure=1, failed_records=[FAILED], warnings=["large"])


@pytest.mark.parametrize(
    ("result", "items"),
    [
        (
            ACCEPTED,
            {
                "success": True,
                "status": "success",
                "status_code": 202,
                "message": "m-1",
                "message_id": "m-1",
                "outcome": "accepted",
                "attempts": 1,
                "retry_after": None,
                "raw_response": {"status": "success", "message_id": "m-1"},
            },
        ),
        (FAILED, {"record": EVENT, "error": "no", "code": 404, "index": 3, "outcome": "rejected"}),
        (
            PARTIAL,
            {
                "status": "partial",
                "total": 2,
                "success": 1,
                "failure": 1,
                "failed_records": [FAILED],
                "warnings": ["large"],
            },
        ),
    ],
    ids=["EventResponse", "FailedRecord", "BulkResponse"],
)
def test_fields_are_attributes_and_items(result: Any, items: dict[str, object]) -> None:
    for name, value in items.items():
        assert result[name] == getattr(result, name) == value
    assert set(items) <= set(result.model_dump())


@pytest.mark.parametrize("name", ["nothing", "raise_for_status", "model_dump", "__class__", ""])
@pytest.mark.parametrize("result", [ACCEPTED, FAILED, PARTIAL], ids=lambda result: type(result).__name__)
def test_only_fields_are_items(result: Any, name: str) -> None:
    with pytest.raises(KeyError):
        result[name]


@pytest.mark.parametrize("result", [ACCEPTED, FAILED, PARTIAL], ids=lambda result: type(result).__name__)
def test_a_result_is_frozen_and_picklable(result: Any) -> None:
    assert pickle.loads(pickle.dumps(result)) == result
    with pytest.raises(ValueError, match="frozen"):
        result.status_code = 200


@pytest.mark.parametrize("result", [FAILED, PARTIAL], ids=lambda result: type(result).__name__)
def test_a_result_shows_no_value_of_an_event(result: Any) -> None:
    assert "planted" not in f"{result!r} {result}"


@pytest.mark.parametrize(
    ("outcome", "status_code", "retryable"),
    [
        ("accepted", 202, False),
        ("rejected", None, False),
        ("rejected", 400, False),
        ("rejected", 401, False),
        ("rejected", 413, False),
        *(("rejected", status_code, True) for status_code in (408, 425, 429, 500, 502, 503, 504)),
        ("not_sent", None, True),
        ("unknown", None, True),
        ("unknown", 500, True),
        ("unknown", 501, True),
    ],
)
def test_a_result_tells_whether_the_event_may_be_accepted_later(
    outcome: Any, status_code: int | None, retryable: bool
) -> None:
    response = EventResponse(outcome=outcome, status_code=status_code, message="", attempts=1)
    record = FailedRecord(record=EVENT, error="", code=status_code, index=0, outcome=outcome)
    assert response.retryable is response["retryable"] is record.retryable is record["retryable"] is retryable


@pytest.mark.parametrize(("outcome", "code", "retryable"), [("unknown", 499, False), ("rejected", 429, True)])
def test_an_edit_that_counts_is_not_to_be_sent_again_once_it_may_have_arrived(
    outcome: Outcome, code: int, retryable: bool
) -> None:
    for edit, expected in ((UserEdit("u").increment("n", 1), retryable), (UserEdit("u").set("n", 1), True)):
        assert FailedRecord(record=edit, error="", code=code, index=0, outcome=outcome).retryable is expected


def test_a_record_result() -> None:
    result = RecordResult(3, success=False, status_code=404, message_id=None, error="no", outcome="rejected")
    assert pickle.loads(pickle.dumps(result)) == result
    with pytest.raises(AttributeError):
        result.index = 4  # type: ignore[misc]


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [([], "success"), (["accepted"] * 2, "success"), (["accepted", "unknown"], "partial"), (["not_sent"], "fail")],
)
def test_a_bulks_status_follows_from_its_verdicts(outcomes: list[Any], status: str) -> None:
    chunk = Chunk(KIND)
    for index, outcome in enumerate(outcomes):
        chunk.refuse(index, EVENT, Verdict(outcome, error="no"))
    tally = Tally(KIND)
    tally.add(chunk)
    assert tally.response().status == status


def test_failures_of_many_chunks_come_in_the_inputs_order() -> None:
    tally = Tally(KIND, accepted=10)
    for index in (7, 2, 5):
        chunk = Chunk(KIND)
        chunk.refuse(index, EVENT, Verdict("rejected", 400, "no"))
        tally.add(chunk)
    response = tally.response()
    assert [failed.index for failed in response.failed_records] == [2, 5, 7]
    assert (response.success, response.failure, response.total) == (10, 3, 13)


@pytest.mark.parametrize(("size", "count"), [(DOCUMENTED_EVENT_BYTES, 0), (DOCUMENTED_EVENT_BYTES + 1, 1)])
def test_large_events_are_a_warning(size: int, count: int) -> None:
    chunk = Chunk(KIND)
    chunk.add(0, EVENT, b"x" * size)
    tally = Tally(KIND)
    tally.add(chunk)
    assert [warning.split()[0] for warning in tally.response().warnings] == ["1"] * count
