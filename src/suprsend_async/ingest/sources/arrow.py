"""Arrow IPC files, of the file format (Feather 2 among them) and of the streaming format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.ingest.errors import SourceError
from suprsend_async.ingest.sources.arrow_messages import footer_place, messages
from suprsend_async.ingest.sources.arrow_soundness import SoundnessCheck
from suprsend_async.ingest.sources.columnar import Columnar, pyarrow_module

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_FILE_MAGIC = b"ARROW1"
_MOST_PADDING = 64
"""So far at most does a footer begin behind the last message."""
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
        with self._stored() as file:
            found = messages(file)
            self._check_held("one record batch", lambda: found.held_bytes, _REWRITE)
            # Of two files one behind the other, only the second one's footer is read, and it leads into the first.
            if found.end is not None and footer_place(file) - found.end > _MOST_PADDING:
                raise SourceError(
                    f"{self.name} cannot be read: more than one Arrow file seems to be in it, and only its streaming "
                    "format can be joined; name the files one by one"
                )
        with self._stored() as file:
            first = 0
            soundness = SoundnessCheck(self._pyarrow)
            for batch, end in self._all_batches(file, names):
                if first + batch.num_rows > number:
                    soundness.check(batch)
                    yield first, batch
                first += batch.num_rows
                self._file.bytes_read = end

    def _all_batches(self, file: Any, names: Sequence[str]) -> Iterator[tuple[Any, int]]:
        """Return the record batches, each with about how much of the file was read by its end."""
        schema = self._open(file).schema
        fields = [schema.names.index(name) for name in names]
        file.seek(0)
        reader = self._open(file, fields)
        if hasattr(reader, "get_batch"):
            count = reader.num_record_batches
            for place in range(count):
                yield reader.get_batch(place), file.size() * (place + 1) // count
            return
        while True:
            for batch in reader:
                yield batch, file.tell()
            # Streams may stand one behind the other, as `cat` joins them.
            place = file.tell()
            if place == file.size():
                return
            self._check_next(file, place, schema)
            file.seek(place)
            reader = self._stream(file, fields)

    def _check_next(self, file: Any, place: int, schema: Any) -> None:
        """Refuse what stands behind a stream if it is not one of the same columns."""
        try:
            other = self._stream(file).schema
        except (self._pyarrow.ArrowInvalid, OSError) as error:
            raise SourceError(
                f"{self.name} cannot be read to its end: what stands behind its Arrow stream, from byte {place} on, is "
                "no other one; it is damaged, or something was added to it; get the file again"
            ) from error
        # Whether a column may be empty is no matter: a row without a value is read in either case.
        if (other.names, other.types) != (schema.names, schema.types):
            raise SourceError(
                f"{self.name} cannot be read to its end: the Arrow stream in it that begins at byte {place} has other "
                "columns, or of other types, than the first one; write each to a separate file"
            )

    def _open(self, file: Any, fields: Sequence[int] | None = None) -> Any:
        is_file_format = file.read(len(_FILE_MAGIC)) == _FILE_MAGIC
        file.seek(0)
        if not is_file_format:
            return self._stream(file, fields)
        ipc = pyarrow_module("pyarrow.ipc", self.name)
        return ipc.open_file(file, options=ipc.IpcReadOptions(included_fields=fields))

    def _stream(self, file: Any, fields: Sequence[int] | None = None) -> Any:
        ipc = pyarrow_module("pyarrow.ipc", self.name)
        return ipc.open_stream(file, options=ipc.IpcReadOptions(included_fields=fields))
