"""Parquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.ingest.columnar import BATCH_ROWS, Columnar, pyarrow_module

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BUFFER_BYTES = 1024 * 1024


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

    def _schema_names(self) -> Sequence[str]:
        names: list[str] = pyarrow_module("pyarrow.parquet", self.name).read_schema(self._file.path).names
        return names

    def _batches(self, number: int, names: Sequence[str]) -> Iterator[tuple[int, Any]]:
        parquet = pyarrow_module("pyarrow.parquet", self.name)
        # With a buffer, pages are read as they are needed; without one, whole columns of a row group.
        with parquet.ParquetFile(self._file.path, buffer_size=_BUFFER_BYTES, pre_buffer=False) as file:
            metadata = file.metadata
            first = group = 0
            while group < metadata.num_row_groups and first + metadata.row_group(group).num_rows <= number:
                first += metadata.row_group(group).num_rows
                group += 1
            groups = range(group, metadata.num_row_groups)
            for batch in file.iter_batches(BATCH_ROWS, row_groups=groups, columns=names):
                yield first, batch
                first += batch.num_rows
                self._file.bytes_read = self._file.size_bytes * first // metadata.num_rows
