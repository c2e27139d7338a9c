"""Arrow IPC files, of the file format (Feather 2 among them) and of the streaming format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.ingest.sources.arrow_messages import batch_bytes
from suprsend_async.ingest.sources.columnar import Columnar, pyarrow_module

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_FILE_MAGIC = b"ARROW1"
_REWRITE = "with pyarrow: feather.write_feather(feather.read_table(OLD), NEW, chunksize=10000)"


class Arrow(Columnar):
    """An Arrow IPC file, read one record batch at a time.

    Examples:
        >>> from pathlib import Path
        >>> from suprsend_async.ingest import Arrow, FileContent
        >>> source = Arrow(FileContent(Path("flights.arrow")), only={"carrier"})
        >>> next(source.rows()).values
        {'carrier': 'UA'}
    """

    kind = "Arrow IPC"

    def _schema(self) -> Any:
        with self._stored() as file:
            return self._open(file).schema

    def _batches(self, number: int, names: Sequence[str]) -> Iterator[tuple[int, Any]]:
        all_names = self._schema().names
        with self._stored() as file:
            self._check_held("one record batch", lambda: batch_bytes(file), _REWRITE)
        with self._stored() as file:
            first = 0
            reader = self._open(file, [all_names.index(name) for name in names])
            for batch, end in _batches_of(reader, file):
                if first + batch.num_rows > number:
                    yield first, batch
                first += batch.num_rows
                self._file.bytes_read = end

    def _open(self, file: Any, fields: Sequence[int] | None = None) -> Any:
        ipc = pyarrow_module("pyarrow.ipc", self.name)
        options = ipc.IpcReadOptions(included_fields=fields)
        is_file_format = file.read(len(_FILE_MAGIC)) == _FILE_MAGIC
        file.seek(0)
        return (ipc.open_file if is_file_format else ipc.open_stream)(file, options=options)


def _batches_of(reader: Any, file: Any) -> Iterator[tuple[Any, int]]:
    """Return the record batches, each with about how much of the file was read by its end."""
    if hasattr(reader, "get_batch"):
        count = reader.num_record_batches
        return ((reader.get_batch(place), file.size() * (place + 1) // count) for place in range(count))
    return ((batch, file.tell()) for batch in reader)
