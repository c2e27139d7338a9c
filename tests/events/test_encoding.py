"""Encoding: the wire form of an event, the same bytes each time, and the size limit."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async import Event, ValidationError
from suprsend_async.events.encoding import DOCUMENTED_EVENT_BYTES, Encoder

if TYPE_CHECKING:
    from collections.abc import Callable
    from subprocess import CompletedProcess

UUID_TEXT = "00000000-0000-4000-8000-000000000001"
NOW = 1_704_164_645_000


def event(properties: dict[str, Any] | None = None, **more: Any) -> Event:
    return Event("user-1", "signed_up", properties, insert_id=UUID_TEXT, time=NOW, **more)


def encoder(max_event_bytes: int = 819_200) -> Encoder:
    return Encoder("workspace", "sdk/1", max_event_bytes)


BASE = {
    "$insert_id": UUID_TEXT,
    "$time": NOW,
    "event": "signed_up",
    "env": "workspace",
    "distinct_id": "user-1",
    "properties": {"$ss_sdk_version": "sdk/1"},
    "$idempotency_key": UUID_TEXT,
}


@pytest.mark.parametrize(
    ("sent", "changes"),
    [
        (event(), {}),
        (event({"a": [1]}), {"properties": {"a": [1], "$ss_sdk_version": "sdk/1"}}),
        (event(idempotency_key=" key "), {"$idempotency_key": "key"}),
        (event(tenant_id="t", brand_id="b"), {"tenant_id": "t", "brand_id": "b"}),
    ],
    ids=["least", "properties", "idempotency key", "tenant"],
)
def test_the_wire_form(sent: Event, changes: dict[str, object]) -> None:
    assert json.loads(encoder().encode(sent)) == BASE | changes


def test_the_bytes_are_compact_utf8() -> None:
    body = encoder().encode(event({"name": "Zoë 日本 🎉"}))
    assert '"name":"Zoë 日本 🎉"'.encode() in body
    assert b": " not in body
    assert b"\\u" not in body


def test_encoding_again_gives_the_same_bytes() -> None:
    sent = Event("user-1", "signed_up", {"set": {"a", "b", "c"}, "n": 1.5})
    assert len({encoder().encode(sent) for _ in range(5)}) == 1


def test_a_set_is_the_same_in_every_process(run_python: Callable[..., CompletedProcess[str]]) -> None:
    source = f"""
from suprsend_async import Event
from suprsend_async.events.encoding import Encoder
mixed = {{"a", "b", "c", 1, 2.5, None, True, ("x", "y"), frozenset({{"p", "q", "r"}})}}
event = Event("user-1", "signed_up", {{"s": mixed}}, insert_id={UUID_TEXT!r}, time={NOW})
print(ascii(Encoder("workspace", "sdk/1", 10_000).encode(event)))
"""
    outputs = {run_python(source, PYTHONHASHSEED=str(seed)).stdout for seed in range(4)}
    assert len(outputs) == 1
    assert "signed_up" in outputs.pop()


@pytest.mark.parametrize("letter", ["x", "é", "日", "🎉"])
def test_the_limit_is_in_bytes_and_on_both_sides(letter: str) -> None:
    limit = 20_000
    width = len(letter.encode())
    room = limit - len(encoder().encode(event({"text": "", "pad": ""})))
    fitting = {"text": letter * (room // width), "pad": "x" * (room % width)}
    assert len(encoder(limit).encode(event(fitting))) == limit
    with pytest.raises(ValidationError, match=f"{limit + 1} bytes.*limit is {limit}") as caught:
        encoder(limit).encode(event(fitting | {"pad": fitting["pad"] + "x"}))
    assert caught.value.outcome == "rejected"


def test_over_the_documented_size_is_sent_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    room = DOCUMENTED_EVENT_BYTES - len(encoder().encode(event({"text": ""})))
    one = encoder()
    one.encode(event({"text": "x" * room}))
    assert caplog.records == []
    for _ in range(3):
        one.encode(event({"text": "x" * (room + 1)}))
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("suprsend_async", logging.WARNING)
    assert f"{DOCUMENTED_EVENT_BYTES + 1:,} bytes" in record.getMessage()
    assert "xx" not in record.getMessage()


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", '":NaN,"'])
@pytest.mark.parametrize("place", ["distinct_id", "event_name", "idempotency_key", "tenant_id", "key", "value"])
def test_a_text_may_say_nan(text: str, place: str) -> None:
    fields = {"distinct_id": "u", "event_name": "signed_up", "idempotency_key": "k", "tenant_id": "t"}
    properties: dict[str, Any] = {"number": 1.5, "list": [2.5]}
    if place == "key":
        properties[text] = 1
    elif place == "value":
        properties["value"] = text
    else:
        fields[place] = text
    decoded = json.loads(encoder().encode(Event(**fields, properties=properties)), parse_constant=pytest.fail)
    assert text in (decoded["distinct_id"], decoded["event"], decoded["$idempotency_key"], decoded["tenant_id"]) or (
        properties.items() <= decoded["properties"].items()
    )
