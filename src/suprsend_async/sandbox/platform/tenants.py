"""The endpoints of tenants, and of brands, their older name."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from suprsend_async.sandbox.platform import answers
from suprsend_async.sandbox.platform.endpoint import Endpoint
from suprsend_async.sandbox.platform.paging import offset_page, zulu
from suprsend_async.sandbox.refusal import Refused, invalid, missing, wrong

if TYPE_CHECKING:
    from suprsend_async.sandbox.platform.endpoint import ApiCall
    from suprsend_async.sandbox.state.entry import SentAnswer
    from suprsend_async.sandbox.state.records import Records, StoredRecord
    from suprsend_async.sandbox.state.transaction import Transaction

DEFAULT = "default"
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_COLOR = {"type": ["string", "null"], "pattern": "^(#[0-9A-Fa-f]{6})?$"}
_TEXT = {"type": ["string", "null"]}
_NETWORKS = (
    "website",
    "facebook",
    "linkedin",
    "x",
    "instagram",
    "medium",
    "discord",
    "telegram",
    "youtube",
    "tiktok",
)
_FIELDS: dict[str, dict[str, Any]] = {
    "logo": {**_TEXT, "maxLength": 2048},
    "timezone": _TEXT,
    "blocked_channels": {"type": ["array", "null"], "items": {"type": "string"}},
    "embedded_preference_url": _TEXT,
    "hosted_preference_domain": _TEXT,
    "primary_color": _COLOR,
    "secondary_color": _COLOR,
    "tertiary_color": _COLOR,
}


def tenant_of(records: Records, tenant_id: str) -> StoredRecord:
    """Return a tenant.

    Raises:
        Refused: There is none with this id.
    """
    found = records.get("tenant", "", tenant_id)
    if found is None:
        raise Refused(missing(f"tenant '{tenant_id}' not found"))
    return found


def provide_default(records: Records, now: float) -> None:
    """Make the tenant that every workspace has, if it is not there."""
    if records.get("tenant", "", DEFAULT) is None:
        records.put("tenant", "", DEFAULT, {"name": "Default"}, now)


def _found(word: str, records: Records, call: ApiCall) -> StoredRecord:
    name = call.ids[f"{word}_id"]
    found = records.get("tenant", "", name)
    if found is None:
        raise Refused(missing(f"No {word} found for {word}_id {name}"))
    return found


def _shown(word: str, tenant: StoredRecord) -> dict[str, Any]:
    content = tenant.content
    links = dict.fromkeys(_NETWORKS, "") | content.get("social_links", {})
    return {
        f"{word}_id": tenant.name,
        f"{word}_name": content.get("name"),
        # Brands are older than time zones.
        **{field: content.get(field) for field in _FIELDS if (word, field) != ("brand", "timezone")},
        "social_links": links,
        "properties": content.get("properties", {}),
        "updated_at": zulu(tenant.updated_at),
    }


def _list(word: str, transaction: Transaction, call: ApiCall) -> SentAnswer:
    records = transaction.records

    def some(limit: int, offset: int) -> list[dict[str, Any]]:
        return [_shown(word, tenant) for tenant in records.skip("tenant", "", limit=limit, offset=offset)]

    return offset_page(call, 20, records.count("tenant", ""), some)


def _get(word: str, transaction: Transaction, call: ApiCall) -> SentAnswer:
    return answers.record(_shown(word, _found(word, transaction.records, call)))


def _upsert(word: str, transaction: Transaction, call: ApiCall) -> SentAnswer:
    tenant_id, body = call.ids[f"{word}_id"], call.body
    if _ID.fullmatch(tenant_id) is None:
        raise Refused(wrong(f"{word}_id", "1 to 64 letters, digits, - and _"))
    found = transaction.records.get("tenant", "", tenant_id)
    content: dict[str, Any] = {} if found is None else dict(found.content)
    name = body.get(f"{word}_name", content.get("name"))
    if not name or not name.strip():
        raise Refused(wrong(f"{word}_name", "required"))
    if "<" in name:
        raise Refused(wrong(f"{word}_name", "no markup, please"))
    content |= {"name": name} | {field: body[field] for field in _FIELDS if field in body}
    for field in ("properties", "social_links"):
        content[field] = content.get(field, {}) | body.get(field, {})
    return answers.record(_shown(word, transaction.records.put("tenant", "", tenant_id, content, transaction.now)), 201)


def _delete(transaction: Transaction, call: ApiCall) -> SentAnswer:
    tenant = _found("tenant", transaction.records, call)
    if tenant.name == DEFAULT:
        raise Refused(invalid("The tenant default cannot be deleted."))
    transaction.records.delete("tenant", "", tenant.name)
    for kind in ("tenant_profile", "preference"):
        transaction.records.delete(kind, name=tenant.name)
    transaction.records.delete("tenant_category", tenant.name)
    return answers.done()


def _endpoints(word: str) -> tuple[Endpoint, ...]:
    schema = {
        "type": "object",
        "properties": {
            **_FIELDS,
            f"{word}_name": {"type": "string"},
            "properties": {"type": "object"},
            "social_links": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    }
    one = f"v1/{word}/{{{word}_id}}/"
    return (
        Endpoint("GET", f"v1/{word}/", partial(_list, word), refuse=answers.by_field),
        Endpoint("GET", one, partial(_get, word), refuse=answers.by_field),
        Endpoint("POST", one, partial(_upsert, word), schema, refuse=answers.by_field),
    )


ENDPOINTS = (
    *_endpoints("tenant"),
    *_endpoints("brand"),
    Endpoint("DELETE", "v1/tenant/{tenant_id}/", _delete, refuse=answers.by_field),
)
