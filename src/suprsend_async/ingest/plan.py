"""A mapping made ready for one source: what is done for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from suprsend_async.events.event import Event
from suprsend_async.ingest.column_types import EXPECTED, TYPES, epoch_milliseconds
from suprsend_async.ingest.errors import MappingError
from suprsend_async.ingest.identity import insert_id_of
from suprsend_async.ingest.key_template import KeyTemplate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from suprsend_async.ingest.mapping import EventMapping
    from suprsend_async.ingest.source import Row

Values = dict[str, Any]


class Plan:
    """Makes the events of one source's rows. Made by `EventMapping.plan`.

    Example:
        >>> from suprsend_async.ingest import EventMapping, Row, open_sources
        >>> [source] = open_sources(["examples/flight_delays.jsonl"])
        >>> mapping = EventMapping(event_name="event_name", properties_from="properties", key="{idempotency_key}")
        >>> plan = mapping.plan(source, time=1767225600000)
        >>> [plan.event(row).distinct_id for row in source.rows() if row.number < 3]
        ['N384HA', 'N504MQ', 'N517MQ']
    """

    def __init__(self, mapping: EventMapping, fingerprint: str, time: int) -> None:
        self._distinct_id = mapping.distinct_id
        self._event = mapping.event
        self._event_name = mapping.event_name or ""
        self._tenant_id = mapping.tenant_id
        self._time_column = mapping.time
        self._time = time
        self._fingerprint = fingerprint
        self._key = None if mapping.key is None else KeyTemplate.parse(mapping.key)
        self._null = frozenset(mapping.null)
        self._converters = {column: (kind, TYPES[kind]) for column, kind in mapping.types.items() if kind != "str"}
        self._properties = self._plan_properties(mapping)

    def event(self, row: Row) -> Event:
        """Return the row's event: the same, byte for byte, whenever it is made.

        Raises:
            MappingError: The row cannot be read, or lacks what an event needs.
            ValidationError: The event is not valid.
        """
        values = row.values
        if values is None:
            raise MappingError(row.problem or "the row cannot be read", outcome="rejected")
        if self._null:
            values = self._without_null(values)
        event_name = self._event or _text(values, self._event_name)
        if self._key is None:
            key = f"{self._fingerprint}-{row.number}-{event_name}"
        else:
            key = self._key.pattern % tuple([_text(values, column) for column in self._key.columns])
        return Event(
            _text(values, self._distinct_id),
            event_name,
            self._properties(values),
            key,
            None if self._tenant_id is None else _text(values, self._tenant_id),
            insert_id=_insert_id(key),
            time=self._time if self._time_column is None else _time(values, self._time_column),
        )

    def _without_null(self, values: Mapping[str, Any]) -> Values:
        null = self._null
        return {name: value for name, value in values.items() if not (isinstance(value, str) and value in null)}

    def _plan_properties(self, mapping: EventMapping) -> Callable[[Mapping[str, Any]], Values]:
        convert = self._convert
        if mapping.properties_from is not None:
            source = mapping.properties_from
            return lambda values: _object(values, source)
        if mapping.properties is not None:
            pairs = tuple(mapping.properties.items())
            return lambda values: {name: convert(column, values[column]) for name, column in pairs if column in values}
        roles = {mapping.distinct_id, mapping.event_name, mapping.tenant_id, mapping.time}
        return lambda values: {
            column: convert(column, value) for column, value in values.items() if column not in roles
        }

    def _convert(self, column: str, value: Any) -> Any:
        kind_and_converter = self._converters.get(column)
        if kind_and_converter is None or not isinstance(value, str):
            return value
        kind, converter = kind_and_converter
        try:
            return converter(value)
        except ValueError:
            problem = f"column {column!r} is not {EXPECTED[kind]}, as its type {kind} wants it"
        raise MappingError(problem, outcome="rejected")


def _text(values: Mapping[str, Any], column: str) -> str:
    """Return a column's value as it stands in ids, names and keys."""
    value = values.get(column)
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    return _text_of_other(value, column, values)


def _text_of_other(value: object, column: str, values: Mapping[str, Any]) -> str:
    if value is None:
        raise MappingError(f"column {column!r} has no value", outcome="rejected")
    raise MappingError(
        f"column {column!r} is of type {type(value).__name__}, of which no text can be made", outcome="rejected"
    )


def _object(values: Mapping[str, Any], column: str) -> Values:
    value = values.get(column)
    if isinstance(value, dict):
        return cast("Values", value)
    raise MappingError(f"column {column!r} does not hold an object with the properties", outcome="rejected")


def _time(values: Mapping[str, Any], column: str) -> int:
    value = values.get(column)
    try:
        return epoch_milliseconds(value)
    except ValueError:
        pass
    raise MappingError(
        f"column {column!r} is no time; write ISO 8601 or epoch milliseconds as a whole number", outcome="rejected"
    )


def _insert_id(key: str) -> str:
    try:
        return insert_id_of(key)
    except UnicodeEncodeError:
        pass
    raise MappingError("the key holds text that UTF-8 cannot carry", outcome="rejected")
