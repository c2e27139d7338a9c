"""An ordered bulk whose request was too large: no record of one half overtakes an earlier one of the other."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bulk.texts import kind_of_texts
from tests.stub_engine import StubEngine, transport_over
from tests.virtual_time import now, run

from suprsend_async import UserEdit
from suprsend_async.api.verdict import verdicts_of_records
from suprsend_async.bulk.chunk import HELD_BACK, Chunk
from suprsend_async.resources.users import AsyncUsers
from suprsend_async.transport.answer import Answer, Failure

if TYPE_CHECKING:
    from suprsend_async.transport.request import SignedRequest


def moment() -> float:
    return 1_704_164_645.0


TOO_LARGE = Answer(413, {}, b"")
OK = Answer(202, {}, b"OK")
WAIT = Answer(429, {"retry-after": "7"}, b"")
CUT = Failure("connection_failed", "cut", sent=True)


def chunk_of(*texts: str, ordered: bool = True, **options: Any) -> Chunk[str]:
    chunk = Chunk(kind_of_texts(**options), ordered=ordered)
    for index, text in enumerate(texts):
        chunk.add(index, text, json.dumps(text).encode())
    return chunk


def sent(chunk: Chunk[str]) -> list[str]:
    """Return the records that go next."""
    return json.loads(chunk.body())


def test_a_gateways_404_makes_no_halves() -> None:
    """It is about no record; one in the platform's form may be about one that has to be alone."""
    own, page = Answer(404, {}, b'{"code": 404, "message": "no tenant"}'), Answer(404, {}, b"<html>")
    for answer, going in ((own, ["a", "b"]), (page, ["a", "b", "c", "d"])):
        chunk = chunk_of("a", "b", "c", "d", halved=frozenset({404}))
        assert chunk.read(answer, moment) is not None
        assert sent(chunk) == going


# Through the client's own call


@pytest.mark.parametrize("refusal", [WAIT, Answer(503, {"retry-after": "7"}, b""), CUT], ids=["429", "503", "cut"])
def test_a_later_edit_of_a_user_waits_for_the_half_with_the_earlier_one(refusal: Answer | Failure) -> None:
    applied: list[tuple[str, int]] = []
    at: list[float] = []

    def apply(signed: SignedRequest) -> Answer:
        for event in json.loads(signed.request.body):
            applied.append((event["distinct_id"], event["$user_operations"][0]["$set"]["n"]))
            at.append(now())
        return OK

    async def main() -> None:
        engine = StubEngine(TOO_LARGE, refusal, *[apply] * 9)
        users = AsyncUsers(transport_over(engine), 1)
        edits = [UserEdit(user).set("n", n) for n, user in enumerate(["user-1", "user-2", "user-1", "user-3"])]
        response = await users.send_edits(edits, ordered=True)
        assert response.status == "success"

    run(main)
    # The third user's edit does not wait for the first user's; the first user's second one does.
    assert applied == [("user-3", 3), ("user-1", 0), ("user-2", 1), ("user-1", 2)]
    if isinstance(refusal, Answer):
        assert at[1] >= 7.0


# The chunk alone


def test_without_order_the_other_half_goes_at_once() -> None:
    chunk = chunk_of("a1", "b1", "a2", "c1", ordered=False)
    chunk.read(TOO_LARGE, moment)
    chunk.read(WAIT, moment)
    assert sent(chunk) == ["a2", "c1"]


def test_a_half_that_waits_in_full_does_not_go_in_between() -> None:
    chunk = chunk_of("a1", "a2", "a3", "a4")
    chunk.read(TOO_LARGE, moment)
    left = chunk.read(WAIT, moment)
    assert left is not None
    assert (left.at_once, left.retry_after) == (False, 7.0)
    assert sent(chunk) == ["a1", "a2"]
    left = chunk.read(OK, moment)
    assert left is not None
    assert left.at_once
    assert sent(chunk) == ["a3", "a4"]
    assert chunk.read(OK, moment) is None
    assert [verdict.outcome for verdict in chunk.verdicts] == ["accepted"] * 4


def test_what_never_went_since_an_earlier_one_failed_says_so() -> None:
    chunk = chunk_of("a1", "b1", "a2", "c1")
    chunk.read(TOO_LARGE, moment)
    chunk.read(CUT, moment)
    chunk.read(OK, moment)
    chunk.read(CUT, moment)
    assert [verdict.outcome for verdict in chunk.verdicts] == ["unknown", "unknown", "not_sent", "accepted"]
    assert chunk.verdicts[2] is HELD_BACK


def test_a_half_that_is_refused_for_what_it_is_holds_nothing_back() -> None:
    chunk = chunk_of("a1", "a2", "a3", "a4")
    chunk.read(TOO_LARGE, moment)
    left = chunk.read(Answer(400, {}, b""), moment)
    assert left is not None
    assert left.at_once
    assert sent(chunk) == ["a3", "a4"]


def test_what_may_not_be_repeated_holds_back_only_by_what_goes_again() -> None:
    chunk = chunk_of("a+", "b1", "a2", "b2", is_repeatable=lambda text: "+" not in text)
    chunk.read(TOO_LARGE, moment)
    chunk.read(CUT, moment)
    assert sent(chunk) == ["a2"]
    chunk.read(OK, moment)
    assert sent(chunk) == ["b1"]
    chunk.read(OK, moment)
    assert sent(chunk) == ["b2"]
    assert chunk.read(OK, moment) is None


def test_a_record_with_several_keys_makes_those_behind_it_wait_as_well() -> None:
    chunk = chunk_of("a", "x", "ab", "b", "y", "z", order_keys=tuple)
    chunk.read(TOO_LARGE, moment)
    chunk.read(TOO_LARGE, moment)  # now "a" | "x", "ab" | "b", "y", "z"
    assert sent(chunk) == ["a"]
    chunk.read(WAIT, moment)
    assert sent(chunk) == ["x"]
    chunk.read(OK, moment)
    assert sent(chunk) == ["y", "z"]
    chunk.read(OK, moment)
    assert sent(chunk) == ["a"]
    chunk.read(OK, moment)
    assert sent(chunk) == ["ab", "b"]


fates = st.sampled_from(["ok", "wait", "cut", "large", "bad", "some"])


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.text("abc", min_size=1, max_size=2), min_size=1, max_size=12),
    st.lists(fates, max_size=30),
    st.lists(st.sampled_from([202, 429, 400]), min_size=1, max_size=5),
)
def test_no_request_holds_a_record_while_an_earlier_one_of_its_keys_is_left(
    keys: list[str], script: list[str], codes: list[int]
) -> None:
    chunk = Chunk(kind_of_texts(order_keys=tuple, read_answer=verdicts_of_records), ordered=True)
    for index, text in enumerate(keys):
        chunk.add(index, text, b"%d" % index)
    over: set[int] = set()
    requests = 0
    while True:
        numbers: list[int] = json.loads(chunk.body())
        assert numbers == sorted(numbers)
        assert not over & set(numbers)
        for number in numbers:
            earlier = {other for other in range(number) if set(keys[other]) & set(keys[number])}
            assert earlier <= over | set(numbers), "it overtakes an earlier one"
        fate = script[requests] if requests < len(script) else "ok"
        requests += 1
        chosen = [codes[number % len(codes)] if fate == "some" else 202 for number in numbers]
        records = [{"status": "success" if code == 202 else "error", "status_code": code} for code in chosen]
        answer = {
            "ok": OK,
            "wait": WAIT,
            "cut": CUT,
            "large": TOO_LARGE,
            "bad": Answer(400, {}, b""),
            "some": Answer(207, {}, json.dumps({"records": records}).encode()),
        }[fate]
        again = chunk.read(answer, moment)
        if fate in ("ok", "bad") or (fate == "large" and len(numbers) == 1):
            over |= set(numbers)
        elif fate == "some":
            over |= {number for number, code in zip(numbers, chosen, strict=True) if code != 429}
        if again is None:
            break
    assert over == set(range(len(keys)))
    ends: dict[str, int] = defaultdict(int)
    for verdict in chunk.verdicts:
        ends[verdict.outcome] += 1
    assert set(ends) <= {"accepted", "rejected", "unknown"}
