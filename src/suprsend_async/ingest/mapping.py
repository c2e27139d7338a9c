"""The mapping: which columns become what of an event."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain, islice
from typing import TYPE_CHECKING, cast

from suprsend_async.errors import ConfigurationError, ValidationError
from suprsend_async.events.event import Event
from suprsend_async.ingest.column_types import TYPES
from suprsend_async.ingest.key_template import KeyTemplate
from suprsend_async.ingest.names import nearest
from suprsend_async.ingest.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from suprsend_async.ingest.source import Source

SAMPLE_ROWS = 1000
"""How many rows are looked at for columns that nobody knows beforehand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventMapping:
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
        time: When it happened: ISO 8601, taken as UTC if there is no offset, or epoch milliseconds. Left out, all
            events have the time at which the job began.
        types: How to read the text of columns: str, int, float, bool, json, datetime or date. What is no text is
            taken as it is.
        null: Texts that mean that there is no value, for example `NA`. Such a column is left out of the properties,
            as an empty cell of a CSV file always is.

    Raises:
        ConfigurationError: The mapping contradicts itself; the message names the field and what to do.

    Examples:
        >>> from suprsend_async.ingest import EventMapping
        >>> mapping = EventMapping(event="flight_departed", distinct_id="tailnum", types={"dep_delay": "float"})
    """

    distinct_id: str = "distinct_id"
    event: str | None = None
    event_name: str | None = None
    properties: Mapping[str, str] | None = None
    properties_from: str | None = None
    key: str | None = None
    tenant_id: str | None = None
    time: str | None = None
    types: Mapping[str, str] = field(default_factory=dict[str, str])
    null: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Check what can be checked without a source."""
        self._check_kinds()
        if (self.event is None) == (self.event_name is None):
            raise ConfigurationError("give either event, the name of all events, or event_name, the column of the name")
        if self.properties is not None and self.properties_from is not None:
            raise ConfigurationError("give either properties or properties_from, not both")
        if self.key is not None:
            KeyTemplate.parse(self.key)
        for column, kind in self.types.items():
            if kind not in TYPES:
                raise ConfigurationError(f"types: {column!r} cannot be of type {kind!r}; {nearest(kind, TYPES)}")
        try:
            # What no event takes is better told now than for each row.
            Event("user", self.event or "event", dict.fromkeys(self.properties or ()))
        except ValidationError as error:
            raise ConfigurationError(f"no event can be made: {error.message}") from None

    def _check_kinds(self) -> None:
        # What comes from a file may be of any kind, whatever the annotations say.
        for name in _TEXTS:
            value: object = getattr(self, name)
            if value is None and name != "distinct_id":
                continue
            if not isinstance(value, str) or not value:
                raise ConfigurationError(f"{name}: give a text that is not empty, or leave it out")
        for name in ("properties", "types"):
            if not _is_texts_by_name(getattr(self, name)) and not (name == "properties" and self.properties is None):
                raise ConfigurationError(f"{name}: give a table of texts, for example {_EXAMPLES[name]}")
        null: object = self.null
        if not isinstance(null, (list, tuple)) or not all(isinstance(text, str) for text in cast("list[object]", null)):
            raise ConfigurationError('null: give a list of texts, for example ["NA"]')

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
        return sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:32]

    def plan(self, source: Source, *, time: int) -> Plan:
        """Prepare to make events of a source's rows.

        Args:
            source: Where the rows come from.
            time: The time of events that have none of their own, in epoch milliseconds. Give the same again when a
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
        return Plan(self, fingerprint or "", time)

    def doubts(self, source: Source) -> list[str]:
        """Return a sentence for each column that the mapping names and no row among the first has.

        Of JSON Lines nobody knows the columns beforehand: a property that most rows do not have is as good as one that
        is misspelt. So these are for people to read before they send. There are none for a source that knows its
        columns, which `plan` compares, and none for a pipe, which cannot be read twice.

        Raises:
            SourceError: The source cannot be read.
        """
        if source.columns() is not None or source.fingerprint() is None:
            return []
        sample = [row.values for row in islice(source.rows(), SAMPLE_ROWS) if row.values is not None]
        seen = dict.fromkeys(chain.from_iterable(sample))
        return [
            f"{source.name} has no column {column!r} in its first rows; {nearest(column, seen)}"
            for column in sorted(self.named_columns() - seen.keys())
            if sample
        ]

    def _check(self, columns: Sequence[str], name: str) -> None:
        for column in sorted(self.named_columns() - frozenset(columns)):
            raise ConfigurationError(f"{name} has no column {column!r}; {nearest(column, columns)}")


_TEXTS = ("distinct_id", "event", "event_name", "properties_from", "key", "tenant_id", "time")
_EXAMPLES = {"properties": '{amount = "total"}', "types": '{amount = "float"}'}


def _is_texts_by_name(value: object) -> bool:
    if not isinstance(value, Mapping):
        return False
    items = cast("Mapping[object, object]", value).items()
    return all(isinstance(name, str) and name and isinstance(text, str) and text for name, text in items)
