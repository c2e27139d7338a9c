"""A batch tells each event's verdict as soon as it is final."""

from __future__ import annotations

import json
from typing import Any

import pytest

from suprsend_async import Event
from suprsend_async.buffering.batch import Batch, Settled
from suprsend_async.events.chunk import Chunk
from suprsend_async.transport.answer import Answer, Failure
from suprsend_async.transport.transport import Call

ACCEPTED = {"status": "success", "status_code": 202, "message_id": "m-1"}
BUSY = {"status": "error", "status_code": 503, "error": {"message": "busy", "type": "busy"}}
WRONG = {"status": "error", "status_code": 404, "error": {"message": "no such user", "type": "not_found"}}


class Told(dict[int, Settled]):
    def __call__(self, number: int, settled: Settled) -> None:
        assert number not in self
        self[number] = settled


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def batch(told: Told) -> Batch:
    chunk = Chunk()
    for number in (7, 8, 9):
        chunk.add(number, Event("user-1", "signed_up"), b'{"n":%d}' % number)
    return Batch(chunk, told)


def answer(*records: dict[str, Any], status: int = 207) -> Answer:
    return Answer(status, {}, json.dumps({"status": "success", "records": records}).encode())


def test_each_event_gets_its_own_verdict_and_record(batch: Batch, told: Told) -> None:
    batch.body()
    assert batch.settle(answer(ACCEPTED, WRONG, ACCEPTED), 0) is None
    assert [told[number].verdict.outcome for number in (7, 8, 9)] == ["accepted", "rejected", "accepted"]
    response = told[8].response()
    assert (response.status_code, response.message, response.error_type) == (404, "no such user", "not_found")
    assert (response.attempts, response.raw_response) == (1, WRONG)
    assert told[7].response().message_id == "m-1"


def test_what_is_final_does_not_wait_for_what_goes_again(batch: Batch, told: Told) -> None:
    batch.body()
    assert batch.settle(answer(ACCEPTED, BUSY, WRONG), 0) is not None
    assert sorted(told) == [7, 9]
    assert 8 in batch
    assert 7 not in batch
    assert batch.body() == b'[{"n":8}]'
    batch.settle(answer(ACCEPTED), 0)
    assert told[8].response().attempts == 2
    assert told[7].response().attempts == 1


def test_what_is_left_at_the_end_is_told_as_it_stands(batch: Batch, told: Told) -> None:
    batch.body()
    batch.settle(answer(ACCEPTED, BUSY, BUSY), 0)
    batch.close(Call(deadline=0, retry_after=7.0))
    assert told[8].verdict.outcome == "rejected"
    assert told[8].verdict.retryable
    assert told[8].response().retry_after == 7.0
    batch.close(None)


def test_a_batch_that_was_never_sent_is_not_sent(batch: Batch, told: Told) -> None:
    batch.close(None)
    assert {settled.verdict.outcome for settled in told.values()} == {"not_sent"}
    assert {settled.attempts for settled in told.values()} == {0}


def test_no_answer_is_unknown(batch: Batch, told: Told) -> None:
    batch.body()
    batch.settle(Failure("connection_failed", "reset", sent=True), 0)
    assert not told
    batch.close(None)
    assert {settled.verdict.outcome for settled in told.values()} == {"unknown"}


def test_a_refusal_of_the_whole_request_is_everybodys(batch: Batch, told: Told) -> None:
    document = {"status": "error", "error": {"message": "wrong key", "type": "auth"}}
    batch.body()
    batch.settle(Answer(401, {}, json.dumps(document).encode()), 0)
    assert [settled.response().raw_response for settled in told.values()] == [document] * 3
    assert {settled.verdict.status_code for settled in told.values()} == {401}


def test_a_split_chunk_tells_its_halves(batch: Batch, told: Told) -> None:
    batch.body()
    batch.settle(Answer(413, {}, b""), 0)
    assert not told
    assert batch.body() == b'[{"n":7}]'
    batch.settle(answer(ACCEPTED), 0)
    assert sorted(told) == [7]
    assert batch.body() == b'[{"n":8},{"n":9}]'
    batch.settle(answer(ACCEPTED, ACCEPTED), 0)
    assert sorted(told) == [7, 8, 9]
