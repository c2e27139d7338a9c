"""CSV and TSV: a header, and one record on each line or on several, if quoted text goes over them."""

from __future__ import annotations

import codecs
import csv
import re
from typing import TYPE_CHECKING, Any, Protocol

from suprsend_async.counting import counted
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
from suprsend_async.ingest.sources.names import unique
from suprsend_async.ingest.sources.reader import Reader
from suprsend_async.ingest.sources.source import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from suprsend_async.ingest.sources.content import Content
    from suprsend_async.ingest.sources.source import Position


class Delimited(Reader):
    r"""A CSV file with a header in its first line. All values are text; an empty cell has no value.

    Blank lines are no rows. Every column has a name, and no two have the same.

    Args:
        content: Where the bytes come from.
        delimiter: What stands between two cells: `,` in CSV, `\t` in TSV.
        encoding: Any encoding in which a line ends with the byte of ASCII's line feed, so not UTF-16. A byte-order
            mark of UTF-8 is skipped.

    Raises:
        SourceError: The encoding or the delimiter cannot be used.

    Examples:
        >>> from pathlib import Path
        >>> from suprsend_async.ingest import Delimited, FileContent
        >>> source = Delimited(FileContent(Path("examples/flights.csv")))
        >>> source.columns()[:3]
        ('year', 'month', 'day')
    """

    def __init__(self, content: Content, *, delimiter: str = ",", encoding: str = "utf-8") -> None:
        super().__init__(content)
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise SourceError(f"{content.name}: the delimiter must be one character, and neither a quote nor a newline")
        self._delimiter = delimiter
        self._encoding = _checked_encoding(encoding, content.name)
        self._columns: tuple[str, ...] | None = None

    def columns(self) -> Sequence[str]:
        """Return the names in the header. It is read once."""
        if self._columns is None:
            with self._telling(), self._content.open() as file:
                self._columns = self._header(*self._records(file))
        return self._columns

    def _records(self, file: BinaryIO) -> tuple[_Lines, _Records]:
        lines = _Lines(file, self._encoding, self.name)
        return lines, csv.reader(iter(lines), delimiter=self._delimiter, strict=True)

    def _header(self, lines: _Lines, records: _Records) -> tuple[str, ...]:
        names: list[str] = []
        try:
            while not names:
                names = next(records)
        except StopIteration:
            if lines.problem is None:
                raise SourceError(f"{self.name} is empty: it has no header") from None
            if b"\r" in lines.text.rstrip():
                raise SourceError(f"{self.name} {BARE_RETURNS}") from None
        except csv.Error as error:
            if _is_bare_return(error):
                raise SourceError(f"{self.name} {BARE_RETURNS}") from None
            raise SourceError(f"{self.name}: the header is not valid CSV: {error}") from None
        if lines.problem is not None:
            raise SourceError(f"{self.name}: the header cannot be read: {lines.problem}")
        return unique(names, self.name)

    def _read(self, start: Position) -> Iterator[Row]:
        with self._content.open() as file:
            lines, records = self._records(file)
            names = self._columns = self._header(lines, records)
            width = len(names)
            number, lines_before = 0, 1
            if start.line:
                lines.go_to(start.offset)
                number, lines_before = start.number, start.line - records.line_num
            while True:
                offset, line = lines.offset, records.line_num
                lines.text = b""
                problem: str | None = None
                try:
                    cells = next(records)
                except StopIteration:
                    return
                except csv.Error as error:
                    cells, problem = [], _csv_problem(error, records.line_num - line)
                else:
                    if cells and len(cells) != width:
                        problem = f"the record has {counted(len(cells), 'cell')} where the header has {width}"
                if problem is not None or lines.problem is not None:
                    problem = lines.taken_problem() or problem
                    yield Row(number, None, problem, offset, line + lines_before, lines.text[:MAX_TEXT_BYTES])
                    number += 1
                elif cells:
                    yield Row(number, _values(names, cells), None, offset, line + lines_before)
                    number += 1


class _Records(Protocol):
    """What `csv.reader` returns."""

    line_num: int

    def __next__(self) -> list[str]: ...


def _is_bare_return(error: csv.Error) -> bool:
    """Return whether a carriage return outside of quotes is what is wrong. Only the text tells."""
    return "new-line character" in str(error)


def _csv_problem(error: csv.Error, lines: int) -> str:
    if _is_bare_return(error):
        return (
            "the record is not valid CSV: a carriage return stands outside of quotes; quote its cell, or if lines end "
            f"so, convert the file first: {RETURNS_CONVERSION}"
        )
    extent = f"; it spans {lines} lines, so a quote may be missing" if lines > 1 else ""
    return f"the record is not valid CSV: {error}{extent}"


def _values(names: tuple[str, ...], cells: list[str]) -> dict[str, Any]:
    # There are as many of both; to have it checked once more would cost a twentieth of the reading.
    pairs = zip(names, cells)  # noqa: B905
    return {name: cell for name, cell in pairs if cell} if "" in cells else dict(pairs)


class _Lines:
    """Lines of text for the `csv` module, and what it does not give: where they lie and which are damaged.

    The module takes no line before it needs it, so `offset` is the end of the record that it gave last.

    Attributes:
        offset: Where the next line begins, in bytes.
        problem: What is wrong with a line of the record; None if nothing is.
        text: The lines since it was last emptied, or at least as many of their bytes as a dead letter holds.
    """

    def __init__(self, file: BinaryIO, encoding: str, name: str) -> None:
        self.offset = 0
        self.problem: str | None = None
        self.text = b""
        self._file = file
        self._encoding = encoding
        self._name = name

    def go_to(self, offset: int) -> None:
        """Go on at the beginning of a record that lies further on."""
        skip(self._file, offset - self.offset)
        self.offset = offset

    def taken_problem(self) -> str | None:
        """Return what is wrong with a line, and forget it."""
        problem, self.problem = self.problem, None
        return problem

    def __iter__(self) -> Iterator[str]:
        encoding = self._encoding
        while line := self._file.readline(MAX_LINE_BYTES):
            data = checked_beginning(line, self._name) if self.offset == 0 else line
            self.offset += len(line)
            if not self.text:
                self.text = data
            elif len(self.text) < MAX_TEXT_BYTES:
                self.text += data
            if len(line) == MAX_LINE_BYTES and (rest := skip_rest(line, self._file)):
                self.offset += rest
                self.problem = TOO_LONG
                data = b""
            try:
                yield data.decode(encoding)
            except UnicodeDecodeError:
                other = "cp1252" if encoding.lower().startswith("utf") else "utf-8"
                self.problem = (
                    f"the record has bytes that are not {encoding}; if the file has another encoding, name it, for "
                    f"example --encoding {other}"
                )
                yield data.decode(encoding, "replace")


def _checked_encoding(encoding: str, name: str) -> str:
    """Return an encoding in which lines can be read.

    Raises:
        SourceError: There is no such encoding, or lines and quotes are other bytes in it than in ASCII.
    """
    try:
        known = codecs.lookup(encoding).name
        # A mark at the beginning is skipped anyway.
        usable = "utf-8" if known == "utf-8-sig" else encoding
        if _SAMPLE.encode(usable) == _SAMPLE.encode("ascii"):
            return usable
    except LookupError:
        raise SourceError(f"{name}: there is no encoding named {encoding!r}; use for example utf-8 or cp1252") from None
    except ValueError:
        # Of names that no encoding can have, and of codecs for something else than text.
        raise SourceError(f"{name}: no file is in the encoding {encoding!r}; use for example utf-8 or cp1252") from None
    # As iconv writes it; without -BE or -LE the order of bytes is that of the file's mark.
    wide = _WIDE.fullmatch(known)
    advice = f": iconv -f UTF-{wide[1]}{(wide[2] or '').upper()} -t UTF-8 FILE > NEW" if wide else ""
    raise SourceError(
        f"{name}: a file in {encoding} cannot be read; convert it to UTF-8 first, and leave the encoding out{advice}"
    )


_WIDE = re.compile("utf-(16|32)(?:-([bl]e))?")
_SAMPLE = 'a,"\t\r\n'
