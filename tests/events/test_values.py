"""Property values: what each type becomes in JSON, and that what JSON cannot carry is refused by its path."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import math
import re
import uuid
from collections import ChainMap, Counter, OrderedDict, UserDict, defaultdict, namedtuple
from decimal import Decimal
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pydantic
import pytest
from tests.events.encoded import Node, encode, sent

from suprsend_async import Event, ValidationError
from suprsend_async.events.encoding import Encoder
from suprsend_async.events.json_values import MAX_DEPTH, jsonable


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Flag(enum.IntFlag):
    A = 1
    B = 2


class Word(enum.StrEnum):
    YES = "yes"


class Moment(enum.Enum):
    DAWN = dt.time(6)


class NumpyLikeFloat(float):
    """A subclass as numpy.float64 is one."""

    def __repr__(self) -> str:
        return f"float64({float(self)})"


class Whole(int):
    def __repr__(self) -> str:
        return "Whole"


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "another text"


class Timestamp(dt.datetime):
    """A subclass as pandas.Timestamp is one."""


@dataclasses.dataclass
class Point:
    x: int
    tags: set[str]


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    x: int


class Item(pydantic.BaseModel):
    sku: str
    price: Decimal
    at: dt.datetime | None = None


class Items(pydantic.RootModel[list[Item]]):
    pass


Pair = namedtuple("Pair", "a b")  # noqa: PYI024 - the untyped kind is meant
INDIA = dt.timezone(dt.timedelta(hours=5, minutes=30))
UUID = uuid.UUID("00000000-0000-4000-8000-000000000001")

ENCODED: list[tuple[object, object]] = [
    (None, None),
    (True, True),
    (0, 0),
    (-(2**63), -(2**63)),
    (2**64, 2**64),
    (10**400, 10**400),
    (1.5, 1.5),
    (-0.0, -0.0),
    (5e-324, 5e-324),
    (1.7976931348623157e308, 1.7976931348623157e308),
    ("", ""),
    ('"\\/\b\f\n\r\t\x00\u2028', '"\\/\b\f\n\r\t\x00\u2028'),
    ("Zoë 日本 🎉", "Zoë 日本 🎉"),
    ("NaN", "NaN"),
    ("-Infinity and NaN", "-Infinity and NaN"),
    (dt.datetime(2024, 1, 2, 3, 4, 5), "2024-01-02T03:04:05"),  # noqa: DTZ001 - a naive one is meant
    (dt.datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=dt.UTC), "2024-01-02T03:04:05.000006Z"),
    (dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=INDIA), "2024-01-02T03:04:05+05:30"),
    (Timestamp(2024, 1, 2), "2024-01-02T00:00:00"),
    (dt.date(2024, 1, 2), "2024-01-02"),
    (dt.time(3, 4, 5), "03:04:05"),
    (Decimal("10.50"), "10.50"),
    (Decimal("-0"), "-0"),
    (Decimal("1E+3"), "1E+3"),
    (UUID, str(UUID)),
    (Color.RED, "red"),
    (Level.HIGH, 3),
    (Flag.A | Flag.B, 3),
    (Word.YES, "yes"),
    (Moment.DAWN, "06:00:00"),
    (NumpyLikeFloat(1.5), 1.5),
    (Whole(7), 7),
    (Text("text"), "text"),
    ([], []),
    ((1, "a"), [1, "a"]),
    (Pair(1, 2), [1, 2]),
    ({3, 1, 2}, [1, 2, 3]),
    (frozenset({"b", "a"}), ["a", "b"]),
    ({Color.RED}, ["red"]),
    ({}, {}),
    ({"a": {"b": [None]}}, {"a": {"b": [None]}}),
    ({1: "one", -5: "five"}, {"1": "one", "-5": "five"}),
    ({Word.YES: 1, Color.RED: 2, Level.HIGH: 3}, {"yes": 1, "red": 2, "3": 3}),
    (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
    (defaultdict(int, a=1), {"a": 1}),
    (Counter("aab"), {"a": 2, "b": 1}),
    (MappingProxyType({"a": 1}), {"a": 1}),
    (ChainMap({"a": 1}, {"b": 2}), {"a": 1, "b": 2}),
    (UserDict(a=1), {"a": 1}),
    (Point(1, {"b", "a"}), {"x": 1, "tags": ["a", "b"]}),
    (Slotted(1), {"x": 1}),
    (Item(sku="s", price=Decimal("1.10")), {"sku": "s", "price": "1.10", "at": None}),
    (Items([Item(sku="s", price=Decimal(1))]), [{"sku": "s", "price": "1", "at": None}]),
]


@pytest.mark.parametrize(("value", "expected"), ENCODED, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("nest", [lambda value: value, lambda value: [{"a": (value,)}]], ids=["top", "nested"])
def test_a_value_is_encoded_as_documented(nest: Any, value: object, expected: object) -> None:
    found = sent(nest(value))
    assert found == json.loads(json.dumps(nest(expected)))
    assert type(found) is type(json.loads(json.dumps(nest(expected))))


def test_the_sign_of_zero_and_the_type_of_numbers_survive() -> None:
    assert math.copysign(1, sent(-0.0)) == -1
    assert [type(number) for number in sent([1, 1.0, True])] == [int, float, bool]


class Exploding(pydantic.BaseModel):
    x: int = 1

    @pydantic.field_serializer("x")
    def _explode(self, value: int) -> int:
        raise RuntimeError("planted value")


class BrokenZone(dt.tzinfo):
    def utcoffset(self, when: dt.datetime | None) -> dt.timedelta:
        raise RuntimeError("planted value")


class BrokenMapping(UserDict[str, Any]):
    def items(self) -> Any:
        raise RuntimeError("planted value")


REFUSED: dict[str, tuple[object, str]] = {
    "NaN": (float("nan"), "NaN"),
    "infinity": (float("inf"), "infinite"),
    "minus infinity": (float("-inf"), "infinite"),
    "NaN of a subclass": (NumpyLikeFloat("nan"), "NaN"),
    "Decimal NaN": (Decimal("NaN"), "finite"),
    "Decimal sNaN": (Decimal("sNaN"), "finite"),
    "Decimal infinity": (Decimal("-Infinity"), "finite"),
    "surrogate": ("a\ud800b", "surrogate"),
    "half of an emoji": ("🎉".encode("utf-16", "surrogatepass")[2:4].decode("utf-16", "surrogatepass"), "surrogate"),
    "bytes": (b"bytes", "bytes"),
    "bytearray": (bytearray(b"bytes"), "bytearray"),
    "memoryview": (memoryview(b"bytes"), "memoryview"),
    "object": (Node(), "Node"),
    "class": (Node, "type"),
    "dataclass's class": (Point, "type"),
    "function": (len, "builtin_function_or_method"),
    "generator": ((number for number in ()), "generator"),
    "complex": (1j, "complex"),
    "timedelta": (dt.timedelta(1), "timedelta, a length of time"),
    "namespace": (SimpleNamespace(a=1), "SimpleNamespace"),
    "pattern": (re.compile("a"), "Pattern"),
    "secret": (pydantic.SecretStr("planted value"), "SecretStr"),
    "exploding model": (Exploding(), "Exploding"),
    "broken time zone": (dt.datetime(2024, 1, 1, tzinfo=BrokenZone()), ""),
    "broken mapping": (BrokenMapping(a=1), ""),
    "dataclass without its value": (object.__new__(Slotted), ""),
    "NaN in an Enum": (enum.Enum("Odd", {"NAN": float("nan")}).NAN, "NaN"),  # type: ignore[attr-defined]
}


@pytest.mark.parametrize(("value", "told"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize(
    ("nest", "path"),
    [
        (lambda value: value, "properties.p"),
        (lambda value: [0, value], "properties.p[1]"),
        (lambda value: {"a": [{"b": (1, value)}]}, "properties.p.a[0].b[1]"),
        (lambda value: {5: value}, "properties.p.5"),
        (lambda value: Point(value, set()), "properties.p.x"),
    ],
    ids=["top", "list", "deep", "number as key", "dataclass"],
)
def test_a_refused_value_is_named_by_its_path(nest: Any, path: str, value: object, told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        encode({"fine": 1, "p": nest(value)})
    message = str(caught.value)
    assert told in message
    assert "planted value" not in message
    assert re.match(re.escape(path) + r"[ ,.{\[]", message)
    assert caught.value.outcome == "rejected"


@pytest.mark.parametrize(
    "key", [1.5, True, None, (1,), b"key", "\ud800", UUID, Decimal(1), pytest.param(10**5000, id="5,001 digits")]
)
@pytest.mark.parametrize("wrap", [dict, MappingProxyType], ids=["dict", "mapping"])
def test_a_key_that_is_no_string_is_refused(key: object, wrap: Any) -> None:
    with pytest.raises(ValidationError, match=r"properties\.p\[0\].* key"):
        encode({"p": [wrap({"fine": 1, key: 2})]})


class Known:
    """What equals a text and is none, as the lazy texts of web frameworks do."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return other == self.text


@pytest.mark.parametrize("name", ["first", "x" * 40], ids=["short", "long"])
@pytest.mark.parametrize("kind", [Text, Known])
def test_a_name_that_equals_one_that_came_before_is_written_or_refused_as_if_it_came_first(
    name: str, kind: Any
) -> None:
    encode({"p": {name: 1}})
    if kind is Text:
        assert sent({kind(name): 2}) == {name: 2}
    else:
        with pytest.raises(ValidationError, match=r"properties\.p has a key of type Known; keys must be strings"):
            encode({"p": {kind(name): 2}})


def test_a_name_is_text_to_the_encoder_however_many_came_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suprsend_async.events.json_values._short_names", {f"name-{i}" for i in range(4096)})
    assert sent({"another": {"name-1": "a", "yet another": 1}}) == {"another": {"name-1": "a", "yet another": 1}}


@pytest.mark.parametrize("value", [{1: "a", "1": "b"}, {Color.RED: "a", "red": "b"}])
def test_no_key_swallows_another(value: dict[object, str]) -> None:
    with pytest.raises(ValidationError, match=r"properties\.p"):
        encode({"p": value})


@pytest.mark.parametrize("key", ["\ud800", b"bytes"])
def test_a_top_level_key_must_be_a_clean_string_too(key: Any) -> None:
    with pytest.raises(ValidationError, match="properties"):
        encode({key: 1})


def nested(depth: int, make: Any) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = make(value)
    return value


CONTAINERS: dict[str, Any] = {
    "list": lambda value: [value],
    "dict": lambda value: {"a": value},
    "tuple": lambda value: (value,),
    "dataclass": Slotted,
}


@pytest.mark.parametrize("make", CONTAINERS.values(), ids=CONTAINERS)
def test_the_depth_has_a_limit_on_both_sides(make: Any) -> None:
    # The properties themselves are the first level.
    assert sent(nested(MAX_DEPTH - 1, make)) is not None
    with pytest.raises(ValidationError, match=f"more than {MAX_DEPTH} levels") as caught:
        encode({"p": nested(MAX_DEPTH, make)})
    assert str(caught.value).startswith("properties.p")


@pytest.mark.parametrize("make", CONTAINERS.values(), ids=CONTAINERS)
def test_any_depth_is_a_short_clear_error(make: Any) -> None:
    with pytest.raises(ValidationError, match="nested") as caught:
        encode({"p": nested(10_000, make)})
    assert len(str(caught.value)) < 300


def cyclic_list() -> Any:
    value: list[Any] = []
    value.append([value])
    return value


def cyclic_dict() -> Any:
    value: dict[str, Any] = {}
    value["a"] = {"b": value}
    return value


def cyclic_dataclass() -> Any:
    value = Point(1, set())
    value.x = value  # type: ignore[assignment]
    return value


class Tree(pydantic.BaseModel):
    child: Any = None


def cyclic_model() -> Any:
    value = Tree()
    value.child = value
    return value


@pytest.mark.parametrize("make", [cyclic_list, cyclic_dict, cyclic_dataclass, cyclic_model])
def test_a_cycle_is_a_clear_error(make: Any) -> None:
    with pytest.raises(ValidationError, match=r"properties\.p") as caught:
        encode({"p": make()})
    assert len(str(caught.value)) < 300


def test_the_properties_in_themselves_are_a_cycle() -> None:
    event = Event("user-1", "signed_up", {"a": []})
    event.properties["a"].append(event.properties)
    with pytest.raises(ValidationError, match="contains itself"):
        Encoder("workspace", "sdk/1", 1000).encode(event)


def test_one_value_in_two_places_is_no_cycle() -> None:
    shared = [1]
    assert sent([shared, {"a": shared}, shared]) == [[1], {"a": [1]}, [1]]


class Unequal:
    """A key of which nobody can say what it equals."""

    def __hash__(self) -> int:
        return hash("known")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError


class Unhashable:
    """A key that is put into a dictionary, and has no hash from then on."""

    def __init__(self) -> None:
        self.is_put = False

    def __hash__(self) -> int:
        if self.is_put:
            raise RuntimeError
        self.is_put = True
        return 1


@pytest.mark.parametrize("kind", [Unequal, Unhashable])
def test_a_key_with_faulty_code_of_its_own_is_refused_by_its_path(kind: type[Unequal | Unhashable]) -> None:
    jsonable({"one": {"known": 1, "list": [{"known": {}}]}})
    with pytest.raises(ValidationError) as raised:
        jsonable({"one": {"known": 1, "list": [{kind(): 1}]}})
    assert str(raised.value) == f"properties.one.list[0] has a key of type {kind.__name__}; keys must be strings"
