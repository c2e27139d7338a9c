"""JSON Lines: one JSON object on each line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pydantic_core import from_json

from suprsend_async.ingest.reading import Reader
from suprsend_async.ingest.source import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from suprsend_async.ingest.source import Position

MAX_LINE_BYTES = 16 * 1024 * 1024
"""A longer line is a row that cannot be read, so that no file is ever held in memory as one line."""


class JsonLines(Reader):
    """A file with one JSON object on each line, in UTF-8. Blank lines are no rows.

    Example:
        >>> from pathlib import Path
        >>> from suprsend_async.ingest import FileContent, JsonLines
        >>> source = JsonLines(FileContent(Path("examples/flight_delays.jsonl")))
        >>> next(source.rows()).values["distinct_id"]
        'N384HA'
    """

    def columns(self) -> None:
        """Return None: each line names its own columns."""

    def _read(self, start: Position) -> Iterator[Row]:
        with self._content.open() as file:
            number, offset = start
            file.seek(offset)
            while line := file.readline(MAX_LINE_BYTES):
                values, problem = _parse(line)
                size = len(line)
                if values is not None or problem is not None:
                    yield Row(number, values, problem, offset)
                    number += 1
                offset += size


def _parse(line: bytes) -> tuple[Mapping[str, Any] | None, str | None]:
    """Return the line's object, or what is wrong with it; neither for a blank line."""
    try:
        values = from_json(line)
    except ValueError as error:
        return (None, None) if line.isspace() else (None, f"is not valid JSON: {error}")
    if isinstance(values, dict):
        return cast("dict[str, Any]", values), None
    return None, "is not a JSON object"
