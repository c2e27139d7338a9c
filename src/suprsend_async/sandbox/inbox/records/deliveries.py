"""Deliveries: accepted records with a workflow, their messages, and what was skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.counting import counted
from suprsend_async.sandbox.delivery import deliveries
from suprsend_async.sandbox.inbox.records.kind import Kind, Related, Shown, all_of, definition_of, fact, link_to
from suprsend_async.sandbox.inbox.records.messages import message_row
from suprsend_async.sandbox.inbox.records.shapes import Fact, RecordLink, RecordRow, Section, Tone
from suprsend_async.sandbox.platform import runs
from suprsend_async.sandbox.state.browse import records_of
from suprsend_async.sandbox.state.records import record_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from suprsend_async.sandbox.state.browse import Collection
    from suprsend_async.sandbox.state.records import StoredRecord
    from suprsend_async.sandbox.state.store import EntryStore

_PAGES = {"trigger": "workflows", "broadcast": "broadcasts"}
_NAMED = 3  # of what was skipped, in a row


def deliveries_of(message_id: str) -> Collection:
    """Return the delivery of what was answered with this message id."""
    return records_of(deliveries.KIND, "").narrowed("json_extract(content, '$.message_id') = ?", message_id)


def delivery_row(_: EntryStore, row: Sequence[Any]) -> RecordRow:
    """Show a delivery in a list."""
    record = record_of(row)
    delivery = record.content
    status, tone = _status(delivery)
    return RecordRow(
        id=record.id,
        link=RecordLink(kind="deliveries", id=record.id),
        at=record.updated_at,
        name=delivery["workflow"],
        status=status,
        tone=tone,
        who=delivery["of"],
        tenant_id=delivery["body"].get("tenant_id") or delivery["body"].get("brand_id"),
        about=_skipped(delivery["skipped"]),
    )


def _status(delivery: Mapping[str, Any]) -> tuple[str, Tone]:
    if delivery["done_at"] is None:
        return "waiting", ""
    made, skipped = len(delivery["messages"]), len(delivery["skipped"])
    words = "no message" if made == 0 else counted(made, "message")
    return words, "repeated" if skipped or not made else "accepted"


def _skipped(skipped: Sequence[Mapping[str, Any]]) -> str:
    """Say what was skipped, and why."""
    named = [f"{_whose(each)}: {each['reason']}" for each in skipped[:_NAMED]]
    more = [f"and {len(skipped) - _NAMED} more"] if len(skipped) > _NAMED else []
    return " · ".join(named + more)


def _whose(skipped: Mapping[str, Any]) -> str:
    return ", ".join(filter(None, (skipped["recipient"], skipped["channel"]))) or "all"


def _show(store: EntryStore, record: StoredRecord) -> Shown:
    delivery = record.content
    kind, body = delivery["of"], delivery["body"]
    page = _PAGES.get(kind)
    link = None if page is None else link_to(store.records, page, kind, "", delivery["name"])
    facts = [
        *fact("workflow", delivery["workflow"], definition_of(store.records, delivery["workflow"])),
        *fact("started by", f"{'an' if kind == 'event' else 'a'} {kind}", link),
        *fact("idempotency key", runs.idempotency_key(body)),
        Fact(name="received", at=record.created_at),
        Fact(name="due", at=delivery["due_at"]),
        *([] if delivery["done_at"] is None else [Fact(name="done", at=delivery["done_at"])]),
        *fact("message id", delivery["message_id"]),
    ]
    skipped = [Section(title=f"Skipped ({len(delivery['skipped'])})", value=delivery["skipped"])]
    sections = [*(skipped if delivery["skipped"] else []), Section(title="What came", value=body)]
    return Shown(facts, sections, {"delivery_id": record.name, **delivery})


_ITS_MESSAGES = Related(
    "messages", "Messages", lambda each: records_of("message", "").named(each.content["messages"]), message_row
)

DELIVERIES = Kind("deliveries", all_of(deliveries.KIND), record_of, delivery_row, _show, (_ITS_MESSAGES,))
