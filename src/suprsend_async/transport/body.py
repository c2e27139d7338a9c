"""Collecting an answer's body within a limit, whatever its content coding inflates to."""

from __future__ import annotations

import zlib

_GZIP = 16 + zlib.MAX_WBITS

# How each coding may be written. By the standard "deflate" has zlib's frame; many servers leave it out.
_WINDOWS = {"gzip": (_GZIP,), "x-gzip": (_GZIP,), "deflate": (zlib.MAX_WBITS, -zlib.MAX_WBITS)}


def _windows_of(content_encoding: str) -> list[tuple[int, ...]]:
    # The last one was put on last. Those that nothing is known of are taken for none.
    codings = [coding.strip().lower() for coding in content_encoding.split(",")]
    return [_WINDOWS[coding] for coding in reversed(codings) if coding in _WINDOWS]


class BoundedBody:
    """Takes the pieces of a body and gives at most `limit` decoded bytes.

    The client asks for no content coding; a proxy may still use one. The decoder has a limit on how much it may
    produce, so a compressed bomb costs no more memory than an honest body.

    What a server calls a coding need not be one: `utf-8`, `none` and `aws-chunked` stand before bodies as they are, and
    `gzip` before those that a proxy has unpacked. So what cannot be decoded is given as it came. If it was in a coding
    after all, it is no JSON, and says nothing.
    """

    def __init__(self, limit: int, content_encoding: str = "") -> None:
        """Prepare for a body of at most `limit` bytes in the given content codings."""
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0
        self._codings = _windows_of(content_encoding) if content_encoding else []

    def feed(self, piece: bytes) -> bool:
        """Add a piece; returns False as soon as more is of no use."""
        self._pieces.append(piece)
        self._size += len(piece)
        return self._size <= self._limit

    def collected(self) -> tuple[bytes, bool]:
        """Return the body, at most `limit` bytes, and whether it is whole."""
        body = b"".join(self._pieces)
        if len(body) > self._limit:
            return body[: self._limit], False
        for windows in self._codings:
            decoded = self._decoded(body, windows)
            if decoded is None:
                break
            if len(decoded) > self._limit:
                return decoded[: self._limit], False
            body = decoded
        return body, True

    def _decoded(self, body: bytes, windows: tuple[int, ...]) -> bytes | None:
        """Return the decoded body, cut off after the limit; None if it is in none of the forms."""
        for window in windows:
            decoded, rest = b"", body
            try:
                while rest and len(decoded) <= self._limit:  # gzip may come in several parts
                    decoder = zlib.decompressobj(window)
                    decoded += decoder.decompress(rest, self._limit + 1 - len(decoded))
                    if not decoder.eof and len(decoded) <= self._limit:
                        break
                    rest = decoder.unused_data
                else:
                    return decoded
            except zlib.error:
                # Behind a whole part, whose sum is right, stands padding; a form without a sum may be none at all.
                if rest is not body and window > 0:
                    return decoded
        return None
