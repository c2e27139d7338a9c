"""A chunk on its way: retries of single records, halving, and honest verdicts against a server with a ledger."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bulk.texts import kind_of_texts

from suprsend_async import Event
from suprsend_async.api.verdict import Verdict
from suprsend_async.bulk.chunk import Chunk
from suprsend_async.bulk.tally import Tally
from suprsend_async.events.bulk import event_kind
from suprsend_async.events.encoding import Encoder
from suprsend_async.transport.answer import Answer, Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from suprsend_async.outcome import Outcome
    from suprsend_async.transport.transport import Again

KIND = event_kind(Encoder("test-workspace-key-0123456789", "suprsend-async/test", 819_200))


def now() -> float:
    return 1_704_164_645.0


EVENT = Event("user-1", "signed_up")
CUT = Failure("connection_failed", "cut", sent=True)
REFUSED = Failure("connection_failed", "refused", sent=False)


def body(index: int) -> bytes:
    return b'{"n":%d}' % index


def chunk_of(count: int) -> Chunk:
    chunk = Chunk(KIND)
    for index in range(count):
        chunk.add(index, EVENT, body(index))
    return chunk


def numbers(chunk: Chunk) -> list[int]:
    """Return the numbers of the events that go next."""
    return [event["n"] for event in json.loads(chunk.body())]


def records(*codes: int, **headers: str) -> Answer:
    """Answer with one record for each code."""
    items = [
        {"status": "success", "status_code": code, "message_id": f"m-{code}"}
        if code < 300
        else {"status": "error", "status_code": code, "error": {"message": f"no: {code}"}}
        for code in codes
    ]
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(207, fields, json.dumps({"status": "success", "records": items}).encode())


def outcomes(chunk: Chunk) -> list[Outcome]:
    return [verdict.outcome for verdict in chunk.verdicts]


def test_before_anything_is_sent() -> None:
    assert not Chunk(KIND).is_sendable
    chunk = chunk_of(2)
    assert chunk.is_sendable
    assert len(chunk) == 2
    assert outcomes(chunk) == ["not_sent"] * 2
    assert chunk.body() == b'[{"n":0},{"n":1}]'


def test_all_accepted_leaves_nothing() -> None:
    chunk = chunk_of(3)
    assert chunk.read(records(202, 202, 200), now) is None
    assert outcomes(chunk) == ["accepted"] * 3
    assert chunk.accepted_indexes() == [0, 1, 2]


def test_only_what_may_be_retried_goes_again_and_as_the_same_bytes() -> None:
    chunk = chunk_of(6)
    left = chunk.read(records(202, 503, 404, 429, 202, 500, retry_after="3"), now)
    assert left is not None
    assert (left.retry_after, left.at_once) == (3.0, False)
    assert chunk.body() == b"[" + b",".join([body(1), body(3), body(5)]) + b"]"
    assert chunk.read(records(202, 503, 400), now) is not None
    assert chunk.body() == b"[" + body(3) + b"]"
    assert chunk.read(records(202), now) is None
    assert outcomes(chunk) == ["accepted", "accepted", "rejected", "accepted", "accepted", "rejected"]


@pytest.mark.parametrize(
    ("result", "outcome", "again"),
    [
        (Answer(400, {}, b""), "rejected", False),
        (Answer(401, {}, b""), "rejected", False),
        (Answer(302, {}, b""), "rejected", False),
        (Answer(429, {}, b""), "rejected", True),
        (Answer(503, {}, b""), "unknown", True),
        (Answer(503, {}, b'{"status": "error", "error": {"message": "busy"}}'), "rejected", True),
        (Answer(500, {}, b""), "unknown", True),
        (Answer(502, {}, b"<html>"), "unknown", True),
        (Answer(200, {}, b"<html>"), "unknown", True),
        (CUT, "unknown", True),
        (REFUSED, "not_sent", True),
    ],
)
def test_what_concerns_the_whole_request_concerns_each_event(
    result: Answer | Failure, outcome: Outcome, again: bool
) -> None:
    chunk = chunk_of(3)
    left = chunk.read(result, now)
    assert outcomes(chunk) == [outcome] * 3
    assert (left is not None) is again
    if again:
        assert numbers(chunk) == [0, 1, 2]


def test_refused_events_keep_their_place_and_are_not_sent() -> None:
    chunk = Chunk(KIND)
    chunk.add(0, EVENT, body(0))
    chunk.refuse(1, None, Verdict("rejected", error="not an event"))
    chunk.add(2, EVENT, body(2))
    assert numbers(chunk) == [0, 2]
    assert chunk.read(records(202, 400), now) is None
    assert outcomes(chunk) == ["accepted", "rejected", "rejected"]
    tally = Tally(KIND)
    tally.add(chunk)
    assert [(failed.index, failed.record, failed.error) for failed in tally.response().failed_records] == [
        (1, None, "not an event"),
        (2, EVENT, "no: 400"),
    ]


def drive(chunk: Chunk, server: Callable[[list[int]], Answer | Failure], limit: int) -> list[Again]:
    """Send what is left until nothing is, or the limit of requests is reached."""
    steps: list[Again] = []
    while len(steps) < limit:
        left = chunk.read(server(numbers(chunk)), now)
        if left is None:
            return steps
        steps.append(left)
    return steps


@pytest.mark.parametrize("count", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("large", [0, -1])
def test_413_is_halved_until_the_one_too_large_is_found(count: int, large: int) -> None:
    poison = large % count
    requests: list[list[int]] = []

    def server(sent: list[int]) -> Answer:
        requests.append(sent)
        return Answer(413, {}, b"") if poison in sent else records(*[202] * len(sent))

    chunk = chunk_of(count)
    steps = drive(chunk, server, 300)
    assert all(step.at_once for step in steps)
    assert [index for index in range(count) if outcomes(chunk)[index] != "accepted"] == [poison]
    assert chunk.verdicts[poison][:2] == ("rejected", 413)
    # Two requests for each halving, and the first.
    assert len(requests) <= 1 + 2 * (count - 1).bit_length()
    accepted = [index for sent in requests if poison not in sent for index in sent]
    assert sorted(accepted) == [index for index in range(count) if index != poison]


def test_all_too_large() -> None:
    chunk = chunk_of(100)
    steps = drive(chunk, lambda sent: Answer(413, {}, b""), 1000)
    assert outcomes(chunk) == ["rejected"] * 100
    assert len(steps) == 198


def test_a_half_that_fails_does_not_keep_the_other_from_going() -> None:
    chunk = chunk_of(4)
    requests: list[list[int]] = []

    def server(sent: list[int]) -> Answer | Failure:
        requests.append(sent)
        if len(requests) == 1:
            return Answer(413, {}, b"")
        return CUT if 0 in sent else records(*[202] * len(sent))

    drive(chunk, server, 6)
    assert requests[:4] == [[0, 1, 2, 3], [0, 1], [2, 3], [0, 1]]
    assert outcomes(chunk) == ["unknown", "unknown", "accepted", "accepted"]


def test_a_wait_that_one_half_was_asked_for_is_not_forgotten() -> None:
    chunk = chunk_of(4)
    chunk.read(Answer(413, {}, b""), now)
    first = chunk.read(Answer(503, {"retry-after": "7"}, b""), now)
    assert first is not None
    # Either the other half waits as well, or what was asked is still known when the first goes again.
    if first.at_once:
        second = chunk.read(records(202, 202), now)
        assert second is not None
        assert second.retry_after == 7.0
    else:
        assert first.retry_after == 7.0


class Ledger:
    """A server that notes what it takes, and then answers, or not, as it is told."""

    def __init__(self) -> None:
        self.taken: set[int] = set()

    def all_well(self, sent: list[int], codes: Sequence[int]) -> Answer:
        self.taken |= set(sent)
        return records(*[202] * len(sent))

    def each_its_own(self, sent: list[int], codes: Sequence[int]) -> Answer:
        chosen = [codes[number % len(codes)] for number in sent]
        self.taken |= {number for number, code in zip(sent, chosen, strict=True) if code < 300}
        return records(*chosen)

    def too_few_records(self, sent: list[int], codes: Sequence[int]) -> Answer:
        self.taken |= set(sent)
        return records(*[202] * (len(sent) // 2))

    def cut_after_taking(self, sent: list[int], codes: Sequence[int]) -> Failure:
        self.taken |= set(sent)
        return CUT

    def cut_after_taking_half(self, sent: list[int], codes: Sequence[int]) -> Failure:
        self.taken |= set(sent[: len(sent) // 2])
        return CUT

    def gateway_error_after_taking(self, sent: list[int], codes: Sequence[int]) -> Answer:
        self.taken |= set(sent)
        return Answer((500, 502, 504)[codes[0] % 3], {}, b"<html>")

    def page_after_taking(self, sent: list[int], codes: Sequence[int]) -> Answer:
        self.taken |= set(sent)
        return Answer(200, {}, b"<html>")

    def some_json_after_taking(self, sent: list[int], codes: Sequence[int]) -> Answer:
        self.taken |= set(sent)
        return Answer(200, {}, b'{"ok": true}')

    def cut_before_taking(self, sent: list[int], codes: Sequence[int]) -> Failure:
        return CUT

    def not_reached(self, sent: list[int], codes: Sequence[int]) -> Failure:
        return REFUSED

    def refuse(self, sent: list[int], codes: Sequence[int]) -> Answer:
        return Answer((400, 401, 429, 503)[codes[0] % 4], {}, b"")

    def too_large(self, sent: list[int], codes: Sequence[int]) -> Answer:
        return Answer(413, {}, b"")


moods = st.sampled_from([name for name in vars(Ledger) if not name.startswith("_")])
codes_strategy = st.lists(st.sampled_from([202, 200, 400, 404, 413, 429, 500, 503]), min_size=1, max_size=6)


@settings(max_examples=500, deadline=None)
@given(st.integers(1, 9), st.lists(st.tuples(moods, codes_strategy), min_size=1, max_size=15))
def test_no_verdict_is_a_lie(count: int, script: list[tuple[str, list[int]]]) -> None:
    ledger, chunk = Ledger(), chunk_of(count)
    for mood, codes in script:
        sent = numbers(chunk)
        assert len(set(sent)) == len(sent)
        assert chunk.body() == b"[" + b",".join(map(body, sent)) + b"]"
        already: Any = {index for index in sent if chunk.verdicts[index].outcome == "accepted"}
        assert not already
        if chunk.read(getattr(ledger, mood)(sent, codes), now) is None:
            break
    for index, outcome in enumerate(outcomes(chunk)):
        if outcome == "accepted":
            assert index in ledger.taken
        elif outcome != "unknown":
            assert index not in ledger.taken


# Records that must not be sent twice

BUSY = Answer(503, {}, b'{"status": "error", "error": {"message": "busy"}}')
PAGE = Answer(503, {}, b"<html>")


def counting_chunk(count: int, *increments: int) -> Chunk[str]:
    """Return a chunk of numbered texts of which some add to what is there."""
    kind = kind_of_texts(is_repeatable=lambda text: not text.startswith("+"))
    chunk = Chunk(kind)
    for index in range(count):
        chunk.add(index, "+1" if index in increments else "=1", body(index))
    return chunk


UNCLEAR: dict[str, Answer | Failure] = {
    "cut": CUT,
    "silence": Failure("deadline_exceeded", "no answer", sent=True),
    "503 of a gateway": PAGE,
    "500": Answer(500, {}, b'{"status": "error", "error": {"message": "broken"}}'),
    "502": Answer(502, {}, b"<html>"),
    "504": Answer(504, {}, b""),
    "520": Answer(520, {}, b"<html>"),
    "408": Answer(408, {}, b""),
    "404 of a gateway": Answer(404, {}, b"<html>"),
    "a page": Answer(200, {}, b"<html>"),
    "records too few": records(202),
}
CLEAR: dict[str, Answer | Failure] = {
    "never sent": REFUSED,
    "425": Answer(425, {}, b""),
    "429": Answer(429, {"retry-after": "3"}, b""),
    "429 of a gateway": Answer(429, {}, b"<html>"),
    "503, an error of the platform's": BUSY,
    "503, a failure of the platform's": Answer(503, {}, b'{"status": "fail", "message": "busy"}'),
}


@pytest.mark.parametrize("unclear", UNCLEAR.values(), ids=UNCLEAR)
def test_after_an_unclear_answer_what_adds_is_unknown_and_the_rest_goes_again_in_order(
    unclear: Answer | Failure,
) -> None:
    chunk = counting_chunk(6, 1, 4)
    left = chunk.read(unclear, now)
    assert left is not None
    assert outcomes(chunk) == ["unknown"] * 6
    assert numbers(chunk) == [0, 2, 3, 5]
    assert chunk.read(records(202, 202, 202, 202), now) is None
    assert outcomes(chunk) == ["accepted", "unknown", "accepted", "accepted", "unknown", "accepted"]


@pytest.mark.parametrize("unclear", UNCLEAR.values(), ids=UNCLEAR)
def test_nothing_is_left_of_a_chunk_in_which_all_adds(unclear: Answer | Failure) -> None:
    chunk = counting_chunk(3, 0, 1, 2)
    assert chunk.read(unclear, now) is None
    assert outcomes(chunk) == ["unknown"] * 3


@pytest.mark.parametrize("clear", CLEAR.values(), ids=CLEAR)
def test_what_was_not_done_for_sure_goes_again_whatever_it_is(clear: Answer | Failure) -> None:
    chunk = counting_chunk(4, 0, 3)
    left = chunk.read(clear, now)
    assert left is not None
    assert numbers(chunk) == [0, 1, 2, 3]
    assert chunk.read(records(202, 202, 202, 202), now) is None
    assert outcomes(chunk) == ["accepted"] * 4


def test_what_was_refused_first_and_unclear_then_is_not_sent_a_third_time() -> None:
    chunk = counting_chunk(3, 1)
    chunk.read(CLEAR["429"], now)
    chunk.read(CUT, now)
    assert numbers(chunk) == [0, 2]
    assert outcomes(chunk) == ["unknown"] * 3


def test_a_408_says_that_it_was_not_done_but_not_for_sure() -> None:
    chunk = counting_chunk(3, 1)
    assert chunk.read(Answer(408, {}, b'{"status": "error", "error": {"message": "too slow"}}'), now) is not None
    assert (outcomes(chunk), numbers(chunk)) == (["rejected"] * 3, [0, 2])


def test_records_with_verdicts_of_their_own_go_again_by_these() -> None:
    chunk = counting_chunk(9, *range(8))
    assert chunk.read(records(202, 425, 429, 503, 400, 408, 500, 502, 504), now) is not None
    # The last one adds nothing.
    assert numbers(chunk) == [1, 2, 3, 8]


def test_the_halves_of_a_chunk_that_was_too_large_keep_to_it() -> None:
    chunk = counting_chunk(4, 0, 3)
    chunk.read(Answer(413, {}, b""), now)
    assert numbers(chunk) == [0, 1]
    chunk.read(CUT, now)
    assert numbers(chunk) == [2, 3]
    chunk.read(PAGE, now)
    assert numbers(chunk) == [1]
    chunk.read(records(202), now)
    assert numbers(chunk) == [2]
    assert chunk.read(records(202), now) is None
    assert outcomes(chunk) == ["unknown", "accepted", "accepted", "unknown"]


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 9), st.lists(st.tuples(moods, codes_strategy), min_size=1, max_size=15), st.sets(st.integers(0, 8))
)
def test_what_adds_is_taken_once_at_most(count: int, script: list[tuple[str, list[int]]], increments: set[int]) -> None:
    ledger, chunk = Ledger(), counting_chunk(count, *increments)
    for mood, codes in script:
        sent, before = numbers(chunk), set(ledger.taken)
        assert not before & set(sent) & increments
        left = chunk.read(getattr(ledger, mood)(sent, codes), now)
        if left is None:
            return
        assert numbers(chunk) == sorted(numbers(chunk))
