"""Which columns of a Parquet file are encrypted: pyarrow ends the process when it is asked about one of them."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

from suprsend_async.ingest.sources.thrift import fields, items, skip

_ENCRYPTED_FOOTER = b"PARE"
_END_BYTES = 8
"""The length of the footer, and the mark of the format."""
# The numbers of fields: of the footer, of a row group, and of a column in it.
_ROW_GROUPS, _COLUMNS, _ENCRYPTION = 4, 1, 8


def has_encrypted_footer(stored: Any) -> bool:
    """Return whether nothing of a file can be read without its keys.

    Args:
        stored: The file's bytes, with pyarrow's `read_at` and `size`.
    """
    return bool(_end(stored).endswith(_ENCRYPTED_FOOTER))


def encrypted_columns(stored: Any, metadata: Any) -> list[str]:
    """Return the paths of the columns that are encrypted in a file whose footer is not.

    Args:
        stored: The file's bytes, with pyarrow's `read_at` and `size`.
        metadata: What pyarrow made of the footer.

    Raises:
        ValueError: The footer cannot be read.
    """
    (length,) = struct.unpack_from("<I", _end(stored))
    # A file with encrypted columns has a signature behind what its footer says; without one, the footer is not read.
    if length == metadata.serialized_size:
        return []
    footer = BytesIO(stored.read_at(length, stored.size() - _END_BYTES - length))
    places: set[int] = set()
    for field, kind in fields(footer):
        if field == _ROW_GROUPS:
            groups, _ = items(footer)
            for _ in range(groups):
                places |= _in_group(footer)
        else:
            skip(footer, kind)
    return [metadata.schema.column(place).path for place in sorted(places)]


def _end(stored: Any) -> bytes:
    return bytes(stored.read_at(_END_BYTES, max(stored.size() - _END_BYTES, 0)))


def _in_group(footer: BytesIO) -> set[int]:
    """Read a row group, and return the places of the columns that are encrypted in it."""
    places: set[int] = set()
    for field, kind in fields(footer):
        if field == _COLUMNS:
            columns, _ = items(footer)
            for place in range(columns):
                for number, inner in fields(footer):
                    if number == _ENCRYPTION:
                        places.add(place)
                    skip(footer, inner)
        else:
            skip(footer, kind)
    return places
