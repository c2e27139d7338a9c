"""The endpoints of subscriptions: which users and objects an object fans out to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.sandbox.platform import answers
from suprsend_async.sandbox.platform.endpoint import Endpoint
from suprsend_async.sandbox.platform.objects import ensure_object, object_of, provide_object, subscriptions_count
from suprsend_async.sandbox.platform.paging import cursor_page, moment
from suprsend_async.sandbox.platform.users import ensure_user, provide_user, user_of
from suprsend_async.sandbox.state.records import key_of, parts_of

if TYPE_CHECKING:
    from suprsend_async.sandbox.platform.endpoint import ApiCall
    from suprsend_async.sandbox.state.entry import SentAnswer
    from suprsend_async.sandbox.state.records import Records, StoredRecord
    from suprsend_async.sandbox.state.transaction import Transaction

_ALL = "v1/object/{object_type}/{id}/subscription/"
_ID = {"type": "string", "minLength": 1}
_RECIPIENTS = {
    "type": "array",
    "minItems": 1,
    "maxItems": 100,
    "items": {
        "type": ["string", "object"],
        "minLength": 1,
        "description": "must be a distinct_id, an object with distinct_id, or one with object_type and id",
        "properties": {"distinct_id": _ID, "object_type": _ID, "id": _ID},
        "anyOf": [{"type": "string"}, {"required": ["distinct_id"]}, {"required": ["object_type", "id"]}],
    },
}
_SUBSCRIBE = {
    "type": "object",
    "required": ["recipients"],
    "properties": {
        "recipients": _RECIPIENTS,
        "properties": {"type": "object"},
        "parent_object_properties": {"type": "object"},
    },
}


def _list(transaction: Transaction, call: ApiCall) -> SentAnswer:
    records = transaction.records
    parent = object_of(records, call.ids["object_type"], call.ids["id"])
    return cursor_page(records, call, lambda link: _shown(records, link), "subscription", _key(parent))


def _subscribe(transaction: Transaction, call: ApiCall) -> SentAnswer:
    records, body = transaction.records, call.body
    if "parent_object_properties" in body:
        provide_object(transaction, call.ids["object_type"], call.ids["id"], body["parent_object_properties"])
    parent = object_of(records, call.ids["object_type"], call.ids["id"])
    links: list[StoredRecord] = []
    for recipient in body["recipients"]:
        _provide(transaction, recipient)
        content: dict[str, Any] = body.get("properties") or {}
        links.append(records.put("subscription", _key(parent), _recipient(recipient), content, transaction.now))
    return answers.record({"results": [_shown(records, link) for link in links]})


def _unsubscribe(transaction: Transaction, call: ApiCall) -> SentAnswer:
    records = transaction.records
    parent = object_of(records, call.ids["object_type"], call.ids["id"])
    for recipient in call.body["recipients"]:
        records.delete("subscription", _key(parent), _recipient(recipient))
    return answers.done()


def _parents(transaction: Transaction, call: ApiCall) -> SentAnswer:
    child = object_of(transaction.records, call.ids["object_type"], call.ids["id"])
    return _parents_of(transaction, call, key_of("object", child.scope, child.name))


def _objects_of_a_user(transaction: Transaction, call: ApiCall) -> SentAnswer:
    user = user_of(transaction.records, call.ids["distinct_id"])
    return _parents_of(transaction, call, key_of("user", user.name))


def _parents_of(transaction: Transaction, call: ApiCall, recipient: str) -> SentAnswer:
    records = transaction.records

    def shown(link: StoredRecord) -> dict[str, Any]:
        parent = object_of(records, *parts_of(link.scope))
        about = {**_about_object(records, parent), "properties": parent.content["properties"]}
        return {"properties": link.content, "object": about, **_times(link)}

    return cursor_page(records, call, shown, "subscription", name=recipient)


def _provide(transaction: Transaction, recipient: Any) -> None:
    """Make the subscriber if there is none yet, and take over what stands beside the id."""
    if isinstance(recipient, str):
        ensure_user(transaction, recipient)
        return
    payload = {key: value for key, value in recipient.items() if key not in {"distinct_id", "object_type", "id"}}
    if "distinct_id" in recipient:
        ensure_user(transaction, recipient["distinct_id"])
        if payload:
            provide_user(transaction, recipient["distinct_id"], payload)
    else:
        ensure_object(transaction, recipient["object_type"], recipient["id"])
        if payload:
            provide_object(transaction, recipient["object_type"], recipient["id"], payload)


def _recipient(recipient: Any) -> str:
    if isinstance(recipient, str):
        return key_of("user", recipient)
    if "distinct_id" in recipient:
        return key_of("user", recipient["distinct_id"])
    return key_of("object", recipient["object_type"], recipient["id"])


def _key(parent: StoredRecord) -> str:
    return key_of(parent.scope, parent.name)


def _shown(records: Records, link: StoredRecord) -> dict[str, Any]:
    kind, *ids = parts_of(link.name)
    if kind == "user":
        user = user_of(records, *ids)
        about = {"user": {"distinct_id": user.name, "updated_at": moment(user.updated_at)}, "object": None}
    else:
        about = {"user": None, "object": _about_object(records, object_of(records, *ids))}
    return {"properties": link.content, **about, **_times(link)}


def _about_object(records: Records, each: StoredRecord) -> dict[str, Any]:
    return {
        "id": each.name,
        "object_type": each.scope,
        "subscriptions_count": subscriptions_count(records, each.scope, each.name),
        "updated_at": moment(each.updated_at),
    }


def _times(link: StoredRecord) -> dict[str, str]:
    return {"created_at": moment(link.created_at), "updated_at": moment(link.updated_at)}


ENDPOINTS = (
    Endpoint("GET", _ALL, _list),
    Endpoint("POST", _ALL, _subscribe, _SUBSCRIBE),
    Endpoint("DELETE", _ALL, _unsubscribe, _SUBSCRIBE),
    Endpoint("GET", "v1/object/{object_type}/{id}/subscribed_to/object/", _parents),
    Endpoint("GET", "v1/user/{distinct_id}/subscribed_to/object/", _objects_of_a_user),
)
