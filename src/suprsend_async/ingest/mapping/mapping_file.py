"""Mappings to any kind of record, from a TOML file or from the words of a command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from suprsend_async.errors import ConfigurationError
from suprsend_async.ingest.mapping.lists import ListMapping
from suprsend_async.ingest.mapping.mapping import EventMapping
from suprsend_async.ingest.mapping.records import EVENTS, USERS, WORKFLOWS, RowKind, records_of
from suprsend_async.ingest.mapping.users import CHANNEL_FIELDS, UserMapping
from suprsend_async.ingest.mapping.workflows import WorkflowMapping
from suprsend_async.ingest.sources.names import shown_path
from suprsend_async.toml import parse_toml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

AnyMapping = EventMapping | UserMapping | WorkflowMapping | ListMapping
"""The mapping to any kind of record."""

MAX_BYTES = 64 * 1024
"""What is larger is no mapping."""


def read_mapping(path: Path, records: str | None = None) -> AnyMapping:
    """Read a mapping from a TOML file, whose keys are the attributes of the mapping's class, and `as`.

    Args:
        path: The file.
        records: What the rows become, as `--as` has it, where the file does not say it with `as`.

    Raises:
        ConfigurationError: The file cannot be read or is no mapping; the message names it, the key and what to do.

    Examples:
        >>> from pathlib import Path
        >>> from suprsend_async.ingest import read_mapping
        >>> read_mapping(Path("examples/flights.toml")).records.name
        'events'
    """
    name = shown_path(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"{name} cannot be read: {error.strerror}") from None
    try:
        return parse_mapping(content, records)
    except ConfigurationError as error:
        raise ConfigurationError(f"{name}: {error.message}") from None


def parse_mapping(content: bytes, records: str | None = None) -> AnyMapping:
    """Return the mapping that the content of a TOML file describes.

    Raises:
        ConfigurationError: It is no mapping; the message names the key and what to do.
    """
    try:
        document = parse_toml(content, "mapping", MAX_BYTES)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    if records is not None and document.setdefault("as", records) != records:
        raise ConfigurationError(f"as: it says {document['as']!r}, and --as says {records!r}; leave out one of them")
    return mapping_of(document)


def mapping_of(document: Mapping[str, Any]) -> AnyMapping:
    """Return the mapping that a document describes.

    Args:
        document: `as`, which is "events" (also if left out), "users", "workflows" or "list:LIST_ID", and the attributes
            of the class that stands for it: `EventMapping`, `UserMapping`, `WorkflowMapping` or `ListMapping`.
            `properties` and `data` may be a list of `COLUMN` and `NAME=COLUMN` as well, `types` one of `COLUMN=TYPE`,
            and `null` a single text.

    Raises:
        ConfigurationError: A key is not known, or a value is not valid.

    Examples:
        >>> from suprsend_async.ingest import mapping_of
        >>> mapping_of({"event": "flight_departed", "properties": ["carrier", "to=dest"]}).properties
        {'carrier': 'carrier', 'to': 'dest'}
        >>> mapping_of({"as": "users", "distinct_id": "id", "email": "mail"}).channels()
        [('$email', 'mail')]
    """
    values = dict(document)
    name = values.pop("as", EVENTS.name)
    if not isinstance(name, str):
        raise ConfigurationError('as: give a text: "events", "users", "workflows" or "list:LIST_ID"')
    records = records_of(name)
    for key in ("properties", "data"):
        if isinstance(columns := values.get(key), list):
            values[key] = _columns(key, _words(key, cast("list[object]", columns)))
    if isinstance(types := values.get("types"), list):
        values["types"] = _types(_words("types", cast("list[object]", types)))
    if isinstance(null := values.get("null"), str):
        values["null"] = [null]
    if records.list_id is not None:
        if "list_id" in values:
            raise ConfigurationError("list_id: as names the list already; leave it out")
        return ListMapping(**values, list_id=records.list_id)
    _point_at_as(records, values)
    return _CLASSES[records.name](**values)


_CLASSES: dict[str, type[EventMapping | UserMapping | WorkflowMapping]] = {
    EVENTS.name: EventMapping,
    USERS.name: UserMapping,
    WORKFLOWS.name: WorkflowMapping,
}


def _point_at_as(records: RowKind, values: Mapping[str, Any]) -> None:
    """Refuse what says that the rows are to become something else: `as` was forgotten."""
    if records != EVENTS or "event" in values or "event_name" in values:
        return
    for meant, keys in ((USERS, CHANNEL_FIELDS), (WORKFLOWS, ("workflow", "workflow_from", "recipients"))):
        if (key := next((key for key in keys if key in values), None)) is not None:
            raise ConfigurationError(
                f"{key}: events have none; to make {meant.nouns} of the rows, add --as {meant.name}, or "
                f'as = "{meant.name}" in a mapping\'s file'
            )


def _columns(key: str, words: Iterable[str]) -> dict[str, str]:
    """Return the column of each property, or of each name in the data, from words such as `carrier` and `to=dest`."""
    columns: dict[str, str] = {}
    for word in words:
        name, equals, column = word.partition("=")
        _set_once(key, columns, name, column if equals else name)
    return columns


def _types(words: Iterable[str]) -> dict[str, str]:
    """Return the type of each column, from words such as `amount=float`."""
    types: dict[str, str] = {}
    for word in words:
        # From the right, for a column's name may have an equals sign in it, and a type's has none.
        column, equals, kind = word.rpartition("=")
        if not equals:
            raise ConfigurationError(f"types: {word!r} names no type; write COLUMN=TYPE, for example amount=float")
        _set_once("types", types, column, kind)
    return types


def _set_once(key: str, pairs: dict[str, str], name: str, value: str) -> None:
    if not name or not value:
        raise ConfigurationError(f"{key}: there is nothing on one side of an equals sign; write NAME=VALUE")
    if name in pairs:
        raise ConfigurationError(f"{key}: {name!r} is given twice; give it once")
    pairs[name] = value


def _words(key: str, items: list[object]) -> list[str]:
    if not all(isinstance(item, str) for item in items):
        raise ConfigurationError(f"{key}: a list may hold strings only")
    return cast("list[str]", items)
