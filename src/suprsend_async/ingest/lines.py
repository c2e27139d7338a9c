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

TOO_LONG = f"the line is longer than {MAX_LINE_BYTES >> 20} MiB"
"""What is wrong with such a line."""

_WIDE_MARKS = {
    # The marks of UTF-32 begin with those of UTF-16.
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


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


def without_mark(first_line: bytes, name: str) -> bytes:
    """Return a file's first line without its byte-order mark.

    Raises:
        SourceError: The mark is that of an encoding whose lines cannot be told apart as bytes.
    """
    for mark, encoding in _WIDE_MARKS.items():
        if first_line.startswith(mark):
            raise SourceError(f"{name} is in {encoding}; convert it first: iconv -f {encoding} -t UTF-8")
    return first_line.removeprefix(codecs.BOM_UTF8)
