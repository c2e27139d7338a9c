"""A value that stands in many places is refused after a bounded number of steps, which the size limit gives.

A list that holds another one twice, which holds another one twice, and so on, takes little memory and doubles with each
level when it is written. Counted are steps, not seconds.
"""

from __future__ import annotations

import json
import sys
from collections import UserDict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pydantic
import pytest
from pydantic_core import to_json

from suprsend_async import Event, ValidationError
from suprsend_async.events.encoding import Encoder
from suprsend_async.events.event import EARLIEST_TIME
from suprsend_async.events.json_values import jsonable

if TYPE_CHECKING:
    from collections.abc import Callable

ID = "00000000-0000-4000-8000-000000000001"
LIMIT = 10_000
BOUND = LIMIT // 2 * 20
"""Every value takes two bytes at least, and no kind of value takes 20 steps."""

LEVELS = 16
"""Twice 2^16 values are more than the steps that a limit of 10,000 bytes allows, and few enough to end at all."""


@dataclass
class Pair:
    a: Any
    b: Any


class Node(pydantic.BaseModel):
    a: Any
    b: Any


class Read(UserDict[str, Any]):
    """A mapping that counts how often it is read."""

    times = 0

    def items(self) -> Any:
        Read.times += 1
        return super().items()


KINDS: dict[str, Callable[[Any], Any]] = {
    "list": lambda value: [value, value],
    "dict": lambda value: {"a": value, "b": value},
    "tuple": lambda value: (value, value),
    "mapping": lambda value: Read(a=value, b=value),
    "dataclass": lambda value: Pair(value, value),
    "model": lambda value: Node(a=value, b=value),
    "any of them": lambda value: [{"a": (value, Pair(value, [value]))}],
}


def nested(double: Callable[[Any], Any], levels: int, inmost: object = 0) -> Any:
    value = inmost
    for _ in range(levels):
        value = double(value)
    return value


def encoded(value: object, limit: int = LIMIT) -> bytes:
    return Encoder("workspace", "sdk/1", limit).encode(
        Event("user-1", "signed_up", {"p": value}, insert_id=ID, time=EARLIEST_TIME)
    )


def steps(call: Callable[[], object]) -> int:
    """Count the calls that are made of Python's functions and of those in C."""
    count = 0

    def profile(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        with pytest.raises(ValidationError) as caught:
            call()
    finally:
        sys.setprofile(before)
    assert caught.value.outcome == "rejected"
    return count


@pytest.mark.parametrize("double", KINDS.values(), ids=KINDS)
def test_what_doubles_with_each_level_costs_no_more_steps_than_the_limit_allows(double: Callable[[Any], Any]) -> None:
    value = nested(double, LEVELS)
    assert steps(lambda: encoded(value)) < BOUND


@pytest.mark.parametrize("double", KINDS.values(), ids=KINDS)
def test_more_levels_cost_no_more_steps(double: Callable[[Any], Any]) -> None:
    few = steps(lambda: encoded(nested(double, LEVELS)))
    assert steps(lambda: encoded(nested(double, 40))) < 2 * few + 1000


def test_a_mapping_is_not_read_more_often_than_the_limit_allows() -> None:
    value = nested(KINDS["mapping"], LEVELS)
    Read.times = 0
    with pytest.raises(ValidationError):
        encoded(value)
    assert Read.times <= LIMIT // 2


@pytest.mark.parametrize("double", KINDS.values(), ids=KINDS)
def test_a_refused_value_at_the_end_of_many_ways_is_found_in_few_steps(double: Callable[[Any], Any]) -> None:
    assert steps(lambda: encoded(nested(double, LEVELS, float("nan")))) < BOUND


LARGE: dict[str, Any] = {
    "text": ["x" * 100_000] * 5_000,
    "name": [{"x" * 100_000: 1}] * 5_000,
    "number": [10**4_000] * 5_000,
    "text in short lists": [["x" * 100_000] * 5] * 1_000,
    "flat": {f"name{number}": "x" * 100_000 for number in range(5_000)},
}


def test_it_is_said_what_to_do() -> None:
    with pytest.raises(ValidationError, match=f"the event is more than {LIMIT} bytes long, .*; shorten its properties"):
        encoded(nested(KINDS["list"], LEVELS))
    with pytest.raises(ValidationError, match=r"properties\.p holds .* in so many places .*; send each once"):
        encoded(nested(KINDS["model"], 40))


def test_without_a_limit_of_the_callers_there_is_one() -> None:
    with pytest.raises(ValidationError, match="bytes long"):
        jsonable({"p": LARGE["text"]})


@pytest.mark.parametrize("double", KINDS.values(), ids=KINDS)
def test_what_fits_is_sent_however_often_it_stands_there(double: Callable[[Any], Any]) -> None:
    body = encoded(nested(double, 4), 1_000_000)
    assert body == encoded(json.loads(body)["properties"]["p"], 1_000_000)


@pytest.mark.parametrize("value", LARGE.values(), ids=LARGE)
def test_one_large_text_in_many_places_is_refused_before_it_is_written_so_often(
    value: Any,
) -> None:
    properties = value if isinstance(value, dict) else {"p": value}
    with pytest.raises(ValidationError, match="more than 819200 bytes"):
        jsonable(properties, 819_200)


@pytest.mark.parametrize("items", [[0] * 3000, ["x"] * 2000, [{"": 0}] * 1500, [10**30] * 1500, [[]] * 2500, ["é"] * 2])
def test_what_is_counted_is_never_more_than_what_is_written(items: list[Any]) -> None:
    size = len(encoded(items, 1_000_000))
    assert len(encoded(items, size)) == size
    with pytest.raises(ValidationError, match=f"the event is {size} bytes long"):
        encoded(items, size - 1)


LONG = "x" * 1000


class Text(str):
    """A text of a class of its own."""

    __slots__ = ()


class LongNumber(Decimal):
    """A number whose digits are counted."""

    times = 0

    def __str__(self) -> str:
        LongNumber.times += 1
        return super().__str__()


SHARED: dict[str, Any] = {
    "properties of their own": {f"p{number}": LONG for number in range(900)},
    "list": {"p": [LONG] * 900},
    "lists": {"p": [[LONG]] * 900},
    "lists of other things, too": {"p": [[LONG, 1.5]] * 900},
    "object": {"p": dict.fromkeys(map(str, range(900)), LONG)},
    "names": {"p": [{LONG: 1}] * 900},
    "names of a class": {"p": [{Text(LONG): 1}] * 900},
    "texts of a class": {"p": [Text(LONG)] * 900},
    "set": {"p": {(LONG, number) for number in range(400)}},
    "tuple": {"p": (LONG,) * 900},
    "mapping": {"p": UserDict.fromkeys(map(str, range(900)), LONG)},
    "numbers": {"p": [Decimal("1" * 1000)] * 900},
}


@pytest.mark.parametrize("properties", SHARED.values(), ids=SHARED)
def test_a_long_text_in_many_places_is_refused_before_it_is_written(
    properties: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []

    def write(document: Any) -> bytes:
        body = to_json(document)
        written.append(len(body))
        return body

    monkeypatch.setattr("suprsend_async.events.encoding.to_json", write)
    event = Event("user-1", "signed_up", properties, insert_id=ID, time=EARLIEST_TIME)
    with pytest.raises(ValidationError, match="more than 10000 bytes long"):
        Encoder("workspace", "sdk/1", LIMIT).encode(event)
    assert written == []


def test_no_more_digits_are_made_than_the_limit_allows() -> None:
    LongNumber.times = 0
    with pytest.raises(ValidationError):
        encoded([LongNumber("1" * 1000)] * 900)
    assert LongNumber.times <= LIMIT // 1000 + 1


@pytest.mark.parametrize(
    "value",
    ["", LONG, [LONG, ""], [LONG, 1.5], {"": LONG}, {LONG: [], "a": {LONG: LONG}}, {"a": [[["b"]], {"c": Decimal(7)}]}],
    ids=type,
)
def test_what_is_exactly_as_long_as_the_limit_is_sent(value: Any) -> None:
    size = len(encoded(value, 1_000_000))
    assert len(encoded(value, size)) == size
    with pytest.raises(ValidationError):
        encoded(value, size - 1)
