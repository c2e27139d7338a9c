"""Users, objects and tenants: who is notified, and for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.sandbox.inbox.records.kind import Kind, Related, Shown, about, all_of, fact, link_to, times
from suprsend_async.sandbox.inbox.records.messages import message_row
from suprsend_async.sandbox.inbox.records.shapes import RecordLink, RecordRow, Section
from suprsend_async.sandbox.state.browse import records_of
from suprsend_async.sandbox.state.records import key_of, parts_of, record_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from suprsend_async.sandbox.state.browse import Collection
    from suprsend_async.sandbox.state.records import Records, StoredRecord
    from suprsend_async.sandbox.state.store import EntryStore

_SHOWN_TENANTS = 100


def _profile(content: dict[str, Any]) -> str:
    """Return the first of a profile: an address of each channel, and then the properties."""
    values = {
        key.removeprefix("$"): next((each["value"] for each in entries if each["status"] == "active"), None)
        for key, entries in content["channels"].items()
    }
    return about({**{key: value for key, value in values.items() if value}, **content["properties"]})


def _address(entry: dict[str, Any]) -> Any:
    """Return an address of a channel: by itself if there is nothing to be said of it."""
    is_plain = entry["status"] == "active" and entry.keys() <= {"value", "status", "perma_status"}
    return entry["value"] if is_plain else entry


def _user_row(_: EntryStore, row: Sequence[Any]) -> RecordRow:
    user = record_of(row)
    link = RecordLink(kind="users", id=user.id)
    return RecordRow(id=user.id, link=link, at=user.updated_at, name=user.name, about=_profile(user.content))


def _object_row(_: EntryStore, row: Sequence[Any]) -> RecordRow:
    each = record_of(row)
    return RecordRow(
        id=each.id,
        link=RecordLink(kind="objects", id=each.id),
        at=each.updated_at,
        name=each.name,
        who=each.scope,
        about=_profile(each.content),
    )


def _tenant_row(_: EntryStore, row: Sequence[Any]) -> RecordRow:
    tenant = record_of(row)
    content = {key: value for key, value in tenant.content.items() if value not in (None, {}, [], "")}
    link = RecordLink(kind="tenants", id=tenant.id)
    return RecordRow(id=tenant.id, link=link, at=tenant.updated_at, name=tenant.name, about=about(content))


def _sections(records: Records, profile: dict[str, Any], key: str) -> list[Section]:
    preferences = {each.name: each.content for each in records.page("preference", key, limit=_SHOWN_TENANTS).records}
    return [
        Section(title="Properties", value=profile["properties"]),
        Section(title="Channels", value={key: list(map(_address, each)) for key, each in profile["channels"].items()}),
        Section(title="Preferences, by tenant", value=preferences),
    ]


def _show_user(store: EntryStore, user: StoredRecord) -> Shown:
    records, key = store.records, key_of("user", user.name)
    tenants = records.page("tenant_profile", user.name, limit=_SHOWN_TENANTS).records
    profiles = [Section(title=f"In tenant {each.name}", value=each.content) for each in tenants]
    return Shown(
        [*fact("distinct_id", user.name), *times(user)],
        [*_sections(records, user.content, key), *profiles],
        {"distinct_id": user.name, **user.content},
        {
            ("user", "", user.name): "",
            ("tenant_profile", user.name, None): "in tenant",
            ("preference", key, None): "preferences in",
        },
    )


def _show_object(store: EntryStore, each: StoredRecord) -> Shown:
    key = key_of("object", each.scope, each.name)
    return Shown(
        [*fact("object_type", each.scope), *fact("id", each.name), *times(each)],
        _sections(store.records, each.content, key),
        {"object_type": each.scope, "id": each.name, **each.content},
        {("object", each.scope, each.name): "", ("preference", key, None): "preferences in"},
    )


def _show_tenant(_: EntryStore, tenant: StoredRecord) -> Shown:
    return Shown(
        [*fact("tenant_id", tenant.name), *fact("name", tenant.content.get("name")), *times(tenant)],
        [Section(title="Settings", value=tenant.content)],
        {"tenant_id": tenant.name, **tenant.content},
        {("tenant", "", tenant.name): ""},
    )


def _tenant_of_user(store: EntryStore, row: Sequence[Any]) -> RecordRow:
    link = record_of(row)
    found = link_to(store.records, "tenants", "tenant", "", link.name)
    return RecordRow(id=link.id, link=found, at=link.updated_at, name=link.name, about=_profile(link.content))


def _user_of_tenant(store: EntryStore, row: Sequence[Any]) -> RecordRow:
    link = record_of(row)
    found = link_to(store.records, "users", "user", "", link.scope)
    return RecordRow(id=link.id, link=found, at=link.updated_at, name=link.scope, about=_profile(link.content))


def _list_of(store: EntryStore, row: Sequence[Any]) -> RecordRow:
    link = record_of(row)
    found = link_to(store.records, "lists", "list", "", link.scope)
    return RecordRow(id=link.id, link=found, at=link.created_at, name=link.scope)


def _parent(store: EntryStore, row: Sequence[Any]) -> RecordRow:
    link = record_of(row)
    object_type, object_id = parts_of(link.scope)
    found = link_to(store.records, "objects", "object", object_type, object_id)
    return RecordRow(
        id=link.id, link=found, at=link.updated_at, name=object_id, who=object_type, about=about(link.content)
    )


def member_row(store: EntryStore, row: Sequence[Any]) -> RecordRow:
    """Show a member of a list, or who subscribes to an object."""
    link = record_of(row)
    kind, *ids = parts_of(link.name)
    scope, name = ("", ids[0]) if kind == "user" else (ids[0], ids[1])
    found = link_to(store.records, f"{kind}s", kind, scope, name)
    return RecordRow(id=link.id, link=found, at=link.updated_at, name=name, who=scope, about=about(link.content))


def _messages_to(user: StoredRecord) -> Collection:
    return records_of("message", "").narrowed("json_extract(content, '$.recipient.distinct_id') = ?", user.name)


USERS = Kind(
    "users",
    all_of("user"),
    record_of,
    _user_row,
    _show_user,
    (
        Related("messages", "Messages", _messages_to, message_row),
        Related("lists", "Lists", lambda user: records_of("list_member", name=key_of("user", user.name)), _list_of),
        Related("tenants", "Tenants", lambda user: records_of("tenant_profile", user.name), _tenant_of_user),
        Related("objects", "Objects", lambda user: records_of("subscription", name=key_of("user", user.name)), _parent),
    ),
)
OBJECTS = Kind(
    "objects",
    all_of("object", None),
    record_of,
    _object_row,
    _show_object,
    (
        Related(
            "subscribers",
            "Subscribers",
            lambda each: records_of("subscription", key_of(each.scope, each.name)),
            member_row,
        ),
        Related(
            "objects",
            "Subscribed to",
            lambda each: records_of("subscription", name=key_of("object", each.scope, each.name)),
            _parent,
        ),
    ),
)
TENANTS = Kind(
    "tenants",
    all_of("tenant"),
    record_of,
    _tenant_row,
    _show_tenant,
    (Related("users", "Users", lambda tenant: records_of("tenant_profile", name=tenant.name), _user_of_tenant),),
)
