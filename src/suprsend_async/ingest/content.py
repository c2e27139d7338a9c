"""The bytes of a source: a file, compressed or not, or standard input."""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from suprsend_async.ingest.compression import decompressed
from suprsend_async.ingest.errors import SourceError
from suprsend_async.ingest.fingerprint import fingerprint_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from typing_extensions import Buffer

READ_BYTES = 256 * 1024
"""How much is read at a time."""


class Content(Protocol):
    """Bytes that a source reads its rows from."""

    @property
    def name(self) -> str:
        """What people are shown."""
        ...

    @property
    def size_bytes(self) -> int | None:
        """The stored size, or None."""
        ...

    @property
    def bytes_read(self) -> int:
        """Stored bytes that the latest reading has taken in."""
        ...

    def fingerprint(self) -> str | None:
        """Return what identifies the bytes, or None."""
        ...

    def open(self) -> AbstractContextManager[BinaryIO]:
        """Open the uncompressed bytes at their beginning."""
        ...


class FileContent:
    """The content of a file.

    Attributes:
        path: Where the file is.
        name: The path as text.
        bytes_read: Bytes of the file that the latest reading has taken in.

    Examples:
        >>> from pathlib import Path
        >>> from suprsend_async.ingest import FileContent
        >>> with FileContent(Path("examples/flights.csv")).open() as file:
        ...     file.read(9)
        b'year,mont'
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name: str = str(path)
        self.bytes_read: int = 0
        self._fingerprint: str | None = None
        self._size: int | None = None

    @property
    def size_bytes(self) -> int:
        """The size of the file. It is taken once, so that it is known even if the file vanishes while it is read."""
        if self._size is None:
            self._size = self.path.stat().st_size
        return self._size

    def fingerprint(self) -> str:
        """Return what identifies the file's bytes, compressed as they are. It is taken once."""
        if self._fingerprint is None:
            with self.path.open("rb") as file:
                self._fingerprint = fingerprint_of(file)
        return self._fingerprint

    @contextmanager
    def open(self) -> Generator[BinaryIO]:
        """Open the uncompressed bytes."""
        self.bytes_read = 0
        _ = self.size_bytes  # taken now, while the file is surely there
        with io.BufferedReader(_Counted(self), READ_BYTES) as stored:
            file = cast("BinaryIO", stored)
            with decompressed(file, self.path.suffix) as content:
                yield content


class _Counted(io.RawIOBase):
    """A file that tells its content how far it was read."""

    def __init__(self, content: FileContent) -> None:
        self._content = content
        self._file = io.FileIO(content.path)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        count = self._file.readinto(buffer)
        self._content.bytes_read += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        self._content.bytes_read = self._file.seek(offset, whence)
        return self._content.bytes_read

    def close(self) -> None:
        self._file.close()
        super().close()


REPLAYED_BYTES = 4 * READ_BYTES
"""How much of a pipe is kept, so that it can be opened again after a look at its header."""


class StandardInput:
    """What is piped in. Nothing identifies it, and it can be opened again only as long as little of it was read.

    Attributes:
        name: What people are shown.
        size_bytes: None: nobody knows.
        bytes_read: Bytes that have come through the pipe.

    Examples:
        >>> import io
        >>> from suprsend_async.ingest import JsonLines, StandardInput
        >>> piped = StandardInput(io.BytesIO(b'{"distinct_id": "user-1"}'))
        >>> [row.values for row in JsonLines(piped).rows()]
        [{'distinct_id': 'user-1'}]
    """

    name = "standard input"
    size_bytes = None

    def __init__(self, stream: io.BufferedIOBase | None = None) -> None:
        self.bytes_read: int = 0
        # The buffer of standard input has `read1`, whatever its annotation says.
        self._stream = stream or cast("io.BufferedIOBase", sys.stdin.buffer)
        self._kept: bytes | None = b""

    def fingerprint(self) -> None:
        """Return None: what comes through a pipe is known only when it has come."""

    @contextmanager
    def open(self) -> Generator[BinaryIO]:
        """Open it at its beginning.

        Raises:
            SourceError: More has been read than is kept.
        """
        if self._kept is None:
            raise SourceError("standard input was read already and cannot be read again; pipe it in again")
        with io.BufferedReader(_Replayed(self._kept, self._next), READ_BYTES) as file:
            yield cast("BinaryIO", file)

    def _next(self, size: int) -> bytes:
        """Read on in the pipe, and keep what was read if it is little."""
        data = self._stream.read1(size)
        self.bytes_read += len(data)
        if self._kept is not None:
            self._kept = self._kept + data if len(self._kept) + len(data) <= REPLAYED_BYTES else None
        return data


class _Replayed(io.RawIOBase):
    """Bytes that were read before, and then what comes."""

    def __init__(self, kept: bytes, read_on: Callable[[int], bytes]) -> None:
        self._kept = kept
        self._read_on = read_on

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer)
        data = self._kept[: len(view)] or self._read_on(len(view))
        self._kept = self._kept[len(view) :]
        view[: len(data)] = data
        return len(data)
