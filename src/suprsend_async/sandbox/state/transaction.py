"""What a call may read and change while it has its turn, and the events that it enters."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from suprsend_async.sandbox import json_numbers
from suprsend_async.sandbox.state.store import StoredEntry

if TYPE_CHECKING:
    from suprsend_async.sandbox.refusal import Refusal
    from suprsend_async.sandbox.state.records import Kept, Records
    from suprsend_async.sandbox.state.store import EntryStore

REMEMBERED_SECONDS = 24 * 60 * 60
REMEMBERED_KEYS = 1_000_000

_NAME_KEPT = 512  # characters


@dataclass(frozen=True, slots=True)
class Judged:
    """One event, trigger or broadcast of a request, and what the rules say.

    Attributes:
        event: What the JSON decoder made of it.
        content: The same as JSON, if it was written already.
        refusal: The rule that is broken; None if none is.
    """

    event: object
    refusal: Refusal | None = None
    content: bytes | None = None


class Transaction:
    """What a call may read and change, and the events that it enters.

    Attributes:
        now: The time in seconds.
        records: Users, objects and the like.
        most: How many of what may come without end are kept; the oldest are dropped.
        rows: What was entered, in order.
        contents: The events themselves as JSON.
        kept: The triggers and broadcasts that were accepted.
        moved: The messages whose status changed, by their ids, and what it became.
    """

    def __init__(self, store: EntryStore, now: float, note: str | None = None) -> None:
        self.now = now
        self.records: Records = store.records
        self.most: int = store.max_entries
        self.rows: list[StoredEntry] = []
        self.contents: list[str | None] = []
        self.kept: list[Kept] = []
        self.moved: list[tuple[str, str]] = []
        self._store = store
        self._note = note
        self._has_forgotten = False

    def once(self, kind: str, key: str | None) -> tuple[str, bool]:
        """Return a message id for what has this idempotency key, and whether it is the first that has it.

        The others get the first one's message id: within 24 hours, and of the newest million keys.

        Args:
            kind: Its kind; each kind has separate keys. Empty for an event.
            key: The key without spaces around it; None if it has none.
        """
        if key is None:
            return str(uuid.uuid4()), True
        if not self._has_forgotten:
            self._store.forget_keys(self.now - REMEMBERED_SECONDS, REMEMBERED_KEYS)
            self._has_forgotten = True
        # An event's key stands for itself, as in the files of earlier versions; none begins with a space.
        stored = f" {kind} {key}" if kind else key
        if first := self._store.find_key(stored):
            if kind:
                self._store.changes.note_repeat(kind, key, self.now)
            return first, False
        message_id = str(uuid.uuid4())
        self._store.add_key(stored, self.now, message_id)
        return message_id, True

    def append(self, kind: str, content: dict[str, Any]) -> str:
        """Keep a record of a kind without bound, and return its name; the oldest of its kind are dropped."""
        newest = self.records.newest(kind, "")
        number = 1 if newest is None else int(newest.name) + 1
        self.records.put(kind, "", str(number), content, self.now)
        self.records.delete_until(kind, "", str(number - self.most))
        return str(number)

    def enter(self, judged: Judged) -> Refusal | str:
        """Enter an event; returns its message id, or why it is refused."""
        row = self._row(judged)
        self.rows.append(row)
        self.contents.append(_content(judged))
        return judged.refusal or cast("str", row.message_id)

    def _row(self, judged: Judged) -> StoredEntry:
        event, now = judged.event, self.now
        fields = cast("dict[str, object]", event) if isinstance(event, dict) else {}
        key = (_text(fields.get("$idempotency_key")) or "").strip() or None
        who = (
            _text(fields.get("event")),
            _text(fields.get("distinct_id")),
            _text(fields.get("tenant_id")) or _text(fields.get("brand_id")),
            key,
        )
        if judged.refusal:
            return StoredEntry(now, "refused", judged.refusal.status_code, *who, None, judged.refusal.message)
        message_id, is_first = self.once("", key)
        if is_first:
            return StoredEntry(now, "accepted", 202, *who, message_id, self._note)
        note = self._note or "The idempotency key was used before."
        return StoredEntry(now, "repeated", 202, *who, message_id, note)


def _text(value: object) -> str | None:
    return value[:_NAME_KEPT] if isinstance(value, str) else None


def _content(judged: Judged) -> str | None:
    event = judged.event
    if not isinstance(event, dict):
        return None
    written = judged.content or json_numbers.write(cast("dict[str, object]", event), "")[0]
    return written.decode()
