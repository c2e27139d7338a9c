"""Verdicts: what any answer, or none, says about each event."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suprsend_async import Event
from suprsend_async.api.call import SingleExchange
from suprsend_async.api.response import EventResponse, response_of
from suprsend_async.api.verdict import (
    Verdict,
    merged,
    verdict_of_call,
    verdict_of_failure,
    verdict_of_record_call,
    verdict_of_send,
    verdicts_of_records,
)
from suprsend_async.bulk.chunk import Chunk
from suprsend_async.bulk.tally import Tally
from suprsend_async.events.bulk import event_kind
from suprsend_async.events.encoding import Encoder
from suprsend_async.outcome import Outcome
from suprsend_async.transport.answer import Answer, Failure, limited
from suprsend_async.transport.request import Request

KIND = event_kind(Encoder("test-workspace-key-0123456789", "suprsend-async/test", 819_200))
OUTCOMES = set(get_args(Outcome))
EVENT = Event("user-1", "signed_up")
PAGE = b"<html><body>502 Bad Gateway</body></html>"


def answer(status: int, content: object = b"", **headers: str) -> Answer:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


SINGLE: list[tuple[Answer, Outcome, bool, str | None]] = [
    (answer(202, {"status": "success", "message_id": "m-1"}), "accepted", False, None),
    (answer(200, {"status": "success"}), "accepted", False, None),
    (answer(202, {"status": "success", "message_id": 5}), "accepted", False, None),
    (answer(200, b"OK"), "accepted", False, None),
    (answer(202, b'"OK"\n'), "accepted", False, None),
    (answer(202, b"ok"), "accepted", False, None),
    (answer(202), "accepted", False, None),
    (answer(202, b" \r\n"), "accepted", False, None),
    # A 2xx that is not the platform's yes leaves open what was done.
    (answer(200), "unknown", True, "empty"),
    (answer(204), "unknown", True, "empty"),
    (answer(200, PAGE, content_type="text/html"), "unknown", True, "text/html"),
    (answer(202, b'{"status": "succ'), "unknown", True, None),
    (answer(200, b"[]"), "unknown", True, None),
    (answer(200, b"null"), "unknown", True, None),
    (answer(200, {}), "unknown", True, None),
    (answer(200, {"message_id": "m-1"}), "unknown", True, None),
    # A bulk's yes.
    (
        answer(207, {"status": "success", "records": [{"status": "success", "message_id": "m-1"}]}),
        "unknown",
        True,
        None,
    ),
    (answer(207, {"status": "success", "message_id": "m-1", "records": []}), "unknown", True, None),
    (answer(200, {"healthy": True}), "unknown", True, None),
    (Answer(202, {}, b'{"status": "success"}', complete=False), "unknown", True, "too long"),
    # A 2xx that says no.
    (answer(200, {"status": "fail", "message": "no such user"}), "rejected", False, "no such user"),
    (answer(200, {"status": "error", "error": {"message": "no"}}), "rejected", False, "no"),
    (answer(202, {"success": False, "message": "locked"}), "rejected", False, "locked"),
    (answer(202, {"status": "success", "success": False, "message_id": "m-1"}), "rejected", False, None),
    (answer(400, {"status": "error", "error": {"message": "bad name", "type": "x"}}), "rejected", False, "bad name"),
    (answer(400, {"code": 400, "message": "bad", "detail": "much more"}), "rejected", False, "bad"),
    (answer(400, {"code": 400, "message": "", "detail": "much more"}), "rejected", False, "much more"),
    (answer(400, {"code": 400, "detail": {"field": ["bad"]}}), "rejected", False, "field: bad"),
    (answer(400, {"error": "bad name"}), "rejected", False, "bad name"),
    (answer(400, {"error": {"message": 5}}), "rejected", False, "HTTP 400"),
    (answer(400, {"status": "success", "message_id": "m"}), "rejected", False, "HTTP 400"),
    (answer(400, b"OK"), "rejected", False, "HTTP 400"),
    (answer(404, {"code": 404, "message": "no such workflow"}), "rejected", False, "no such workflow"),
    (answer(404, {}), "rejected", False, "HTTP 404"),
    *((answer(code, PAGE), "rejected", False, f"HTTP {code}") for code in (400, 403, 405, 407, 414, 431, 451)),
    (answer(413), "rejected", False, "HTTP 413"),
    *((answer(code, location="https://x/"), "rejected", False, "https://x/") for code in (301, 302, 303, 307, 308)),
    *((answer(code), "rejected", True, f"HTTP {code}") for code in (425, 429)),
    (answer(503, {"status": "error", "error": {"message": "busy"}}), "rejected", True, "busy"),
    # A failure in words that are not the platform's is a gateway's, which does not know what the platform did.
    *((answer(code, PAGE), "unknown", True, f"HTTP {code}") for code in (500, 502, 503, 504)),
    (answer(500, {"status": "error", "error": {"message": "broken"}}), "unknown", True, "broken"),
    *((answer(code, PAGE), "unknown", True, f"HTTP {code}") for code in (501, 505, 507, 508, 511, 520, 530, 599)),
    (answer(501), "unknown", True, "HTTP 501"),
    (answer(503), "unknown", True, "HTTP 503"),
    (answer(520, {"message": "down"}), "unknown", True, "down"),
    (answer(520, {"status": "error", "error": {"message": "broken"}}), "rejected", False, "broken"),
    # So is a wait that was given up, and a 404 that is a page: that of a gateway which finds no server.
    *((answer(code, PAGE), "unknown", True, f"HTTP {code}") for code in (404, 408, 499)),
    *((answer(code), "unknown", True, f"HTTP {code} with an empty body") for code in (404, 408, 499)),
    (answer(404, "not here"), "unknown", True, "not here"),
    (Answer(404, {}, b'{"code": 404}', complete=False), "unknown", True, "too long"),
    *((answer(code, {"code": code, "message": "gone"}), "unknown", True, "gone") for code in (408, 499)),
    (answer(408, {"status": "error", "error": {"message": "slow"}}), "rejected", True, "slow"),
    (answer(499, {"status": "fail", "message": "slow"}), "rejected", False, "slow"),
]


@pytest.mark.parametrize(("given_answer", "outcome", "retryable", "told"), SINGLE)
def test_the_answer_to_one_event(given_answer: Answer, outcome: Outcome, retryable: bool, told: str | None) -> None:
    verdict = verdict_of_send(given_answer)
    assert (verdict.outcome, verdict.retryable) == (outcome, retryable)
    assert verdict.status_code == given_answer.status_code
    assert (verdict.error is None) == (outcome == "accepted")
    if told is not None:
        assert verdict.error is not None
        assert told in verdict.error


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b"", "unknown"),
        (201, b" \r\n", "unknown"),
        (202, b"", "accepted"),
        (204, b"", "accepted"),
        (200, b"OK", "accepted"),
        (201, b"{}", "accepted"),
        (200, b"<html>", "unknown"),
        (404, b"", "unknown"),
        (404, b"{}", "rejected"),
    ],
)
def test_nothing_is_no_record(status: int, body: bytes, outcome: Outcome) -> None:
    given_answer = Answer(status, {}, body)
    assert verdict_of_record_call(given_answer).outcome == outcome
    # What returns no record may be answered with nothing.
    assert verdict_of_call(given_answer).outcome == ("accepted" if status < 300 and not body.strip() else outcome)


def test_the_platforms_words_are_kept() -> None:
    verdict = verdict_of_send(answer(400, {"error": {"message": "no", "type": "validation_error"}}))
    assert (verdict.error, verdict.error_type) == ("no", "validation_error")
    assert verdict_of_send(answer(202, {"status": "success", "message_id": "m-1"})).message_id == "m-1"


YES = {"status": "success", "status_code": 202, "message_id": "m"}
NO = {"status": "error", "status_code": 404, "error": {"message": "no such user", "type": "not_found"}}
LATER = {"status": "error", "status_code": 503, "error": {"message": "later", "type": "busy"}}


@pytest.mark.parametrize("status", [200, 202, 207])
def test_each_record_has_its_verdict(status: int) -> None:
    verdicts = verdicts_of_records(answer(status, {"status": "success", "records": [YES, NO, LATER]}), 3)
    assert verdicts == [
        Verdict("accepted", 202, message_id="m"),
        Verdict("rejected", 404, "no such user", error_type="not_found"),
        Verdict("rejected", 503, "later", error_type="busy", retryable=True),
    ]


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504])
def test_a_record_that_may_be_retried(code: int) -> None:
    (verdict,) = verdicts_of_records(answer(207, {"records": [{"status": "error", "status_code": code}]}), 1) or ()
    assert verdict.retryable
    assert verdict.error == f"refused with status {code}"


RECORDS: list[tuple[object, Outcome, int | None]] = [
    ({"status": "success"}, "accepted", None),
    ({"status": "success", "status_code": "202"}, "accepted", None),
    ({"status": "fail", "message": "no"}, "rejected", None),
    ({"status": "error", "status_code": 400, "error": "no"}, "rejected", 400),
    ({"status": "error", "status_code": 404.0}, "rejected", None),
    ({"status": "error", "status_code": True}, "rejected", None),
    ({"status": "success", "status_code": 500}, "unknown", None),
    ({"status": "queued", "status_code": 202}, "unknown", None),
    ({"status": None}, "unknown", None),
    ({"status_code": 202}, "unknown", None),
    ({}, "unknown", None),
    (None, "unknown", None),
    ("success", "unknown", None),
    ([], "unknown", None),
    (202, "unknown", None),
]


@pytest.mark.parametrize(("record", "outcome", "code"), RECORDS)
def test_a_record_of_any_shape_harms_no_other(record: object, outcome: Outcome, code: int | None) -> None:
    verdicts = verdicts_of_records(answer(207, {"status": "success", "records": [YES, record, YES]}), 3)
    assert verdicts is not None
    assert [verdict.outcome for verdict in verdicts] == ["accepted", outcome, "accepted"]
    assert verdicts[1].status_code is code or verdicts[1].status_code == code
    assert type(verdicts[1].status_code) is type(code)
    assert verdicts[1].retryable == (outcome == "unknown")


@pytest.mark.parametrize("whole", [{"success": False}, {"status": "fail"}, {"status": "success", "success": False}])
def test_one_record_for_each_says_more_than_the_whole(whole: dict[str, object]) -> None:
    verdicts = verdicts_of_records(answer(207, {**whole, "records": [YES, NO]}), 2)
    assert verdicts is not None
    assert [verdict.outcome for verdict in verdicts] == ["accepted", "rejected"]
    # Where they cannot be matched, the whole is all there is; and a refusal's status stands before them.
    assert verdicts_of_records(answer(207, {**whole, "records": [YES]}), 2) is None
    assert verdicts_of_records(answer(400, {**whole, "records": [YES, NO]}), 2) is None


@pytest.mark.parametrize("records", [[], [YES], [YES, NO], [YES, YES], [YES] * 4, [YES, NO, YES, YES]])
def test_records_that_are_too_few_or_too_many_belong_to_nobody(records: list[object]) -> None:
    verdicts = verdicts_of_records(answer(207, {"status": "success", "records": records}), 3)
    assert verdicts is not None
    assert [(verdict.outcome, verdict.retryable) for verdict in verdicts] == [("unknown", True)] * 3


@pytest.mark.parametrize(
    ("given_answer", "outcome"),
    [
        (answer(200, b"OK"), "accepted"),
        (answer(202, b"OK"), "accepted"),
        (answer(202, b"Accepted - OK"), "accepted"),
        (answer(202, b"Accepted - OK, later"), "unknown"),
        (answer(202), "unknown"),
        (answer(202, b" \n"), "unknown"),
        (answer(200), "unknown"),
        (answer(200, PAGE), "unknown"),
        (answer(207, b'{"records": ['), "unknown"),
        (answer(207, {"status": "success"}), "unknown"),
        (answer(207, {"status": "success", "records": None}), "unknown"),
        (answer(207, {"status": "success", "records": {"0": YES}}), "unknown"),
        (answer(200, {"status": "fail", "message": "no"}), None),
        (answer(200, {"status": "error", "error": {"message": "no"}}), None),
        (answer(200, {"success": False, "message": "no"}), None),
        (answer(302), None),
        (answer(400, {"error": {"message": "no"}}), None),
        (answer(502, PAGE), None),
    ],
)
def test_an_answer_without_records(given_answer: Answer, outcome: Outcome | None) -> None:
    verdicts = verdicts_of_records(given_answer, 2)
    assert (verdicts and [verdict.outcome for verdict in verdicts]) == (outcome and [outcome] * 2)
    assert all(verdict.retryable == (outcome == "unknown") for verdict in verdicts or ())


@pytest.mark.parametrize(("was_sent", "outcome"), [(True, "unknown"), (False, "not_sent")])
def test_no_answer(was_sent: bool, outcome: Outcome) -> None:
    verdict = verdict_of_failure(Failure("connection_failed", "broken", was_sent))
    assert verdict == Verdict(outcome, None, "broken", error_type="connection_failed", retryable=True)


ACCEPTED, REJECTED, NOT_SENT, UNKNOWN = (
    Verdict("accepted", 202),
    Verdict("rejected", 400, "no"),
    Verdict("not_sent", error="refused", retryable=True),
    Verdict("unknown", error="cut", retryable=True),
)


@pytest.mark.parametrize("later", [ACCEPTED, REJECTED, NOT_SENT, UNKNOWN])
@pytest.mark.parametrize("earlier", [REJECTED, NOT_SENT, UNKNOWN])
def test_unknown_sticks_until_a_yes(earlier: Verdict, later: Verdict) -> None:
    both = merged(earlier, later)
    if later.outcome == "not_sent" and earlier.outcome != "not_sent":
        assert both == earlier  # an attempt that was not made does not unsay an answer
        return
    sticky = earlier.outcome == "unknown" and later.outcome != "accepted"
    assert both.outcome == ("unknown" if sticky else later.outcome)
    assert both._replace(outcome=later.outcome) == later


keys = st.sampled_from(["status", "status_code", "records", "message_id", "error", "message", "type", "detail"])
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["success", "error", "fail", 202, 404, 503, 10**30]),
)
documents = st.recursive(values, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=25)
bodies = st.one_of(
    st.binary(max_size=200),
    documents.map(lambda document: json.dumps(document).encode()),
    st.sampled_from([b"[" * 100_000, b'{"a":' * 10_000, b'"\\ud800"', b"1" * 10_000, b"NaN", b"\xef\xbb\xbf{}"]),
)
answers = st.builds(
    Answer,
    st.integers(100, 599),
    st.dictionaries(st.sampled_from(["retry-after", "date", "location", "content-type"]), st.text(max_size=30)),
    bodies,
    st.booleans(),
)
failures = st.builds(
    Failure,
    st.sampled_from(["connection_failed", "deadline_exceeded"]),
    st.text(st.characters(), min_size=1).map(limited),
    st.booleans(),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(answers, failures), min_size=1, max_size=4))
def test_whatever_is_answered_one_event_has_a_response(results: list[Any]) -> None:
    exchange = SingleExchange(Request("POST", "v2/event/", body=b"{}"), verdict_of_send)
    for result in results:
        exchange.read(result, 1_704_164_645.0)
    response = response_of(exchange.verdict, len(results), document=exchange.document)
    assert response.outcome in OUTCOMES
    assert response.success == (response.status == "success") == (response.outcome == "accepted")
    assert len(response.message.encode()) <= 2048
    assert response.message
    EventResponse.model_validate_json(response.model_dump_json(exclude={"raw_response"}))


@settings(max_examples=400, deadline=None)
@given(st.integers(1, 5), st.lists(st.one_of(answers, failures), min_size=1, max_size=12))
def test_whatever_is_answered_each_event_of_a_bulk_has_a_verdict(count: int, results: list[Any]) -> None:
    chunk = Chunk(KIND)
    for index in range(count):
        chunk.add(index, EVENT, b"{}")
    for result in results:
        if chunk.read(result, 1_704_164_645.0) is None:
            break
    tally = Tally(KIND)
    tally.add(chunk)
    response = tally.response()
    assert response.success + response.failure == response.total == count
    assert {verdict.outcome for verdict in chunk.verdicts} <= OUTCOMES
    failed = [index for index in range(count) if chunk.verdicts[index].outcome != "accepted"]
    assert [record.index for record in response.failed_records] == failed
    assert all(record.error and len(record.error.encode()) <= 2048 for record in response.failed_records)


ODD_YES: list[Any] = [
    {"status": "success", "status_code": 202, "message_id": ""},
    {"status": "success", "status_code": 202, "message_id": "é" * 4000},
    {"status": "success", "status_code": 202, "message_id": None},
    {"status": "success", "status_code": 202, "message_id": 5},
    {"status": "success", "status_code": True, "message_id": "m-2"},
    {"status": "success", "status_code": 500, "message_id": "m-2"},
    {"status": "success", "message_id": "m-2"},
    {"status": "success", "status_code": 202},
    {"status": ["success"], "status_code": 202, "message_id": "m-2"},
    {"status": "fail", "status_code": 202, "message_id": "m-2"},
    "success",
    None,
]


@pytest.mark.parametrize("record", ODD_YES)
def test_a_record_says_the_same_alone_as_among_others(record: Any) -> None:
    """Where all records are a plain yes they are read together; one that is not is read as carefully as ever."""
    plain = {"status": "success", "status_code": 202, "message_id": "m-1"}
    refused = {"status": "error", "status_code": 400, "error": {"type": "bad"}}
    (alone,) = verdicts_of_records(answer(207, {"records": [record]}), 1) or []
    for others in ([plain], [plain, refused]):
        verdicts = verdicts_of_records(answer(207, {"records": [*others, record]}), len(others) + 1) or []
        assert verdicts[0] == Verdict("accepted", 202, message_id="m-1")
        assert verdicts[-1] == alone
        assert all(type(verdict) is Verdict for verdict in verdicts)
    assert (
        alone.outcome in ("unknown", "rejected") or alone.message_id is None or len(alone.message_id.encode()) <= 2048
    )
