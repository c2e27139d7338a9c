"""Lists, and what was accepted to be sent: triggers of workflows, and broadcasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from suprsend_async.counting import counted
from suprsend_async.sandbox.inbox.records.deliveries import deliveries_of, delivery_row
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
    times,
)
from suprsend_async.sandbox.inbox.records.messages import message_row
from suprsend_async.sandbox.inbox.records.people import member_row
from suprsend_async.sandbox.inbox.records.shapes import Fact, RecordLink, RecordRow, Section
from suprsend_async.sandbox.platform import runs
from suprsend_async.sandbox.state.browse import records_of
from suprsend_async.sandbox.state.records import parts_of, record_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from suprsend_async.sandbox.inbox.records.kind import Place
    from suprsend_async.sandbox.state.browse import Collection
    from suprsend_async.sandbox.state.records import StoredRecord
    from suprsend_async.sandbox.state.store import EntryStore

_NAMED = 3  # recipients in a row
_MEMBERS = 100  # of a list, in what makes it again
_PARTS = {"recipients": "Recipients", "users": "Recipients", "data": "Data", "actor": "Actor", "metadata": "Metadata"}


def _name_of(person: Any) -> str:
    """Return by what a recipient or an actor is called."""
    if isinstance(person, str):
        return person
    if "id" in person and "object_type" in person:
        return f"{person['object_type']}/{person['id']}"
    return short(person.get("distinct_id") or "transient")


def _status(record: StoredRecord) -> dict[str, Any]:
    number, cancelled = record.content["runs"], len(record.content["cancelled"])
    if not cancelled:
        return {"status": "accepted", "tone": "accepted"}
    return {"status": "cancelled" if cancelled == number else f"{cancelled} of {number} cancelled", "tone": "repeated"}


def _tenant(body: Mapping[str, Any]) -> str | None:
    return body.get("tenant_id") or body.get("brand_id")


def _trigger_row(_: EntryStore, row: Sequence[Any]) -> RecordRow:
    record = record_of(row)
    body = record.content["body"]
    people = cast("list[Any]", body.get("recipients") or body.get("users") or [])
    names = [_name_of(person) for person in people[:_NAMED]]
    more = [f"and {len(people) - _NAMED} more"] if len(people) > _NAMED else []
    return RecordRow(
        id=record.id,
        link=RecordLink(kind="workflows", id=record.id),
        at=record.created_at,
        name=body.get("workflow") or body["name"],
        **_status(record),
        who=", ".join(names + more),
        tenant_id=_tenant(body),
        about=about(body.get("data") or {}),
    )


def _broadcast_row(_: EntryStore, row: Sequence[Any]) -> RecordRow:
    record = record_of(row)
    body = record.content["body"]
    return RecordRow(
        id=record.id,
        link=RecordLink(kind="broadcasts", id=record.id),
        at=record.created_at,
        name=body["template"],
        **_status(record),
        who=body["list_id"],
        tenant_id=_tenant(body),
        about=about(body.get("data") or {}),
    )


def _show_trigger(store: EntryStore, record: StoredRecord) -> Shown:
    body = record.content["body"]
    kind = "trigger" if "workflow" in body else "dynamic_trigger"
    actor = body.get("actor")
    workflow = body.get("workflow") or body["name"]
    about_it = [
        *fact("workflow", workflow, definition_of(store.records, workflow)),
        *(
            fact("actor", _name_of(actor), link_to(store.records, "users", "user", "", _name_of(actor)))
            if actor
            else ()
        ),
    ]
    return _show(store, record, "trigger", kind, about_it)


def _show_broadcast(store: EntryStore, record: StoredRecord) -> Shown:
    body = record.content["body"]
    list_id = body["list_id"]
    about_it = [
        *fact("list", list_id, link_to(store.records, "lists", "list", "", list_id.lower())),
        *fact("template", body["template"]),
        *fact("category", body["notification_category"]),
        *fact("members then", str(record.content["more"].get("subscribers_count", ""))),
    ]
    return _show(store, record, "broadcast", "broadcast", about_it)


def _show(store: EntryStore, record: StoredRecord, stored: str, keys: str, about_it: list[Fact]) -> Shown:
    body, key = record.content["body"], runs.idempotency_key(record.content["body"])
    shown = runs.shown(record)
    tenant = _tenant(body)
    history: dict[Place, str] = {(stored, "", record.name): ""}
    if key is not None:
        history["key", keys, key] = ""
    facts = [
        *about_it,
        Fact(name="received", at=record.created_at),
        *fact("tenant", tenant, link_to(store.records, "tenants", "tenant", "", tenant)),
        *fact("idempotency key", key),
        *fact("cancellation key", body.get("cancellation_key")),
        *fact("message id", record.content["message_id"]),
    ]
    sections = [
        Section(title=title, value=value)
        for field, title in _PARTS.items()
        # An actor that is an id alone stands above.
        if (value := body.get(field)) and not isinstance(value, str)
    ]
    executions = {each: "cancelled" if each in shown["cancelled"] else "accepted" for each in shown["execution_ids"]}
    return Shown(facts, [*sections, Section(title="Executions", value=executions)], body, history)


def _messages_of(record: StoredRecord) -> Collection:
    first = runs.shown(record)["execution_ids"][0]
    prefix = first.rpartition("_")[0] + "_"
    return records_of("message", "").narrowed(
        f"substr(json_extract(content, '$.execution_id'), 1, {len(prefix)}) = ?", prefix
    )


def _list_row(store: EntryStore, row: Sequence[Any]) -> RecordRow:
    each = record_of(row)
    count = store.records.count("list_member", each.name)
    return RecordRow(
        id=each.id,
        link=RecordLink(kind="lists", id=each.id),
        at=each.updated_at,
        name=each.name,
        who=f"{count:,}",
        about=" · ".join(filter(None, (each.content["list_name"], each.content["list_description"]))),
    )


def _version_row(store: EntryStore, row: Sequence[Any]) -> RecordRow:
    version = record_of(row)
    count = store.records.count("version_member", version.name)
    return RecordRow(id=version.id, link=None, at=version.updated_at, name=version.name, who=counted(count, "member"))


def _show_list(store: EntryStore, each: StoredRecord) -> Shown:
    count = store.records.count("list_member", each.name)
    members = [parts_of(one.name)[1] for one in store.records.page("list_member", each.name, limit=_MEMBERS).records]
    return Shown(
        [*fact("list_id", each.name), *fact("members", f"{count:,}"), *times(each)],
        [Section(title="Settings", value=each.content)],
        {"list_id": each.name, **each.content, "members": members, "members_count": count},
        {("list", "", each.name): ""},
    )


_WHAT_CAME_OF_IT = (
    Related("messages", "Messages", _messages_of, message_row),
    Related("deliveries", "Delivery", lambda each: deliveries_of(each.content["message_id"]), delivery_row),
)

WORKFLOWS = Kind("workflows", all_of("trigger"), record_of, _trigger_row, _show_trigger, _WHAT_CAME_OF_IT)
BROADCASTS = Kind("broadcasts", all_of("broadcast"), record_of, _broadcast_row, _show_broadcast, _WHAT_CAME_OF_IT)
LISTS = Kind(
    "lists",
    all_of("list"),
    record_of,
    _list_row,
    _show_list,
    (
        Related("members", "Members", lambda each: records_of("list_member", each.name), member_row),
        Related("versions", "Drafts", lambda each: records_of("list_version", each.name), _version_row),
        Related(
            "broadcasts",
            "Broadcasts",
            lambda each: records_of("broadcast", "").narrowed(
                "lower(json_extract(content, '$.body.list_id')) = ?", each.name
            ),
            _broadcast_row,
        ),
    ),
)
