"""A mapping made ready for one source: what is done for each row."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from suprsend_async.events.event import Event
from suprsend_async.ingest.column_types import epoch_milliseconds
from suprsend_async.ingest.errors import MappingError
from suprsend_async.ingest.identity import insert_id_of
from suprsend_async.ingest.key_template import KeyTemplate
from suprsend_async.ingest.names import nearest
from suprsend_async.ingest.property_plan import plan_properties

if TYPE_CHECKING:
    from collections.abc import Mapping

    from suprsend_async.ingest.mapping import EventMapping
    from suprsend_async.ingest.source import Row


class Plan:
    """Makes the events of one source's rows. Made by `EventMapping.plan`.

    Examples:
        >>> from suprsend_async.ingest import EventMapping, open_sources
        >>> [source] = open_sources(["examples/flight_delays.jsonl"])
        >>> mapping = EventMapping(event_name="event_name", properties_from="properties", key="{idempotency_key}")
        >>> plan = mapping.plan(source, time=1767225600000)
        >>> plan.event(next(source.rows())).distinct_id
        'N384HA'
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
        self._properties = plan_properties(mapping)

    def event(self, row: Row) -> Event:
        """Return the row's event: the same, byte for byte, whenever it is made.

        Raises:
            MappingError: The row cannot be read, or lacks what an event needs.
            ValidationError: The event is not valid.
        """
        values = row.values
        if values is None:
            raise MappingError(row.problem or "the row cannot be read", outcome="rejected")
        text = self._text
        event_name = self._event or text(values, self._event_name)
        if self._key is None:
            key = f"{self._fingerprint}-{row.number}-{event_name}"
        else:
            key = self._key.pattern % tuple([text(values, column) for column in self._key.columns])
        return Event(
            text(values, self._distinct_id),
            event_name,
            self._properties(values),
            key,
            None if self._tenant_id is None else text(values, self._tenant_id),
            insert_id=_insert_id(key),
            time=self._time if self._time_column is None else self._moment(values, self._time_column),
        )

    def sent_since(self, row: Row) -> None:
        """Return None: only dead letters know of earlier attempts."""

    def _text(self, values: Mapping[str, Any], column: str) -> str:
        """Return a column's value as it stands in ids, names and keys."""
        value = values.get(column)
        if type(value) is str and value not in self._null:
            return value
        if type(value) is int:
            return str(value)
        if value is None or isinstance(value, str):
            raise _no_value(values, column)
        return _written(value, column)

    def _moment(self, values: Mapping[str, Any], column: str) -> int:
        value = values.get(column)
        if value is None or (isinstance(value, str) and value in self._null):
            raise _no_value(values, column)
        try:
            return epoch_milliseconds(value)
        except ValueError:
            pass
        raise MappingError(
            f"column {column!r} is no time; write ISO 8601 or epoch milliseconds as a whole number", outcome="rejected"
        )


def _no_value(values: Mapping[str, Any], column: str) -> MappingError:
    # The columns of JSON Lines are known only from the rows, so that a misspelt one comes to light here.
    advice = "" if column in values else f"; {nearest(column, tuple(values))}"
    return MappingError(f"column {column!r} has no value{advice}", outcome="rejected")


def _written(value: object, column: str) -> str:
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


def _insert_id(key: str) -> str:
    try:
        return insert_id_of(key)
    except UnicodeEncodeError:
        pass
    raise MappingError("the key holds text that UTF-8 cannot carry", outcome="rejected")
