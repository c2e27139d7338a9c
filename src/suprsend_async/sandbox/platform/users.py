"""The endpoints of users and of what they are in each tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.sandbox.platform import answers, profiles
from suprsend_async.sandbox.platform.endpoint import Endpoint
from suprsend_async.sandbox.platform.lists import about_list
from suprsend_async.sandbox.platform.paging import cursor_page, moment
from suprsend_async.sandbox.platform.tenants import tenant_of
from suprsend_async.sandbox.refusal import Refused, invalid, missing
from suprsend_async.sandbox.state.records import key_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from suprsend_async.sandbox.platform.endpoint import ApiCall
    from suprsend_async.sandbox.state.entry import SentAnswer
    from suprsend_async.sandbox.state.records import Records, StoredRecord
    from suprsend_async.sandbox.state.transaction import Transaction

_LONGEST_ID = 255
# What a user is in: objects, lists and their drafts.
_LINKS = ("subscription", "list_member", "version_member")
_ONE = "v1/user/{distinct_id}/"
_TENANT = "v1/user/{distinct_id}/tenant/{tenant_id}/"

OBJECT = {"type": "object"}
OPERATIONS = {"type": "array", "minItems": 1, "items": {"type": "object", "minProperties": 1}}
EDIT = {"type": "object", "minProperties": 1, "required": ["operations"], "properties": {"operations": OPERATIONS}}
IDS = {"type": "array", "minItems": 1, "maxItems": 100, "items": {"type": "string", "minLength": 1}}


def user_of(records: Records, distinct_id: str) -> StoredRecord:
    """Return a user.

    Raises:
        Refused: There is none with this id.
    """
    found = records.get("user", "", distinct_id)
    if found is None:
        raise Refused(missing(f"user [distinct_id: '{distinct_id}'] not found"))
    return found


def shown_user(records: Records, distinct_id: str, tenant_id: str | None = None) -> dict[str, Any]:
    """Return a user as answers hold it; in a tenant, with the tenant's values on top if there are any.

    Raises:
        Refused: There is none with this id.
    """
    user = user_of(records, distinct_id)
    link = None if tenant_id is None else records.get("tenant_profile", user.name, tenant_id)
    return _shown(user) if link is None else _in_tenant(records, link, with_times=True)


def change_user(transaction: Transaction, distinct_id: str, operations: Sequence[Mapping[str, Any]]) -> StoredRecord:
    """Edit a user, who is made if he is not there.

    Raises:
        Refused: The id or an operation breaks a rule.
    """
    profile = _profile(transaction, distinct_id)
    return transaction.records.put(
        "user", "", _checked(distinct_id), profiles.edited(profile, operations), transaction.now
    )


def change_profile(
    transaction: Transaction, distinct_id: str, tenant_id: str, operations: Sequence[Mapping[str, Any]]
) -> StoredRecord:
    """Edit what a user is in a tenant; the user is made if he is not there, the tenant is not.

    Raises:
        Refused: There is no such tenant, or the id or an operation breaks a rule.
    """
    user = ensure_user(transaction, distinct_id)
    tenant = tenant_of(transaction.records, tenant_id)
    link = transaction.records.get("tenant_profile", user.name, tenant.name)
    profile = profiles.edited(profiles.empty() if link is None else link.content, operations)
    return transaction.records.put("tenant_profile", user.name, tenant.name, profile, transaction.now)


def provide_user(transaction: Transaction, distinct_id: str, payload: Mapping[str, Any]) -> StoredRecord:
    """Make a user, or update the one who is there.

    Raises:
        Refused: The id or the payload breaks a rule.
    """
    profile = profiles.updated(_profile(transaction, distinct_id), payload)
    return transaction.records.put("user", "", _checked(distinct_id), profile, transaction.now)


def ensure_user(transaction: Transaction, distinct_id: str) -> StoredRecord:
    """Return a user, who is made if he is not there.

    Raises:
        Refused: The id breaks a rule.
    """
    found = transaction.records.get("user", "", distinct_id)
    return provide_user(transaction, distinct_id, {}) if found is None else found


def _profile(transaction: Transaction, distinct_id: str) -> Any:
    found = transaction.records.get("user", "", distinct_id)
    return profiles.empty() if found is None else found.content


def _checked(distinct_id: str) -> str:
    if not distinct_id.strip() or len(distinct_id) > _LONGEST_ID:
        raise Refused(invalid(f"distinct_id must have 1 to {_LONGEST_ID} characters."))
    return distinct_id


def _shown(user: StoredRecord) -> dict[str, Any]:
    times = {"created_at": moment(user.created_at), "updated_at": moment(user.updated_at)}
    return {"distinct_id": user.name, **times, **profiles.shown(user.content)}


def _list(transaction: Transaction, call: ApiCall) -> SentAnswer:
    records = transaction.records
    if not (tenant_id := dict(call.query).get("tenant_id")):
        return cursor_page(records, call, _shown, "user", "")
    tenant_of(records, tenant_id)
    return cursor_page(
        records, call, lambda link: _in_tenant(records, link, with_times=True), "tenant_profile", name=tenant_id
    )


def _get(transaction: Transaction, call: ApiCall) -> SentAnswer:
    return answers.record(_shown(user_of(transaction.records, call.ids["distinct_id"])))


def _upsert(transaction: Transaction, call: ApiCall) -> SentAnswer:
    return answers.record(_shown(provide_user(transaction, call.ids["distinct_id"], call.body)), 201)


def _edit(transaction: Transaction, call: ApiCall) -> SentAnswer:
    return answers.record(_shown(change_user(transaction, call.ids["distinct_id"], call.body["operations"])), 202)


def _merge(transaction: Transaction, call: ApiCall) -> SentAnswer:
    records = transaction.records
    user, other_id = user_of(records, call.ids["distinct_id"]), call.body["from_user_id"]
    other = records.get("user", "", other_id)
    if other is None:
        raise Refused(missing(f"from_user_id: [distinct_id: '{other_id}'] not found"))
    if other_id == user.name:
        raise Refused(invalid("from_user_id must be another user."))
    merged = records.put("user", "", user.name, profiles.joined(user.content, other.content), transaction.now)
    _move(transaction, key_of("user", other_id), key_of("user", user.name))
    _delete_user(records, other_id)
    return answers.record(_shown(merged), 201)


def _move(transaction: Transaction, other: str, recipient: str) -> None:
    records = transaction.records
    for kind in _LINKS:
        for link in list(records.each(kind, name=other)):
            if records.get(kind, link.scope, recipient) is None:
                records.put(kind, link.scope, recipient, link.content, transaction.now)


def _delete(transaction: Transaction, call: ApiCall) -> SentAnswer:
    user_of(transaction.records, call.ids["distinct_id"])
    _delete_user(transaction.records, call.ids["distinct_id"])
    return answers.done()


def _bulk_delete(transaction: Transaction, call: ApiCall) -> SentAnswer:
    for distinct_id in call.body["distinct_ids"]:
        _delete_user(transaction.records, distinct_id)
    return answers.done()


def _delete_user(records: Records, distinct_id: str) -> None:
    recipient = key_of("user", distinct_id)
    records.delete("user", "", distinct_id)
    records.delete("tenant_profile", distinct_id)
    records.delete("preference", recipient)
    for kind in _LINKS:
        records.delete(kind, name=recipient)


def _lists_subscribed_to(transaction: Transaction, call: ApiCall) -> SentAnswer:
    records, user = transaction.records, user_of(transaction.records, call.ids["distinct_id"])

    def shown(link: StoredRecord) -> dict[str, Any]:
        return {"list": about_list(records, link.scope), "created_at": moment(link.created_at)}

    return cursor_page(records, call, shown, "list_member", name=key_of("user", user.name))


def _in_tenant(records: Records, link: StoredRecord, *, with_times: bool = False) -> dict[str, Any]:
    """Return a user in a tenant: the user with the tenant's values on top, and these values separately."""
    user = user_of(records, link.scope)
    shown = _shown(user) if with_times else {"distinct_id": user.name}
    own = {"tenant_id": link.name, **profiles.shown(link.content)}
    return shown | profiles.shown(profiles.overlaid(user.content, link.content)) | {"tenant": own}


def _tenant_profiles(transaction: Transaction, call: ApiCall) -> SentAnswer:
    return _profiles_of(transaction, call, with_times=False, most=100)


def _associated_tenants(transaction: Transaction, call: ApiCall) -> SentAnswer:
    return _profiles_of(transaction, call, with_times=True, most=1_000)


def _profiles_of(transaction: Transaction, call: ApiCall, *, with_times: bool, most: int) -> SentAnswer:
    records, user = transaction.records, user_of(transaction.records, call.ids["distinct_id"])

    def shown(link: StoredRecord) -> dict[str, Any]:
        return _in_tenant(records, link, with_times=with_times)

    return cursor_page(records, call, shown, "tenant_profile", user.name, most=most)


def _link(transaction: Transaction, call: ApiCall) -> tuple[StoredRecord, StoredRecord | None]:
    """Return the user and his link to the tenant of a call, if there is one."""
    user = user_of(transaction.records, call.ids["distinct_id"])
    tenant = tenant_of(transaction.records, call.ids["tenant_id"])
    return user, transaction.records.get("tenant_profile", user.name, tenant.name)


def _get_for_tenant(transaction: Transaction, call: ApiCall) -> SentAnswer:
    _, link = _link(transaction, call)
    if link is None:
        raise Refused(_not_linked(call))
    return answers.record(_in_tenant(transaction.records, link, with_times=True))


def _upsert_for_tenant(transaction: Transaction, call: ApiCall) -> SentAnswer:
    user, link = _link(transaction, call)
    profile = profiles.updated(profiles.empty() if link is None else link.content, call.body)
    linked = transaction.records.put("tenant_profile", user.name, call.ids["tenant_id"], profile, transaction.now)
    return answers.record(_in_tenant(transaction.records, linked, with_times=True), 201)


def _edit_for_tenant(transaction: Transaction, call: ApiCall) -> SentAnswer:
    user = user_of(transaction.records, call.ids["distinct_id"])
    link = change_profile(transaction, user.name, call.ids["tenant_id"], call.body["operations"])
    return answers.record(_in_tenant(transaction.records, link, with_times=True), 202)


def _unlink_tenant(transaction: Transaction, call: ApiCall) -> SentAnswer:
    user, link = _link(transaction, call)
    if link is None:
        raise Refused(_not_linked(call))
    transaction.records.delete("tenant_profile", user.name, link.name)
    return answers.done()


def _not_linked(call: ApiCall) -> Any:
    return missing(f"no per-tenant profile for user in tenant '{call.ids['tenant_id']}'")


ENDPOINTS = (
    Endpoint("GET", "v1/user/", _list),
    Endpoint("GET", _ONE, _get),
    Endpoint("POST", _ONE, _upsert, OBJECT),
    Endpoint("PATCH", _ONE, _edit, EDIT),
    Endpoint("DELETE", _ONE, _delete),
    Endpoint(
        "POST",
        f"{_ONE}merge/",
        _merge,
        {
            "type": "object",
            "required": ["from_user_id"],
            "properties": {"from_user_id": {"type": "string", "minLength": 1}},
        },
    ),
    Endpoint(
        "DELETE",
        "v1/bulk/user/",
        _bulk_delete,
        {"type": "object", "required": ["distinct_ids"], "properties": {"distinct_ids": IDS}},
    ),
    Endpoint("GET", f"{_ONE}subscribed_to/list/", _lists_subscribed_to),
    Endpoint("GET", f"{_ONE}associated_tenant/", _associated_tenants),
    Endpoint("GET", f"{_ONE}tenant/", _tenant_profiles),
    Endpoint("GET", _TENANT, _get_for_tenant),
    Endpoint("POST", _TENANT, _upsert_for_tenant, OBJECT),
    Endpoint("PATCH", _TENANT, _edit_for_tenant, EDIT),
    Endpoint("DELETE", _TENANT, _unlink_tenant),
)
