"""Property values that hypothesis draws: all arrive as documented, and what is refused is found wherever it hides."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.events.encoded import Node, encode, sent

from suprsend_async import Event, ValidationError
from suprsend_async.events.encoding import Encoder

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
    st.sampled_from(["NaN", "Infinity", "-Infinity", 'a"NaN']),
)
rich = st.one_of(scalars, st.datetimes(), st.dates(), st.uuids(), st.decimals(allow_nan=False, allow_infinity=False))
plain_values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20)
rich_values = st.recursive(
    rich, lambda inner: st.lists(inner) | st.dictionaries(texts, inner) | st.tuples(inner, inner), max_leaves=20
)


@settings(max_examples=200, deadline=None)
@given(plain_values)
def test_json_values_arrive_as_they_are(value: object) -> None:
    assert sent(value) == value


def documented(value: Any) -> Any:
    match value:
        case dict():
            return {key: documented(item) for key, item in value.items()}
        case list() | tuple():
            return [documented(item) for item in value]
        case dt.datetime() | dt.date():
            return value.isoformat()
        case Decimal() | uuid.UUID():
            return str(value)
    return value


@settings(max_examples=200, deadline=None)
@given(rich_values)
def test_other_values_arrive_as_documented(value: object) -> None:
    assert sent(value) == documented(value)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(texts.filter(lambda name: not name.lower().startswith(("$", "ss_"))), rich_values))
def test_encoding_twice_gives_the_same_bytes(properties: dict[str, Any]) -> None:
    encoder, event = Encoder("workspace", "sdk/1", 10_000_000), Event("user-1", "signed_up", properties)
    assert encoder.encode(event) == encoder.encode(event)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.one_of(st.integers(0, 3), texts.filter(str.isidentifier)), min_size=1, max_size=6),
    st.sampled_from([float("nan"), b"", "\ud800", Node(), Decimal("NaN")]),
)
def test_wherever_it_hides_a_refused_value_is_found(path: list[int | str], bad: object) -> None:
    value: Any = bad
    for step in reversed(path):
        value = [0] * step + [value] if isinstance(step, int) else {step: value}
    name = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    with pytest.raises(ValidationError) as caught:
        encode({"p": value})
    assert str(caught.value).startswith(f"properties.p{name} ")
