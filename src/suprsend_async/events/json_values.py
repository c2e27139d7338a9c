"""The values that a property may have, and their JSON."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import uuid
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from math import isfinite
from typing import Any, cast

from pydantic_core import to_json

from suprsend_async.errors import ValidationError
from suprsend_async.events.json_scalars import (
    ValueRefused,
    digits,
    finite,
    in_order,
    moment,
    name_of,
    python_value,
    read,
    refuse_at,
    text_of,
    time_of_day,
    without_form,
)
from suprsend_async.events.pydantic_form import drop_left_out, has_own_form, own_form

MAX_DEPTH = 100
"""How deep lists and objects may be nested."""

SHORTEN = "shorten its properties, or send a link to what is large"
"""What to do about an event that is too large."""

# Values of exactly these types are written as they are and hold nothing else.
_LEAVES = frozenset({str, int, bool, type(None), dt.date, uuid.UUID})

MAX_BYTES = 4 * 1024 * 1024
"""How long the JSON of properties may be where no limit is given: five times what the platform's SDKs send."""

_LEAST_ITEM_BYTES = 2
"""What an item of an array or an object takes at least: one digit and a comma."""

_NAME_MARKS = 3
"""What a name in an object takes besides its characters: two quotes and a colon."""

_FEW_ITEMS = 1000
"""So many items are copied before numbers are counted as well: most events have fewer."""

_LONG_NUMBER_BITS = 64

# Names in nested objects that were found to be plain strings and short: an application has few, and to know one again
# costs less than to look at its type and count its characters.
_short_names: set[str] = set()
_MAX_SHORT_NAMES = 4096
_SHORT_NAME_LENGTH = 32

_type: Callable[[object], type[object]] = type


def jsonable(
    properties: dict[str, Any], max_bytes: int = MAX_BYTES, *, name: str = "properties", whole: str = "the event"
) -> dict[str, Any]:
    """Return a copy that the JSON encoder writes as documented, or refuse a value by its path.

    ========================================  ==========================================
    Python                                    JSON
    ========================================  ==========================================
    str, int, float, bool, None               the same; NaN and the infinities are refused
    datetime, date, time                      a string in ISO 8601; in UTC if its offset has seconds
    Decimal                                   a string of its digits
    UUID                                      a string
    Enum                                      its value
    list, tuple, set, frozenset               an array; a set is sorted
    dict, dataclass                           an object; keys are strings, whole numbers become strings
    Pydantic model                            its own JSON form: `model_dump(mode="json")`, with its sets sorted
    scalars of numpy and pandas               as the Python value that they stand for; NaT and NA are refused
    Period and Interval of pandas             a string, as `str` gives it
    timedelta, also of numpy and pandas       refused: give its seconds, or a text
    ========================================  ==========================================

    Every container is read once, in one call, and the copy is what is checked and written: a change that another
    thread makes meanwhile is in it as a whole or not at all.

    Args:
        properties: The event's properties; they are not changed.
        max_bytes: How long their JSON may be. What is certainly longer is refused before it is copied as a whole: a
            list that holds another one twice, which holds another one twice, grows with each level.
        name: What they are called in messages: a value's path begins with it, unless it is empty.
        whole: What they belong to, or are, in messages about their length.

    Raises:
        ValidationError: JSON cannot carry a value, and the message names its path; or the copy is certain to be longer.
    """
    copy = properties.copy()
    # The keys are texts: the event has checked them. They need no counting here: each stands once.
    if len(copy) <= _FEW_ITEMS and _is_flat(copy.values(), max_bytes):
        return copy
    try:
        return _Copier(max_bytes).whole(copy)
    except ValueRefused as refused:
        problem = refused.message(properties, name, whole)
    except RecursionError:
        problem = f"{whole} is nested deeper than the stack of this thread allows; flatten it"
    # Reporters of crashes record the variables of every frame: none of ours holds a value when an error leaves it.
    del properties, copy
    raise ValidationError(problem, outcome="rejected")


def form_of_model(model: object, name: str = "properties", whole: str = "the event") -> dict[str, Any]:
    """Return what `jsonable` makes of a model, under the names of its aliases and without what was left out.

    Args:
        model: An instance of a Pydantic model.
        name: As for `jsonable`.
        whole: As for `jsonable`.

    Raises:
        ValidationError: JSON cannot carry a value, and the message names its path; or the model writes no object.
    """
    form: object = None
    written: dict[Any, Any] = {}
    try:
        form = own_form(model, MAX_BYTES // _LEAST_ITEM_BYTES, by_alias=True)
        if isinstance(form, dict):
            written = cast("dict[Any, Any]", cast("object", form))
            drop_left_out(model, written)
            return _Copier(MAX_BYTES).whole(written)
        problem = f"{name}: {type(model).__name__} writes itself as {type(form).__name__}; let it write an object"
    except ValueRefused as refused:
        problem = refused.message(model, name, whole)
    except RecursionError:
        problem = f"{whole} is nested deeper than the stack of this thread allows; flatten it"
    del model, form, written  # for reporters of crashes, as above
    raise ValidationError(problem, outcome="rejected")


def _is_flat(values: Iterable[Any], room: int) -> bool:
    """Whether there is nothing to replace, and texts of so many characters at most: so most events are."""
    for value in values:
        kind = _type(value)
        if kind is str:
            room -= len(value)
        elif kind not in _LEAVES and not (kind is float and isfinite(value)):
            return False
    return room >= 0


def _length_of_new(name: str) -> int:
    """Return the length of a name that is not known as short, and know it from now on if it is."""
    length = len(name)
    if length <= _SHORT_NAME_LENGTH and len(_short_names) < _MAX_SHORT_NAMES:
        _short_names.add(name)
    return length


def unwritable(document: Any, name: str = "properties", whole: str = "the event") -> str:
    """Return why the encoder raised for properties that are JSON-able; the names are those of `jsonable`."""
    refused = _first_unwritable(document)
    return f"{whole} cannot be written as JSON" if refused is None else refused.message(document, name, whole)


class _Copier:
    """Makes one copy.

    Attributes:
        items: How many items were copied: a container's before they are looked at.
        room: How many bytes there are for items, besides the texts and long numbers that were counted.
    """

    __slots__ = ("_limit", "items", "room")

    def __init__(self, max_bytes: int) -> None:
        self.room = self._limit = max_bytes
        self.items = 0

    def whole(self, copy: dict[Any, Any]) -> dict[str, Any]:
        """Make the outermost dictionary JSON-able, in place."""
        copy = self.object_copy(copy, 0)
        # A container's texts are counted at its end.
        self._count(0)
        return copy

    def object_copy(self, copy: dict[Any, Any], depth: int) -> dict[str, Any]:
        """Make a copied dictionary JSON-able, in place.

        Nested properties spend their time here: one call for each object, and one look at each of its items.
        """
        count = len(copy)
        self.items = items = self.items + count
        if items > _FEW_ITEMS or depth >= MAX_DEPTH:
            self._watch(depth, (*copy, *copy.values()))
        depth += 1
        length = _NAME_MARKS * count
        with_odd_keys: list[tuple[object, Any]] | None = None
        name = value = None
        try:
            for name, value in copy.items():
                if name not in _short_names:
                    if _type(name) is not str:
                        # Under its own name, once it has one: a key's own code could do anything to the dictionary.
                        with_odd_keys = with_odd_keys or []
                        with_odd_keys.append((name, value))
                        continue
                    length += _length_of_new(name)
                kind = _type(value)
                if kind is str:
                    length += len(value)
                elif kind is dict:
                    copy[name] = self.object_copy(value.copy(), depth)
                elif kind is list:
                    copy[name] = self.array_copy([*value], depth)
                elif kind not in _LEAVES and not (kind is float and isfinite(value)):
                    copy[name] = self.value_copy(value, depth)
        except Exception as error:
            refuse_at(error, name, value)
            raise
        self.room -= length
        return self._named(copy, with_odd_keys, depth) if with_odd_keys else copy

    def array_copy(self, copy: list[Any], depth: int, step: str = "[{}]") -> list[Any]:
        """Make a copied list JSON-able, in place."""
        self.items = items = self.items + len(copy)
        if items > _FEW_ITEMS or depth >= MAX_DEPTH:
            self._watch(depth, copy)
        depth += 1
        length = place = 0
        value = None
        try:
            for value in copy:
                kind = _type(value)
                if kind is str:
                    length += len(value)
                elif kind is dict:
                    copy[place] = self.object_copy(value.copy(), depth)
                elif kind is list:
                    copy[place] = self.array_copy([*value], depth)
                elif kind not in _LEAVES and not (kind is float and isfinite(value)):
                    copy[place] = self.value_copy(value, depth)
                place += 1
        except ValueRefused as refused:
            refused.at(step.format(place), value)
            raise
        self.room -= length
        return copy

    def value_copy(self, value: Any, depth: int) -> object:
        """Return the JSON-able copy of any value."""
        kind = _type(value)
        if kind is dict:
            return self.object_copy(value.copy(), depth)
        if kind is list:
            return self.array_copy([*value], depth)
        if kind in _LEAVES:
            return self._counted(value)
        convert = _SCALARS.get(kind)
        return self._odd(value, depth) if convert is None else self._counted(convert(value))

    def _counted(self, scalar: object) -> object:
        if type(scalar) is str:
            self._count(len(scalar))
        return scalar

    def _count(self, length: int) -> None:
        """Count texts of so many characters."""
        self.room -= length
        if self.room < _LEAST_ITEM_BYTES * self.items:
            raise ValueRefused(f"is more than {self._limit} bytes long, the limit; {SHORTEN}", is_whole=True)

    def _named(self, copy: dict[Any, Any], items: list[tuple[object, Any]], depth: int) -> dict[str, Any]:
        """Name what stands under other keys than strings, and replace it."""
        names = {id(key): name_of(key) for key, _ in items}
        self._count(sum(map(len, names.values())))
        named = {names.get(id(key), key): value for key, value in copy.items()}
        if len(named) < len(copy):
            raise ValueRefused("has two keys that become the same string")
        copy.clear()
        copy.update(named)
        for key, value in items:
            name = names[id(key)]
            try:
                copy[name] = self.value_copy(value, depth)
            except ValueRefused as refused:
                refused.at(f".{name}", value)
                raise
        return copy

    def _watch(self, depth: int, items: Iterable[object]) -> None:
        """Refuse what is too deep, or certain to be too long: long numbers are counted as well."""
        if depth >= MAX_DEPTH:
            raise ValueRefused(f"is nested more than {MAX_DEPTH} levels deep; flatten it")
        for item in items:
            if type(item) is int and item.bit_length() > _LONG_NUMBER_BITS:
                self.room -= item.bit_length() // 4
        self._count(0)

    def _odd(self, value: Any, depth: int) -> object:
        """Return the JSON-able copy of what is of no common type."""
        if isinstance(value, enum.Enum):
            return self._other(read(value, lambda member: member.value), value, depth)
        for kind, convert in _SCALARS.items():
            if isinstance(value, kind):
                return self._counted(read(value, convert))
        if has_own_form(value):
            most_containers = self.room // _LEAST_ITEM_BYTES - self.items
            return self._other(read(value, lambda model: own_form(model, most_containers)), value, depth)
        opened = read(value, _opened)
        if isinstance(opened, dict):
            return self.object_copy(opened, depth)
        if isinstance(opened, list):
            return self.array_copy(opened, depth)
        if isinstance(opened, set):
            # Sorted, because a set's own order differs from process to process, and a repeat must be the same bytes.
            members = self.array_copy([*opened], depth, "{{}}")
            # Sorting may write them.
            self._count(0)
            return _sorted(members)
        return self._other(read(value, python_value), value, depth)

    def _other(self, other: object, value: object, depth: int) -> object:
        """Return the copy of what stands for a value; if that is the value itself, nothing does."""
        if other is not value:
            return self.value_copy(other, depth)
        raise ValueRefused(without_form(value))


_SCALARS: dict[type, Callable[[Any], object]] = {
    str: str.__str__,
    int: int.__int__,
    float: finite,
    Decimal: digits,
    dt.datetime: moment,
    dt.time: time_of_day,
    dt.date: text_of,
    uuid.UUID: text_of,
}
"""How a value of such a type, or of one derived from it, is made JSON-able. The order counts: a datetime is a date."""


def _opened(value: Any) -> dict[Any, Any] | list[Any] | set[Any] | None:
    """Return what is in a container; None for anything else."""
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value).items())
    if isinstance(value, (list, tuple)):
        return list(cast("list[object]", value))
    if isinstance(value, (set, frozenset)):
        return set(cast("set[object]", value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return None


def _sorted(members: list[Any]) -> list[Any]:
    try:
        return in_order(members)
    except ValueError:
        for member in members:
            if refused := _first_unwritable(member):
                raise refused.at("{}", member) from None
        raise


def _first_unwritable(value: Any) -> ValueRefused | None:
    """Return what is wrong with the first part of a JSON-able value for which the encoder raises."""
    if isinstance(value, dict):
        named = cast("dict[object, object]", value)
        places: Iterable[tuple[object, object]] = named.items()
        step = ".{}"
        try:
            for name in named:
                name_of(name)
        except ValueRefused as odd_name:
            return odd_name
    elif isinstance(value, list):
        places, step = enumerate(cast("list[object]", value)), "[{}]"
    else:
        try:
            to_json(value)
        except Exception:  # noqa: BLE001 - all that is left to go wrong is text
            return ValueRefused("holds a lone surrogate, which UTF-8 cannot carry; clean the text")
        return None
    for place, item in places:
        if type(place) is str and _first_unwritable(place):
            return ValueRefused("has a key that UTF-8 cannot carry; keys must be strings")
        if refused := _first_unwritable(item):
            return refused.at(step.format(place), item)
    return None
