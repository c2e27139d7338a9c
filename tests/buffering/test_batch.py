"""A batch reports each event's result as soon as it is final."""

from __future__ import annotations

import json
from typing import Any

import pytest

from suprsend_async import Event
from suprsend_async.buffering.batch import Batch, BatchResult
from suprsend_async.events.bulk import event_kind
from suprsend_async.events.encoding import Encoder
from suprsend_async.transport.answer import Answer, Failure

KIND = event_kind(Encoder("test-workspace-key-0123456789", "suprsend-async/test", 819_200))
ACCEPTED = {"status": "success", "status_code": 202, "message_id": "m-1"}
BUSY = {"status": "error", "status_code": 503, "error": {"message": "busy", "type": "busy"}}
WRONG = {"status": "error", "status_code": 404, "error": {"message": "no such user", "type": "not_found"}}


class Reported(dict[int, BatchResult]):
    def __call__(self, number: int, result: BatchResult) -> None:
        assert number not in self
        self[number] = result


@pytest.fixture
def reported() -> Reported:
    return Reported()


@pytest.fixture
def batch(reported: Reported) -> Batch[Event]:
    batch = Batch(KIND, reported)
    for number in (7, 8, 9):
        batch.add(number, Event("user-1", "signed_up"), b'{"n":%d}' % number)
    return batch


def answer(*records: dict[str, Any], status: int = 207) -> Answer:
    return Answer(status, {}, json.dumps({"status": "success", "records": records}).encode())


def test_each_event_gets_its_own_verdict_and_record(batch: Batch[Event], reported: Reported) -> None:
    batch.request()
    assert batch.read(answer(ACCEPTED, WRONG, ACCEPTED), 0) is None
    assert [reported[number].verdict.outcome for number in (7, 8, 9)] == ["accepted", "rejected", "accepted"]
    response = reported[8].response()
    assert (response.status_code, response.message, response.error_type) == (404, "no such user", "not_found")
    assert (response.attempts, response.raw_response) == (1, WRONG)
    assert reported[7].response().message_id == "m-1"


def test_what_is_final_does_not_wait_for_what_goes_again(batch: Batch[Event], reported: Reported) -> None:
    batch.request()
    assert batch.read(answer(ACCEPTED, BUSY, WRONG), 0) is not None
    assert sorted(reported) == [7, 9]
    assert 8 in batch
    assert 7 not in batch
    assert batch.request().body == b'[{"n":8}]'
    batch.read(answer(ACCEPTED), 0)
    assert reported[8].response().attempts == 2
    assert reported[7].response().attempts == 1


def test_what_is_left_at_the_end_is_reported_as_it_stands(batch: Batch[Event], reported: Reported) -> None:
    batch.request()
    batch.read(answer(ACCEPTED, BUSY, BUSY), 0)
    batch.close(7.0)
    assert reported[8].verdict.outcome == "rejected"
    assert reported[8].verdict.retryable
    assert reported[8].response().retry_after == 7.0
    batch.close(None)


def test_a_batch_that_was_never_sent_is_not_sent(batch: Batch[Event], reported: Reported) -> None:
    batch.close(None)
    assert {result.verdict.outcome for result in reported.values()} == {"not_sent"}
    assert {result.attempts for result in reported.values()} == {0}


def test_no_answer_is_unknown(batch: Batch[Event], reported: Reported) -> None:
    batch.request()
    batch.read(Failure("connection_failed", "reset", sent=True), 0)
    assert not reported
    batch.close(None)
    assert {result.verdict.outcome for result in reported.values()} == {"unknown"}


def test_a_refusal_of_the_whole_request_is_everybodys(batch: Batch[Event], reported: Reported) -> None:
    document = {"status": "error", "error": {"message": "wrong key", "type": "auth"}}
    batch.request()
    batch.read(Answer(401, {}, json.dumps(document).encode()), 0)
    assert [result.response().raw_response for result in reported.values()] == [document] * 3
    assert {result.verdict.status_code for result in reported.values()} == {401}


def test_a_split_chunk_reports_its_halves(batch: Batch[Event], reported: Reported) -> None:
    batch.request()
    batch.read(Answer(413, {}, b""), 0)
    assert not reported
    assert batch.body() == b'[{"n":7}]'
    batch.read(answer(ACCEPTED), 0)
    assert sorted(reported) == [7]
    assert batch.body() == b'[{"n":8},{"n":9}]'
    batch.read(answer(ACCEPTED, ACCEPTED), 0)
    assert sorted(reported) == [7, 8, 9]
