"""Messages: recipient, channel, status and text."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from suprsend_async.sandbox.inbox.records.kind import (
    Kind,
    Related,
    Shown,
    about,
    all_of,
    definition_of,
    fact,
    link_to,
    short,
)
from suprsend_async.sandbox.inbox.records.shapes import Fact, Preview, RecordLink, RecordRow, Section, Tone
from suprsend_async.sandbox.inbox.records.webhooks import webhook_row, webhooks_of
from suprsend_async.sandbox.platform import runs
from suprsend_async.sandbox.platform.message_status import BLOCKED, RANKS, TIMES
from suprsend_async.sandbox.platform.messages import NO_REASON
from suprsend_async.sandbox.state.records import record_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from suprsend_async.sandbox.state.records import StoredRecord
    from suprsend_async.sandbox.state.store import EntryStore

_WENT_WELL = frozenset({"delivered", "seen", "read", "clicked"})
_NEEDS_A_LOOK = frozenset({"trigger_blocked", "not_to_be_triggered", "dismissed"})
# What people give a message by a click; of the others there is a call.
_GIVEN = ("delivered", "seen", "clicked")
_FAILED = "delivery_failure"
# Not of use where the parts of a message are shown.
_ELSEWHERE = frozenset({"content", "idempotency_key", "recipient", "status", *TIMES})


def _tone(status: str) -> Tone:
    if status in _WENT_WELL:
        return "accepted"
    if status in _NEEDS_A_LOOK:
        return "repeated"
    return "refused" if status in BLOCKED else ""


def _slug(value: Any) -> str | None:
    return cast("dict[str, str]", value)["slug"] if isinstance(value, dict) else cast("str | None", value)


def _recipient(message: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Return who gets it: the kind of page, the kind that is stored, its scope and its name."""
    recipient: dict[str, Any] = message["recipient"] or {}
    if recipient.get("distinct_id"):
        return "users", "user", "", recipient["distinct_id"]
    return "objects", "object", recipient.get("object_type") or "", recipient.get("id") or ""


def _texts(content: Any) -> list[Preview]:
    """Return the texts that a recipient reads, those of a channel's own part among them."""
    if isinstance(content, str):
        return [Preview(name="text", text=content)]
    if not isinstance(content, dict):
        return []
    parts = cast("dict[str, object]", content)
    return [Preview(name=name, text=value) for name, value in parts.items() if isinstance(value, str)]


def _first_text(message: Mapping[str, Any]) -> str:
    texts = [each.text for each in _texts(message["content"])]
    return short(_why(message) or " · ".join(texts) or about(message["content"] or {}))


def _why(message: Mapping[str, Any]) -> str | None:
    """Say why a message failed or was not sent; None if it was."""
    reason: str | None = message["failure_reason"]
    return reason or (NO_REASON if message["status"] in BLOCKED else None)


def message_row(_: EntryStore, row: Sequence[Any]) -> RecordRow:
    """Show a message in a list."""
    record = record_of(row)
    message = record.content
    return RecordRow(
        id=record.id,
        link=RecordLink(kind="messages", id=record.id),
        at=record.updated_at,
        name=_slug(message["workflow"]) or _slug(message["template"]) or message["category"],
        status=message["status"],
        tone=_tone(message["status"]),
        who=f"{_recipient(message)[3]} · {message['channel']}",
        tenant_id=message["tenant_id"],
        about=_first_text(message),
    )


def _show(store: EntryStore, record: StoredRecord) -> Shown:
    message = record.content
    page, kind, scope, name = _recipient(message)
    facts = [
        *fact("recipient", name, link_to(store.records, page, kind, scope, name)),
        *fact("channel", message["channel"]),
        *fact("why", _why(message)),
        *fact("category", message["category"]),
        *fact("tenant", message["tenant_id"], link_to(store.records, "tenants", "tenant", "", message["tenant_id"])),
        *fact("workflow", _slug(message["workflow"]), definition_of(store.records, _slug(message["workflow"]))),
        *fact("template", _slug(message["template"])),
        *fact("execution", message["execution_id"], _run(store, message["execution_id"])),
        *fact("idempotency key", message["idempotency_key"]),
        *fact("message id", record.name),
        *(Fact(name=each.removesuffix("_at"), at=at) for each in TIMES if (at := _seconds(message[each])) is not None),
    ]
    content: Any = message["content"]
    others = {key: value for key, value in message.items() if key not in _ELSEWHERE and value is not None}
    return Shown(
        facts,
        [
            *_rest_of(content),
            Section(title="Everything else", value=others),
        ],
        {"message_id": record.name, **message},
        {("message", "", record.name): ""},
        _texts(content),
        can=_can_become(message["status"]),
    )


def _can_become(status: str) -> list[str]:
    """Return what a message may be made by a click: it only moves forward, and not at all once it has failed."""
    if status in BLOCKED:
        return []
    return [*(each for each in _GIVEN if RANKS[each] > RANKS[status]), _FAILED]


def _rest_of(content: Any) -> list[Section]:
    """Return a content that is more than texts; one of texts alone is all in the preview."""
    if not isinstance(content, dict | list):
        return []
    parts = cast("dict[str, object] | list[object]", content)
    values = parts.values() if isinstance(parts, dict) else parts
    return [] if all(isinstance(each, str) for each in values) else [Section(title="Content", value=parts)]


def _run(store: EntryStore, execution_id: str | None) -> RecordLink | None:
    """Return the trigger or the broadcast that an execution is a run of, if it is kept."""
    for page, stored in (("workflows", "trigger"), ("broadcasts", "broadcast")):
        found = store.records.get(stored, "", runs.number_of(execution_id or ""))
        if found is not None and execution_id in runs.shown(found)["execution_ids"]:
            return RecordLink(kind=page, id=found.id)
    return None


def _seconds(moment: str | None) -> float | None:
    return None if moment is None else datetime.fromisoformat(moment).timestamp()


_ITS_WEBHOOKS = Related("webhooks", "Webhooks", lambda each: webhooks_of(each.name), webhook_row)

MESSAGES = Kind("messages", all_of("message"), record_of, message_row, _show, (_ITS_WEBHOOKS,))
