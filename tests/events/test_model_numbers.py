"""NaN and the infinities in Pydantic's models: what `ser_json_inf_nan` chooses is sent, if it is JSON."""

from __future__ import annotations

import itertools
import json
import math
from typing import TYPE_CHECKING, Any, Literal

import pydantic
import pytest
from pydantic.dataclasses import dataclass
from tests.events.test_model_values import refusal, sent

if TYPE_CHECKING:
    from collections.abc import Callable

Choice = Literal["null", "strings", "constants"]
CHOICES: tuple[Choice | None, ...] = (None, "null", "strings", "constants")
NAN, INF = math.nan, math.inf


def configured(choice: Choice | None) -> pydantic.ConfigDict:
    return pydantic.ConfigDict() if choice is None else pydantic.ConfigDict(ser_json_inf_nan=choice)


def a_model(choice: Choice | None) -> type[Any]:
    class Model(pydantic.BaseModel):
        model_config = configured(choice)
        x: float = 1.0
        xs: list[float] = []
        y: Any = None

    return Model


def a_dataclass(choice: Choice | None) -> type[Any]:
    @dataclass(config=configured(choice))
    class Data:
        x: float = 1.0
        xs: list[float] = pydantic.Field(default_factory=list)
        y: Any = None

    return Data


def holding(inner: type[Any], choice: Choice | None) -> type[Any]:
    class Outer(pydantic.BaseModel):
        model_config = configured(choice)
        typed: inner | None = None  # type: ignore[valid-type]
        any: Any = None

    return Outer


kinds = pytest.mark.parametrize("kind", [a_model, a_dataclass])


@kinds
def test_strings_are_sent_where_the_model_chooses_them(kind: Callable[..., Any]) -> None:
    made = kind("strings")(x=NAN, xs=[1, INF], y={"a": (-INF,), "b": {NAN}})
    expected = {"x": "NaN", "xs": [1, "Infinity"], "y": {"a": ["-Infinity"], "b": ["NaN"]}}
    assert sent(made) == expected
    assert sent([{"deep": made}]) == [{"deep": expected}]


@kinds
def test_null_is_sent_where_the_model_chooses_it(kind: Callable[..., Any]) -> None:
    made = kind("null")(x=NAN, xs=[1, INF], y={"a": (-INF,), "b": {NAN}})
    assert sent(made) == {"x": None, "xs": [1, None], "y": {"a": [None], "b": [None]}}


@kinds
@pytest.mark.parametrize("choice", [None, "constants"])
@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"x": NAN}, "properties.p.x"),
        ({"xs": [1, INF]}, "properties.p.xs[1]"),
        ({"y": -INF}, "properties.p.y"),
        ({"y": {1: [NAN]}}, "properties.p.y.1[0]"),
    ],
)
def test_a_number_is_refused_that_no_one_chose_another_form_for(
    kind: Callable[..., Any], choice: Choice | None, values: dict[str, Any], path: str
) -> None:
    assert refusal(kind(choice)(**values)).startswith(f"{path} is NaN or infinite")


@kinds
@pytest.mark.parametrize("place", ["typed", "any", "list", "keys"])
@pytest.mark.parametrize("field", ["x", "y"])
@pytest.mark.parametrize(("outer", "inner"), list(itertools.product(CHOICES, CHOICES)))
def test_a_nested_one_is_as_pydantic_writes_it_or_refused(
    kind: Callable[..., Any], place: str, field: str, outer: Choice | None, inner: Choice | None
) -> None:
    """Null is meant if the nearest model that chooses has chosen it; all else is lost in silence."""
    made = kind(inner)
    value = made(**{field: NAN})
    forms = {"typed": {"typed": value}, "any": {"any": value}, "list": {"any": [value]}, "keys": {"any": {1: value}}}
    whole = holding(made, outer)(**forms[place])
    written = json.loads(whole.model_dump_json())
    found = written[next(iter(forms[place]))]
    (part,) = found if place == "list" else found.values() if place == "keys" else [found]
    path = {"typed": "typed", "any": "any", "list": "any[0]", "keys": "any.1"}[place]
    if part[field] == "NaN" or (part[field] is None and (inner or outer) == "null"):
        assert sent(whole) == written
    else:
        assert refusal(whole).startswith(f"properties.p.{path}.{field} is NaN")


class Strings(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(ser_json_inf_nan="strings", serialize_by_alias=True)

    x: float = pydantic.Field(serialization_alias="eks")
    inner: Any = pydantic.Field(None, serialization_alias="in")
    masked: float = 0.0

    @pydantic.field_serializer("masked", when_used="json")
    def _mask(self, masked: float) -> float | None:
        return masked if math.isfinite(masked) else None


class Plain(pydantic.BaseModel):
    y: Any = None


class Texts(pydantic.RootModel[list[Any]]):
    model_config = pydantic.ConfigDict(ser_json_inf_nan="strings")


def test_a_serializer_and_a_configuration_choose_beside_each_other() -> None:
    made = Strings(x=NAN, masked=NAN, inner=[INF])
    assert list(sent(made).values()) == ["NaN", ["Infinity"], None]
    assert sent(made) == json.loads(made.model_dump_json())


def test_a_model_below_one_that_chooses_is_found_under_its_alias() -> None:
    made = Strings(x=NAN, inner=[Plain(y=NAN)])
    _, name, _ = json.loads(made.model_dump_json())
    assert refusal(made).startswith(f"properties.p.{name}[0].y is NaN")


def test_a_root_model_chooses_too() -> None:
    assert sent(Texts([NAN, {"a": INF}])) == ["NaN", {"a": "Infinity"}]
    assert refusal(Texts([Plain(y=NAN)])).startswith("properties.p[0].y is NaN")


def test_a_serializer_for_json_only_does_not_hide_the_choice() -> None:
    class Both(Strings):
        @pydantic.field_serializer("inner")
        def _only(self, inner: Any, info: Any) -> Any:
            if info.mode == "python":
                raise RuntimeError
            return inner

    assert next(iter(sent(Both(x=NAN)).values())) == "NaN"
