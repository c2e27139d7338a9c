"""Mappings from a TOML file or from the words of a command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from suprsend_async.errors import ConfigurationError
from suprsend_async.ingest.mapping.mapping import EventMapping
from suprsend_async.ingest.sources.names import shown_path
from suprsend_async.toml import parse_toml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


MAX_BYTES = 64 * 1024
"""What is larger is no mapping."""


def read_mapping(path: Path) -> EventMapping:
    """Read a mapping from a TOML file, whose keys are the attributes of `EventMapping`.

    Raises:
        ConfigurationError: The file cannot be read or is no mapping; the message names it, the key and what to do.

    Examples:
        >>> from pathlib import Path
        >>> from suprsend_async.ingest import read_mapping
        >>> read_mapping(Path("examples/flights.toml")).event
        'flight_departed'
    """
    name = shown_path(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"{name} cannot be read: {error.strerror}") from None
    try:
        return parse_mapping(content)
    except ConfigurationError as error:
        raise ConfigurationError(f"{name}: {error.message}") from None


def parse_mapping(content: bytes) -> EventMapping:
    """Return the mapping that the content of a TOML file describes.

    Raises:
        ConfigurationError: It is no mapping; the message names the key and what to do.
    """
    try:
        document = parse_toml(content, "mapping", MAX_BYTES)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    return mapping_of(document)


def mapping_of(document: Mapping[str, Any]) -> EventMapping:
    """Return the mapping that a document describes.

    Args:
        document: The attributes of `EventMapping`. `properties` may be a list of `COLUMN` and `NAME=COLUMN` as well,
            `types` one of `COLUMN=TYPE`, and `null` a single text.

    Raises:
        ConfigurationError: A key is not known, or a value is not valid.

    Examples:
        >>> from suprsend_async.ingest import mapping_of
        >>> mapping_of({"event": "flight_departed", "properties": ["carrier", "to=dest"]}).properties
        {'carrier': 'carrier', 'to': 'dest'}
    """
    values = dict(document)
    if isinstance(properties := values.get("properties"), list):
        values["properties"] = _columns(_words("properties", cast("list[object]", properties)))
    if isinstance(types := values.get("types"), list):
        values["types"] = _types(_words("types", cast("list[object]", types)))
    if isinstance(null := values.get("null"), str):
        values["null"] = [null]
    return EventMapping(**values)


def _columns(words: Iterable[str]) -> dict[str, str]:
    """Return the column of each property, from words such as `carrier` and `to=dest`."""
    columns: dict[str, str] = {}
    for word in words:
        name, equals, column = word.partition("=")
        _set_once("properties", columns, name, column if equals else name)
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
