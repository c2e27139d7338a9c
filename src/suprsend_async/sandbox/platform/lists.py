"""The endpoints of subscriber lists, of whom they hold, and of the drafts that replace them."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

from suprsend_async.sandbox.platform import answers
from suprsend_async.sandbox.platform.endpoint import Endpoint
from suprsend_async.sandbox.platform.paging import cursor_of, cursor_page, moment, offset_page, zulu
from suprsend_async.sandbox.refusal import Refused, missing, wrong
from suprsend_async.sandbox.state.records import StoredRecord, key_of, parts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from suprsend_async.sandbox.platform.endpoint import ApiCall
    from suprsend_async.sandbox.state.entry import SentAnswer
    from suprsend_async.sandbox.state.records import Records
    from suprsend_async.sandbox.state.transaction import Transaction

EVERYBODY = "all_users"

_ID = re.compile(r"[a-z0-9_-]{1,64}")
_ALL = "v1/subscriber_list/"
_ONE = f"{_ALL}{{list_id}}/"
_VERSION = f"{_ONE}version/{{version_id}}/"
_TEXT = {"type": ["string", "null"]}
_FLAG = {"type": "boolean"}
_DYNAMIC = ("dynamic_list", "query_based")
_LIST = {
    "type": "object",
    "required": ["list_id"],
    "properties": {
        "list_id": {"type": "string", "minLength": 1},
        "list_name": _TEXT,
        "list_description": _TEXT,
        "list_type": {"enum": ["static_list", *_DYNAMIC]},
        "track_user_entry": _FLAG,
        "track_user_exit": _FLAG,
        "query": _TEXT,
        "is_enabled": _FLAG,
    },
}
_MEMBERS = {
    "type": "object",
    "required": ["distinct_ids"],
    "properties": {
        "distinct_ids": {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 255}},
    },
}
_FRESH: dict[str, Any] = {
    "list_name": "",
    "list_description": "",
    "list_type": "static_list",
    "source": None,
    "is_readonly": False,
    "track_user_entry": False,
    "track_user_exit": False,
}


def subscribers_count(records: Records, list_id: str) -> int:
    """Return how many a list has, as far as it is there."""
    return records.count("user") if list_id == EVERYBODY else records.count("list_member", list_id)


def members_of(records: Records, list_id: str) -> Iterator[str] | None:
    """Return the ids of those who are in a list; None if there is no such list."""
    list_id = list_id.lower()
    if list_id == EVERYBODY:
        return (user.name for user in records.each("user", ""))
    if records.get("list", "", list_id) is None:
        return None
    return (parts_of(member.name)[1] for member in records.each("list_member", list_id))


def about_list(records: Records, list_id: str) -> dict[str, Any]:
    """Return what is said of a list where a user is in it."""
    each = _list_of(records, list_id)
    fields = ("list_name", "list_description", "list_type", "source")
    return {
        "list_id": each.name,
        **{field: each.content[field] for field in fields},
        "subscribers_count": subscribers_count(records, each.name),
        "updated_at": moment(each.updated_at),
    }


def _list_of(records: Records, list_id: str) -> StoredRecord:
    list_id = list_id.lower()
    found = records.get("list", "", list_id)
    if found is not None:
        return found
    if list_id == EVERYBODY:
        return StoredRecord(0, "", EVERYBODY, _FRESH | {"list_name": "All users", "is_readonly": True}, 0.0, 0.0)
    raise Refused(missing(f"list_id: {list_id} not found"))


def _version_of(records: Records, call: ApiCall) -> tuple[StoredRecord, StoredRecord]:
    """Return the list of a call and its draft."""
    each, version_id = _list_of(records, call.ids["list_id"]), call.ids["version_id"]
    version = records.get("list_version", each.name, version_id)
    if version is None:
        raise Refused(missing(f"version_id {version_id} not found for list_id {each.name}"))
    return each, version


def _shown(records: Records, each: StoredRecord) -> dict[str, Any]:
    drafts = [
        {
            "version_id": version.name,
            "subscribers_count": records.count("version_member", version.name),
            **_times(version),
        }
        for version in records.each("list_version", each.name)
    ]
    return {
        "list_id": each.name,
        **each.content,
        "subscribers_count": subscribers_count(records, each.name),
        "status": "active",
        "requested_for_delete": False,
        **_times(each),
        "drafts": drafts or None,
    }


def _shown_version(records: Records, each: StoredRecord, version: StoredRecord) -> dict[str, Any]:
    return {
        "list_id": each.name,
        **each.content,
        "subscribers_count": records.count("version_member", version.name),
        "status": "draft",
        "requested_for_delete": False,
        **_times(version),
        "version_id": version.name,
    }


def _times(record: StoredRecord) -> dict[str, str]:
    return {"created_at": zulu(record.created_at), "updated_at": zulu(record.updated_at)}


def _get_all(transaction: Transaction, call: ApiCall) -> SentAnswer:
    records = transaction.records

    def some(limit: int, offset: int) -> list[dict[str, Any]]:
        found = records.skip("list", "", limit=limit, offset=offset)
        return [{**_shown(records, each), "version_id": None} for each in found]

    return offset_page(call, 20, records.count("list", ""), some)


def _get(transaction: Transaction, call: ApiCall) -> SentAnswer:
    return answers.record(_shown(transaction.records, _list_of(transaction.records, call.ids["list_id"])))


def _create(transaction: Transaction, call: ApiCall) -> SentAnswer:
    """Make a list, or change the one that is there."""
    list_id = call.body["list_id"].lower()
    if _ID.fullmatch(list_id) is None:
        raise Refused(wrong("list_id", "must be 1 to 64 letters, digits, - and _"))
    if list_id == EVERYBODY:
        raise Refused(wrong("list_id", f"must not be {EVERYBODY}: that list exists and cannot be changed"))
    found = transaction.records.get("list", "", list_id)
    content = dict(_FRESH if found is None else found.content)
    content |= {field: call.body[field] for field in _LIST["properties"] if field in call.body and field != "list_id"}
    if content["list_type"] in _DYNAMIC:
        if not content.get("query"):
            raise Refused(wrong("query", "missing; a dynamic list fills itself with what it finds"))
        content.setdefault("is_enabled", True)
    made = transaction.records.put("list", "", list_id, content, transaction.now)
    return answers.record(_shown(transaction.records, made), 201)


def _add(transaction: Transaction, call: ApiCall) -> SentAnswer:
    return _added(transaction, call, "list_member", _changeable(transaction, call).name)


def _remove(transaction: Transaction, call: ApiCall) -> SentAnswer:
    return _removed(transaction, call, "list_member", _changeable(transaction, call).name)


def _add_to_version(transaction: Transaction, call: ApiCall) -> SentAnswer:
    return _added(transaction, call, "version_member", _version_of(transaction.records, call)[1].name)


def _remove_from_version(transaction: Transaction, call: ApiCall) -> SentAnswer:
    return _removed(transaction, call, "version_member", _version_of(transaction.records, call)[1].name)


def _added(transaction: Transaction, call: ApiCall, kind: str, scope: str) -> SentAnswer:
    before = transaction.records.count(kind, scope)
    for distinct_id in call.body["distinct_ids"]:
        name = key_of("user", distinct_id)
        if transaction.records.get(kind, scope, name) is None:
            transaction.records.put(kind, scope, name, {}, transaction.now)
    return _affected(transaction.records.count(kind, scope) - before)


def _removed(transaction: Transaction, call: ApiCall, kind: str, scope: str) -> SentAnswer:
    records = transaction.records
    return _affected(sum(records.delete(kind, scope, key_of("user", each)) for each in call.body["distinct_ids"]))


def _affected(count: int) -> SentAnswer:
    return answers.record({"success": True, "affected_count": count}, 201)


def _changeable(transaction: Transaction, call: ApiCall) -> StoredRecord:
    each = _list_of(transaction.records, call.ids["list_id"])
    if each.content["is_readonly"]:
        raise Refused(wrong("list_id", f"{each.name} cannot be changed"))
    return each


def _subscribers(transaction: Transaction, call: ApiCall) -> SentAnswer:
    records, each = transaction.records, _list_of(transaction.records, call.ids["list_id"])
    sort = dict(call.query).get("sort", "-id")
    if sort not in {"id", "-id"}:
        raise Refused(wrong("sort", "must be id or -id"))

    def shown(member: StoredRecord) -> dict[str, Any]:
        distinct_id = member.name if each.name == EVERYBODY else parts_of(member.name)[1]
        return {"id": cursor_of(member.id), "distinct_id": distinct_id, "created_at": moment(member.created_at)}

    kind, scope = ("user", "") if each.name == EVERYBODY else ("list_member", each.name)
    return cursor_page(records, call, shown, kind, scope, default=20, newest_first=sort == "-id")


def _start_sync(transaction: Transaction, call: ApiCall) -> SentAnswer:
    each = _changeable(transaction, call)
    version = transaction.records.put("list_version", each.name, uuid.uuid4().hex, {}, transaction.now)
    return answers.record(_shown_version(transaction.records, each, version), 201)


def _get_version(transaction: Transaction, call: ApiCall) -> SentAnswer:
    return answers.record(_shown_version(transaction.records, *_version_of(transaction.records, call)))


def _finish_sync(transaction: Transaction, call: ApiCall) -> SentAnswer:
    """Make a draft the list; what was in the list before is gone, and so is the draft."""
    records, (each, version) = transaction.records, _version_of(transaction.records, call)
    records.delete("list_member", each.name)
    records.move("version_member", version.name, "list_member", each.name)
    records.delete("list_version", each.name, version.name)
    live = records.put("list", "", each.name, each.content, transaction.now)
    return answers.record({**_shown(records, live), "version_id": None}, 201)


def _delete(transaction: Transaction, call: ApiCall) -> None:
    records, each = transaction.records, _changeable(transaction, call)
    for version in list(records.each("list_version", each.name)):
        records.delete("version_member", version.name)
    records.delete("list_version", each.name)
    records.delete("list_member", each.name)
    records.delete("list", "", each.name)


def _delete_version(transaction: Transaction, call: ApiCall) -> None:
    each, version = _version_of(transaction.records, call)
    transaction.records.delete("version_member", version.name)
    transaction.records.delete("list_version", each.name, version.name)


def _deletions(route: str, delete: Callable[[Transaction, ApiCall], None]) -> tuple[Endpoint, Endpoint]:
    """Return the two ways to delete: which one the platform will keep is not known."""

    def by_delete(transaction: Transaction, call: ApiCall) -> SentAnswer:
        delete(transaction, call)
        return answers.done()

    def by_patch(transaction: Transaction, call: ApiCall) -> SentAnswer:
        delete(transaction, call)
        return answers.record({"success": True})

    return (
        Endpoint("DELETE", route, by_delete, refuse=answers.by_field),
        Endpoint("PATCH", f"{route}delete/", by_patch, refuse=answers.by_field),
    )


ENDPOINTS = (
    Endpoint("GET", _ALL, _get_all, refuse=answers.by_field),
    Endpoint("POST", _ALL, _create, _LIST, refuse=answers.by_field),
    Endpoint("GET", _ONE, _get, refuse=answers.by_field),
    *_deletions(_ONE, _delete),
    Endpoint("GET", f"{_ONE}subscriber/", _subscribers, refuse=answers.by_field),
    Endpoint("POST", f"{_ONE}subscriber/add/", _add, _MEMBERS, refuse=answers.by_field),
    Endpoint("POST", f"{_ONE}subscriber/remove/", _remove, _MEMBERS, refuse=answers.by_field),
    Endpoint("POST", f"{_ONE}start_sync/", _start_sync, refuse=answers.by_field),
    Endpoint("GET", _VERSION, _get_version, refuse=answers.by_field),
    *_deletions(_VERSION, _delete_version),
    Endpoint("POST", f"{_VERSION}subscriber/add/", _add_to_version, _MEMBERS, refuse=answers.by_field),
    Endpoint("POST", f"{_VERSION}subscriber/remove/", _remove_from_version, _MEMBERS, refuse=answers.by_field),
    Endpoint("PATCH", f"{_VERSION}finish_sync/", _finish_sync, refuse=answers.by_field),
)
