"""The bytes of a source: a file, compressed or not, or standard input, and what identifies them."""

from __future__ import annotations

import gzip
import io
import os
import sys
import zlib
from contextlib import contextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING, BinaryIO, Protocol, TextIO, cast

from suprsend_async.ingest.errors import SourceError
from suprsend_async.ingest.sources.names import shown_path

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from typing_extensions import Buffer


SUFFIXES = (".gz", ".zst")
"""What the names of compressed files end with, behind the ending that tells their format."""

_GZIP = b"\x1f\x8b"
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
# A frame to be skipped, with which some compressors begin; its first byte may be any of sixteen.
_SKIPPABLE = tuple(bytes([0x50 + number]) + b"\x2a\x4d\x18" for number in range(16))
_MARKS = (_GZIP, _ZSTANDARD, *_SKIPPABLE)
MARK_BYTES = 4


def is_compressed(beginning: bytes) -> bool:
    """Return whether a file that begins so is compressed in a way that can be read."""
    return beginning.startswith(_MARKS)


def may_be_compressed(beginning: bytes) -> bool:
    """Return whether it depends on more bytes than these whether a file is compressed."""
    return any(mark != beginning and mark.startswith(beginning) for mark in _MARKS)


def decompressed(file: BinaryIO, beginning: bytes) -> BinaryIO:
    """Return the uncompressed bytes of a file that begins so; the file itself if it is not compressed.

    Raises:
        SourceError: What is needed to read it is not installed.
    """
    if beginning.startswith(_GZIP):
        return cast("BinaryIO", gzip.GzipFile(fileobj=file, mode="rb"))
    if is_compressed(beginning):
        return _open_zstandard()(file)
    return file


def broken_data_errors() -> tuple[type[Exception], ...]:
    """Return what reading raises when compressed data is damaged or cut short, or asks for too much memory."""
    zstandard = sys.modules.get("compression.zstd") or sys.modules.get("backports.zstd")
    return (gzip.BadGzipFile, EOFError, zlib.error, *([zstandard.ZstdError] if zstandard else []))


def broken_data_problem(error: Exception) -> str:
    """Return what is wrong with the data that made reading raise this, and what to do."""
    if "too much memory" in str(error):
        return "it was compressed with a window of more than 128 MiB; decompress it first: zstd -d --long=31 FILE"
    return "its compressed data is damaged or cut short; get the file again"


def _open_zstandard() -> Callable[[BinaryIO], BinaryIO]:
    try:
        if sys.version_info >= (3, 14):
            from compression.zstd import ZstdFile
        else:
            from backports.zstd import ZstdFile
    except ImportError:
        raise SourceError(
            "reading what zstd compressed needs a package that is not installed: pip install 'suprsend-async[files]'"
        ) from None
    return cast("Callable[[BinaryIO], BinaryIO]", ZstdFile)


BLOCK_BYTES = 256 * 1024
BLOCKS = 16
"""How many blocks are looked at: the first, the last, and the others evenly between them."""


def fingerprint_of(file: BinaryIO) -> str:
    """Return 32 hexadecimal digits for the content of a file, whatever its path and its times.

    They cover the size, and for a file of up to 4 MiB every byte; of a larger one 16 blocks of 256 KiB, the first and
    the last among them. So they change when a file grows, shrinks or is written anew. They do not change when a byte
    between the blocks of a large file is overwritten in place.
    """
    size = file.seek(0, os.SEEK_END)
    digest = blake2b(str(size).encode(), digest_size=16)
    for offset in _offsets(size):
        file.seek(offset)
        digest.update(file.read(BLOCK_BYTES))
    return digest.hexdigest()


def _offsets(size: int) -> Iterator[int]:
    if size <= BLOCKS * BLOCK_BYTES:
        yield from range(0, size, BLOCK_BYTES)
    else:
        yield from ((size - BLOCK_BYTES) * number // (BLOCKS - 1) for number in range(BLOCKS))


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
        name: The path for people; bytes that are not UTF-8 stand in it as numbers.
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
        self.name: str = shown_path(path)
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
        with (
            io.BufferedReader(_Counted(self), READ_BYTES) as stored,
            decompressed(cast("BinaryIO", stored), stored.peek(MARK_BYTES)) as content,
        ):
            yield content

    def is_compressed(self) -> bool:
        """Return whether the file is compressed as a whole; what cannot be read is not."""
        try:
            with self.path.open("rb") as file:
                return is_compressed(file.read(MARK_BYTES))
        except OSError:
            return False


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
        self._stream = stream or _standard_input()
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
            raise SourceError("standard input cannot be read twice; pipe it in again")
        beginning = self._kept
        # No further than needed: what is not compressed may be a row already, and the next one far off.
        while may_be_compressed(beginning) and (data := self._next(READ_BYTES)):
            beginning += data
        with (
            io.BufferedReader(_Replayed(beginning, self._next), READ_BYTES) as file,
            decompressed(cast("BinaryIO", file), beginning) as content,
        ):
            yield content

    def _next(self, size: int) -> bytes:
        """Read on in the pipe, and keep what was read if it is little."""
        data = self._stream.read1(size)
        self.bytes_read += len(data)
        if self._kept is not None:
            self._kept = self._kept + data if len(self._kept) + len(data) <= REPLAYED_BYTES else None
        return data


def _standard_input() -> io.BufferedIOBase:
    stream: TextIO | None = sys.stdin
    if stream is None:
        raise SourceError("standard input is closed, so nothing can be piped in; name a file, or pipe one in")
    # The buffer of standard input has `read1`, whatever its annotation says.
    return cast("io.BufferedIOBase", stream.buffer)


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
