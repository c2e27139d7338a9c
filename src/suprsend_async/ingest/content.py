"""The bytes of a source: a file, compressed or not, or standard input."""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from suprsend_async.ingest.compression import decompressed
from suprsend_async.ingest.fingerprint import fingerprint_of

if TYPE_CHECKING:
    from collections.abc import Iterator
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
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        self.bytes_read = 0
        self._fingerprint: str | None = None

    @property
    def size_bytes(self) -> int:
        """The size of the file."""
        return self.path.stat().st_size

    def fingerprint(self) -> str:
        """Return what identifies the file's bytes, compressed as they are. It is taken once."""
        if self._fingerprint is None:
            with self.path.open("rb") as file:
                self._fingerprint = fingerprint_of(file)
        return self._fingerprint

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open the uncompressed bytes."""
        self.bytes_read = 0
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


class StandardInput:
    """What is piped in; it can be read once, and nothing identifies it."""

    name = "standard input"
    size_bytes = None

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self.bytes_read = 0
        self._stream = stream or sys.stdin.buffer

    def fingerprint(self) -> None:
        """Return None: what comes through a pipe is known only when it has come."""

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Return the stream."""
        yield self._stream
