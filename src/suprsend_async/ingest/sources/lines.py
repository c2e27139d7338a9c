"""Lines of bytes that may be of any length, in any encoding, or none."""

from __future__ import annotations

import codecs
import os
from typing import TYPE_CHECKING

from suprsend_async.ingest.errors import SourceError

if TYPE_CHECKING:
    from typing import BinaryIO


MAX_LINE_BYTES = 16 * 1024 * 1024
"""A longer line is a row that cannot be read, so that no file is ever held in memory as one line."""

MAX_TEXT_BYTES = 16 * 1024
"""How much of a row that cannot be read is kept as it stands in its file."""

TOO_LONG = f"the line is longer than {MAX_LINE_BYTES >> 20} MiB"
"""What is wrong with such a line."""

RETURNS_CONVERSION = r"tr '\r' '\n' < FILE > NEW"
"""What makes lines of those that end with a carriage return alone."""

BARE_RETURNS = (
    "has lines that end with a carriage return alone, as some programs on a Mac write them; convert it first: "
    f"{RETURNS_CONVERSION}"
)
"""What is wrong with a file of such lines."""

_WIDE_MARKS = {
    # The marks of UTF-32 begin with those of UTF-16.
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}

_BY_ZEROS = {
    bytes([0, 1, 0, 1]): "UTF-16LE",
    bytes([1, 0, 1, 0]): "UTF-16BE",
    bytes([0, 1, 1, 1]): "UTF-32LE",
    bytes([1, 1, 1, 0]): "UTF-32BE",
}
"""Encodings without a mark, by which of their first bytes are zero."""

_OTHER_KINDS = {
    b"PAR1": ("a Parquet file", "name its format with --format parquet"),
    b"ARROW1": ("an Arrow file", "name its format with --format arrow"),
    b"PK\x03\x04": ("a zip archive, as workbooks are", "unpack it first, or save the sheet as CSV"),
    b"BZh": ("compressed by bzip2", "decompress it first: bunzip2 FILE"),
    b"\xfd7zXZ\x00": ("compressed by xz", "decompress it first: unxz FILE"),
    b"\x04\x22\x4d\x18": ("compressed by lz4", "decompress it first: unlz4 FILE"),
    b"\x1f\x8b": ("compressed twice", "decompress it first: gunzip FILE"),
    b"\x28\xb5\x2f\xfd": ("compressed twice", "decompress it first: unzstd FILE"),
    b"SQLite format 3\x00": ("an SQLite database", "write the rows to a CSV file first"),
}
"""What has been taken for text, by its first bytes, and what to do."""


def skip(file: BinaryIO, count: int) -> None:
    """Go on by so many bytes, by reading them if there is no other way."""
    if file.seekable():
        file.seek(count, os.SEEK_CUR)
    else:
        while count and (data := file.read(min(count, MAX_LINE_BYTES))):
            count -= len(data)


def skip_rest(line: bytes, file: BinaryIO) -> int:
    """Skip what `readline(MAX_LINE_BYTES)` has left of a line; returns how many bytes that are."""
    skipped = 0
    while len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
        line = file.readline(MAX_LINE_BYTES)
        skipped += len(line)
    return skipped


def checked_beginning(first_line: bytes, name: str) -> bytes:
    """Return a file's first line without its byte-order mark.

    Raises:
        SourceError: It is that of a file without lines, or in an encoding whose lines cannot be found as bytes.
    """
    for mark, encoding in _WIDE_MARKS.items():
        if first_line.startswith(mark):
            raise SourceError(f"{name} is in {encoding}; convert it first: {_conversion(encoding)}")
    for mark, (kind, advice) in _OTHER_KINDS.items():
        if first_line.startswith(mark):
            raise SourceError(f"{name} is {kind}; {advice}")
    if b"\0" in first_line:
        likely = _BY_ZEROS.get(bytes(byte == 0 for byte in first_line[:4]))
        if likely is None:
            raise SourceError(f"{name} has zero bytes in its first line, so it is not text; name its format")
        raise SourceError(f"{name} seems to be in {likely}; convert it first: {_conversion(likely)}")
    return first_line.removeprefix(codecs.BOM_UTF8)


def _conversion(encoding: str) -> str:
    return f"iconv -f {encoding} -t UTF-8 FILE > NEW"
