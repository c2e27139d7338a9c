"""Thrift's compact protocol, in which Parquet's footer and the headers of its pages are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BytesIO


_STOP, _BOOLEANS, _BYTE, _NUMBERS, _DOUBLE, _BINARY, _LISTS, _STRUCT = 0, (1, 2), 3, (4, 5, 6), 7, 8, (9, 10), 12


def fields(data: BytesIO) -> Iterator[tuple[int, int]]:
    """Return the number and the type of each field of a struct; who asks for the next has read or skipped its value.

    Raises:
        ValueError: The struct does not end. So do all functions here.
    """
    field = 0
    while True:
        head = _byte(data)
        kind, step = head & 0x0F, head >> 4
        if kind == _STOP:
            return
        field = field + step if step else signed(data)
        yield field, kind


def numbers(data: BytesIO) -> dict[int, int]:
    """Read a struct to its end, and return the numbers in it by the numbers of their fields."""
    found: dict[int, int] = {}
    for field, kind in fields(data):
        if kind in _NUMBERS:
            found[field] = signed(data)
        else:
            skip(data, kind)
    return found


def items(data: BytesIO) -> tuple[int, int]:
    """Read the beginning of a list, and return how many items it has, and their type."""
    head = _byte(data)
    return head >> 4 if head >> 4 < 0x0F else _number(data), head & 0x0F


def skip(data: BytesIO, kind: int, *, is_in_list: bool = False) -> None:
    """Read on to the end of a value of a type."""
    if kind in _BOOLEANS:
        _bytes(data, 1 if is_in_list else 0)  # outside, the type says which it is
    elif kind in _NUMBERS:
        signed(data)
    elif kind == _BYTE:
        _bytes(data, 1)
    elif kind == _DOUBLE:
        _bytes(data, 8)
    elif kind == _BINARY:
        _bytes(data, _number(data))
    elif kind in _LISTS:
        count, item = items(data)
        for _ in range(count):
            skip(data, item, is_in_list=True)
    elif kind == _STRUCT:
        numbers(data)
    else:
        raise ValueError(f"a field of type {kind} in Thrift's data")


def signed(data: BytesIO) -> int:
    """Read a number of variable length, whose lowest bit is its sign."""
    value = _number(data)
    return (value >> 1) ^ -(value & 1)


def _number(data: BytesIO) -> int:
    value = shift = 0
    while True:
        byte = _byte(data)
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value
        if shift > 63:
            raise ValueError("a number of more than 64 bits in Thrift's data")


def _byte(data: BytesIO) -> int:
    return _bytes(data, 1)[0]


def _bytes(data: BytesIO, count: int) -> bytes:
    found = data.read(count)
    if len(found) < count:
        raise ValueError("data of Thrift that does not end")
    return found
