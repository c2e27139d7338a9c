"""Reading answers: `Retry-After`, dates, the server's words, and documents of any kind."""

from __future__ import annotations

import json
from email.utils import formatdate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suprsend_async.transport.answer import MAX_MESSAGE_BYTES, Answer, http_time, limited, words_of

NOW = 1_704_164_645.0


def with_header(**headers: str) -> Answer:
    return Answer(503, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("2", 2.0),
        (" 2 ", 2.0),
        ("3600", 3600.0),
        ("007", 7.0),
        (formatdate(NOW + 50, usegmt=True), 50.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        ("Tue, 02 Jan 2024 03:05:05 -0000", 60.0),
        ("Tue, 02 Jan 2024 04:05:05 +0100", 60.0),
        ("Tuesday, 02-Jan-24 03:05:05 GMT", 60.0),
        ("Tue, 02 Jan 99999 03:04:05 GMT", None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("1e3", None),
        ("soon", None),
        ("٣", None),
        ("²", None),
        ("nan", None),
        ("0x10", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert with_header(retry_after=value).retry_after(lambda: NOW) == seconds


@pytest.mark.parametrize("skew", [3600.0, -3600.0, 0.0])
def test_a_date_to_wait_for_is_one_by_the_servers_clock(skew: float) -> None:
    servers_now = NOW + skew
    answer = with_header(
        retry_after=formatdate(servers_now + 5, usegmt=True), date=formatdate(servers_now, usegmt=True)
    )
    assert answer.retry_after(lambda: NOW) == 5.0


@pytest.mark.parametrize(("asked", "seconds"), [(59, 59.0), (61, 60.0), (3600, 60.0), (10**9, 60.0)])
def test_a_date_in_an_answer_that_has_none_of_its_own_is_worth_a_minute_at_most(asked: int, seconds: float) -> None:
    """By whose clock it is meant is not known, and ours may be wrong by hours."""
    assert with_header(retry_after=formatdate(NOW + asked, usegmt=True)).retry_after(lambda: NOW) == seconds
    dated = with_header(retry_after=formatdate(NOW + asked, usegmt=True), date=formatdate(NOW, usegmt=True))
    assert dated.retry_after(lambda: NOW) == asked


def test_no_retry_after() -> None:
    assert with_header().retry_after(lambda: NOW) is None


@pytest.mark.parametrize("digits", [9, 20, 400, 5000])
def test_a_retry_after_of_any_length_is_a_long_wait(digits: int) -> None:
    seconds = with_header(retry_after="9" * digits).retry_after(lambda: NOW)
    assert seconds is not None
    assert 10**8 < seconds < float("inf")


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.text(max_size=60), st.from_regex(r"\w{3}, \d+ \w{3} \d+ \d+:\d+:\d+ [+-]?\w+")))
def test_no_date_raises(value: str) -> None:
    seconds = http_time(value)
    assert seconds is None or isinstance(seconds, float)
    waiting = with_header(retry_after=value, date=value).retry_after(lambda: NOW)
    assert waiting is None or waiting >= 0


@pytest.mark.parametrize(
    ("value", "seconds"), [(formatdate(NOW, usegmt=True), NOW), ("", None), ("yesterday", None), ("0", None)]
)
def test_the_servers_clock(value: str, seconds: float | None) -> None:
    assert with_header(date=value).server_time == seconds


@pytest.mark.parametrize(
    ("body", "complete", "document"),
    [
        (b'{"a": 1}', True, {"a": 1}),
        (b"[1]", True, [1]),
        (b'\xef\xbb\xbf{"a": 1}', True, {"a": 1}),
        (b'{"a": 1}', False, None),
        (b"", True, None),
        (b"<html>", True, None),
        (b'{"a": ', True, None),
        (b'\xff\xfe"', True, None),
        (b'"\\ud800"', True, None),
        (b"[" * 100_000, True, None),
    ],
)
def test_a_document_of_any_kind(body: bytes, complete: bool, document: object) -> None:
    answer = Answer(200, {}, body, complete)
    assert answer.document == document
    assert answer.mapping == (document if isinstance(document, dict) else {})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"error": {"message": "one", "type": "t"}, "message": "two"}, "one"),
        ({"error": "one", "message": "two"}, "two"),
        ({"error": "one"}, "one"),
        ({"message": "two", "detail": "three"}, "two"),
        ({"message": None, "detail": "three"}, "three"),
        ({"message": ["two"], "detail": {"x": 1}}, "x: 1"),
        (
            {"message": '{"email": ["wrong"]}', "detail": {"email": ["wrong", "long"], "name": "needed"}},
            "email: wrong, long; name: needed",
        ),
        ({"error": {}}, None),
        ({"error": {"message": ""}, "message": ""}, None),
        ({}, None),
    ],
)
def test_the_servers_words_in_any_shape(content: dict[str, object], words: str | None) -> None:
    assert words_of(content) == words
    message = Answer(400, {}, json.dumps(content).encode()).message()
    if words is not None:
        assert message == words
    else:
        assert message.startswith("HTTP 400 with ")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(302, {"location": "https://elsewhere.example.com/"}, b""), "https://elsewhere.example.com/"),
        (Answer(307, {}, b""), "redirects are not followed"),
        (Answer(308, {"location": "https://user:pass@a.example/v1/user/u/"}, b""), "pointed to https://a.example/"),
        (Answer(308, {"location": "/v1/user/u/"}, b""), "another path of the same host"),
        (Answer(308, {"location": "http://[::1/v1/user/u/"}, b""), "another address"),
        (Answer(502, {"content-type": "text/html; charset=utf-8"}, b"<html>"), "6 bytes of text/html instead"),
        (Answer(502, {}, b" "), "an empty body"),
        (Answer(200, {"content-encoding": "br"}, b"x"), "1 byte of no content type in the coding br instead"),
        (Answer(200, {}, b"x", complete=False), "too long"),
    ],
)
def test_an_answer_without_words_is_described(answer: Answer, told: str) -> None:
    assert told in answer.message()


@pytest.mark.parametrize(
    ("status", "body", "says_no"),
    [
        (100, b"", False),
        (101, b"", False),
        (101, b'{"status": "error"}', False),
        (103, b"", False),
        (199, b"", False),
        (202, b"", False),
        (202, b'{"status": "success"}', False),
        (202, b'{"status": "error"}', True),
        (301, b"", True),
        (304, b"", False),
        (400, b'{"status": "success"}', True),
        (503, b"", True),
        (999, b"", True),
    ],
)
def test_what_is_a_no(status: int, body: bytes, says_no: bool) -> None:
    assert Answer(status, {}, body).says_no is says_no


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(), max_size=3000))
def test_a_text_is_cut_to_2_kb_and_is_clean(text: str) -> None:
    cut = limited(text)
    encoded = cut.encode()
    assert len(encoded) <= MAX_MESSAGE_BYTES
    if len(text.encode("utf-8", "replace")) <= MAX_MESSAGE_BYTES:
        assert cut == text.encode("utf-8", "replace").decode()
    else:
        assert cut.endswith("…")
        assert len(encoded) > MAX_MESSAGE_BYTES - 7


@pytest.mark.parametrize("letter", ["x", "é", "日", "🎉"])
@pytest.mark.parametrize("place", ["body", "location", "content-type"])
def test_every_message_is_bounded(letter: str, place: str) -> None:
    long = letter * 5000
    body = json.dumps({"message": long}).encode() if place == "body" else b"x"
    answer = Answer(
        302 if place == "location" else 400, {place: f"https://{long}" if place == "location" else long}, body
    )
    assert 1000 < len(answer.message().encode()) <= MAX_MESSAGE_BYTES
