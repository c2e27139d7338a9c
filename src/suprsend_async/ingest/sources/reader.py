"""What all sources that read bytes have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from suprsend_async.ingest.errors import SourceError
from suprsend_async.ingest.sources.content import FileContent, broken_data_errors, broken_data_problem
from suprsend_async.ingest.sources.remote import RemoteContent
from suprsend_async.ingest.sources.source import Position

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from suprsend_async.ingest.sources.content import Content
    from suprsend_async.ingest.sources.source import Row


class Reader(ABC):
    """A source that reads its rows from bytes."""

    def __init__(self, content: Content) -> None:
        self._content = content

    @property
    def name(self) -> str:
        """What people are shown."""
        return self._content.name

    @property
    def path(self) -> Path | None:
        """The file to open; None if it is no file. `name` shows it to people, and may not be the name to open."""
        return self._content.path if isinstance(self._content, FileContent) else None

    @property
    def records(self) -> Path | None:
        """What a job's own files are named after: the file that is read, or for a URL one in the current folder.

        None for a pipe.
        """
        return Path(self._content.records_name) if isinstance(self._content, RemoteContent) else self.path

    @property
    def size_bytes(self) -> int | None:
        """The stored size, or None if it is not known."""
        with self._telling():
            return self._content.size_bytes

    @property
    def bytes_read(self) -> int:
        """How much of `size_bytes` the latest reading has taken in."""
        return self._content.bytes_read

    def fingerprint(self) -> str | None:
        """Return what identifies the content, or None."""
        with self._telling():
            return self._content.fingerprint()

    @abstractmethod
    def columns(self) -> Sequence[str] | None:
        """Return the names of all columns, or None."""

    def rows(self, start: Position | None = None) -> Iterator[Row]:
        """Read the rows in a stream, from `start` on or from the first.

        The offset of `start` is what makes it quick; with its number alone, the rows before are read and dropped.
        """
        start = start or Position(0)
        with self._telling():
            rows = self._read(start)
            for row in rows:
                if row.number >= start.number:
                    yield row
                    break
            yield from rows

    @abstractmethod
    def _read(self, start: Position) -> Iterator[Row]:
        """Read the rows from `start` on, or from an earlier one if it cannot be found by its number."""

    @contextmanager
    def _telling(self) -> Generator[None]:
        """Make what the system and the decompressors raise a `SourceError` that names the source."""
        try:
            yield
        # First these, for one of them is an OSError as well.
        except broken_data_errors() as error:
            raise SourceError(f"{self.name} cannot be read to its end: {broken_data_problem(error)}") from error
        except MemoryError as error:
            raise SourceError(f"{self.name} cannot be read to its end: it takes more memory than there is") from error
        except OSError as error:
            raise SourceError(f"{self.name} cannot be read: {error.strerror or error}") from error
