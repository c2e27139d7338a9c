"""What Parquet and Arrow have in common: batches of typed columns, which pyarrow reads."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from suprsend_async.ingest.errors import SourceError
from suprsend_async.ingest.names import unique
from suprsend_async.ingest.reading import Reader
from suprsend_async.ingest.source import Row

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterator, Sequence

    from suprsend_async.ingest.content import FileContent
    from suprsend_async.ingest.source import Position

BATCH_ROWS = 512
"""How many rows are made Python objects at a time."""
OLDEST_PYARROW = 20
"""An older one cannot refuse a map with two equal keys."""


class Columnar(Reader):
    """A file of typed columns. Nested ones become dictionaries and lists; null stays None.

    Args:
        content: The file. It must not be compressed as a whole; both formats compress inside.
        only: The columns to read; all if left out.

    Raises:
        SourceError: pyarrow is not installed, or too old.
    """

    kind: str

    def __init__(self, content: FileContent, *, only: Collection[str] | None = None) -> None:
        super().__init__(content)
        self._file = content
        self._only = only
        self._pyarrow = pyarrow_module("pyarrow", content.name)

    def columns(self) -> Sequence[str]:
        """Return the names of all top-level columns, those included that are not read."""
        with self._telling():
            return unique(self._schema_names(), self.name)

    @abstractmethod
    def _schema_names(self) -> Sequence[str]:
        """Return the names as the file gives them."""

    @abstractmethod
    def _batches(self, number: int, names: Sequence[str]) -> Iterator[tuple[int, Any]]:
        """Read the batches that hold row `number` and all after it, each with the number of its first row."""

    def _read(self, start: Position) -> Iterator[Row]:
        names = [name for name in self.columns() if self._only is None or name in self._only]
        for first, batch in self._batches(start.number, names):
            for skipped in range(max(start.number - first, 0), batch.num_rows, BATCH_ROWS):
                yield from self._rows(first + skipped, batch.slice(skipped, BATCH_ROWS))

    def _rows(self, first: int, batch: Any) -> Iterator[Row]:
        try:
            records = _records(self._in_microseconds(batch))
        except Exception:  # noqa: BLE001 - pyarrow raises what a value's own type raises; each row is then tried alone
            for number in range(batch.num_rows):
                yield self._row(first + number, batch.slice(number, 1))
        else:
            for number, record in enumerate(records, first):
                yield Row(number, record)

    def _row(self, number: int, batch: Any) -> Row:
        try:
            [record] = _records(self._in_microseconds(batch))
        except Exception as error:  # noqa: BLE001 - as above
            return Row(number, None, f"the row holds a value that Python has no form for ({type(error).__name__})")
        return Row(number, record)

    def _in_microseconds(self, batch: Any) -> Any:
        """Return the batch with times that Python can hold: without what is finer than a microsecond."""
        pyarrow = self._pyarrow
        for place, field in enumerate(batch.schema):
            if pyarrow.types.is_timestamp(field.type) and field.type.unit == "ns":
                column = batch.column(place).cast(pyarrow.timestamp("us", field.type.tz), safe=False)
                batch = batch.set_column(place, field.name, column)
        return batch

    @contextmanager
    def _telling(self) -> Generator[None]:
        """Make what pyarrow raises a `SourceError` as well."""
        with super()._telling():
            try:
                yield
            except self._pyarrow.ArrowException as error:
                raise SourceError(
                    f"{self.name} cannot be read as {self.kind}: it is damaged, cut short or of another format; "
                    "get the file again, or name its format"
                ) from error


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


def _records(batch: Any) -> list[dict[str, Any]]:
    # Strict: of two equal keys in a map, none may get lost.
    records: list[dict[str, Any]] = batch.to_pylist(maps_as_pydicts="strict")
    return records
