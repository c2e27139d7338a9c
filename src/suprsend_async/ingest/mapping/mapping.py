"""The mapping: which columns become what of an event, and the events that it makes of a source's rows."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from itertools import chain, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic import ValidationError as PydanticError

from suprsend_async.errors import ConfigurationError, ValidationError
from suprsend_async.events.event import Event
from suprsend_async.ingest.errors import MappingError
from suprsend_async.ingest.mapping.column_values import TYPES, UNITS, epoch_milliseconds
from suprsend_async.ingest.mapping.keys import KeyTemplate, insert_id_of
from suprsend_async.ingest.mapping.properties import plan_properties
from suprsend_async.ingest.sources.names import nearest, shortened

if TYPE_CHECKING:
    from collections.abc import Collection

    from pydantic_core import ErrorDetails

    from suprsend_async.ingest.sources.source import Row, Source


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

    def __init__(self, mapping: EventMapping, fingerprint: str, time: int, columns: Collection[str] = ()) -> None:
        self._distinct_id = mapping.distinct_id
        self._event = mapping.event
        self._event_name = mapping.event_name or ""
        self._tenant_id = mapping.tenant_id
        self._time_column = mapping.time
        self._time_unit = mapping.time_unit
        self._time = time
        self._fingerprint = fingerprint
        self._key = mapping.key
        template = KeyTemplate.parse(mapping.key) if mapping.key is not None else KeyTemplate("", ())
        self._pattern, self._key_columns = template.pattern, template.columns
        # The id comes first because of one column alone it would give no tuple.
        self._pick = itemgetter(mapping.distinct_id, *(self._key_columns or ("",)))
        self._columns = frozenset(columns)
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
        key = f"{self._fingerprint}-{row.number}-{event_name}" if self._key is None else self._filled_in(values)
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

    def _filled_in(self, values: Mapping[str, Any]) -> str:
        """Return the key's template with the columns in their places."""
        # Most rows hold nothing but text and whole numbers there, and that is quickly seen of all cells together.
        try:
            cells = self._pick(values)
            if _AS_THEY_ARE.issuperset(map(type, cells)) and (not self._null or self._null.isdisjoint(cells)):
                filled_in: str = self._pattern % cells[1:]
                return filled_in
        except (KeyError, ValueError):
            pass  # one has no value, or too many digits; the closer look finds it
        return self._pattern % tuple([self._text(values, column) for column in self._key_columns])

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


def _insert_id(key: str) -> str:
    try:
        return insert_id_of(key)
    except UnicodeEncodeError:
        pass
    raise MappingError("the key holds text that UTF-8 cannot carry", outcome="rejected")


SAMPLE_ROWS = 1000
"""How many rows are searched for the columns."""


_Text = Annotated[str, Field(min_length=1, strict=True)]


class EventMapping(BaseModel):
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

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    distinct_id: _Text = "distinct_id"
    event: _Text | None = None
    event_name: _Text | None = None
    properties: Mapping[_Text, _Text] | None = None
    properties_from: _Text | None = None
    key: _Text | None = None
    tenant_id: _Text | None = None
    time: _Text | None = None
    time_unit: _Text | None = None
    types: Mapping[_Text, _Text] = {}
    null: Sequence[Annotated[str, Field(strict=True)]] = ()

    if not TYPE_CHECKING:  # checkers know the fields

        def __init__(self, /, **values: Any) -> None:
            try:
                super().__init__(**values)
            except PydanticError as error:
                problem = _problem(error.errors(include_url=False, include_context=False, include_input=False)[0])
            else:
                return
            raise ConfigurationError(problem)

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
        for column, kind in self.types.items():
            if kind not in TYPES:
                raise ConfigurationError(f"types: {column!r} cannot be of type {kind!r}; {nearest(kind, TYPES)}")
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
        return frozenset(name for name in (*roles, *key, *properties, *self.types) if name is not None)

    def digest(self) -> str:
        """Return what identifies the mapping: equal digests make equal events of equal rows."""
        document = {name: getattr(self, name) for name in _TEXTS}
        # Properties in their order, in which they are sent; of the others the order means nothing.
        document["properties"] = None if self.properties is None else list(self.properties.items())
        document["types"] = sorted(self.types.items())
        document["null"] = sorted(self.null)
        if self.time_unit is not None:
            document["time_unit"] = self.time_unit
        return sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:32]

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
        columns = source.columns()
        if columns is not None:
            self._check(columns, source.name)
        fingerprint = source.fingerprint()
        if fingerprint is None and self.key is None:
            raise ConfigurationError(
                f"{source.name} has no fingerprint to make keys of, so that a second run would send everything twice; "
                "give key, a template of columns, for example order-{order_id}"
            )
        return Plan(self, fingerprint or "", time, columns or ())

    def doubts(self, source: Source) -> list[str]:
        """Return a sentence for each column that the mapping names and no row among the first has.

        The columns of JSON Lines are not known in advance: a property that most rows do not have is as good as one that
        is misspelt. So these are for people to read before they send. There are none for a source that knows its
        columns, which `plan` compares, and none for a pipe, which cannot be read twice.

        Raises:
            SourceError: The source cannot be read.
        """
        if source.columns() is not None or source.fingerprint() is None:
            return []
        # Names alone are kept: the rows may be large.
        sample = (row.values for row in islice(source.rows(), SAMPLE_ROWS))
        seen = dict.fromkeys(chain.from_iterable(values for values in sample if values is not None))
        return [
            f"{source.name} has no column {column!r} in its first rows; {nearest(column, seen)}"
            for column in sorted(self.named_columns() - seen.keys())
            if seen
        ]

    def _check(self, columns: Sequence[str], name: str) -> None:
        for column in sorted(self.named_columns() - frozenset(columns)):
            raise ConfigurationError(f"{name} has no column {column!r}; {nearest(column, columns)}")


_TEXTS = ("distinct_id", "event", "event_name", "properties_from", "key", "tenant_id", "time")
_HOW = {
    "properties": 'give a table of texts, for example {amount = "total"}',
    "types": 'give a table of texts, for example {amount = "float"}',
    "null": 'give a list of texts, for example ["NA"]',
}


def _problem(error: ErrorDetails) -> str:
    """Return in our words what is wrong with a mapping's values, and what to do."""
    name = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return f"there is no key {shortened(name)!r} in a mapping; {nearest(name, tuple(EventMapping.model_fields))}"
    return f"{name}: {_HOW.get(name, 'give a text that is not empty, or leave it out')}"
