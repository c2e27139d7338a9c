"""Where rows come from: what a source is, its rows and their places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


class Place(NamedTuple):
    """Where an event comes from.

    Attributes:
        source: The source's position among the sources.
        row: The row's number.
        line: The line in which it begins, from 1; 0 if the source has no lines.
    """

    source: int
    row: int
    line: int = 0


class Position(NamedTuple):
    """A place between two rows, from which a source can be read on.

    Attributes:
        number: The number of the next row.
        offset: Where that row begins in the uncompressed content, in bytes; 0 if the source finds it by its number.
        line: The line in which it begins, counted from 1; 0 if the source has no lines.
    """

    number: int
    offset: int = 0
    line: int = 0


FIRST = Position(0, 0, 1)
"""The place before the first row of a source that has lines."""


class Row:  # noqa: PLW1641 - the dictionary of its values has no hash either
    """One row of a source, or the place of one that cannot be read.

    A source may give rows of its own kind, which read their values only when they are asked for: rows wait in numbers
    until they become events, and the bytes of a row take less room and care than the objects made of them.

    Args:
        number: Its ordinal in the source, from 0. It is the same in every run, and counts rows that cannot be read.
        values: The columns that have a value; None if the row cannot be read.
        problem: Why it cannot be read, as a sentence without values; None if it can.
        offset: As in `Position`.
        line: As in `Position`.
        text: The row as it stands in the source, or its beginning, if it cannot be read; b"" if it has no form there.

    Examples:
        >>> from suprsend_async.ingest import Row
        >>> Row(0, {"distinct_id": "user-1"}).position
        Position(number=0, offset=0, line=0)
    """

    size: int = 0
    """About how many bytes the row takes in memory; 0 if nobody knows, or its offset tells."""

    __slots__ = ("_problem", "_text", "_values", "line", "number", "offset")

    def __init__(
        self,
        number: int,
        values: Mapping[str, Any] | None,
        problem: str | None = None,
        offset: int = 0,
        line: int = 0,
        text: bytes = b"",
    ) -> None:
        self.number: int = number
        self.offset: int = offset
        self.line: int = line
        self._values = values
        self._problem = problem
        self._text = text

    @property
    def values(self) -> Mapping[str, Any] | None:
        """The columns that have a value; None if the row cannot be read. Ask once: it may be read with each call."""
        return self._values

    @property
    def problem(self) -> str | None:
        """Why it cannot be read, as a sentence without values; None if it can."""
        return self._problem

    @property
    def text(self) -> bytes:
        """The row as it stands in the source, or its beginning; b"" if it can be read, or has no such form."""
        return self._text

    @property
    def position(self) -> Position:
        """The place before this row: reading on from there gives this row first."""
        return Position(self.number, self.offset, self.line)

    def __eq__(self, other: object) -> bool:
        """Whether both are the same row with the same values, whenever these were read."""
        if not isinstance(other, Row):
            return NotImplemented
        return (self.number, self.offset, self.values, self.problem) == (
            other.number,
            other.offset,
            other.values,
            other.problem,
        )

    def __repr__(self) -> str:
        """Show the place, never the values."""
        return f"Row(number={self.number}, offset={self.offset})"


class Source(Protocol):
    """Rows that can be read in a stream, and again from a place in it.

    `JsonLines`, `Delimited`, `Parquet` and `Arrow` are sources; anything with these methods is one.
    """

    @property
    def name(self) -> str:
        """What people are shown, for example the path."""
        ...

    @property
    def size_bytes(self) -> int | None:
        """The size of what is stored, so of the compressed bytes of a compressed file; None if it is not known."""
        ...

    @property
    def bytes_read(self) -> int:
        """How much of `size_bytes` the latest reading has taken in. Safe to ask from another thread."""
        ...

    def fingerprint(self) -> str | None:
        """Return what identifies the content, wherever it lies; None if nothing can be promised, as for a pipe.

        Raises:
            SourceError: The source cannot be read.
        """
        ...

    def columns(self) -> Sequence[str] | None:
        """Return the names of all columns, or None if only reading the rows can tell.

        Raises:
            SourceError: The source cannot be read.
        """
        ...

    def rows(self, start: Position | None = None) -> Iterator[Row]:
        """Read the rows in a stream, from `start` on or from the first.

        A row that cannot be read is yielded with its problem, and the reading goes on.

        Raises:
            SourceError: The source ends before its end, or cannot be read on.
        """
        ...
