"""The messages of an Arrow IPC file, looked at without their bodies: how much memory each will take."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

_FILE_BEGINNING = b"ARROW1\0\0"
_CONTINUATION = 0xFFFFFFFF
_MOST_METADATA = 64 * 1024 * 1024
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3
_END = -1
_FOOTER_LENGTH_BYTES = 4 + len(b"ARROW1")
# The fields of Arrow's flatbuffers by their places: of a message, of a record batch, and of one with a dictionary.
_HEADER_TYPE, _HEADER, _BODY_LENGTH = 1, 2, 3
_BUFFERS, _COMPRESSION = 2, 3
_DATA = 1


class ArrowMessages(NamedTuple):
    """What the messages of a file tell.

    Attributes:
        held_bytes: How much memory the largest record batch takes, and all dictionaries beside it; 0 if that cannot be
            read.
        end: Where the messages of the file format end; None if nothing marks it, and for the streaming format.
    """

    held_bytes: int
    end: int | None


def messages(stored: Any) -> ArrowMessages:
    """Look at all messages of a file; of several streams, one behind the other, at those of each.

    Args:
        stored: The file's bytes, with pyarrow's `read_at` and `size`.
    """
    held = dictionaries = largest = 0
    is_file_format = stored.read_at(len(_FILE_BEGINNING), 0) == _FILE_BEGINNING
    place = len(_FILE_BEGINNING) if is_file_format else 0
    end: int | None = None
    try:
        while place < stored.size():
            place, kind, size = _message(stored, place)
            if kind == _DICTIONARY_BATCH:
                dictionaries += size
            elif kind == _RECORD_BATCH:
                largest = max(largest, size)
            elif kind == _END:
                held, dictionaries, largest = max(held, dictionaries + largest), 0, 0
                if is_file_format:
                    end = place
                    break
            elif kind is None:
                break
    except (struct.error, IndexError):
        pass  # A footer, or damage, which pyarrow finds.
    return ArrowMessages(max(held, dictionaries + largest), end)


def footer_place(stored: Any) -> int:
    """Return where the footer of the file format begins by what stands behind it."""
    (length,) = struct.unpack("<i", stored.read_at(4, stored.size() - _FOOTER_LENGTH_BYTES))
    return int(stored.size()) - _FOOTER_LENGTH_BYTES - int(length)


def _message(stored: Any, place: int) -> tuple[int, int | None, int]:
    """Return where a message ends, its kind, and how much memory its body takes; no kind if it is none."""
    (length,) = struct.unpack("<I", stored.read_at(4, place))
    place += 4
    if length == _CONTINUATION:  # before Arrow 0.15 there was none
        (length,) = struct.unpack("<I", stored.read_at(4, place))
        place += 4
    if length == 0:
        return place, _END, 0
    if length > _MOST_METADATA:
        return place, None, 0
    message = _Table.root(stored.read_at(length, place))
    body = place + length
    kind, body_length = message.number(_HEADER_TYPE, "<B"), message.number(_BODY_LENGTH, "<q")
    if body_length < 0:
        return body, None, 0
    size = body_length
    if kind in (_DICTIONARY_BATCH, _RECORD_BATCH):
        batch = message.table(_HEADER)
        batch = batch.table(_DATA) if kind == _DICTIONARY_BATCH else batch
        if batch.has(_COMPRESSION):
            size = sum(_decoded_bytes(stored, body + offset, length) for offset, length in batch.pairs(_BUFFERS))
    return body + body_length, kind, size


def _decoded_bytes(stored: Any, place: int, length: int) -> int:
    """Return the size of a compressed buffer, which stands before it; -1 says that it is not compressed."""
    if length < 8:
        return 0
    (size,) = struct.unpack("<q", stored.read_at(8, place))
    return int(size) if size >= 0 else length


class _Table:
    """A table of a flatbuffer.

    Args:
        data: The flatbuffer.
        place: Where the table begins in it.
    """

    def __init__(self, data: bytes, place: int) -> None:
        self._data = data
        self._place = place
        (back,) = struct.unpack_from("<i", data, place)
        self._offsets = place - back
        (self._offsets_bytes,) = struct.unpack_from("<H", data, self._offsets)

    @classmethod
    def root(cls, data: bytes) -> _Table:
        return cls(data, *struct.unpack_from("<I", data, 0))

    def has(self, field: int) -> bool:
        return self._find(field) != 0

    def number(self, field: int, form: str) -> int:
        place = self._find(field)
        return int(struct.unpack_from(form, self._data, place)[0]) if place else 0

    def table(self, field: int) -> _Table:
        return _Table(self._data, self._follow(field))

    def pairs(self, field: int) -> list[tuple[int, int]]:
        """Return a vector of structs of two numbers each."""
        place = self._follow(field)
        (count,) = struct.unpack_from("<I", self._data, place)
        return list(struct.iter_unpack("<qq", self._data[place + 4 : place + 4 + 16 * count]))

    def _follow(self, field: int) -> int:
        place = self._find(field)
        if not place:
            raise IndexError(field)
        return place + int(struct.unpack_from("<I", self._data, place)[0])

    def _find(self, field: int) -> int:
        """Return where a field stands; 0 if it is left out."""
        entry = 4 + 2 * field
        if entry >= self._offsets_bytes:
            return 0
        (offset,) = struct.unpack_from("<H", self._data, self._offsets + entry)
        return self._place + int(offset) if offset else 0
