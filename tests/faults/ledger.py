"""What the fault server has seen and taken: one line for each arrival of an event."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from threading import Lock
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One arrival of one event.

    Attributes:
        insert_id: The event's own id.
        key: Its idempotency key, as the platform reads it: without surrounding spaces.
        attempt: How many times the key has come by now, this arrival included.
        digest: SHA-256 of the event's bytes as they stood in the body.
        accepted: Whether the event was taken with this arrival. A repeat of a key that was taken is not taken again.
    """

    insert_id: str
    key: str
    attempt: int
    digest: str
    accepted: bool


class Ledger:
    """Every arrival in order. The server's thread writes, any thread reads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: list[Entry] = []
        self._attempts: Counter[str] = Counter()
        self._message_ids: dict[str, str] = {}

    def arrive(self, raw: bytes, *, accept: bool) -> str | None:
        """Note an event; return its message id if it is taken or was taken before, None if it is not."""
        event: dict[str, Any] = json.loads(raw)
        insert_id = str(event["$insert_id"])
        key = str(event.get("$idempotency_key") or insert_id).strip()
        with self._lock:
            self._attempts[key] += 1
            is_first = accept and key not in self._message_ids
            digest = hashlib.sha256(raw).hexdigest()
            self._entries.append(Entry(insert_id, key, self._attempts[key], digest, is_first))
            if is_first:
                self._message_ids[key] = f"message-{len(self._message_ids) + 1}"
            return self._message_ids.get(key) if accept else None

    @property
    def entries(self) -> list[Entry]:
        """All arrivals so far, in a list of the caller's own."""
        with self._lock:
            return self._entries.copy()

    def __len__(self) -> int:
        return len(self._entries)


def split_array(body: bytes) -> list[bytes]:
    """Return the elements of a JSON array as the bytes that they are, so that these can be hashed.

    Raises:
        ValueError: The body is not one JSON array.
    """
    text = body.decode()
    decoder = json.JSONDecoder()
    elements: list[bytes] = []
    position, mark = 0, text[:1]
    while mark in ("[", ","):
        position = _after_space(text, position + 1)
        if mark == "[" and text[position : position + 1] == "]":
            break
        _, end = decoder.raw_decode(text, position)
        elements.append(text[position:end].encode())
        position = _after_space(text, end)
        mark = text[position : position + 1]
    if text[position:].strip() != "]":
        raise ValueError("not one array")
    return elements


def _after_space(text: str, position: int) -> int:
    while text[position : position + 1].isspace():
        position += 1
    return position
