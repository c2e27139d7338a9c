"""The headers of a Parquet file's pages, of which only they say how large a page is."""

from __future__ import annotations

from io import BytesIO
from typing import Any

_HEADER_BYTES = 64 * 1024
"""A header holds the smallest and the largest value of its page; a longer one is not looked at."""
# Types of Thrift's compact protocol, and the numbers of a header's fields.
_STOP, _BOOLEANS, _BYTE, _NUMBERS, _DOUBLE, _BINARY, _LISTS, _STRUCT = 0, (1, 2), 3, (4, 5, 6), 7, 8, (9, 10), 12
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
        fields = _numbers(header)
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


def _numbers(header: BytesIO) -> dict[int, int]:
    """Read a struct to its end, and return the numbers in it by the numbers of their fields."""
    found: dict[int, int] = {}
    field = 0
    while True:
        head = _byte(header)
        kind, step = head & 0x0F, head >> 4
        if kind == _STOP:
            return found
        field = field + step if step else signed(header)
        if kind in _NUMBERS:
            found[field] = signed(header)
        else:
            _skip(header, kind)


def _skip(header: BytesIO, kind: int, *, is_in_list: bool = False) -> None:
    if kind in _BOOLEANS:
        _bytes(header, 1 if is_in_list else 0)  # outside, the type says which it is
    elif kind in _NUMBERS:
        signed(header)
    elif kind == _BYTE:
        _bytes(header, 1)
    elif kind == _DOUBLE:
        _bytes(header, 8)
    elif kind == _BINARY:
        _bytes(header, _number(header))
    elif kind in _LISTS:
        head = _byte(header)
        for _ in range(head >> 4 if head >> 4 < 0x0F else _number(header)):
            _skip(header, head & 0x0F, is_in_list=True)
    elif kind == _STRUCT:
        _numbers(header)
    else:
        raise ValueError(f"a field of type {kind} in a page's header")


def signed(header: BytesIO) -> int:
    """Read a number of variable length, whose lowest bit is its sign."""
    value = _number(header)
    return (value >> 1) ^ -(value & 1)


def _number(header: BytesIO) -> int:
    value = shift = 0
    while True:
        byte = _byte(header)
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value
        if shift > 63:
            raise ValueError("a number of more than 64 bits in a page's header")


def _byte(header: BytesIO) -> int:
    return _bytes(header, 1)[0]


def _bytes(header: BytesIO, count: int) -> bytes:
    found = header.read(count)
    if len(found) < count:
        raise ValueError("a page's header that does not end")
    return found
