"""What the fault server has seen and taken: one line for each arrival of a record, or of a call on a user."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


class Increment(NamedTuple):
    """A number that is added to a property of a user."""

    user: str
    name: str
    number: float


@dataclass(frozen=True, slots=True)
class Entry:
    """One arrival of one record, or of one call on a user.

    Attributes:
        insert_id: The record's own id. A trigger says in its data which record it is. A call on a user, and a user in
            a list, have none: the key stands for it.
        key: The idempotency key of an event, a trigger or a broadcast, as the platform reads it: without surrounding
            spaces. An edit's insert id. The verb and the user of a call. The list and the user who is added to it.
        attempt: How many times the key has come by now, this arrival included.
        digest: SHA-256 of its bytes as they stood in the body.
        accepted: Whether it was taken with this arrival. A repeat of a key that was taken is not taken again, unless
            it is a broadcast: nobody says that the platform knows one again.
        added: What this arrival added to users' counters: here a repeat counts like the first, for the platform knows
            no edit again.
    """

    insert_id: str
    key: str
    attempt: int
    digest: str
    accepted: bool
    added: tuple[Increment, ...] = ()


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
        return self.arrive_as(insert_id, str(event.get("$idempotency_key") or insert_id), raw, accept=accept)

    def arrive_as(self, insert_id: str, key: str, raw: bytes, *, accept: bool, heeds_key: bool = True) -> str | None:
        """Note what notifies people; return its message id if it is taken or was taken before, None if it is not.

        Args:
            insert_id: The record's own id.
            key: Its idempotency key.
            raw: Its bytes.
            accept: Whether it is to be taken.
            heeds_key: Whether a repeat of its key is known for one.
        """
        key = key.strip()
        self._note(insert_id, key, raw, accept=accept, heeds_key=heeds_key)
        return self._message_ids.get(key) if accept else None

    def arrive_by_key(self, key: str, raw: bytes, increments: Sequence[Increment] = (), *, accept: bool) -> bool:
        """Note what only its key names, as a call on a user; return whether it is taken, and never was before."""
        return self._note(key, key, raw, tuple(increments) if accept else (), accept=accept)

    def _note(
        self,
        insert_id: str,
        key: str,
        raw: bytes,
        added: tuple[Increment, ...] = (),
        *,
        accept: bool,
        heeds_key: bool = True,
    ) -> bool:
        with self._lock:
            self._attempts[key] += 1
            is_first = accept and key not in self._message_ids
            is_taken = accept and (is_first or not heeds_key)
            digest = hashlib.sha256(raw).hexdigest()
            self._entries.append(Entry(insert_id, key, self._attempts[key], digest, is_taken, added))
            if is_first:
                self._message_ids[key] = f"message-{len(self._message_ids) + 1}"
            return is_first

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


def increments_in(user: str, operations: Iterable[Mapping[str, Any]]) -> Iterator[Increment]:
    """Yield what operations on a user add to its counters."""
    for operation in operations:
        for name, number in operation.get("$add", {}).items():
            yield Increment(user, name, number)
