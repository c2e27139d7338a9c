"""JSON Lines: one object on each line, in which no name stands twice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from pydantic_core import from_json

from suprsend_async.ingest.errors import SourceError
from suprsend_async.ingest.sources.lines import (
    BARE_RETURNS,
    MAX_LINE_BYTES,
    MAX_TEXT_BYTES,
    RETURNS_CONVERSION,
    TOO_LONG,
    checked_beginning,
    skip,
    skip_rest,
)
from suprsend_async.ingest.sources.reader import Reader
from suprsend_async.ingest.sources.source import FIRST, Row
from suprsend_async.json_names import repeated_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suprsend_async.ingest.sources.source import Position


_COLON = ord(":")
_BACKSLASH = ord("\\")
_RETURN_BETWEEN_OBJECTS = re.compile(rb"\}[ \t]*\r[ \t\r]*\{")
"""Within one value neither JSON's syntax nor its texts have this."""
_MOST_PLACES = 32
"""So many places where lines have colons are remembered; of more, a look at all values is as quick."""


class NameCount:
    """Recognises lines in which a name is given twice. It learns where the lines of its source have colons."""

    __slots__ = ("_lists", "_objects", "_texts")

    def __init__(self) -> None:
        self._texts: tuple[str, ...] = ()
        self._lists: tuple[str, ...] = ()
        self._objects: tuple[tuple[str, NameCount], ...] = ()

    def lacks_one(self, text: bytes, values: dict[str, Any]) -> bool:
        """Return whether a line has a name more than what was parsed of it."""
        colons = text.count(_COLON)
        if colons != self._colons(values):
            if colons != _colons_in(values):
                return repeated_name(text) is not None
            self._learn(values)
        return _BACKSLASH in text and _may_escape_colons(text) and repeated_name(text) is not None

    def _colons(self, values: dict[str, Any]) -> int:
        """Return how many colons an object has where others had some; so never too many."""
        count = len(values)
        for name in self._texts:
            text = values.get(name)
            if type(text) is str:
                count += text.count(":")
        for name, inner in self._objects:
            value: Any = values.get(name)
            if value.__class__ is dict:
                count += inner._colons(value)
        for name in self._lists:
            # An object of that name has been counted; twice, it would make up for a name.
            value = values.get(name)
            if value.__class__ is list:
                count += _colons_in(value)
        return count

    def _learn(self, values: dict[str, Any]) -> None:
        """Look from now on where this object has colons, and where the last ones had, unless that is too much."""
        if len(self._texts) + len(self._lists) + len(self._objects) > _MOST_PLACES:
            self._texts, self._lists, self._objects = (), (), ()
        texts = [name for name, value in values.items() if type(value) is str and ":" in value]
        lists = [name for name, value in values.items() if type(value) is list and _colons_in(value)]
        self._texts = tuple(dict.fromkeys([*self._texts, *texts]))
        self._lists = tuple(dict.fromkeys([*self._lists, *lists]))
        objects = dict(self._objects)
        for name, value in values.items():
            if value.__class__ is dict:
                objects.setdefault(name, NameCount())._learn(value)
        self._objects = tuple(objects.items())


def _colons_in(value: Any) -> int:
    """Return how many colons the JSON of a value has, those in the names of its objects apart."""
    if isinstance(value, str):
        return value.count(":")
    if isinstance(value, dict):
        nested = cast("dict[str, Any]", value)
        return len(nested) + sum(_colons_in(item) for item in nested.values())
    if isinstance(value, list):
        return sum(_colons_in(item) for item in cast("list[object]", value))
    return 0


def from_json_once(text: str) -> Any:
    """Return what JSON means in which no object gives a name twice.

    Raises:
        ValueError: It is no JSON, or an object does.
    """
    value: object = from_json(text)
    if (text.count(":") != _colons_in(value) or "\\" in text) and repeated_name(text) is not None:
        raise ValueError
    return value


def _may_escape_colons(text: bytes) -> bool:
    """Return whether parsed texts may have a colon that the line has not: it could make up for a name."""
    return text.find(b"\\u003", text.find(_BACKSLASH)) >= 0


class JsonLines(Reader):
    """A file with one JSON object on each line, in UTF-8. Blank lines are no rows.

    Examples:
        >>> from pathlib import Path
        >>> from suprsend_async.ingest import FileContent, JsonLines
        >>> source = JsonLines(FileContent(Path("examples/flight_delays.jsonl")))
        >>> next(source.rows()).values["distinct_id"]
        'N384HA'
    """

    def columns(self) -> None:
        """Return None: each line names its own columns."""

    def _read(self, start: Position) -> Iterator[Row]:
        number, offset, line = start if start.line else FIRST
        names = NameCount()
        with self._content.open() as file:
            skip(file, offset)
            while text := file.readline(MAX_LINE_BYTES):
                size = len(text)
                if number == 0:
                    text = self._checked_beginning(text)
                if size == MAX_LINE_BYTES and (rest := skip_rest(text, file)):
                    size += rest
                    yield Row(number, None, TOO_LONG, offset, line, text[:MAX_TEXT_BYTES])
                    number += 1
                elif not text.isspace():
                    yield _JsonLine(number, text, offset, line, names)
                    number += 1
                offset += size
                line += 1

    def _checked_beginning(self, text: bytes) -> bytes:
        text = checked_beginning(text, self.name)
        if text.lstrip().startswith(b"["):
            raise SourceError(
                f"{self.name} is one JSON array and not one object on each line; convert it first: jq -c '.[]'"
            )
        if _RETURN_BETWEEN_OBJECTS.search(text):
            raise SourceError(f"{self.name} {BARE_RETURNS}")
        return text


class _JsonLine(Row):
    """A row that is parsed when its values are asked for."""

    __slots__ = ("_names",)

    def __init__(self, number: int, text: bytes, offset: int, line: int, names: NameCount) -> None:
        self.number = number
        self.offset = offset
        self.line = line
        self._text = text
        self._names = names

    @property
    def values(self) -> dict[str, Any] | None:
        text = self._text
        try:
            # Names repeat from line to line; to look for texts that do would cost more than it saves.
            values: dict[str, Any] = from_json(text, cache_strings="keys")
        except ValueError:
            return None
        if type(values) is not dict or "" in values or self._names.lacks_one(text, values):
            return None
        return values

    @property
    def problem(self) -> str | None:
        return None if self.values is not None else _problem(self._text)


def _problem(text: bytes) -> str:
    """Return what is wrong with a line that gives no values."""
    try:
        values: dict[str, Any] = from_json(text)
    except ValueError as error:
        if _RETURN_BETWEEN_OBJECTS.search(text):
            return (
                "the line holds several objects with carriage returns between them; convert the file first: "
                f"{RETURNS_CONVERSION}"
            )
        torn = "" if text.endswith(b"\n") else "; it is the last line, and it has no end: the file is cut short"
        return f"the line is not valid JSON: {error}{torn}"
    if type(values) is not dict:
        return "the line is not a JSON object"
    if "" in values:
        return f"the line gives column number {list(values).index('') + 1} no name; give it one, or leave it out"
    return f"the line gives the name {repeated_name(text)!r} twice in one object; each name may occur once"
