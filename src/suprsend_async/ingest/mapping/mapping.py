"""The mapping to events: which columns become what of an event, and the events that it makes of a source's rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

from pydantic import model_validator

from suprsend_async.errors import ConfigurationError, ValidationError
from suprsend_async.events.event import Event
from suprsend_async.ingest.errors import MappingError
from suprsend_async.ingest.mapping.cells import CellReader
from suprsend_async.ingest.mapping.column_values import UNITS
from suprsend_async.ingest.mapping.columns import ColumnMapping, ColumnName, digest_of, present
from suprsend_async.ingest.mapping.keys import KeyTemplate, insert_id_of
from suprsend_async.ingest.mapping.properties import plan_properties
from suprsend_async.ingest.mapping.records import EVENTS, RowKind
from suprsend_async.ingest.sources.names import nearest

if TYPE_CHECKING:
    from collections.abc import Collection

    from suprsend_async.ingest.sources.source import Row, Source


class Plan(CellReader):
    """Makes the events of one source's rows. Made by `EventMapping.plan`.

    Examples:
        >>> from suprsend_async.ingest import EventMapping, open_sources
        >>> [source] = open_sources(["examples/flight_delays.jsonl"])
        >>> mapping = EventMapping(event_name="event_name", properties_from="properties", key="{idempotency_key}")
        >>> plan = mapping.plan(source, time=1767225600000)
        >>> plan.event(next(source.rows())).distinct_id
        'N384HA'
    """

    def __init__(self, mapping: EventMapping, fingerprint: str, time: int, columns: Collection[str] = ()) -> None:
        super().__init__(mapping, columns, mapping.key, mapping.time_unit)
        self._distinct_id = mapping.distinct_id
        self._event = mapping.event
        self._event_name = mapping.event_name or ""
        self._tenant_id = mapping.tenant_id
        self._time_column = mapping.time
        self._time = time
        self._fingerprint = fingerprint
        self._key = mapping.key
        self._properties = plan_properties(
            mapping,
            mapping.properties,
            mapping.properties_from,
            (mapping.distinct_id, mapping.event_name, mapping.tenant_id, mapping.time),
        )

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
        key = f"{self._fingerprint}-{row.number}-{event_name}" if self._key is None else self._filled_in(values)
        return Event(
            text(values, self._distinct_id),
            event_name,
            self._properties(values),
            key,
            None if self._tenant_id is None else text(values, self._tenant_id),
            insert_id=insert_id_of(key),
            time=self._time if self._time_column is None else self._moment(values, self._time_column),
        )


class EventMapping(ColumnMapping):
    """Says which columns of a row become what of its event. All but `event` and `key` are names of columns.

    Attributes:
        distinct_id: The user's id. A whole number becomes its digits.
        event: The name of all events, if they have the same.
        event_name: The event's name, if `event` is not given.
        properties: The column of each property. Left out, all columns that serve as nothing else become properties
            of their own names; columns that only the key names are among them.
        properties_from: A column that holds an object with all the properties.
        key: A template for the idempotency key, for example `flight-{carrier}-{flight}`. Left out, the key is made of
            the source's fingerprint, the row's number and the event's name.
        tenant_id: The tenant.
        time: When it happened: ISO 8601, taken as UTC if there is no offset, or a number since 1970. Left out, all
            events have the time at which the job began.
        time_unit: What such numbers count: s, ms, us or ns. Left out, it is recognised of times since 2001.
        types: How to read the text of columns: str, int, float, decimal, bool, json, datetime or date. What is no
            text is taken as it is.
        null: Texts that mean that there is no value, for example `NA`. Such a column is left out of the properties,
            as an empty cell of a CSV file always is.

    Raises:
        ConfigurationError: The mapping contradicts itself; the message names the field and what to do.

    Examples:
        >>> from suprsend_async.ingest import EventMapping
        >>> mapping = EventMapping(event="flight_departed", distinct_id="tailnum", types={"dep_delay": "float"})
    """

    event: ColumnName | None = None
    event_name: ColumnName | None = None
    properties: Mapping[ColumnName, ColumnName] | None = None
    properties_from: ColumnName | None = None
    key: ColumnName | None = None
    tenant_id: ColumnName | None = None
    time: ColumnName | None = None
    time_unit: ColumnName | None = None

    @property
    def records(self) -> RowKind:
        """Events."""
        return EVENTS

    @model_validator(mode="after")
    def _check_without_a_source(self) -> Self:
        if (self.event is None) == (self.event_name is None):
            raise ConfigurationError("give either event, the name of all events, or event_name, the column of the name")
        if self.properties is not None and self.properties_from is not None:
            raise ConfigurationError("give either properties or properties_from, not both")
        if self.key is not None:
            KeyTemplate.parse(self.key)
        if self.time_unit is not None and self.time_unit not in UNITS:
            raise ConfigurationError(
                f"time_unit: there is no unit {self.time_unit!r}; {nearest(self.time_unit, UNITS)}"
            )
        if self.time_unit is not None and self.time is None:
            raise ConfigurationError("time_unit is given without time, the column that it is of")
        try:
            # What no event takes is better said now than for each row.
            Event("user", self.event or "event", dict.fromkeys(self.properties or ()))
        except ValidationError as error:
            raise ConfigurationError(f"no event can be made: {error.message}") from None
        return self

    def columns(self) -> frozenset[str] | None:
        """Return the columns that are needed, so that no others are read; None if it is all of them."""
        if self.properties is None and self.properties_from is None:
            return None
        return self.named_columns()

    def named_columns(self) -> frozenset[str]:
        """Return the columns that the mapping names."""
        roles = (self.distinct_id, self.event_name, self.properties_from, self.tenant_id, self.time)
        key = KeyTemplate.parse(self.key).columns if self.key is not None else ()
        properties = self.properties.values() if self.properties is not None else ()
        return present((*roles, *key, *properties, *self.types))

    def digest(self) -> str:
        """Return what identifies the mapping: equal digests make equal events of equal rows."""
        document = {name: getattr(self, name) for name in _TEXTS}
        # Properties in their order, in which they are sent; of the others the order means nothing.
        document["properties"] = None if self.properties is None else list(self.properties.items())
        document["types"] = sorted(self.types.items())
        document["null"] = sorted(self.null)
        if self.time_unit is not None:
            document["time_unit"] = self.time_unit
        return digest_of(document)

    def plan(self, source: Source, *, time: int) -> Plan:
        """Prepare to make events of a source's rows.

        Args:
            source: Where the rows come from.
            time: The time of events without one, in epoch milliseconds. Give the same again when a
                job is resumed, so that the same bytes are sent.

        Raises:
            ConfigurationError: The source has no such column, or no key can be made for its rows.
            SourceError: The source cannot be read.
        """
        columns = self._columns_of(source)
        fingerprint = source.fingerprint()
        if fingerprint is None and self.key is None:
            raise ConfigurationError(
                f"{source.name} has no fingerprint to make keys of, so that a second run would send everything twice; "
                "give key, a template of columns, for example order-{order_id}"
            )
        return Plan(self, fingerprint or "", time, columns)


_TEXTS = ("distinct_id", "event", "event_name", "properties_from", "key", "tenant_id", "time")
