"""How a message moves: its status, which only goes forward, and its marks, which toggle.

Functions over plain data: a message is what answers hold of it.
"""

from __future__ import annotations

from typing import Any

from suprsend_async.sandbox.refusal import Refusal

# A message goes on along these, and never back; a click and a dismissal are both the end.
RANKS = {
    "to_be_triggered": 0,
    "triggered": 1,
    "sent_by_vendor": 2,
    "delivered": 3,
    "seen": 4,
    "read": 5,
    "clicked": 6,
    "dismissed": 6,
}
BLOCKED = ("trigger_failed", "trigger_blocked", "failure_by_vendor", "delivery_failure", "not_to_be_triggered")
_PUSH = {"androidpush", "iospush", "webpush"}
_INBOX = {"inbox"}
# On which channels an action is for a message; None for all.
ACTIONS: dict[str, set[str] | None] = {
    "seen": None,
    "clicked": None,
    "dismissed": _PUSH,
    "read": _INBOX,
    "unread": _INBOX,
    "archived": _INBOX,
    "unarchived": _INBOX,
}
_MARKS = {
    "read": ("is_read", True),
    "unread": ("is_read", False),
    "archived": ("is_archived", True),
    "unarchived": ("is_archived", False),
}
TIMES = (
    "triggered_at",
    "delivered_at",
    "seen_at",
    "clicked_at",
    "dismissed_at",
    "read_at",
    "unread_at",
    "archived_at",
    "unarchived_at",
)


def passed(status: str) -> list[str]:
    """Return what a message has been through that has this status, that one included."""
    if status in BLOCKED:
        return [status]
    # On its way it was neither clicked nor dismissed, and read only if that is its status.
    way = [name for name, rank in RANKS.items() if rank < min(RANKS[status], RANKS["read"])]
    return [*way, status]


def advance(message: dict[str, Any], status: str, now: str) -> None:
    """Let a message go on, but never back, and note when; it may be as far already."""
    message["updated_at"] = now
    if status in BLOCKED or RANKS[status] > RANKS[message["status"]]:
        message["status"] = status
    if f"{status}_at" in message and message[f"{status}_at"] is None:
        message[f"{status}_at"] = now
    if status == "read":
        message["is_read"] = True


def act(message: dict[str, Any], action: str, now: str) -> Refusal | None:
    """Do to a message what its recipient did, or say why that is not for it."""
    if message["status"] in BLOCKED:
        return Refusal(422, "status_blocked", f"the message has ended as {message['status']}")
    channels = ACTIONS[action]
    if channels is not None and message["channel"] not in channels:
        return Refusal(422, "action_not_supported", f"only for {', '.join(sorted(channels))}")
    if action in RANKS:
        advance(message, action, now)
    if action in _MARKS:
        name, value = _MARKS[action]
        message |= {name: value, f"{action}_at": now, "updated_at": now}
    return None
