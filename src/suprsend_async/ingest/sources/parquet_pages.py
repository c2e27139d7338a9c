"""The headers of a Parquet file's pages, of which only they say how large a page is."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from suprsend_async.ingest.sources.thrift import numbers

_HEADER_BYTES = 64 * 1024
"""A header holds the smallest and the largest value of its page; a longer one is not looked at."""
# The numbers of a header's fields.
_PAGE_TYPE, _UNCOMPRESSED_BYTES, _STORED_BYTES = 1, 2, 3
_DICTIONARY_PAGE = 2


def page_bytes(stored: Any, start: int, end: int) -> int:
    """Return how much memory the largest page between two offsets takes, and a dictionary beside it.

    Args:
        stored: The file's bytes, with pyarrow's `read_at`.
        start: Where the first page begins.
        end: Where the last one ends.

    Raises:
        ValueError: What stands there is no page.
    """
    dictionary = largest = 0
    while start < end:
        header = BytesIO(stored.read_at(min(_HEADER_BYTES, end - start), start))
        fields = numbers(header)
        try:
            size, length = fields[_UNCOMPRESSED_BYTES], fields[_STORED_BYTES]
        except KeyError:
            raise ValueError("a page without a size") from None
        if size < 0 or length < 0:
            raise ValueError("a page of a negative size")
        if fields.get(_PAGE_TYPE) == _DICTIONARY_PAGE:
            dictionary = max(dictionary, size)
        else:
            largest = max(largest, size)
        start += header.tell() + length
    return dictionary + largest
