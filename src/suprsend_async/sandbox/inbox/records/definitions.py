"""Definitions of workflows: what makes messages of events and triggers, with its templates as they were written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.sandbox.delivery import deliveries
from suprsend_async.sandbox.delivery.definitions import category_of, delay_of, read_definition
from suprsend_async.sandbox.inbox.records.deliveries import delivery_row
from suprsend_async.sandbox.inbox.records.kind import Kind, Related, Shown, all_of, fact, short, times
from suprsend_async.sandbox.inbox.records.messages import message_row
from suprsend_async.sandbox.inbox.records.shapes import Preview, RecordLink, RecordRow
from suprsend_async.sandbox.state.browse import records_of
from suprsend_async.sandbox.state.records import record_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from suprsend_async.sandbox.delivery.definitions import Definition
    from suprsend_async.sandbox.state.browse import Collection
    from suprsend_async.sandbox.state.records import StoredRecord
    from suprsend_async.sandbox.state.store import EntryStore


def _definition(record: StoredRecord) -> Definition:
    # A state that was loaded may leave out what has a default.
    return read_definition(record.name, record.content, [category_of(record.content)])


def _row(_: EntryStore, row: Sequence[Any]) -> RecordRow:
    record = record_of(row)
    definition = _definition(record)
    when = [f"after {delay_of(definition.delay)}"] if definition.delay else []
    texts = [each.text for each in _templates(definition)]
    return RecordRow(
        id=record.id,
        link=RecordLink(kind="definitions", id=record.id),
        at=record.updated_at,
        name=record.name,
        who=", ".join(definition.channels),
        about=short(" · ".join([definition.category, *when, *texts])),
    )


def _templates(definition: Definition) -> list[Preview]:
    """Return the texts of the templates, in the order in which their channels are used."""
    return [
        Preview(name=f"{channel} {field}", text=text)
        for channel in definition.channels
        for field, text in definition.templates[channel].items()
    ]


def _show(_: EntryStore, record: StoredRecord) -> Shown:
    definition = _definition(record)
    facts = [
        *fact("event or workflow", record.name),
        *fact("name", definition.name),
        *fact("category", definition.category),
        *fact("channels", ", ".join(definition.channels)),
        *fact("delay", delay_of(definition.delay) if definition.delay else "none"),
        *times(record),
    ]
    return Shown(facts, [], {"slug": record.name, **definition.to_dict()}, preview=_templates(definition))


def _deliveries_of(record: StoredRecord) -> Collection:
    return records_of(deliveries.KIND, "").narrowed("json_extract(content, '$.workflow') = ?", record.name)


def _messages_of(record: StoredRecord) -> Collection:
    # The message of a broadcast has no workflow, but a template of its name.
    slug = "coalesce(json_extract(content, '$.workflow.slug'), json_extract(content, '$.template.slug'))"
    return records_of("message", "").narrowed(f"{slug} = ?", record.name)


DEFINITIONS = Kind(
    "definitions",
    all_of("workflow"),
    record_of,
    _row,
    _show,
    (
        Related("messages", "Messages", _messages_of, message_row),
        Related("deliveries", "Deliveries", _deliveries_of, delivery_row),
    ),
)
