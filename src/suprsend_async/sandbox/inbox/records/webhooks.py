"""Webhooks: which change of a message was posted to the application, and the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.sandbox.delivery import webhooks
from suprsend_async.sandbox.inbox.records.kind import Kind, Shown, all_of, fact, link_to
from suprsend_async.sandbox.inbox.records.shapes import Fact, RecordLink, RecordRow, Section, Tone
from suprsend_async.sandbox.state.browse import records_of
from suprsend_async.sandbox.state.records import record_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from suprsend_async.sandbox.state.browse import Collection
    from suprsend_async.sandbox.state.records import StoredRecord
    from suprsend_async.sandbox.state.store import EntryStore

_TONES: dict[str, Tone] = {"delivered": "accepted", "failed": "refused"}
# In which state it is, as the page has it: "delivered" is a word for messages there.
_WORDS = {"delivered": "taken"}


def webhooks_of(message_id: str) -> Collection:
    """Return the webhooks of a message."""
    return records_of(webhooks.KIND, "").narrowed("json_extract(content, '$.message_id') = ?", message_id)


def webhook_row(_: EntryStore, row: Sequence[Any]) -> RecordRow:
    """Show a webhook in a list."""
    record = record_of(row)
    webhook, body = record.content, record.content["body"]
    return RecordRow(
        id=record.id,
        link=RecordLink(kind="webhooks", id=record.id),
        at=record.updated_at,
        name=webhook["status"],
        status=_WORDS.get(webhook["state"], webhook["state"]),
        tone=_TONES.get(webhook["state"], "repeated"),
        who=f"{body['distinct_id'] or ''} · {body['channel']}",
        about=_answer(webhook),
        key=record.name,
    )


def _answer(webhook: Mapping[str, Any]) -> str:
    """Say what the application answered last, and to which attempt."""
    attempts = webhook["attempts"]
    if not attempts:
        return "not posted yet"
    last = attempts[-1]
    answered = last["error"] or f"HTTP {last['status_code']}"
    return answered if len(attempts) == 1 else f"{answered}, attempt {len(attempts)}"


def _show(store: EntryStore, record: StoredRecord) -> Shown:
    webhook = record.content
    message_id = webhook["message_id"]
    facts = [
        *fact("message", message_id, link_to(store.records, "messages", "message", "", message_id)),
        *fact("its status", webhook["status"]),
        *fact("idempotency key", webhook["body"]["reference"]["idempotency_key"]),
        Fact(name="made", at=record.created_at),
        *([] if webhook["next_at"] is None else [Fact(name="posted next", at=webhook["next_at"])]),
    ]
    sections = [Section(title="Body", value=webhook["body"]), Section(title="Attempts", value=webhook["attempts"])]
    return Shown(facts, sections, {"webhook_id": record.name, **webhook}, can=["replay"])


WEBHOOKS = Kind("webhooks", all_of(webhooks.KIND), record_of, webhook_row, _show)
