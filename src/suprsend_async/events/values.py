"""The values that a property may have, and their JSON."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import math
import uuid
from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel
from pydantic_core import to_json

from suprsend_async.errors import ValidationError

MAX_DEPTH = 100
"""How deep lists and objects may be nested."""

# These pass through unchanged: the encoder writes them as ISO 8601, as decimal digits in a string, or as hex text.
_ENCODED_AS_TEXT = (dt.datetime, dt.date, dt.time, uuid.UUID)


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
    if value is None or isinstance(value, (bool, int, *_ENCODED_AS_TEXT)):
        return value
    if isinstance(value, str):
        return _text(value, path)
    if isinstance(value, float):
        return _finite(value, path)
    if isinstance(value, decimal.Decimal):
        if not value.is_finite():
            raise _refusal(path, "is not a finite number; send None or leave it out")
        return str(value)
    return _container(value, path, ancestors)


def _container(value: object, path: str, ancestors: tuple[int, ...]) -> Any:
    if id(value) in ancestors:
        raise _refusal(path, "contains itself; JSON cannot carry a cycle")
    if len(ancestors) >= MAX_DEPTH:
        # The path of a value this deep would fill pages: its beginning is enough to find it.
        raise _refusal(path[:80] + "…", f"is nested more than {MAX_DEPTH} levels deep; flatten it")
    inside = (*ancestors, id(value))
    if isinstance(value, BaseModel):
        return plain(_dumped(value, path), path, inside)
    if isinstance(value, Mapping):
        mapping = cast("Mapping[object, object]", value)
        return {_key(key, path): plain(item, f"{path}.{key}", inside) for key, item in mapping.items()}
    if isinstance(value, (list, tuple)):
        items = cast("list[object]", value)
        return [plain(item, f"{path}[{position}]", inside) for position, item in enumerate(items)]
    if isinstance(value, (set, frozenset)):
        members = [plain(item, f"{path}{{}}", inside) for item in cast("set[object]", value)]
        # Sorted, because a set's own order differs from process to process, and a repeat must be the same bytes.
        return sorted(members, key=to_json)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: plain(getattr(value, field.name), f"{path}.{field.name}", inside)
            for field in dataclasses.fields(value)
        }
    kind = type(value).__name__
    raise _refusal(path, f"is of type {kind}, which JSON cannot carry; convert it to a string, number, list or dict")


def _text(value: str, path: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _refusal(path, "holds a lone surrogate, which UTF-8 cannot carry; clean the text") from None
    return value


def _finite(value: float, path: str) -> float:
    if not math.isfinite(value):
        raise _refusal(path, "is NaN or infinite, which JSON cannot carry; send None or leave it out")
    return value


def _key(key: object, path: str) -> str:
    if isinstance(key, enum.Enum):
        key = key.value
    if isinstance(key, str):
        return _text(key, f"{path}, in a key")
    if isinstance(key, int) and not isinstance(key, bool):
        return str(key)
    raise _refusal(path, f"has a key of type {type(key).__name__}; keys must be strings")


def _dumped(model: BaseModel, path: str) -> dict[str, Any]:
    try:
        return model.model_dump()
    except Exception as error:  # noqa: BLE001 - a model's own serializers may raise anything
        kind = type(error).__name__
    raise _refusal(path, f"is a {type(model).__name__} whose model_dump() raises {kind}")


def _refusal(path: str, problem: str) -> ValidationError:
    return ValidationError(f"{path} {problem}", outcome="rejected")
