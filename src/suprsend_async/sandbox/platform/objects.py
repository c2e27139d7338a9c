"""The endpoints of objects: what is notified and is no user, such as a team."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.sandbox.platform import answers, profiles
from suprsend_async.sandbox.platform.endpoint import Endpoint
from suprsend_async.sandbox.platform.paging import cursor_page, moment
from suprsend_async.sandbox.platform.users import EDIT, OBJECT
from suprsend_async.sandbox.refusal import Refused, invalid, missing
from suprsend_async.sandbox.state.records import key_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from suprsend_async.sandbox.platform.endpoint import ApiCall
    from suprsend_async.sandbox.state.entry import SentAnswer
    from suprsend_async.sandbox.state.records import Records, StoredRecord
    from suprsend_async.sandbox.state.transaction import Transaction

# How many one call may name is not known.
_IDS = {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}}
_ONE = "v1/object/{object_type}/{id}/"


def object_of(records: Records, object_type: str, object_id: str) -> StoredRecord:
    """Return an object.

    Raises:
        Refused: There is none of this type with this id.
    """
    found = records.get("object", object_type, object_id)
    if found is None:
        raise Refused(missing(f"object '{object_type}/{object_id}' not found"))
    return found


def provide_object(
    transaction: Transaction, object_type: str, object_id: str, payload: Mapping[str, Any]
) -> StoredRecord:
    """Make an object, or update the one that is there.

    Raises:
        Refused: An id or the payload breaks a rule.
    """
    profile = profiles.updated(_profile(transaction, object_type, object_id), payload)
    return _put(transaction, object_type, object_id, profile)


def ensure_object(transaction: Transaction, object_type: str, object_id: str) -> StoredRecord:
    """Return an object, which is made if it is not there.

    Raises:
        Refused: An id breaks a rule.
    """
    found = transaction.records.get("object", object_type, object_id)
    return provide_object(transaction, object_type, object_id, {}) if found is None else found


def _put(transaction: Transaction, object_type: str, object_id: str, profile: Any) -> StoredRecord:
    if not (object_type.strip() and object_id.strip()):
        raise Refused(invalid("object_type and id must not be empty."))
    return transaction.records.put("object", object_type, object_id, profile, transaction.now)


def subscriptions_count(records: Records, object_type: str, object_id: str) -> int:
    """Return how many subscribe to an object."""
    return records.count("subscription", key_of(object_type, object_id))


def _profile(transaction: Transaction, object_type: str, object_id: str) -> Any:
    found = transaction.records.get("object", object_type, object_id)
    return profiles.empty() if found is None else found.content


def _shown(records: Records, each: StoredRecord) -> dict[str, Any]:
    return {
        "object_type": each.scope,
        "id": each.name,
        "subscriptions_count": subscriptions_count(records, each.scope, each.name),
        "created_at": moment(each.created_at),
        "updated_at": moment(each.updated_at),
        **profiles.shown(each.content),
    }


def _list(transaction: Transaction, call: ApiCall) -> SentAnswer:
    records = transaction.records
    return cursor_page(records, call, lambda each: _shown(records, each), "object", call.ids["object_type"])


def _get(transaction: Transaction, call: ApiCall) -> SentAnswer:
    return answers.record(_shown(transaction.records, object_of(transaction.records, **_ids(call))))


def _upsert(transaction: Transaction, call: ApiCall) -> SentAnswer:
    return answers.record(
        _shown(transaction.records, provide_object(transaction, **_ids(call), payload=call.body)), 201
    )


def _edit(transaction: Transaction, call: ApiCall) -> SentAnswer:
    profile = profiles.edited(_profile(transaction, **_ids(call)), call.body["operations"])
    return answers.record(_shown(transaction.records, _put(transaction, **_ids(call), profile=profile)))


def _delete(transaction: Transaction, call: ApiCall) -> SentAnswer:
    object_of(transaction.records, **_ids(call))
    _delete_object(transaction.records, **_ids(call))
    return answers.done()


def _bulk_delete(transaction: Transaction, call: ApiCall) -> SentAnswer:
    for object_id in call.body["object_ids"]:
        _delete_object(transaction.records, call.ids["object_type"], object_id)
    return answers.done()


def _delete_object(records: Records, object_type: str, object_id: str) -> None:
    records.delete("object", object_type, object_id)
    records.delete("subscription", key_of(object_type, object_id))
    recipient = key_of("object", object_type, object_id)
    records.delete("subscription", name=recipient)
    records.delete("preference", recipient)


def _ids(call: ApiCall) -> dict[str, str]:
    return {"object_type": call.ids["object_type"], "object_id": call.ids["id"]}


ENDPOINTS = (
    Endpoint("GET", "v1/object/{object_type}/", _list),
    Endpoint("GET", _ONE, _get),
    Endpoint("POST", _ONE, _upsert, OBJECT),
    Endpoint("PATCH", _ONE, _edit, EDIT),
    Endpoint("DELETE", _ONE, _delete),
    Endpoint(
        "DELETE",
        "v1/bulk/object/{object_type}/",
        _bulk_delete,
        {"type": "object", "required": ["object_ids"], "properties": {"object_ids": _IDS}},
    ),
)
