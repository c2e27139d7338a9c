"""Collecting an answer's body within a limit, whatever its content coding inflates to."""

from __future__ import annotations

import zlib

_WINDOW_BITS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


class BoundedBody:
    """Takes the pieces of a body and keeps at most `limit` decoded bytes.

    The client asks for no content coding; a proxy may use one all the same. The decoder is told how much it may
    produce, so a compressed bomb costs no more memory than an honest body.
    """

    def __init__(self, limit: int, content_encoding: str = "") -> None:
        """Prepare for a body of at most `limit` bytes in the given content coding."""
        coding = content_encoding.strip().lower()
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._readable = coding in ("", "identity") or coding in _WINDOW_BITS
        self._decoder = zlib.decompressobj(_WINDOW_BITS[coding]) if coding in _WINDOW_BITS else None

    @property
    def complete(self) -> bool:
        """Whether nothing was cut off and all of it could be decoded."""
        return self._readable and self._size <= self._limit

    def feed(self, piece: bytes) -> bool:
        """Add a piece; returns False once more would be of no use."""
        if not self._readable:
            return False
        if self._decoder is not None:
            try:
                piece = self._decoder.decompress(piece, self._limit - self._size + 1)
            except zlib.error:
                self._readable = False
                return False
        self._parts.append(piece)
        self._size += len(piece)
        return self._size <= self._limit

    def collected(self) -> bytes:
        """Return what was kept, at most `limit` bytes."""
        return b"".join(self._parts)[: self._limit]
