"""Arrow's values as Python objects, the same ones whatever else is installed.

pyarrow gives nanoseconds as pandas' objects if pandas is there, and refuses them if it is not; it takes time zones from
pytz or from the system, and half floats from numpy. So columns are first made of types for which it needs nobody.
"""

from __future__ import annotations

import zoneinfo
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable


_UTC = "+00:00"
_NAMES_OF_UTC = frozenset({"UTC", "Etc/UTC", "GMT", "Etc/GMT", "Universal", "Zulu", "Z"})


class UnreadableType(Exception):  # noqa: N818 - it never leaves this package
    """A column is of a type whose values cannot be had in the same way everywhere; the text says why."""


class Form(NamedTuple):
    """How the values of a type become Python objects.

    Attributes:
        type: The type to cast them to.
        localize: What is done with each of the objects that are not None; None for nothing.
    """

    type: Any
    localize: Callable[[Any], Any] | None = None


def form_of(pyarrow: Any, kind: Any) -> Form:
    """Return how the values of a column become Python objects.

    Raises:
        UnreadableType: They cannot.
    """
    is_decoded = _is_stored_once(pyarrow, kind) and _is_plain(pyarrow, kind.value_type)
    return _form(pyarrow, kind.value_type if is_decoded else kind)


def _is_stored_once(pyarrow: Any, kind: Any) -> bool:
    """Return whether a value is stored once and referred to by many: in a dictionary, or by runs."""
    return bool(pyarrow.types.is_dictionary(kind) or pyarrow.types.is_run_end_encoded(kind))


def _is_plain(pyarrow: Any, kind: Any) -> bool:
    """Return whether pyarrow can write such values out, which were stored once. It has no way for the others."""
    types = pyarrow.types
    if _is_view(pyarrow, kind) or types.is_union(kind) or isinstance(kind, pyarrow.BaseExtensionType):
        return False
    return not _is_stored_once(pyarrow, kind) and all(
        _is_plain(pyarrow, inner) for inner in _inner_types(pyarrow, kind)
    )


def _is_view(pyarrow: Any, kind: Any) -> bool:
    return bool(pyarrow.types.is_string_view(kind) or pyarrow.types.is_binary_view(kind))


def _form(pyarrow: Any, kind: Any) -> Form:
    types = pyarrow.types
    if types.is_timestamp(kind):
        return _moment(pyarrow, kind)
    if types.is_time64(kind) or (types.is_duration(kind) and kind.unit == "ns"):
        return Form((pyarrow.time64 if types.is_time64(kind) else pyarrow.duration)("us"))
    if types.is_float16(kind):
        return Form(pyarrow.float32())
    if types.is_dictionary(kind) and not types.is_nested(kind.value_type) and _is_plain(pyarrow, kind.value_type):
        return _form(pyarrow, kind.value_type)
    if types.is_struct(kind) or types.is_map(kind):
        return _struct(pyarrow, kind) if types.is_struct(kind) else _map(pyarrow, kind)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _list(pyarrow, kind)
    return _uncast(pyarrow, kind)


def _uncast(pyarrow: Any, kind: Any) -> Form:
    for inner in _inner_types(pyarrow, kind):
        as_it_is = Form(inner.value_type if pyarrow.types.is_dictionary(inner) else inner)
        if _form(pyarrow, inner) not in (Form(inner), as_it_is):
            raise UnreadableType(f"is of type {kind}, in which {inner} cannot be read; make it a list or a struct")
    return Form(kind)


def _inner_types(pyarrow: Any, kind: Any) -> list[Any]:
    """Return the types inside a type that cannot be cast."""
    if isinstance(kind, pyarrow.BaseExtensionType):
        return [kind.storage_type]
    if _is_stored_once(pyarrow, kind):
        return [kind.value_type]
    return [kind.field(place).type for place in range(kind.num_fields)]


def _moment(pyarrow: Any, kind: Any) -> Form:
    unit = "us" if kind.unit == "ns" else kind.unit
    if kind.tz is None or kind.tz in _NAMES_OF_UTC:
        return Form(pyarrow.timestamp(unit, kind.tz and _UTC))
    if kind.tz[:1] in "+-":
        return Form(pyarrow.timestamp(unit, kind.tz))
    try:
        zone = zoneinfo.ZoneInfo(kind.tz)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        advice = "write it in UTC" if zoneinfo.available_timezones() else "pip install tzdata"
        raise UnreadableType(f"is in the time zone {kind.tz!r}, which is not known here; {advice}") from None

    def localize(moment: dt.datetime) -> dt.datetime:
        return moment.astimezone(zone)

    return Form(pyarrow.timestamp(unit, _UTC), localize)


def _struct(pyarrow: Any, kind: Any) -> Form:
    fields = [kind.field(place) for place in range(kind.num_fields)]
    forms = [_form(pyarrow, field.type) for field in fields]
    type_ = pyarrow.struct([field.with_type(form.type) for field, form in zip(fields, forms, strict=True)])
    local = {field.name: form.localize for field, form in zip(fields, forms, strict=True) if form.localize is not None}

    def localize(values: dict[str, Any]) -> dict[str, Any]:
        return {
            name: local[name](value) if name in local and value is not None else value for name, value in values.items()
        }

    return Form(type_, localize if local else None)


def _map(pyarrow: Any, kind: Any) -> Form:
    keys, items = _form(pyarrow, kind.key_type), _form(pyarrow, kind.item_type)
    type_ = pyarrow.map_(keys.type, items.type, keys_sorted=kind.keys_sorted)

    def localize(values: dict[Any, Any]) -> dict[Any, Any]:
        return {_local(keys, key): _local(items, item) for key, item in values.items()}

    return Form(type_, localize if keys.localize or items.localize else None)


def _list(pyarrow: Any, kind: Any) -> Form:
    inner = _form(pyarrow, kind.value_type)
    field = kind.value_field.with_type(inner.type)
    if pyarrow.types.is_fixed_size_list(kind):
        type_ = pyarrow.list_(field, kind.list_size)
    else:
        type_ = (pyarrow.large_list if pyarrow.types.is_large_list(kind) else pyarrow.list_)(field)

    def localize(values: list[Any]) -> list[Any]:
        return [_local(inner, value) for value in values]

    return Form(type_, localize if inner.localize else None)


def _local(form: Form, value: Any) -> Any:
    return value if value is None or form.localize is None else form.localize(value)


class _Reading(NamedTuple):
    """How one column is read: what is done with it in turn."""

    type: Any | None
    localize: Callable[[Any], Any] | None
    decode: Callable[[Any], Any] | None
    is_shared: bool
    maps: str | None
    counts_nulls: bool


class RecordMaker:
    """Makes records of batches that have one schema.

    Args:
        pyarrow: The module.
        schema: The batches' schema.

    Attributes:
        schema: The same.

    Raises:
        UnreadableType: A column cannot be read; the text begins with its name.
    """

    def __init__(self, pyarrow: Any, schema: Any) -> None:
        self.schema = schema
        self._pyarrow = pyarrow
        self._names: list[str] = list(schema.names)
        self._columns = [self._reading(field) for field in schema]

    def _reading(self, field: Any) -> _Reading:
        try:
            type_, localize = form_of(self._pyarrow, field.type)
        except UnreadableType as error:
            raise UnreadableType(f"column {field.name!r} {error}") from None
        types = self._pyarrow.types
        is_dictionary = types.is_dictionary(type_)
        return _Reading(
            type_ if type_ != field.type else None,
            localize,
            decode=_decoding(self._pyarrow, field.type) if type_ != field.type else None,
            is_shared=is_dictionary and _is_view(self._pyarrow, type_.value_type),
            # Of two equal keys in a map, none may get lost. It is asked for only where there are maps, for it is slow.
            maps="strict" if "map<" in str(type_) else None,
            counts_nulls=not (types.is_union(type_) or _is_stored_once(self._pyarrow, type_)),
        )

    def records(self, batch: Any) -> list[dict[str, Any]]:
        """Return the batch's rows, each with the columns in which it has a value.

        Raises:
            Exception: pyarrow has no form for a value.
        """
        columns = [self._column(place, column) for place, column in enumerate(batch.columns)]
        rows = zip(*(values for values, _ in columns), strict=True) if columns else [()] * batch.num_rows
        names = self._names
        # There are as many of both; to have it checked for each row would cost a tenth of the reading.
        records = [dict(zip(names, row)) for row in rows]  # noqa: B905
        # Few columns have nulls, and few of their rows: taking these out costs less than a look at every value.
        for name, (values, has_nulls) in zip(names, columns, strict=True):
            if has_nulls:
                for record, value in zip(records, values, strict=True):
                    if value is None:
                        del record[name]
        return records

    def failing_column(self, batch: Any) -> str:
        """Return the name of the first column of which pyarrow cannot make objects."""
        for place, column in enumerate(batch.columns):
            try:
                self._column(place, column)
            except MemoryError:
                raise
            except Exception:  # noqa: BLE001 - as `records` raises
                return self._names[place]
        return ""

    def _column(self, place: int, column: Any) -> tuple[list[Any], bool]:
        """Return a column's objects, and whether any of them is None."""
        reading = self._columns[place]
        if reading.is_shared:
            return _shared(column), True
        if reading.decode is not None:
            column = reading.decode(column)
        if reading.type is not None:
            column = column.cast(reading.type, safe=False)
        values: list[Any] = column.to_pylist(maps_as_pydicts=reading.maps)
        localize = reading.localize
        if localize is not None:
            values = [value if value is None else localize(value) for value in values]
        return values, column.null_count > 0 or not reading.counts_nulls


def _decoding(pyarrow: Any, kind: Any) -> Callable[[Any], Any] | None:
    """Return what writes out values that are stored once; None if there are none, or the cast does it."""
    if pyarrow.types.is_run_end_encoded(kind):
        decode: Callable[[Any], Any] = import_module("pyarrow.compute").run_end_decode
        return decode
    if pyarrow.types.is_dictionary(kind) and pyarrow.types.is_nested(kind.value_type):
        return lambda column: column.dictionary_decode()
    return None


def _shared(column: Any) -> list[Any]:
    """Return the objects of a dictionary's texts. Each is made once: pyarrow would make it anew for each row."""
    places: list[int | None] = column.indices.to_pylist()
    dictionary = column.dictionary
    texts = {place: None if place is None else dictionary[place].as_py() for place in set(places)}
    return [texts[place] for place in places]
