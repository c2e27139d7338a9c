"""Files of object stores, named by URLs and read through fsspec in ranges of their bytes."""

from __future__ import annotations

import glob
import io
import os
import re
from contextlib import contextmanager
from hashlib import blake2b, sha256
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from suprsend_async.ingest.errors import SourceError
from suprsend_async.ingest.sources.content import MARK_BYTES, READ_BYTES, decompressed, fingerprint_of, is_compressed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from typing_extensions import Buffer


_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_FILE = "file://"
_PACKAGES = {
    "s3": "'suprsend-async[remote]'",
    "s3a": "'suprsend-async[remote]'",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "az": "adlfs",
    "memory": "fsspec",
    "local": "fsspec",
}
"""What can be read, and what to install for it."""
_SHOWN_SCHEMES = "s3://, gs://, abfs:// and file://"

FIRST_BYTES = 64 * 1024
MOST_BYTES = 8 * 1024 * 1024
"""How much is asked for at first, for a look, and at most when a file is read on: a request costs its latency."""
_BLOCK_BYTES = 1024 * 1024
_BLOCKS = 64
"""How much of a file with columns is held at most, whose parts are read out of order."""
_MOST_NAME_CHARACTERS = 180
_MOST_REASON_CHARACTERS = 300


def is_url(argument: str) -> bool:
    """Return whether an argument names something by its URL, and not a path or `-`."""
    return _URL.match(argument) is not None


def local_path(url: str) -> str | None:
    """Return the path that a URL of this machine's files names, which are read without fsspec; None for another."""
    return url[len(_FILE) :] if url[: len(_FILE)].lower() == _FILE else None


class RemoteContent:
    r"""The content of an object in a store.

    Args:
        file_system: fsspec's.
        info: What it says of the object.

    Attributes:
        name: The URL.
        size_bytes: As it is stored.
        bytes_read: Bytes that the latest reading has taken in.

    Examples:
        >>> import fsspec
        >>> from suprsend_async.ingest import open_sources
        >>> fsspec.filesystem("memory").pipe("/orders/1.csv", b"order,user\n17,user-1\n")
        >>> [source] = open_sources(["memory://orders/*.csv"])
        >>> [row.values for row in source.rows()]
        [{'order': '17', 'user': 'user-1'}]
    """

    def __init__(self, file_system: Any, info: Mapping[str, Any]) -> None:
        self._file_system = file_system
        self._path: str = info["name"]
        self._mark = _mark(info)
        self.name: str = file_system.unstrip_protocol(self._path)
        self.size_bytes: int = int(info["size"])
        self.bytes_read: int = 0
        self._fingerprint: str | None = None

    @property
    def records_name(self) -> str:
        """The name of a file on this machine that is named after the URL, of which no two are likely to share one."""
        name = re.sub(r"[^\w.-]+", "-", self.name).strip("-.")
        if len(name) > _MOST_NAME_CHARACTERS:
            name = f"{sha256(self.name.encode()).hexdigest()[:16]}-{name[-_MOST_NAME_CHARACTERS // 2 :]}"
        return name

    def fingerprint(self) -> str:
        """Return what identifies the bytes: by the store's own digest or ETag if it has one, else as of a file."""
        if self._fingerprint is None:
            if self._mark is not None:
                digest = blake2b(f"{self.size_bytes}\n{self._mark}".encode(), digest_size=16)
                self._fingerprint = digest.hexdigest()
            else:
                with self.open_anywhere() as file:
                    self._fingerprint = fingerprint_of(file)
        return self._fingerprint

    @contextmanager
    def open(self) -> Generator[BinaryIO]:
        """Open the uncompressed bytes, to be read on in ever larger pieces."""
        self.bytes_read = 0
        with (
            io.BufferedReader(_Ahead(self, self._opened(cache_type="none")), READ_BYTES) as stored,
            decompressed(cast("BinaryIO", stored), stored.peek(MARK_BYTES)) as content,
        ):
            yield content

    def open_anywhere(self) -> BinaryIO:
        """Open the stored bytes, to be read here and there."""
        opened = self._opened(cache_type="blockcache", block_size=_BLOCK_BYTES, cache_options={"maxblocks": _BLOCKS})
        return cast("BinaryIO", _Stored(self.name, opened))

    def is_compressed(self) -> bool:
        """Return whether it is compressed as a whole."""
        with _Ahead(self, self._opened(cache_type="none")) as file:
            return is_compressed(file.read(MARK_BYTES) or b"")

    def _opened(self, **how: Any) -> Any:
        file = _telling(self.name, self._file_system.open, self._path, "rb", **how)
        mark = _mark(getattr(file, "details", None) or {})
        if self._mark is not None and mark is not None and mark != self._mark:
            file.close()
            raise SourceError(f"{self.name} was written anew while it was read; run the command again")
        return file


class _Stored(io.RawIOBase):
    """fsspec's file, whose errors become those of a source."""

    def __init__(self, name: str, file: Any) -> None:
        self._name = name
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer)
        data = _telling(self._name, self._file.read, len(view))
        view[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        self._file.close()
        super().close()


class _Ahead(_Stored):
    """One that asks for more with each request, and tells its content how far it was read."""

    def __init__(self, content: RemoteContent, file: Any) -> None:
        super().__init__(content.name, file)
        self._content = content
        self._held = memoryview(b"")
        self._asked = FIRST_BYTES

    def readinto(self, buffer: Buffer, /) -> int:
        if not self._held:
            self._held = memoryview(_telling(self._name, self._file.read, self._asked))
            self._asked = min(2 * self._asked, MOST_BYTES)
        view = memoryview(buffer)
        data = self._held[: len(view)]
        view[: len(data)] = data
        self._held = self._held[len(data) :]
        self._content.bytes_read = self.tell()
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        if whence == os.SEEK_CUR:
            offset -= len(self._held)
        self._held = memoryview(b"")
        self._content.bytes_read = super().seek(offset, whence)
        return self._content.bytes_read

    def tell(self) -> int:
        return super().tell() - len(self._held)


def remote_contents(url: str) -> list[RemoteContent]:
    """Return what a URL names, or a glob of URLs, sorted by name.

    Raises:
        SourceError: It names nothing, it cannot be looked at, or what is needed for it is not installed.
    """
    file_system, path = _file_system(url)
    # An object may have the characters of a glob in its name.
    if glob.has_magic(path) and not _telling(url, file_system.exists, path):
        found: dict[str, Any] = _telling(url, file_system.glob, path, detail=True)
        files = [found[name] for name in sorted(found) if found[name]["type"] == "file"]
        if not files:
            raise SourceError(f"{url} names no file; look at it with the tools of its store")
        return [RemoteContent(file_system, info) for info in files]
    info: dict[str, Any] = _telling(url, file_system.info, path)
    if info["type"] == "directory":
        raise SourceError(f"{url} is a folder; name its files, for example '{url.rstrip('/')}/*.jsonl'")
    return [RemoteContent(file_system, info)]


def _file_system(url: str) -> tuple[Any, str]:
    scheme = url.partition("://")[0].lower()
    host = url.partition("://")[2].partition("/")[0]
    if ":" in host.rpartition("@")[0]:
        raise SourceError(f"a URL of {scheme}:// has a password in it; leave it to the environment")
    package = _PACKAGES.get(scheme)
    if package is None:
        raise SourceError(
            f"{scheme}:// cannot be read, but {_SHOWN_SCHEMES} can; get the file with its own tools, and pipe it "
            "in: name - as the source"
        )
    try:
        found = import_module("fsspec.core").url_to_fs(scheme + url[len(scheme) :])
    except ImportError:
        raise SourceError(f"reading {scheme}:// needs a package that is not installed: pip install {package}") from None
    except Exception as error:
        raise SourceError(f"{url} cannot be read: {_reason(error)}") from error
    # An earlier look in this process is not asked.
    found[0].invalidate_cache()
    return cast("tuple[Any, str]", found)


def _telling(name: str, call: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
    """Call fsspec, and make what it raises a `SourceError`: every store has errors of its own kinds."""
    try:
        return call(*arguments, **more)
    except MemoryError:
        raise
    except FileNotFoundError as error:
        raise SourceError(f"{name} cannot be read: there is no such file") from error
    except Exception as error:
        raise SourceError(f"{name} cannot be read: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    lines = str(getattr(error, "strerror", None) or error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:_MOST_REASON_CHARACTERS]


def _mark(info: Mapping[str, Any]) -> str | None:
    """Return what a store says of an object's bytes: their digest, else what changes when they are written."""
    for name in ("md5Hash", "crc32c", "ETag", "etag"):
        if info.get(name):
            return str(info[name]).strip('"')
    return None
