"""Parquet: rows from the columns of a file, in batches of a bounded size."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any

from suprsend_async.ingest.errors import SourceError
from suprsend_async.ingest.sources.columnar import BATCH_ROWS, Columnar, pyarrow_module
from suprsend_async.ingest.sources.held_at_once import is_much
from suprsend_async.ingest.sources.parquet_encryption import encrypted_columns, has_encrypted_footer
from suprsend_async.ingest.sources.parquet_pages import page_bytes
from suprsend_async.ingest.sources.thrift import signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


BATCH_BYTES = 16 * 1024 * 1024
"""How many bytes of a row group are read together, if it is not a single row."""
_CAREFUL_ROWS = 128
_SKEW = 16
"""So many times the average may rows be, where only the average is known."""
_WIDTHS = {"BOOLEAN": 1, "INT32": 4, "INT64": 8, "INT96": 12, "FLOAT": 4, "DOUBLE": 8}
_ROWS_WITH_PREFIXES = 16
_ROWS_LOOKED_AT = 16
_HEADER_BYTES = 16


class BatchSizes:
    """Says for each row group how many rows of it may be read together.

    Args:
        metadata: The file's.
        names: The columns that are read.
        stored: The file's bytes.
        open_file: Opens the file again, with arguments of pyarrow's `ParquetFile`.
    """

    def __init__(self, metadata: Any, names: Sequence[str], stored: Any, open_file: Callable[..., Any]) -> None:
        self._metadata = metadata
        self._stored = stored
        self._open = open_file
        # Of the others nothing may be asked: they may be encrypted.
        places = [place for place in range(metadata.num_columns) if _is_in(metadata.schema.column(place).path, names)]
        self._columns = [_Column(metadata, place) for place in places]
        self._dictionaries: Any = None

    def readings(self, group: int) -> Iterator[tuple[list[int], int]]:
        """Return what is read in turn, from a row group on: row groups, and how many of their rows together."""
        together: list[int] = []
        rows = held = 0
        for each in range(group, self._metadata.num_row_groups):
            total = sum(column.encoded_bytes(each) for column in self._columns)
            at_most = self._rows_at_a_time(each, total)
            # A batch may have rows of several groups.
            if together and (at_most != rows or held + total > BATCH_BYTES):
                yield together, rows
                together, held = [], 0
            together.append(each)
            rows, held = at_most, held + total
        if together:
            yield together, rows

    def held_bytes(self, group: int) -> int:
        """Return about how much memory is held at once from a row group on: a page of each column."""
        return max((self._page_bytes(each) for each in range(group, self._metadata.num_row_groups)), default=0)

    def _page_bytes(self, group: int) -> int:
        total = sum(column.stored_once(group) for column in self._columns)
        # The headers are all over the file: they are read only if it matters.
        return sum(column.page_bytes(group, self._stored) for column in self._columns) if is_much(total) else total

    def _rows_at_a_time(self, group: int, total: int) -> int:
        rows = max(int(self._metadata.row_group(group).num_rows), 1)
        at_most = BATCH_ROWS
        if total > BATCH_BYTES:
            at_most = min(_CAREFUL_ROWS, BATCH_BYTES * rows // (_SKEW * total))
        largest = 1 + sum(self._repeated_bytes(group, rows, column) for column in self._columns)
        return max(1, min(at_most, BATCH_BYTES // largest))

    def _repeated_bytes(self, group: int, rows: int, column: _Column) -> int:
        """Return how much of a row's memory may be what is stored once, and is the value of other rows as well."""
        values = -(-column.values(group) // rows)
        encoded = column.encoded_bytes(group)
        if not column.holds_texts or BATCH_ROWS * values * encoded * len(self._columns) <= BATCH_BYTES:
            return 0
        if column.has_prefixes:
            # Each text may begin with the whole of the one before; but most are short.
            return values * min(encoded, BATCH_BYTES // _ROWS_WITH_PREFIXES)
        return values * self._longest_repeated(group, column)

    def _longest_repeated(self, group: int, column: _Column) -> int:
        """Return the length of the longest text in a column's dictionary; 0 if it has none."""
        stored = column.dictionary_bytes(group, self._stored)
        if not stored or stored > BATCH_BYTES:
            return stored
        if self._dictionaries is None:
            texts = [each.place for each in self._columns if each.holds_texts and not each.has_prefixes]
            self._dictionaries = self._open(read_dictionary=texts)
        # It comes with the first value; the first rows may have none.
        for batch in self._dictionaries.iter_batches(_ROWS_LOOKED_AT, row_groups=[group], columns=[column.path]):
            longest = max(map(_longest, batch.columns), default=0)
            if longest:
                return longest
        return 0


class _Column:
    """What the metadata says of one column that holds values, be it inside another one."""

    def __init__(self, metadata: Any, place: int) -> None:
        described = metadata.schema.column(place)
        self._metadata = metadata
        self._width = int(described.length) or _WIDTHS.get(described.physical_type, 0)
        self.place = place
        self.path: str = described.path
        self.holds_texts: bool = described.physical_type == "BYTE_ARRAY"
        self.has_prefixes: bool = self.holds_texts and any(
            "DELTA_BYTE_ARRAY" in self._chunk(group).encodings for group in range(metadata.num_row_groups)
        )

    def values(self, group: int) -> int:
        return int(self._chunk(group).num_values)

    def dictionary_bytes(self, group: int, stored: Any) -> int:
        """Return the size of the dictionary, which stands in the header of its page; 0 if there is none."""
        chunk = self._chunk(group)
        if not chunk.has_dictionary_page:
            return 0
        # Thrift's compact protocol: the page's kind and its size, each behind a byte that says which field it is.
        header = BytesIO(stored.read_at(_HEADER_BYTES, chunk.dictionary_page_offset))
        header.seek(1)
        signed(header)
        header.seek(1, 1)
        return signed(header)

    def page_bytes(self, group: int, stored: Any) -> int:
        """Return how much memory the largest page takes, and the dictionary; that of all pages if it is not known."""
        try:
            return page_bytes(stored, *_pages(self._chunk(group)))
        except (ValueError, RecursionError):
            return self.stored_once(group)

    def stored_once(self, group: int) -> int:
        """Return the size of all pages together, decompressed."""
        return int(self._chunk(group).total_uncompressed_size)

    def encoded_bytes(self, group: int) -> int:
        """Return how much memory the values take, if none is stored once for others as well."""
        chunk = self._chunk(group)
        return max(int(chunk.total_uncompressed_size), int(chunk.num_values) * self._width)

    def _chunk(self, group: int) -> Any:
        return self._metadata.row_group(group).column(self.place)


def _pages(chunk: Any) -> tuple[int, int]:
    """Return where the pages of a column of a row group begin and end."""
    start = chunk.data_page_offset
    if chunk.has_dictionary_page:
        start = min(start, chunk.dictionary_page_offset)
    return start, start + chunk.total_compressed_size


def _is_in(path: str, names: Sequence[str]) -> bool:
    """Return whether a path is that of a column or of something in it; one too many does no harm."""
    return any(path == name or path.startswith(f"{name}.") for name in names)


def _longest(column: Any) -> int:
    """Return the length of the longest text in the dictionaries of a column, be they inside lists and structs."""
    if hasattr(column, "dictionary"):
        compute = import_module("pyarrow.compute")
        return int(compute.max(compute.binary_length(column.dictionary)).as_py() or 0)
    if hasattr(column, "keys"):
        return max(_longest(column.keys), _longest(column.items))
    if hasattr(column, "values"):
        return _longest(column.values)
    if hasattr(column, "field"):
        return max((_longest(column.field(place)) for place in range(column.type.num_fields)), default=0)
    return 0


def _holds_a_joint(stored: Any, metadata: Any) -> bool:
    """Return whether one file ends and another begins between the last pages that the footer tells of, and the footer.

    It is the second one's, and it leads into the first: the first one's rows would be taken for the second one's.
    """
    place = len(_JOINT) // 2
    if metadata.num_row_groups:
        group = metadata.row_group(metadata.num_row_groups - 1)
        ends = [_pages(group.column(column))[1] for column in range(group.num_columns)]
        place = max([place, *ends])
    end = stored.size() - _FOOTER_END_BYTES - metadata.serialized_size
    beginning = b""
    while place < end:
        data = stored.read_at(min(_BUFFER_BYTES, end - place), place)
        if _JOINT in beginning + data or not data:
            return bool(data)
        beginning = data[-len(_JOINT) :]
        place += len(data)
    return False


_JOINT = b"PAR1PAR1"
_FOOTER_END_BYTES = 8
_BUFFER_BYTES = 1024 * 1024
_REWRITE = (
    "with pyarrow: parquet.write_table(parquet.read_table(OLD), NEW, data_page_size=1000000, write_batch_size=16)"
)


class Parquet(Columnar):
    """A Parquet file, read page by page. Row groups before the first row that is wanted are not read at all.

    Examples:
        >>> from pathlib import Path
        >>> from suprsend_async.ingest import FileContent, Parquet
        >>> source = Parquet(FileContent(Path("flights.parquet")), only={"carrier"})
        >>> next(source.rows()).values
        {'carrier': 'UA'}
    """

    kind = "Parquet"

    def _schema(self) -> Any:
        with self._stored() as stored:
            if has_encrypted_footer(stored):
                raise SourceError(f"{self.name} is encrypted as a whole; write it without encryption")
            with self._open(stored) as file:
                try:
                    paths = encrypted_columns(stored, file.metadata)
                except (ValueError, RecursionError) as error:
                    raise self._pyarrow.ArrowInvalid("the footer cannot be read") from error
                self._refuse_encrypted(paths, file.schema_arrow)
                if not paths and _holds_a_joint(stored, file.metadata):
                    raise SourceError(
                        f"{self.name} cannot be read: more than one Parquet file is in it, and they cannot be joined "
                        "so; name the files one by one"
                    )
                return file.schema_arrow

    def _refuse_encrypted(self, paths: Sequence[str], schema: Any) -> None:
        for name in schema.names:
            if self._is_read(name) and any(_is_in(path, [name]) for path in paths):
                raise SourceError(
                    f"{self.name}: column {name!r} is encrypted; write it without encryption, or leave it out of the "
                    "mapping"
                )

    def _open(self, stored: Any, *, metadata: Any = None, read_dictionary: Sequence[int] | None = None) -> Any:
        parquet = pyarrow_module("pyarrow.parquet", self.name)
        # With a buffer, pages are read as they are needed; without one, whole columns of a row group. The old form of
        # times has nanoseconds, which do not reach beyond the year 2262.
        return parquet.ParquetFile(
            stored,
            metadata=metadata,
            read_dictionary=read_dictionary,
            buffer_size=_BUFFER_BYTES,
            pre_buffer=False,
            coerce_int96_timestamp_unit="us",
        )

    def _batches(self, number: int, names: Sequence[str]) -> Iterator[tuple[int, Any]]:
        with self._stored() as stored, self._open(stored) as file:
            metadata = file.metadata
            first = group = 0
            while group < metadata.num_row_groups and first + metadata.row_group(group).num_rows <= number:
                first += metadata.row_group(group).num_rows
                group += 1
            sizes = BatchSizes(metadata, names, stored, partial(self._open, stored, metadata=metadata))
            self._check_held("a page of each column", lambda: sizes.held_bytes(group), _REWRITE)
            for groups, rows in sizes.readings(group):
                for batch in file.iter_batches(rows, row_groups=groups, columns=names):
                    yield first, batch
                    first += batch.num_rows
                    self._file.bytes_read = self._file.size_bytes * first // metadata.num_rows
