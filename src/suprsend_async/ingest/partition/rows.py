"""The rows of a partition as an engine hands them over: mappings, or Arrow's record batches."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from suprsend_async.errors import ConfigurationError
from suprsend_async.ingest.sources.arrow_values import RecordMaker, UnreadableType
from suprsend_async.ingest.sources.columnar import BATCH_ROWS, pyarrow_module, rows_of
from suprsend_async.ingest.sources.source import Row

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from suprsend_async.ingest.sources.source import Position


class PartitionRows:
    """A source that can be read once, and keeps nothing.

    Args:
        rows: Mappings and record batches, mixed as they come; or one record batch, or a table.
        only: The columns that are needed; all if None.

    Attributes:
        name: What it is called in errors.
        size_bytes: None: nobody knows.
        bytes_read: 0.
    """

    name: str = "the partition"
    size_bytes: None = None
    bytes_read: int = 0

    def __init__(self, rows: Iterable[object], only: Collection[str] | None) -> None:
        self._items = _items(rows)
        self._only = only
        self._maker: RecordMaker | None = None

    def fingerprint(self) -> None:
        """Return None: rows of an engine have no fingerprint."""

    def columns(self) -> Sequence[str] | None:
        """Return the columns of the first record batch; None if mappings come first, for each has its own."""
        first = next(self._items, None)
        if first is None:
            return None
        self._items = chain([first], self._items)
        return cast("list[str]", first.schema.names) if _is_batch(first) else None

    def rows(self, start: Position | None = None) -> Iterator[Row]:
        """Yield the rows, numbered from 0; an item that is neither of both is a row that cannot be read.

        Raises:
            SourceError: pyarrow is too old for record batches.
        """
        number = 0
        for item in self._items:
            if _is_batch(item):
                yield from self._of_batch(number, item)
                number += cast("int", item.num_rows)
            elif isinstance(item, Mapping):
                mapping = cast("Mapping[str, Any]", item)
                yield Row(number, {name: value for name, value in mapping.items() if value is not None})
                number += 1
            else:
                yield Row(number, None, f"the row is of type {type(item).__name__}, not a mapping")
                number += 1

    def _of_batch(self, first: int, batch: Any) -> Iterator[Row]:
        if self._only is not None:
            batch = batch.select([name for name in batch.schema.names if name in self._only])
        pyarrow = pyarrow_module("pyarrow", self.name)
        try:
            if self._maker is None or self._maker.schema != batch.schema:
                self._maker = RecordMaker(pyarrow, batch.schema)
        except UnreadableType as error:
            for number in range(batch.num_rows):
                yield Row(first + number, None, str(error))
            return
        for skipped in range(0, batch.num_rows, BATCH_ROWS):
            yield from rows_of(pyarrow, self._maker, first + skipped, batch.slice(skipped, BATCH_ROWS))


def _items(rows: Iterable[object]) -> Iterator[Any]:
    # Who has a record batch has imported pyarrow; here nothing is imported for it.
    pyarrow: Any = sys.modules.get("pyarrow")
    if _is_batch(rows):
        return iter([rows])
    if pyarrow is not None and isinstance(rows, pyarrow.Table):
        return iter(cast("Any", rows).to_batches())
    if isinstance(rows, (str, bytes, Mapping)) or not isinstance(rows, Iterable):
        given = type(cast("object", rows)).__name__
        raise ConfigurationError(f"rows must be an iterable of mappings or of Arrow record batches, not {given}")
    return iter(rows)


def _is_batch(item: object) -> bool:
    pyarrow: Any = sys.modules.get("pyarrow")
    return pyarrow is not None and isinstance(item, pyarrow.RecordBatch)
