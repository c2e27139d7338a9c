"""JSON Lines: one JSON object on each line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pydantic_core import from_json

from suprsend_async.ingest.errors import SourceError
from suprsend_async.ingest.lines import MAX_LINE_BYTES, TOO_LONG, skip, skip_rest, without_mark
from suprsend_async.ingest.reading import Reader
from suprsend_async.ingest.source import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suprsend_async.ingest.source import Position


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
        number, offset = start if start.offset else (0, 0)
        with self._content.open() as file:
            skip(file, offset)
            while line := file.readline(MAX_LINE_BYTES):
                size = len(line)
                if number == 0:
                    line = self._checked_beginning(line)
                if size == MAX_LINE_BYTES and (rest := skip_rest(line, file)):
                    size += rest
                    yield Row(number, None, TOO_LONG, offset)
                    number += 1
                elif not line.isspace():
                    yield _Line(number, line, offset)
                    number += 1
                offset += size

    def _checked_beginning(self, line: bytes) -> bytes:
        line = without_mark(line, self.name)
        if line.lstrip().startswith(b"["):
            raise SourceError(
                f"{self.name} is one JSON array and not one object on each line; convert it first: jq -c '.[]'"
            )
        return line


class _Line(Row):
    """A row that is parsed when its values are asked for."""

    __slots__ = ("_text",)

    def __init__(self, number: int, text: bytes, offset: int) -> None:
        self.number = number
        self.offset = offset
        self._text = text

    @property
    def values(self) -> dict[str, Any] | None:
        parsed = _parse(self._text)
        return parsed if isinstance(parsed, dict) else None

    @property
    def problem(self) -> str | None:
        parsed = _parse(self._text)
        return parsed if isinstance(parsed, str) else None


def _parse(line: bytes) -> dict[str, Any] | str:
    """Return the line's object, or what is wrong with it."""
    try:
        # Names repeat from line to line; to look for texts that do would cost more than it saves.
        values = from_json(line, cache_strings="keys")
    except ValueError as error:
        torn = "" if line.endswith(b"\n") else "; it is the last line, and it has no end: the file is cut short"
        return f"the line is not valid JSON: {error}{torn}"
    return cast("dict[str, Any]", values) if isinstance(values, dict) else "the line is not a JSON object"
