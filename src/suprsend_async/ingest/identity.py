"""The identity of a row's event: the same key and the same insert id in every run."""

from __future__ import annotations

from hashlib import sha1
from uuid import UUID

NAMESPACE = UUID("5f3a1c52-8b0e-5d0c-9a5e-4b0f1f2d7c61")
"""The namespace of the insert ids; changing it would make every event a new one."""

_BEGUN = sha1(NAMESPACE.bytes, usedforsecurity=False)
_VARIANTS = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def insert_id_of(key: str) -> str:
    """Return the UUID of version 5 for an idempotency key, so that equal keys have equal insert ids.

    Examples:
        >>> from suprsend_async.ingest.identity import insert_id_of
        >>> insert_id_of("flight-1")
        'e49c146a-bb49-5b4f-8b84-7136cf28a7b5'
    """
    # What `uuid.uuid5` does, without its object, which costs as much again.
    digest = _BEGUN.copy()
    digest.update(key.encode())
    digits = digest.hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{_VARIANTS[digits[16]]}{digits[17:20]}-{digits[20:32]}"
