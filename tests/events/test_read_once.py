"""A value is read once, and what was checked is what is written."""

from __future__ import annotations

import enum
import json
import math
import sys
from collections import UserDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async import Event, ValidationError
from suprsend_async.events.encoding import Encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def sent(value: object) -> Any:
    body = Encoder("workspace", "sdk/1", 100_000).encode(Event("user-1", "signed_up", {"p": value}))
    return json.loads(body, parse_constant=pytest.fail)["properties"]["p"]


class Fickle:
    """Something that is fine when it is read first, and not when it is read again."""

    times = 0

    def next(self) -> object:
        self.times += 1
        return "fine" if self.times == 1 else math.nan


class FickleMapping(Fickle, UserDict[str, Any]):
    def items(self) -> Any:
        return {"a": self.next()}.items()


class FickleList(Fickle, list[Any]):
    def __iter__(self) -> Iterator[Any]:
        return iter([self.next()])


class FickleTuple(Fickle, tuple[Any, ...]):
    __slots__ = ()

    def __iter__(self) -> Iterator[Any]:
        return iter([self.next()])


@dataclass
class FickleData(Fickle):
    a: Any = None

    def __getattribute__(self, name: str) -> Any:
        return self.next() if name == "a" else super().__getattribute__(name)


@pytest.mark.parametrize("kind", [FickleMapping, FickleList, FickleTuple])
@pytest.mark.parametrize("nest", [lambda value: value, lambda value: [{"a": (value,)}]], ids=["top", "nested"])
def test_a_container_is_read_once(nest: Callable[[Any], Any], kind: Callable[[], Any]) -> None:
    value = kind()
    assert "fine" in json.dumps(sent(nest(value)))
    assert value.times == 1


def test_a_dataclass_is_read_once() -> None:
    value = FickleData()
    value.times = 0  # its own __init__ has set the field
    assert sent(value) == {"a": "fine"}
    assert value.times == 1


def test_a_value_that_is_refused_was_read_once_too() -> None:
    value = FickleMapping()
    with pytest.raises(ValidationError, match=r"properties\.p\[1\] is NaN"):
        sent([value, math.nan])
    assert value.times == 1


def test_what_changes_while_it_is_copied_changes_nothing_that_was_checked() -> None:
    inner: dict[str, Any] = {"a": 1}

    class Meddling(UserDict[str, Any]):
        def items(self) -> Any:
            inner["a"] = math.nan
            outer.append(math.nan)
            return {}.items()

    outer: list[Any] = [inner, Meddling()]
    assert sent(outer) == [{"a": 1}, {}]


class Odd(enum.Enum):
    """An enumeration whose value cannot be read."""

    A = 1

    @property
    def value(self) -> Any:  # type: ignore[override]
        raise RuntimeError("planted value")


class Itself(enum.Enum):
    """An enumeration whose member is its own value."""

    A = 1


Itself.A._value_ = Itself.A


@pytest.mark.parametrize(("value", "told"), [(Odd.A, "raises RuntimeError"), (Itself.A, "of type Itself")])
def test_an_enumeration_that_gives_no_value_is_refused_by_its_path(value: object, told: str) -> None:
    for wrapped in ([value], {"a": value}, {value: 1}):
        with pytest.raises(ValidationError, match=told) as caught:
            sent(wrapped)
        assert str(caught.value).startswith("properties.p")
        assert "planted" not in str(caught.value)


def test_a_stack_that_is_nearly_full_is_a_clear_error() -> None:
    value: Any = 1
    for _ in range(90):
        value = (value,)
    event = Event("user-1", "signed_up", {"p": value})
    encoder = Encoder("workspace", "sdk/1", 100_000)

    def deep(levels: int) -> object:
        return deep(levels - 1) if levels else encoder.encode(event)

    depth = 0
    frame = sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back  # type: ignore[assignment]
    with pytest.raises(
        ValidationError, match=r"nested deeper than the stack|that cannot be read: it raises RecursionError"
    ):
        deep(sys.getrecursionlimit() - depth - 60)


class Renamed(enum.Enum):
    """An enumeration whose value is another one each time."""

    A = 1

    @property
    def value(self) -> Any:  # type: ignore[override]
        reads.append(self)
        return f"name {len(reads)}"


reads: list[object] = []


def test_a_key_is_read_once() -> None:
    reads.clear()
    assert sent({"a": 1, Renamed.A: {1, 2}, "b": [2]}) == {"a": 1, "name 1": [1, 2], "b": [2]}
    assert len(reads) == 1


class Restless(enum.Enum):
    """An enumeration whose members cannot be found in a dictionary again."""

    A = "restless"

    def __hash__(self) -> int:
        hashes.append(self)
        return len(hashes)


hashes: list[object] = []


def test_a_key_with_a_wrong_hash_does_no_harm() -> None:
    assert sent({Restless.A: [{1}], 2: {3: []}}) == {"restless": [[1]], "2": {"3": []}}
