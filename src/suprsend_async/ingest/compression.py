"""Compressed files, told by their suffix."""

from __future__ import annotations

import gzip
import sys
import zlib
from typing import TYPE_CHECKING, BinaryIO, cast

from suprsend_async.ingest.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

SUFFIXES = (".gz", ".zst")


def decompressed(file: BinaryIO, suffix: str) -> BinaryIO:
    """Return the uncompressed bytes of a file with such a suffix; the file itself for any other suffix.

    Raises:
        SourceError: What is needed to read it is not installed.
    """
    match suffix.lower():
        case ".gz":
            return cast("BinaryIO", gzip.GzipFile(fileobj=file, mode="rb"))
        case ".zst":
            return _open_zstandard()(file)
        case _:
            return file


def broken_data_errors() -> tuple[type[Exception], ...]:
    """Return what reading raises when compressed data is damaged or cut short."""
    zstandard = sys.modules.get("compression.zstd") or sys.modules.get("backports.zstd")
    return (gzip.BadGzipFile, EOFError, zlib.error, *([zstandard.ZstdError] if zstandard else []))


def _open_zstandard() -> Callable[[BinaryIO], BinaryIO]:
    try:
        if sys.version_info >= (3, 14):
            from compression.zstd import ZstdFile
        else:
            from backports.zstd import ZstdFile
    except ImportError:
        raise SourceError(
            "reading .zst needs a package that is not installed: pip install 'suprsend-async[files]'"
        ) from None
    return cast("Callable[[BinaryIO], BinaryIO]", ZstdFile)
