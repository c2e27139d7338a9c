"""What stands in a row's columns, read as ids, names, keys and moments."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from uuid import UUID

from suprsend_async.ingest.errors import MappingError
from suprsend_async.ingest.mapping.column_values import epoch_milliseconds
from suprsend_async.ingest.mapping.keys import KeyTemplate
from suprsend_async.ingest.sources.names import nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from suprsend_async.ingest.mapping.columns import ColumnMapping
    from suprsend_async.ingest.sources.source import Row


class CellReader:
    """Reads the cells of one source's rows; each kind of record makes its plan of it."""

    def __init__(
        self, mapping: ColumnMapping, columns: Collection[str], key: str | None = None, time_unit: str | None = None
    ) -> None:
        self._columns = frozenset(columns)
        self._null = frozenset(mapping.null)
        self._time_unit = time_unit
        template = KeyTemplate.parse(key) if key is not None else KeyTemplate("", ())
        self._pattern, self._key_columns = template.pattern, template.columns
        self._id_column = mapping.distinct_id
        self._has_id_in_key = mapping.distinct_id in self._key_columns
        # The id comes first because of one column alone it would give no tuple.
        self._pick = itemgetter(mapping.distinct_id, *(self._key_columns or ("",)))

    def sent_since(self, row: Row) -> None:
        """Return None: only dead letters know of earlier attempts."""

    def _filled_in(self, values: Mapping[str, Any]) -> str:
        """Return the key's template with the columns in their places."""
        # Most rows hold nothing but text and whole numbers there, and that is quickly seen of all cells together.
        try:
            cells = self._pick(values)
            if (
                _AS_THEY_ARE.issuperset(map(type, cells))
                and (not self._null or self._null.isdisjoint(cells))
                and not (self._has_id_in_key and _has_margin(cells[0]))
            ):
                filled_in: str = self._pattern % cells[1:]
                return filled_in
        except (KeyError, ValueError):
            pass  # one has no value, or too many digits; the closer look finds it
        return self._pattern % tuple([self._key_text(values, column) for column in self._key_columns])

    def _key_text(self, values: Mapping[str, Any], column: str) -> str:
        """Return a column's value as it stands in a key: an id without white space around it, as it is sent."""
        text = self._text(values, column)
        return text.strip() if column == self._id_column else text

    def _text(self, values: Mapping[str, Any], column: str) -> str:
        """Return a column's value as it stands in ids, names and keys."""
        value = values.get(column)
        if type(value) is str and not (self._null and value in self._null):
            return value
        if type(value) is int:
            try:
                return str(value)
            except ValueError:
                pass  # it has too many digits
        if value is None or isinstance(value, str):
            raise self._no_value(values, column)
        return _written(value, column)

    def _has_value(self, values: Mapping[str, Any], column: str) -> bool:
        value = values.get(column)
        return value is not None and not (isinstance(value, str) and value in self._null)

    def _moment(self, values: Mapping[str, Any], column: str) -> int:
        value = values.get(column)
        if value is None or (isinstance(value, str) and value in self._null):
            raise self._no_value(values, column)
        try:
            return epoch_milliseconds(value, self._time_unit)
        except ValueError as error:
            problem = str(error)
        raise MappingError(f"column {column!r} {problem}", outcome="rejected")

    def _no_value(self, values: Mapping[str, Any], column: str) -> MappingError:
        # The columns of JSON Lines are known only from the rows, so that a misspelt one comes to light here.
        is_known = column in values or column in self._columns
        advice = "" if is_known else f"; {nearest(column, tuple(values))}"
        return MappingError(f"column {column!r} has no value{advice}", outcome="rejected")


_AS_THEY_ARE = frozenset({str, int})


def _has_margin(cell: object) -> bool:
    return isinstance(cell, str) and cell.strip() != cell


def _written(value: object, column: str) -> str:
    if type(value) is int:
        raise MappingError(f"column {column!r} holds a number with too many digits", outcome="rejected")
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, (UUID, Decimal)):
        return str(value)
    # Not of a float: 1545.0 is not the user 1545.
    raise MappingError(
        f"column {column!r} is of type {type(value).__name__}; ids, names and keys are made of text, whole numbers and "
        "times",
        outcome="rejected",
    )


def values_of(row: Row) -> Mapping[str, Any]:
    """Return a row's values.

    Raises:
        MappingError: The row cannot be read.
    """
    values = row.values
    if values is None:
        raise MappingError(row.problem or "the row cannot be read", outcome="rejected")
    return values
