"""The values that a property may have, and their JSON."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import math
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar, cast

from pydantic import BaseModel
from pydantic_core import to_json

from suprsend_async.errors import ValidationError

T = TypeVar("T")

MAX_DEPTH = 100
"""How deep lists and objects may be nested."""


def plain(value: object, path: str = "properties", ancestors: tuple[int, ...] = ()) -> Any:
    """Return a value that the JSON encoder writes as documented, or refuse it by its path.

    ========================================  ==========================================
    Python                                    JSON
    ========================================  ==========================================
    str, int, float, bool, None               the same; NaN and the infinities are refused
    datetime, date, time                      a string in ISO 8601
    Decimal                                   a string of its digits
    UUID                                      a string
    Enum                                      its value
    list, tuple, set, frozenset               an array; a set is sorted by its elements' JSON
    dict, dataclass, Pydantic model           an object; keys are strings, whole numbers become strings
    ========================================  ==========================================

    Raises:
        ValidationError: JSON cannot carry a value; the message names its path.
    """
    if isinstance(value, enum.Enum):
        return plain(value.value, path, ancestors)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        if not _is_clean(value):
            raise _refusal(path, "holds a lone surrogate, which UTF-8 cannot carry; clean the text")
        return value
    if isinstance(value, float):
        return _finite(value, path)
    if isinstance(value, decimal.Decimal):
        if not value.is_finite():
            raise _refusal(path, "is not a finite number; send None or leave it out")
        return str(value)
    if isinstance(value, (dt.datetime, dt.date, dt.time, uuid.UUID)):
        return _read(value, path, lambda moment: to_json(moment)[1:-1].decode())
    return _container(value, path, ancestors)


def _container(value: object, path: str, ancestors: tuple[int, ...]) -> Any:
    if id(value) in ancestors:
        raise _refusal(path, "contains itself; JSON cannot carry a cycle")
    if len(ancestors) >= MAX_DEPTH:
        # The path of a value this deep would fill pages: its beginning is enough to find it.
        raise _refusal(path[:80] + "…", f"is nested more than {MAX_DEPTH} levels deep; flatten it")
    inside = (*ancestors, id(value))
    opened = _read(value, path, _opened)
    if isinstance(opened, dict):
        document = {
            _key(key, path): plain(item, f"{path}.{key}", inside)
            for key, item in cast("dict[object, object]", opened).items()
        }
        if len(document) < len(cast("dict[object, object]", opened)):
            raise _refusal(path, "has two keys that become the same string")
        return document
    if isinstance(opened, list):
        items = cast("list[object]", opened)
        return [plain(item, f"{path}[{position}]", inside) for position, item in enumerate(items)]
    if isinstance(opened, set):
        members = [plain(item, f"{path}{{}}", inside) for item in cast("set[object]", opened)]
        # Sorted, because a set's own order differs from process to process, and a repeat must be the same bytes.
        return sorted(members, key=to_json)
    kind = type(value).__name__
    raise _refusal(path, f"is of type {kind}, which JSON cannot carry; convert it to a string, number, list or dict")


def _opened(value: object) -> object:
    """Return what is in a container, as a dict, a list or a set; None for anything else."""
    if isinstance(value, BaseModel):
        return value.model_dump()
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value).items())
    if isinstance(value, (list, tuple)):
        return list(cast("list[object]", value))
    if isinstance(value, (set, frozenset)):
        return set(cast("set[object]", value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return None


def _read(value: object, path: str, read: Callable[[object], T]) -> T:
    """Return what a value's own code gives; whatever that raises makes it a refused value."""
    try:
        return read(value)
    except Exception as error:  # noqa: BLE001 - a user's class may raise anything
        problem = type(error).__name__
    raise _refusal(path, f"is a {type(value).__name__} that cannot be read: it raises {problem}")


def _is_clean(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _finite(value: float, path: str) -> float:
    if not math.isfinite(value):
        raise _refusal(path, "is NaN or infinite, which JSON cannot carry; send None or leave it out")
    return value


def _key(key: object, path: str) -> str:
    if isinstance(key, enum.Enum):
        key = key.value
    if isinstance(key, str) and _is_clean(key):
        return key
    if isinstance(key, int) and not isinstance(key, bool):
        with suppress(ValueError):  # Python writes no number of more than 4,300 digits
            return str(key)
    problem = "that UTF-8 cannot carry" if isinstance(key, str) else f"of type {type(key).__name__}"
    raise _refusal(path, f"has a key {problem}; keys must be strings")


def _refusal(path: str, problem: str) -> ValidationError:
    return ValidationError(f"{path} {problem}", outcome="rejected")
