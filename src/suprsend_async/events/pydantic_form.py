"""The JSON form of Pydantic's models and dataclasses, without what Pydantic's own JSON would lose in silence."""

from __future__ import annotations

import datetime as dt
import enum
import json
import uuid
from contextlib import suppress
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from types import GenericAlias
from typing import TYPE_CHECKING, Any, Literal, cast

import pydantic
from pydantic import BaseModel
from pydantic_core import to_json, to_jsonable_python

from suprsend_async.events.json_scalars import ValueRefused, finite, in_order, moment, time_of_day

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from pydantic.fields import FieldInfo

# Of these types Pydantic's JSON loses nothing; nor do they and these others hold anything.
_LOSE_NOTHING = frozenset({str, int, bool, type(None), dt.date, uuid.UUID})
_NAMES = frozenset({str})
_HOLD_NOTHING = _LOSE_NOTHING | {float, Decimal, dt.datetime, dt.time}


def has_own_form(value: object) -> bool:
    """Whether this is an instance of a Pydantic model or dataclass."""
    return hasattr(type(value), "__pydantic_fields__")


def own_form(model: object, most_containers: int, **names: Any) -> object:
    """Return a model's JSON as Python's own containers, texts and numbers: what `model_dump(mode="json")` gives.

    NaN and the infinities are what `model_dump_json` makes of them: strings, if `ser_json_inf_nan` is "strings" in the
    configuration that Pydantic goes by. That is the one of the model that declares the field; for a value in a field of
    any type, the one of the outermost model, unless it is in a model in such a field, which counts as outermost again.
    Null, which is what Pydantic makes of them unasked, is kept where a serializer returns it, or where the nearest
    model around it that sets `ser_json_inf_nan` sets "null". All else is left for the caller to refuse, or refused:
    bare numbers ("constants"), a null that nobody chose, and one where Pydantic ignores the "strings" of a
    nested model.

    The model's serializers, aliases and excluded fields are used. Pydantic's JSON has a set in an order that differs
    from process to process, cuts the seconds off an offset, drops all but one of keys that become the same string, and
    has null for a NaN in a field of any type. Its form for Python shows where: there the set is sorted, the moment
    kept, and the rest refused or left for the caller to refuse.

    Args:
        model: An instance of a model.
        most_containers: How many lists and objects it may be written as, if it holds some of them in several places:
            Pydantic writes each out, which could take the memory of the machine.
        names: `by_alias`, for other names than the model's configuration says.

    Raises:
        ValueRefused: JSON cannot carry a part of it.
        Exception: Whatever the model's own code raises for all fields together.
    """
    known: dict[int, int] = {}
    count = _containers_written(model, known)
    if count > most_containers and count > 2 * len(known):
        raise ValueRefused(
            f"holds lists and objects that stand in so many places that JSON would have {count} of them, not "
            f"{len(known)}; send each once"
        )
    try:
        written = _dump(model, "json", **names)
    except Exception as error:  # noqa: BLE001 - a user's serializer may raise anything
        problem = type(error).__name__
    else:
        return _mended_form(model, written, names)
    refused = ValueRefused(
        f"cannot be written as JSON: {type(model).__name__} raises {problem}; convert it, or give it a serializer"
    )
    field = _failing_field(model)
    raise refused if field is None else refused.at(f".{field}", None)


def drop_left_out(value: Any, written: object) -> None:
    """Take from a model's form by alias what nobody gave and is None: absent and null are not the same to a schema.

    Args:
        value: A part of the model.
        written: What is written of it, which is changed.
    """
    if isinstance(written, dict):
        form = cast("dict[object, object]", written)
        is_model = isinstance(value, BaseModel)
        for name, item in _fields(value).items():
            field = type(value).model_fields.get(name) if is_model else None
            place = (field and field.serialization_alias) or name
            if item is None:
                if field is not None and field.default is None and name not in value.model_fields_set:
                    form.pop(place, None)
            elif type(item) not in _HOLD_NOTHING:
                drop_left_out(item, form.get(place))
    elif isinstance(written, list) and isinstance(value, (list, tuple)):
        parts = cast("list[object]", value)
        if len(parts) == len(cast("list[object]", written)):
            for item, part in zip(parts, cast("list[object]", written), strict=True):
                if type(item) not in _HOLD_NOTHING:
                    drop_left_out(item, part)


def _containers_written(value: Any, known: dict[int, int]) -> int:
    """Count the containers that a value is written as: one that stands in two places is written twice."""
    is_array = isinstance(value, (list, tuple))
    if not (is_array or isinstance(value, dict) or has_own_form(value)):
        return 0
    held = [*cast("list[object]", value)] if is_array else [*_fields(value).values()]
    inside = [item for item in held if type(item) not in _HOLD_NOTHING]
    place = id(cast("object", value))
    if place not in known:
        known[place] = 1  # what is in itself ends here; Pydantic refuses it
        known[place] += sum([_containers_written(item, known) for item in inside])
    return known[place]


def _dump(model: object, mode: Literal["json", "python"], **options: Any) -> object:
    # A warning of Pydantic's shows values.
    if hasattr(model, "model_dump"):
        return cast("BaseModel", model).model_dump(mode=mode, warnings=False, **options)
    return pydantic.TypeAdapter(type(model)).dump_python(model, mode=mode, warnings=False, **options)


def _failing_field(model: object) -> str | None:
    """Return the first field that cannot be written alone."""
    if not isinstance(model, BaseModel) or isinstance(model, pydantic.RootModel):
        return None
    for name in (*type(model).model_fields, *type(model).model_computed_fields):
        try:
            _dump(model, "json", include={name})
        except Exception:  # noqa: BLE001 - this is the one
            return name
    return None


def _mended_form(model: object, written: object, names: dict[str, Any]) -> object:
    try:
        seen = _dump(model, "python", **names)
    except Exception:  # noqa: BLE001 - a serializer that is made for JSON only; its word stands
        seen = written
    odd: list[float] = []
    mended = _mended(written, seen, odd)
    writes_itself = isinstance(model, BaseModel) and type(model).model_dump is not BaseModel.model_dump
    if not odd or writes_itself:
        return mended
    try:
        written = _text_form(model, names)
    except Exception:  # noqa: BLE001 - text that UTF-8 cannot carry, say, which the caller finds again
        return mended
    _refuse_hidden_nan(model, _numbers_kept(model, names), written, None, names)
    return _mended(written, seen, odd)


def _text_form(model: object, names: dict[str, Any]) -> object:
    """Return what is in a model's JSON text: there, and not in `model_dump`, NaN is what `ser_json_inf_nan` says."""
    if isinstance(model, BaseModel):
        return json.loads(BaseModel.model_dump_json(model, warnings=False, **names))
    return json.loads(pydantic.TypeAdapter(type(model)).dump_json(model, warnings=False, **names))


def _refuse_hidden_nan(value: Any, kept: Any, written: Any, chosen: str | None, names: dict[str, Any]) -> None:
    """Refuse a number that Pydantic made null unasked; a null that a serializer or a configuration chose is meant.

    Args:
        value: A part of the model; None if it is not known which.
        kept: What is written of it when numbers are kept.
        written: What is written of it.
        chosen: The nearest `ser_json_inf_nan` of the models that it is in.
        names: As for `own_form`.
    """
    if has_own_form(value):
        chosen = _configured(value) or chosen
        kept = _numbers_kept(value, names)
        value = _fields(value)["root"] if isinstance(value, pydantic.RootModel) else _written_fields(value)
    if isinstance(kept, float):
        if written is None and chosen != "null":
            finite(kept)
        return
    parts, is_object = _parts(kept), isinstance(kept, dict)
    values, texts = _parts(value), _parts(written)
    for place, item in parts.items():
        try:
            _refuse_hidden_nan(values.get(place), item, texts.get(place, item), chosen, names)
        except ValueRefused as refused:
            refused.at(f".{place}" if is_object else f"[{place}]", item)
            raise


def _configured(model: Any) -> str | None:
    config: dict[str, Any] = getattr(model, "model_config", None) or getattr(model, "__pydantic_config__", None) or {}
    return config.get("ser_json_inf_nan")


def _numbers_kept(model: Any, names: dict[str, Any]) -> Any:
    """Return a model's form with each NaN and infinity that Pydantic writes itself, whatever it makes of them."""
    return _keeping_numbers(cast("Hashable", type(model))).dump_python((model,), mode="json", warnings=False, **names)[
        0
    ]


@lru_cache(maxsize=64)
def _keeping_numbers(kind: Any) -> pydantic.TypeAdapter[Any]:
    alone: Any = GenericAlias(tuple, (kind,))  # a model that is in nothing takes no other configuration
    return pydantic.TypeAdapter(alone, config=pydantic.ConfigDict(ser_json_inf_nan="constants"))


def _written_fields(model: Any) -> dict[Any, Any]:
    """Return what is in a model, by each name that it may be written under."""
    fields = _fields(model)
    described = cast("dict[str, FieldInfo]", cast("Any", type(model)).__pydantic_fields__)
    aliases = {field.serialization_alias: fields.get(name) for name, field in described.items()}
    return fields | aliases


def _parts(value: Any) -> dict[Any, Any]:
    """Return what is in an array or an object, by its places in JSON; nothing for what is neither."""
    if isinstance(value, dict):
        items = cast("dict[object, Any]", value)
        names = _written_names(items)
        return dict(zip(names, items.values(), strict=True)) if len(names) == len(items) else {}
    return dict(enumerate(cast("list[Any]", value))) if isinstance(value, (list, tuple)) else {}


def _fields(value: Any) -> dict[Any, object]:
    """Return what is in an object, by its names; nothing for what is none."""
    if isinstance(value, dict):
        return cast("dict[object, object]", value)
    if not has_own_form(value):
        return {}
    fields: dict[Any, object] = getattr(value, "__dict__", {})
    extra: dict[str, object] | None = getattr(value, "__pydantic_extra__", None)
    return {**fields, **extra} if extra else fields


def _mended(written: object, seen: object, odd: list[float]) -> object:
    """Return what was written for JSON, with what was lost of what is seen put back; the caller refuses some of it.

    Args:
        written: A part of the model's JSON, which is changed.
        seen: The same part of its form for Python.
        odd: Takes the numbers that are not finite, be they written as null or as they are.
    """
    if isinstance(seen, enum.Enum):
        seen = seen.value
    if isinstance(written, list):
        return _mended_array(cast("list[object]", written), seen, odd)
    if isinstance(written, dict):
        return _mended_object(cast("dict[object, object]", written), seen, odd)
    if written is None or isinstance(written, float):
        odd += _not_finite([seen if written is None else written])
    elif isinstance(seen, Decimal):
        if not seen.is_finite() and written == str(seen):
            return seen
    elif isinstance(seen, (dt.datetime, dt.time)) and seen.tzinfo is not None and to_json(seen) == to_json(written):
        return moment(seen) if isinstance(seen, dt.datetime) else time_of_day(seen)
    return written


def _mended_array(written: list[object], seen: object, odd: list[float]) -> list[object]:
    if isinstance(seen, (set, frozenset)):
        odd += _not_finite(cast("set[object]", seen))
        with suppress(ValueError):  # text that UTF-8 cannot carry, which the caller finds again
            return in_order(written)
    elif isinstance(seen, (list, tuple)) and len(cast("list[object]", seen)) == len(written):
        return [_mended(*pair, odd) for pair in zip(written, cast("list[object]", seen), strict=True)]
    return written


def _mended_object(written: dict[object, object], seen: object, odd: list[float]) -> dict[object, object]:
    if not isinstance(seen, dict):
        return written
    seen = cast("dict[object, object]", seen)
    names = _written_names(seen)
    if len(names) == len(written) < len(seen):
        return seen
    if len(names) == len(seen):
        for name, item in zip(names, seen.values(), strict=True):
            if type(item) not in _LOSE_NOTHING and name in written:
                written[name] = _mended(written[name], item, odd)
    return written


def _written_names(keys: dict[object, object]) -> dict[object, object]:
    """Return the keys as Pydantic writes them; fewer if some are the same then."""
    if _NAMES.issuperset(map(type, keys)):
        return keys
    names: dict[object, object] = to_jsonable_python(dict.fromkeys(keys))
    return names


def _not_finite(items: Iterable[object]) -> list[float]:
    return [item for item in items if isinstance(item, float) and not isfinite(item)]
