"""How much memory Arrow's values take as Python objects: a few bytes of a file may stand for gigabytes."""

from __future__ import annotations

import os
from abc import abstractmethod
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from suprsend_async.ingest.errors import SourceError
from suprsend_async.ingest.sources.arrow_values import RecordMaker, UnreadableType
from suprsend_async.ingest.sources.content import FileContent
from suprsend_async.ingest.sources.held_at_once import check_held
from suprsend_async.ingest.sources.names import unique
from suprsend_async.ingest.sources.reader import Reader
from suprsend_async.ingest.sources.source import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence

    from suprsend_async.ingest.sources.remote import RemoteContent
    from suprsend_async.ingest.sources.source import Position


_OBJECT_BYTES = 64
"""About what each object takes beside its own data."""
_VIEW_BYTES = 16


def python_bytes(pyarrow: Any, column: Any) -> int:
    """Return how many bytes the values of a column take as Python objects: rather too many than too few.

    What is stored once and referred to by many is counted as often as it becomes an object.
    """
    types, kind = pyarrow.types, column.type
    count = len(column)
    own = count * _OBJECT_BYTES
    if types.is_dictionary(kind):
        return own + count * _largest_used(pyarrow, column.dictionary, column.indices.unique().drop_null())
    if types.is_run_end_encoded(kind):
        return own + count * _largest(pyarrow, column.values)
    if types.is_string_view(kind) or types.is_binary_view(kind):
        return own + _viewed(column)
    parts = _parts(pyarrow, column)
    if parts is not None:
        return own + sum(python_bytes(pyarrow, part) for part in parts)
    if types.is_nested(kind):
        # Views of lists, and unions: each value may be all there is.
        return own + count * int(column.get_total_buffer_size())
    return own + int(column.nbytes)


def _parts(pyarrow: Any, column: Any) -> list[Any] | None:
    """Return the columns of which the values of another one are made; None if it is not made of others."""
    types, kind = pyarrow.types, column.type
    if isinstance(kind, pyarrow.BaseExtensionType):
        return [column.storage]
    if types.is_struct(kind):
        return [column.field(place) for place in range(kind.num_fields)]
    if types.is_fixed_size_list(kind):
        return [column.flatten()]
    if types.is_map(kind):
        return [_inside(column, column.keys), _inside(column, column.items)]
    if types.is_list(kind) or types.is_large_list(kind):
        return [_inside(column, column.values)]
    return None


def _inside(column: Any, values: Any) -> Any:
    """Return of what lists refer to what is in these lists."""
    first, last = column.offsets[0].as_py(), column.offsets[len(column)].as_py()
    return values.slice(first, last - first)


def _largest(pyarrow: Any, values: Any) -> int:
    """Return about the size of the largest of some values, or of all together if that cannot be had."""
    types, kind = pyarrow.types, values.type
    if types.is_binary(kind) or types.is_string(kind) or types.is_large_binary(kind) or types.is_large_string(kind):
        compute = import_module("pyarrow.compute")
        return int(compute.max(compute.binary_length(values)).as_py() or 0)
    return python_bytes(pyarrow, values)


def _largest_used(pyarrow: Any, dictionary: Any, places: Any) -> int:
    """Return about the size of the largest value of a dictionary that is at one of some places."""
    try:
        return _largest(pyarrow, dictionary.take(places))
    except pyarrow.ArrowNotImplementedError:  # of views, and of what has runs
        return max((python_bytes(pyarrow, dictionary.slice(place, 1)) for place in places.to_pylist()), default=0)


def _viewed(column: Any) -> int:
    """Return the length of all texts that a column looks at, be it more than once; each view begins with it."""
    views = memoryview(column.buffers()[1]).cast("B")
    first = column.offset * _VIEW_BYTES
    lengths = views[first : first + len(column) * _VIEW_BYTES].cast("i")[:: _VIEW_BYTES // 4]
    return sum(lengths.tolist())


BATCH_ROWS = 512
BATCH_BYTES = 4 * 1024 * 1024
"""How many rows are made Python objects at a time, and about how many bytes of them, if it is not a single row."""
OLDEST_PYARROW = 20
"""An older one cannot refuse a map with two equal keys."""


class Columnar(Reader):
    """A file of typed columns. Nested ones become dictionaries and lists; a row has no value where a column is null.

    Args:
        content: The file. It must not be compressed as a whole; both formats compress inside.
        only: The columns to read; all if left out.

    Raises:
        SourceError: pyarrow is not installed, or too old.
    """

    kind: str

    def __init__(self, content: FileContent | RemoteContent, *, only: Collection[str] | None = None) -> None:
        super().__init__(content)
        self._file = content
        self._only = only
        self._pyarrow = pyarrow_module("pyarrow", content.name)
        self._maker: RecordMaker | None = None
        self._is_checked = False

    def columns(self) -> Sequence[str]:
        """Return the names of all top-level columns, those included that are not read."""
        with self._telling():
            schema = self._schema()
            names = unique(schema.names, self.name)
            self._record_maker(self._pyarrow.schema([field for field in schema if self._is_read(field.name)]))
            return names

    def _is_read(self, name: str) -> bool:
        return self._only is None or name in self._only

    def _stored(self) -> Any:
        """Open the file for pyarrow, which takes names that are not UTF-8 as bytes only."""
        if isinstance(self._file, FileContent):
            return self._pyarrow.OSFile(os.fsencode(self._file.path))
        return self._pyarrow.PythonFile(self._file.open_anywhere(), mode="r")

    @abstractmethod
    def _schema(self) -> Any:
        """Return pyarrow's schema of the file."""

    @abstractmethod
    def _batches(self, number: int, names: Sequence[str]) -> Iterator[tuple[int, Any]]:
        """Read the batches that hold row `number` and all after it, each with the number of its first row."""

    def _check_held(self, what: str, held: Callable[[], int], advice: str) -> None:
        """Say once how much memory is held at once, before it is."""
        if not self._is_checked:
            check_held(self.name, what, held(), advice)
            self._is_checked = True

    def _read(self, start: Position) -> Iterator[Row]:
        names = [name for name in self.columns() if self._is_read(name)]
        for first, batch in self._batches(start.number, names):
            maker = self._record_maker(batch.schema)
            for skipped in range(max(start.number - first, 0), batch.num_rows, BATCH_ROWS):
                yield from rows_of(self._pyarrow, maker, first + skipped, batch.slice(skipped, BATCH_ROWS))

    def _record_maker(self, schema: Any) -> RecordMaker:
        if self._maker is None or self._maker.schema != schema:
            try:
                self._maker = RecordMaker(self._pyarrow, schema)
            except UnreadableType as error:
                raise SourceError(f"{self.name}: {error}") from None
        return self._maker

    @contextmanager
    def _telling(self) -> Generator[None]:
        """Make what pyarrow raises a `SourceError` as well."""
        with super()._telling():
            try:
                yield
            except self._pyarrow.ArrowNotImplementedError as error:
                reason = str(error).partition("\n")[0]
                raise SourceError(
                    f"{self.name} cannot be read as {self.kind}: pyarrow {self._pyarrow.__version__} has no way to "
                    f"read something in it ({reason}); upgrade pyarrow, or write that in another type"
                ) from error
            # Names of columns that are not UTF-8 are damage as well.
            except (self._pyarrow.ArrowException, UnicodeDecodeError) as error:
                if isinstance(error, MemoryError):
                    raise
                raise SourceError(
                    f"{self.name} cannot be read as {self.kind}: it is damaged, cut short or of another format; "
                    "get the file again, or name its format"
                ) from error


def rows_of(pyarrow: Any, maker: RecordMaker, first: int, batch: Any) -> Iterator[Row]:
    """Return the rows of a batch, of which no more are made objects at a time than are to be held.

    Args:
        pyarrow: The module.
        maker: Of the batch's schema.
        first: The number of the first row.
        batch: The record batch, of `BATCH_ROWS` rows at most.
    """
    size = sum(python_bytes(pyarrow, column) for column in batch.columns)
    if size > BATCH_BYTES and batch.num_rows > 1:
        half = batch.num_rows // 2
        yield from rows_of(pyarrow, maker, first, batch.slice(0, half))
        yield from rows_of(pyarrow, maker, first + half, batch.slice(half))
        return
    try:
        records = maker.records(batch)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - pyarrow raises what a value's own type raises
        if batch.num_rows > 1:
            for number in range(batch.num_rows):
                yield from rows_of(pyarrow, maker, first + number, batch.slice(number, 1))
        else:
            name, kind = maker.failing_column(batch), type(error).__name__
            yield Row(first, None, f"column {name!r} holds a value that Python has no form for ({kind})")
    else:
        each = size // max(batch.num_rows, 1)
        for number, record in enumerate(records, first):
            yield SizedRow(number, record, each)


class SizedRow(Row):
    """A row that knows about how much memory it takes."""

    __slots__ = ("size",)

    def __init__(self, number: int, values: Mapping[str, Any], size: int) -> None:
        super().__init__(number, values)
        self.size: int = size


def pyarrow_module(name: str, source: str) -> Any:
    """Import a module of pyarrow, which comes with the extra.

    Raises:
        SourceError: It is not installed, or too old.
    """
    try:
        version = str(import_module("pyarrow").__version__)
        if int(version.partition(".")[0]) >= OLDEST_PYARROW:
            return import_module(name)
        needed = f"pyarrow {OLDEST_PYARROW} or later, and {version} is installed"
    except ImportError:
        needed = "pyarrow, which is not installed"
    raise SourceError(f"reading {source} needs {needed}: pip install 'suprsend-async[files]'")
