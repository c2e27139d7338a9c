"""Preference categories: those of the workspace, what each tenant makes of them, and their endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, cast

from pydantic_core import from_json

from suprsend_async.sandbox.options import names
from suprsend_async.sandbox.platform import answers
from suprsend_async.sandbox.platform.endpoint import Endpoint
from suprsend_async.sandbox.platform.paging import offset_page, zulu
from suprsend_async.sandbox.platform.tenants import tenant_of
from suprsend_async.sandbox.refusal import Refused, missing, wrong

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Unpack

    from suprsend_async.sandbox.platform.endpoint import ApiCall
    from suprsend_async.sandbox.state.entry import SentAnswer
    from suprsend_async.sandbox.state.records import Records, StoredRecord
    from suprsend_async.sandbox.state.transaction import Transaction

ROOTS = ("system", "transactional", "promotional")
CHANNELS = ("sms", "email", "androidpush", "iospush", "webpush", "inbox", "whatsapp", "slack", "ms_teams")
CHANNEL_LIST = {"type": ["array", "null"], "items": {"enum": list(CHANNELS)}}
_PREFERENCES = ("opt_in", "opt_out", "cant_unsubscribe")
_CHANGE = {
    "type": "object",
    "properties": {
        "preference": {"enum": list(_PREFERENCES)},
        # None, as the released SDK sends it for what is not given.
        "visible_to_subscriber": {"type": ["boolean", "null"]},
        "enabled_for_tenant": {"type": ["boolean", "null"]},
        "mandatory_channels": CHANNEL_LIST,
        "opt_in_channels": CHANNEL_LIST,
        "blocked_channels": CHANNEL_LIST,
        "digest_schedule": {"type": ["object", "null"]},
        "properties": {"type": ["array", "null"]},
    },
}


class CategoryFields(TypedDict, total=False):
    """What a category may have beside its slug.

    Attributes:
        name: What subscribers read.
        description: More for them to read.
        tags: What `tags` in a query finds it by.
        root_category: "system", "transactional" or "promotional".
        default_preference: "opt_in", "opt_out" or "cant_unsubscribe".
        mandatory_channels: Where nobody can opt out, with "cant_unsubscribe".
        opt_in_channels: The channels that are open to whom chose none; None for all.
    """

    name: str
    description: str | None
    tags: Sequence[str]
    root_category: str
    default_preference: str
    mandatory_channels: Sequence[str] | None
    opt_in_channels: Sequence[str] | None


_ALLOWED = {"root_category": ROOTS, "default_preference": _PREFERENCES}


def provide_categories(records: Records, slugs: Iterable[str], now: float) -> None:
    """Make the categories that are not there."""
    for slug in slugs:
        if records.get("category", "", slug) is None:
            add_category(records, slug, now)


def add_category(records: Records, slug: str, now: float, **fields: Unpack[CategoryFields]) -> None:
    """Make a category of the workspace, or change what is given of it.

    Raises:
        ValueError: The slug is empty, or a field is unknown or holds what it cannot.
    """
    if not slug.strip() or "/" in slug:
        raise ValueError(f"a category's slug must be a name such as newsletter, not {slug!r}")
    for field, value in cast("dict[str, object]", fields).items():
        _check_field(field, value)
    found = records.get("category", "", slug)
    name = slug.replace("-", " ").replace("_", " ").capitalize()
    root = slug if slug in ROOTS else "transactional"
    new = {"name": name, "root_category": root, "default_preference": "opt_in"}
    records.put("category", "", slug, (new if found is None else found.content) | fields, now)


def _check_field(field: str, value: object) -> None:
    if field not in CategoryFields.__annotations__:
        raise ValueError(f"a category has no {field}; it has {', '.join(CategoryFields.__annotations__)}")
    if field in _ALLOWED and value not in _ALLOWED[field]:
        raise ValueError(f"{field} must be one of {', '.join(_ALLOWED[field])}, not {value!r}")
    if field.endswith("_channels") and not (value is None or _are_channels(value)):
        raise ValueError(f"{field} must be a list of some of {', '.join(CHANNELS)}, not {value!r}")
    given = value
    if field == "tags" and not isinstance(value, list | tuple):
        raise ValueError(f"tags must be a list of texts, not {value!r}")
    if field == "tags":
        names(field, given)


def _are_channels(value: object) -> bool:
    return isinstance(value, list | tuple) and all(each in CHANNELS for each in cast("Sequence[object]", value))


def category_of(records: Records, slug: str) -> StoredRecord:
    """Return a category.

    Raises:
        Refused: There is none of this name.
    """
    found = records.get("category", "", slug)
    if found is None:
        known = ", ".join(category.name for category in records.each("category", ""))
        raise Refused(missing(f"category '{slug}' not found; the sandbox has {known}"))
    return found


def in_tenant(records: Records, category: StoredRecord, tenant: StoredRecord) -> dict[str, Any]:
    """Return a category as a tenant has it."""
    content = category.content
    own = records.get("tenant_category", tenant.name, category.name)
    changed = {} if own is None else own.content
    tags = content.get("tags")
    return {
        "name": content["name"],
        "category": category.name,
        "description": content.get("description"),
        "tags": tags,
        "effective_tags": tags or [],
        "root_category": content["root_category"],
        "default_preference": content["default_preference"],
        "default_mandatory_channels": content.get("mandatory_channels"),
        "default_opt_in_channels": content.get("opt_in_channels"),
        "enabled_for_tenant": True,
        "visible_to_subscriber": True,
        "preference": None,
        "mandatory_channels": None,
        "opt_in_channels": None,
        "blocked_channels": None,
        "digest_schedule": None,
        "properties": None,
        **{field: value for field, value in changed.items() if value is not None},
        "updated_at": zulu((own or category).updated_at),
    }


def all_in_tenant(records: Records, tenant: StoredRecord) -> list[dict[str, Any]]:
    """Return all categories as a tenant has them."""
    return [in_tenant(records, each, tenant) for each in records.each("category", "")]


def effective_preference(category: dict[str, Any]) -> str:
    """Return what counts where nothing was chosen: the tenant's preference, or else the category's own."""
    return str(category["preference"] or category["default_preference"])


def tagged(categories: Iterable[dict[str, Any]], call: ApiCall) -> list[dict[str, Any]]:
    """Return those categories that the query's `tags` ask for: a tag, or a condition as JSON."""
    text = dict(call.query).get("tags")
    if not text:
        return list(categories)
    condition: Any = text
    if text.lstrip().startswith("{"):
        try:
            condition = from_json(text)
        except ValueError:
            raise Refused(wrong("tags", "must be a tag, or a condition as JSON")) from None
    _meets([], condition)
    return [category for category in categories if _meets(category["effective_tags"], condition)]


def _meets(tags: list[str], condition: object) -> bool:
    if isinstance(condition, str):
        return condition in tags
    fields = cast("dict[str, object]", condition) if isinstance(condition, dict) else {}
    # Each is looked at, also where one is enough: a condition that is none is refused whatever the tags are.
    match list(fields.items()):
        case [("and" | "or" as verb, parts)] if isinstance(parts, list):
            met = [_meets(tags, part) for part in cast("list[object]", parts)]
            return all(met) if verb == "and" else any(met)
        case [("not", part)]:
            return not _meets(tags, part)
        case [("exists", bool(wanted))]:
            return bool(tags) is wanted
        case _:
            raise Refused(wrong("tags", "a condition has one of and, or, not, exists"))


def _list(transaction: Transaction, call: ApiCall) -> SentAnswer:
    records = transaction.records
    tenant = tenant_of(records, call.ids["tenant_id"])
    found = tagged(all_in_tenant(records, tenant), call)
    if dict(call.query).get("include_disabled") != "true":
        found = [each for each in found if each["enabled_for_tenant"]]
    return offset_page(call, 10, len(found), lambda limit, offset: found[offset : offset + limit])


def _get(transaction: Transaction, call: ApiCall) -> SentAnswer:
    records = transaction.records
    tenant = tenant_of(records, call.ids["tenant_id"])
    return answers.record(in_tenant(records, category_of(records, call.ids["category"]), tenant))


def _full(transaction: Transaction, call: ApiCall) -> SentAnswer:
    records = transaction.records
    tenant = tenant_of(records, call.ids["tenant_id"])
    shown = all_in_tenant(records, tenant)
    roots = [(root, [each for each in shown if each["root_category"] == root]) for root in ROOTS]
    return answers.record(
        {"root_categories": [{"root_category": root, "sections": [section(found)]} for root, found in roots if found]}
    )


def section(categories: list[dict[str, Any]], key: str = "categories") -> dict[str, Any]:
    """Return the one section that holds the categories which belong to none."""
    return {"name": None, "slug": None, "description": None, "tags": None, key: categories}


def _update(transaction: Transaction, call: ApiCall, status_code: int = 200) -> SentAnswer:
    records, body = transaction.records, call.body
    tenant, category = tenant_of(records, call.ids["tenant_id"]), category_of(records, call.ids["category"])
    before = records.get("tenant_category", tenant.name, category.name)
    content = ({} if before is None else before.content) | {
        field: body[field] for field in _CHANGE["properties"] if field in body
    }
    preference = effective_preference({**category.content, "preference": content.get("preference")})
    # Only what this call names: channels of an earlier preference wait until it comes back.
    for field, needed in (("mandatory_channels", "cant_unsubscribe"), ("opt_in_channels", "opt_in")):
        if body.get(field) and preference != needed:
            raise Refused(wrong(field, f"only with the preference {needed}"))
    records.put("tenant_category", tenant.name, category.name, content, transaction.now)
    return answers.record(in_tenant(records, category, tenant), status_code)


def _older_update(transaction: Transaction, call: ApiCall) -> SentAnswer:
    return _update(transaction, call, 202)


_ALL = "v1/tenant/{tenant_id}/preference/category/"
ENDPOINTS = (
    Endpoint("GET", "v1/tenant/{tenant_id}/preference/", _full),
    Endpoint("GET", _ALL, _list),
    Endpoint("GET", f"{_ALL}{{category}}/", _get),
    Endpoint("PATCH", f"{_ALL}{{category}}/", _update, _CHANGE),
    Endpoint("GET", "v1/tenant/{tenant_id}/category/", _list),
    Endpoint("PATCH", "v1/tenant/{tenant_id}/category/{category}/", _older_update, _CHANGE),
)
