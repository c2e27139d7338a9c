"""Pydantic's models and dataclasses as values: their own JSON form is sent, and nothing of it is lost in silence."""

from __future__ import annotations

import datetime as dt
import enum
import ipaddress
import json
import math
import pathlib
import re
import uuid
import warnings
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suprsend_async import Event, ValidationError
from suprsend_async.events.encoding import Encoder

if TYPE_CHECKING:
    from collections.abc import Callable
    from subprocess import CompletedProcess

ODD = dt.timezone(dt.timedelta(seconds=1172))
"""Amsterdam's offset until 1937: +00:19:32."""


def sent(value: object) -> Any:
    """Return what arrives for a property."""
    body = Encoder("workspace", "sdk/1", 1_000_000).encode(Event("user-1", "signed_up", {"p": value}))
    return json.loads(body, parse_constant=pytest.fail)["properties"]["p"]


def refusal(value: object) -> str:
    with pytest.raises(ValidationError) as caught:
        sent(value)
    assert caught.value.outcome == "rejected"
    return str(caught.value)


class Color(enum.Enum):
    RED = "red"


class Account(pydantic.BaseModel):
    """Fields that only Pydantic's JSON can carry."""

    site: pydantic.HttpUrl = pydantic.HttpUrl("https://example.com/a")
    address: ipaddress.IPv4Address = ipaddress.IPv4Address("10.0.0.1")
    network: ipaddress.IPv6Network = ipaddress.IPv6Network("fe80::/10")
    lasts: dt.timedelta = dt.timedelta(days=1, seconds=5)
    file: pathlib.PurePosixPath = pathlib.PurePosixPath("/tmp/a")
    id: uuid.UUID = uuid.UUID(int=7)
    color: Color = Color.RED
    price: Decimal = Decimal("1.10")
    password: pydantic.SecretStr = pydantic.SecretStr("planted")


class Card(pydantic.BaseModel):
    """A serializer for JSON alone, as masks are."""

    number: str

    @pydantic.field_serializer("number", when_used="json")
    def _mask(self, number: str) -> str:
        return "*" * (len(number) - 4) + number[-4:]


@pydantic.dataclasses.dataclass
class CardData:
    """The same as a dataclass of Pydantic's."""

    number: Annotated[str, pydantic.PlainSerializer(lambda number: "****" + number[-4:], when_used="json")]


class Masked(pydantic.BaseModel):
    """A model that writes itself."""

    number: str

    def model_dump(self, **options: Any) -> dict[str, Any]:
        return super().model_dump(**options) | {"number": "masked"}


class Renamed(pydantic.BaseModel):
    """A name of its own on the wire, if the model says so."""

    first_name: str = pydantic.Field("Ada", serialization_alias="firstName")
    note: str = pydantic.Field("planted", exclude=True)

    @pydantic.computed_field
    def initial(self) -> str:
        return self.first_name[0]


class RenamedBySelf(Renamed):
    """The same, and the model says so."""

    model_config = pydantic.ConfigDict(serialize_by_alias=True)


class Anything(pydantic.BaseModel):
    """A field of any type, and others beside it."""

    model_config = pydantic.ConfigDict(extra="allow")

    x: Any = None


@pydantic.dataclasses.dataclass
class AnyData:
    x: Any


class Number(pydantic.BaseModel):
    x: float


class Numbers(pydantic.RootModel[list[float]]):
    pass


def test_fields_that_only_pydantics_json_carries() -> None:
    assert sent(Account()) == {
        "site": "https://example.com/a",
        "address": "10.0.0.1",
        "network": "fe80::/10",
        "lasts": "P1DT5S",
        "file": "/tmp/a",
        "id": str(uuid.UUID(int=7)),
        "color": "red",
        "price": "1.10",
        "password": "**********",
    }


def models() -> st.SearchStrategy[pydantic.BaseModel]:
    return st.builds(
        Account,
        lasts=st.timedeltas(),
        address=st.ip_addresses(v=4),
        id=st.uuids(),
        price=st.decimals(allow_nan=False, allow_infinity=False),
    ) | st.builds(Card, number=st.text(st.characters(exclude_categories=["Cs"]), min_size=4))


@settings(deadline=None)
@given(models())
def test_a_model_is_sent_as_its_own_json(model: pydantic.BaseModel) -> None:
    assert sent(model) == json.loads(model.model_dump_json())


@pytest.mark.parametrize("wrap", [lambda card: card, lambda card: [{"a": (card,)}], lambda card: {1: {"a": card}}])
@pytest.mark.parametrize(
    "card",
    [
        Card(number="4111111111111111"),
        CardData("4111111111111111"),
        Masked(number="4111"),
        Anything(x=[Card(number="4111111111111111")]),
    ],
)
def test_what_a_serializer_for_json_masks_stays_masked(wrap: Callable[[Any], Any], card: Any) -> None:
    body = json.dumps(sent(wrap(card)))
    assert "4111" not in body
    assert "*1111" in body or "masked" in body


def test_aliases_and_left_out_fields_are_as_the_model_says() -> None:
    assert sent(Renamed()) == {"first_name": "Ada", "initial": "A"}
    assert sent(RenamedBySelf()) == RenamedBySelf().model_dump(mode="json")


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    ("make", "path"),
    [
        (lambda bad: Number(x=bad), "properties.p.x"),
        (lambda bad: Numbers([1, bad]), "properties.p[1]"),
        (lambda bad: Anything(x=bad), "properties.p.x"),
        (lambda bad: Anything(x={"a": [1, (bad,)]}), "properties.p.x.a[1][0]"),
        (lambda bad: Anything(x=[Number(x=bad)]), "properties.p.x[0].x"),
        (lambda bad: Anything(x=Anything(x=bad)), "properties.p.x.x"),
        (lambda bad: Anything(y=bad), "properties.p.y"),
        (lambda bad: Anything(x=enum.Enum("Odd", {"BAD": bad}).BAD), "properties.p.x"),  # type: ignore[attr-defined]
        (lambda bad: [Anything(x={bad})], "properties.p[0].x"),
        (lambda bad: Anything(x=[{"a": (Anything(x={"b": bad}),)}]), "properties.p.x[0].a[0].x.b"),
        (AnyData, "properties.p.x"),
    ],
)
def test_a_number_that_is_not_finite_is_refused_by_its_path(make: Any, path: str, bad: float) -> None:
    assert re.match(re.escape(path) + r"(\[0\])? is NaN or infinite", refusal(make(bad)))


@pytest.mark.parametrize("text", ["NaN", "-Infinity"])
def test_a_decimal_that_is_not_finite_is_refused_by_its_path(text: str) -> None:
    assert refusal(Anything(x=[Decimal(text)])).startswith("properties.p.x[0] is not a finite number")


class Reading(pydantic.BaseModel):
    """Null is this model's own choice for NaN, as JSON APIs make it."""

    x: float
    y: Any = None

    @pydantic.field_serializer("x", when_used="json")
    def _null(self, x: float) -> float | None:
        return x if math.isfinite(x) else None


def test_a_null_that_a_serializer_has_chosen_stays() -> None:
    assert sent(Reading(x=math.nan)) == {"x": None, "y": None}
    assert sent([Reading(x=math.nan, y=[1])]) == [{"x": None, "y": [1]}]
    assert refusal(Reading(x=math.nan, y=math.nan)).startswith("properties.p.y is NaN")


def test_an_offset_with_seconds_keeps_its_moment_and_others_their_form() -> None:
    moment = dt.datetime(1937, 1, 1, 12, 0, 27, 870000, tzinfo=ODD)
    found = sent(Anything(x=[moment], y=moment.timetz()))
    assert found == {"x": ["1937-01-01T11:40:55.870000Z"], "y": "11:40:55.870000Z"}
    india = dt.datetime(2024, 1, 2, 3, 4, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30)))
    assert sent(Anything(x=india)) == {"x": "2024-01-02T03:04:00+05:30"}


class Dated(pydantic.BaseModel):
    """A moment in a form of its own."""

    x: dt.datetime

    @pydantic.field_serializer("x", when_used="json")
    def _year(self, x: dt.datetime) -> str:
        return str(x.year)


def test_a_moment_that_a_serializer_has_written_stays() -> None:
    assert sent(Dated(x=dt.datetime(1937, 1, 1, tzinfo=ODD))) == {"x": "1937"}


class Tagged(pydantic.BaseModel):
    tags: set[str]
    more: frozenset[int] = frozenset()
    any: Any = None


def test_a_set_in_a_model_is_the_same_in_every_process(run_python: Callable[..., CompletedProcess[str]]) -> None:
    source = f"""
import sys; sys.path.insert(0, {str(pathlib.Path(__file__).parents[2])!r})
from tests.events.test_model_values import Tagged, sent
print(sent(Tagged(tags={{"b", "a", "c", "d"}}, more={{10, 9, 2**40}}, any=[{{"x", "y", "z"}}, {{1: {{"p", "q"}}}}])))
"""
    outputs = {run_python(source, PYTHONHASHSEED=str(seed)).stdout for seed in range(3)}
    assert outputs == {
        "{'tags': ['a', 'b', 'c', 'd'], 'more': [9, 10, 1099511627776], 'any': [['x', 'y', 'z'], {'1': ['p', 'q']}]}\n"
    }


class Ranked(pydantic.BaseModel):
    ranks: set[int]
    names: set[str]

    @pydantic.field_serializer("ranks", "names", when_used="json")
    def _in_order(self, members: set[Any]) -> list[Any]:
        return sorted(members)

    @pydantic.computed_field
    def backwards(self) -> list[int]:
        return sorted(self.ranks, reverse=True)


def test_what_a_serializer_has_sorted_stays_sorted() -> None:
    found = sent(Ranked(ranks={1, 2, 10, 9}, names={"a", "a b", "ab", "é"}))
    assert found == {"ranks": [1, 2, 9, 10], "names": ["a", "a b", "ab", "é"], "backwards": [10, 9, 2, 1]}


@pytest.mark.parametrize("keys", [{1: "a", "1": "b"}, {Color.RED: "a", "red": "b"}, {None: 1, "None": 2}])
def test_no_key_swallows_another(keys: dict[object, object]) -> None:
    assert "properties.p.x[0]" in refusal(Anything(x=[keys]))


def test_keys_are_as_pydantic_writes_them() -> None:
    day = dt.date(2024, 1, 2)
    assert sent(Anything(x={1: "a", day: {"b", "a"}, uuid.UUID(int=7): 2})) == {
        "x": {"1": "a", "2024-01-02": ["a", "b"], str(uuid.UUID(int=7)): 2}
    }


def test_text_that_utf8_cannot_carry_is_refused_by_its_path() -> None:
    assert refusal(Anything(x=[1, "a\ud800"])).startswith("properties.p.x[1] holds a lone surrogate")
    assert refusal(Anything(x={"a\ud800": 1})).startswith("properties.p")
    assert refusal(Tagged(tags={"a\ud800", "b"})).startswith("properties.p.tags")


class Exploding(pydantic.BaseModel):
    fine: int = 1
    x: int = 1

    @pydantic.field_serializer("x")
    def _explode(self, value: int) -> int:
        raise RuntimeError("planted")


@pytest.mark.parametrize("model", [Exploding(), Anything(x=object()), Anything(y=1, x=[object()])])
def test_the_field_that_cannot_be_written_is_named(model: pydantic.BaseModel) -> None:
    message = refusal([model])
    assert message.startswith(f"properties.p[0].x cannot be written as JSON: {type(model).__name__} raises ")
    assert "serializer" in message
    assert "planted" not in message


class OnlyJson(pydantic.BaseModel):
    """A serializer that can write JSON only."""

    x: set[str]

    @pydantic.field_serializer("x")
    def _write(self, x: set[str], info: pydantic.SerializationInfo) -> str:
        if info.mode != "json":
            raise RuntimeError("planted")
        return ",".join(sorted(x))


def test_a_serializer_that_can_write_json_only_is_enough() -> None:
    assert sent(OnlyJson(x={"b", "a"})) == {"x": "a,b"}


def test_no_warning_of_pydantics_shows_a_value() -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert sent(Number.model_construct(x="planted")) == {"x": "planted"}
    assert seen == []


def test_a_model_that_gives_itself_is_a_clear_error() -> None:
    class Itself(pydantic.BaseModel):
        def model_dump(self, **options: Any) -> Any:
            return self

    assert refusal(Itself()).startswith("properties.p is of type Itself")


def test_the_model_is_not_changed() -> None:
    held = {"a": {"b", "a"}, "n": dt.datetime(1937, 1, 1, tzinfo=ODD)}

    class Holding(Anything):
        def model_dump(self, **options: Any) -> Any:
            return held

    before = dict(held)
    sent(Holding())
    assert held == before
    assert type(held["a"]) is set
