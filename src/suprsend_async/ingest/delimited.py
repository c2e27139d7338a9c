"""CSV and TSV: a header, and one record on each line or on several, if quoted text goes over them."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any, Protocol

from suprsend_async.ingest.errors import SourceError
from suprsend_async.ingest.lines import MAX_LINE_BYTES, TOO_LONG, skip, skip_rest, without_mark
from suprsend_async.ingest.names import unique
from suprsend_async.ingest.reading import Reader
from suprsend_async.ingest.source import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from suprsend_async.ingest.content import Content
    from suprsend_async.ingest.source import Position


class Delimited(Reader):
    r"""A CSV file with a header in its first line. All values are text; an empty cell has no value.

    Blank lines are no rows. A column without a name is called `column_N`.

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
        _check_encoding(encoding, content.name)
        self._delimiter = delimiter
        self._encoding = encoding
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
        try:
            names: list[str] = []
            while not names:
                names = next(records)
        except StopIteration:
            raise SourceError(f"{self.name} is empty: it has not even a header") from None
        except csv.Error as error:
            raise SourceError(f"{self.name}: the header is not valid CSV: {error}") from None
        if problem := lines.taken_problem():
            raise SourceError(f"{self.name}: the header cannot be read: {problem}")
        return unique(names, self.name)

    def _read(self, start: Position) -> Iterator[Row]:
        with self._content.open() as file:
            lines, records = self._records(file)
            names = self._columns = self._header(lines, records)
            number = 0
            if start.offset:
                lines.go_to(start.offset)
                number = start.number
            offset = lines.offset
            for cells, problem in _cells(records, len(names)):
                problem = lines.taken_problem() or problem  # noqa: PLW2901 - the one that came first
                if problem is not None:
                    yield Row(number, None, problem, offset)
                    number += 1
                elif cells:
                    yield Row(number, _values(names, cells), None, offset)
                    number += 1
                offset = lines.offset


class _Records(Protocol):
    """What `csv.reader` returns."""

    line_num: int

    def __next__(self) -> list[str]: ...


def _cells(records: _Records, width: int) -> Iterator[tuple[list[str], str | None]]:
    """Return the cells of each record and what is wrong with it; no cells for a blank line."""
    while True:
        lines_before = records.line_num
        try:
            cells = next(records)
        except StopIteration:
            return
        except csv.Error as error:
            count = records.line_num - lines_before
            extent = f"; it goes over {count} lines, so a quote may be missing" if count > 1 else ""
            yield [], f"the record is not valid CSV: {error}{extent}"
            continue
        if cells and len(cells) != width:
            yield [], f"the record has {len(cells)} cells where the header has {width}"
        else:
            yield cells, None


def _values(names: tuple[str, ...], cells: list[str]) -> dict[str, Any]:
    if "" in cells:
        return {name: cell for name, cell in zip(names, cells, strict=True) if cell}
    return dict(zip(names, cells, strict=True))


class _Lines:
    """Lines of text for the `csv` module, and what it does not tell: where they lie and which are damaged.

    The module takes no line before it needs it, so `offset` is the end of the record that it gave last.
    """

    def __init__(self, file: BinaryIO, encoding: str, name: str) -> None:
        self.offset = 0
        self._file = file
        self._encoding = encoding
        self._name = name
        self._problem: str | None = None

    def go_to(self, offset: int) -> None:
        """Go on at the beginning of a record that lies further on."""
        skip(self._file, offset - self.offset)
        self.offset = offset

    def taken_problem(self) -> str | None:
        """Return what was wrong with a line since the last call."""
        problem = self._problem
        self._problem = None
        return problem

    def __iter__(self) -> Iterator[str]:
        encoding = self._encoding
        while line := self._file.readline(MAX_LINE_BYTES):
            text = without_mark(line, self._name) if self.offset == 0 else line
            self.offset += len(line)
            if len(line) == MAX_LINE_BYTES and (rest := skip_rest(line, self._file)):
                self.offset += rest
                self._problem = TOO_LONG
                text = b""
            try:
                yield text.decode(encoding)
            except UnicodeDecodeError:
                self._problem = (
                    f"the record holds bytes that are not {encoding}; if the file is in another encoding, name that"
                )
                yield text.decode(encoding, "replace")


def _check_encoding(encoding: str, name: str) -> None:
    sample = 'a,"\t\r\n'
    try:
        if sample.encode(encoding) == sample.encode("ascii"):
            return
    except LookupError:
        raise SourceError(f"{name}: there is no encoding named {encoding!r}; use for example utf-8 or cp1252") from None
    raise SourceError(f"{name}: a file in {encoding} cannot be read; convert it first: iconv -f {encoding} -t UTF-8")
