"""The endpoints of preferences: what a user or an object wants to get, in each tenant, by category and channel."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from suprsend_async.sandbox.platform import answers
from suprsend_async.sandbox.platform.categories import (
    CHANNEL_LIST,
    CHANNELS,
    all_in_tenant,
    category_of,
    effective_preference,
    in_tenant,
    section,
    tagged,
)
from suprsend_async.sandbox.platform.choices import (
    blocked_channels,
    choices_of,
    chosen_preference,
    is_open,
    mandatory_channels,
)
from suprsend_async.sandbox.platform.endpoint import Endpoint
from suprsend_async.sandbox.platform.objects import object_of
from suprsend_async.sandbox.platform.paging import offset_page
from suprsend_async.sandbox.platform.tenants import DEFAULT, tenant_of
from suprsend_async.sandbox.platform.users import IDS, user_of
from suprsend_async.sandbox.refusal import Refused, missing, wrong
from suprsend_async.sandbox.state.records import key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from suprsend_async.sandbox.platform.endpoint import ApiCall
    from suprsend_async.sandbox.state.entry import SentAnswer
    from suprsend_async.sandbox.state.records import Records, StoredRecord
    from suprsend_async.sandbox.state.transaction import Transaction

    _Find = Callable[[Transaction, ApiCall], "_Holder"]

_CHOICE_FIELDS: dict[str, Any] = {
    "preference": {"enum": ["opt_in", "opt_out"]},
    "opt_out_channels": CHANNEL_LIST,
    "opt_in_channels": CHANNEL_LIST,
    "digest_schedule": {"type": ["object", "null"]},
    "properties": {"type": ["array", "null"], "items": {"type": "object", "required": ["key", "value"]}},
}
_CHOICE = {"type": "object", "required": ["preference"], "properties": _CHOICE_FIELDS}
_CATEGORIES = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["category", "preference"],
        "properties": {"category": {"type": "string", "minLength": 1}, **_CHOICE_FIELDS},
    },
}
_CHANNEL_CHOICES = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["channel"],
        "properties": {
            "channel": {"enum": list(CHANNELS), "description": "unknown channel"},
            "is_restricted": {"type": "boolean"},
        },
    },
}
_CHANNELS_BODY = {
    "type": "object",
    "required": ["channel_preferences"],
    "properties": {"channel_preferences": _CHANNEL_CHOICES},
}
_FULL_BODY = {
    "type": "object",
    "minProperties": 1,
    "properties": {"channel_preferences": _CHANNEL_CHOICES, "categories": _CATEGORIES},
}


class _Holder:
    """The preferences of a user or an object in one tenant, in one call.

    Raises:
        Refused: There is no such holder or tenant.
    """

    def __init__(self, transaction: Transaction, call: ApiCall, key: str) -> None:
        self._transaction = transaction
        self._records: Records = transaction.records
        self._call = call
        self._key = key
        self.tenant: StoredRecord = tenant_of(self._records, dict(call.query).get("tenant_id") or DEFAULT)
        self._choices: dict[str, Any] = choices_of(self._records, key, self.tenant.name)

    def save(self) -> None:
        self._records.put("preference", self._key, self.tenant.name, self._choices, self._transaction.now)

    def reset(self, *, channels: bool, categories: bool) -> None:
        self._choices["channels"] = {} if channels else self._choices["channels"]
        self._choices["categories"] = {} if categories else self._choices["categories"]

    def choose_channels(self, choices: list[dict[str, Any]]) -> None:
        for choice in choices:
            self._choices["channels"][choice["channel"]] = choice.get("is_restricted", False)

    def choose(self, slug: str, choice: Mapping[str, Any]) -> None:
        """Replace the whole choice for a category."""
        category = in_tenant(self._records, category_of(self._records, slug), self.tenant)
        closed, opened = choice.get("opt_out_channels"), choice.get("opt_in_channels")
        if closed and opened:
            raise Refused(wrong("opt_in_channels", "not together with opt_out_channels"))
        if (closed or opened) and choice["preference"] == "opt_out":
            field = "opt_out_channels" if closed else "opt_in_channels"
            raise Refused(wrong(field, "only with the preference opt_in"))
        if effective_preference(category) == "cant_unsubscribe" and choice["preference"] == "opt_out":
            raise Refused(wrong("preference", f"{slug} cannot be unsubscribed from"))
        if mandatory := set(closed or ()) & mandatory_channels(category):
            raise Refused(wrong("opt_out_channels", f"{', '.join(sorted(mandatory))} cannot be unsubscribed from"))
        self._choices["categories"][slug] = {field: choice[field] for field in _CHOICE_FIELDS if field in choice}

    def channels(self) -> dict[str, Any]:
        chosen = self._choices["channels"]
        return {
            "channel_preferences": [
                {"channel": channel, "is_restricted": chosen.get(channel, False)} for channel in CHANNELS
            ]
        }

    def category(self, slug: str) -> dict[str, Any]:
        return self._shown(in_tenant(self._records, category_of(self._records, slug), self.tenant))

    def visible_category(self, slug: str) -> dict[str, Any]:
        found = in_tenant(self._records, category_of(self._records, slug), self.tenant)
        if not _is_visible(found):
            raise Refused(missing(f"category '{slug}' not found; it is hidden in the tenant '{self.tenant.name}'"))
        return self._shown(found)

    def categories(self) -> list[dict[str, Any]]:
        visible = filter(_is_visible, all_in_tenant(self._records, self.tenant))
        return [self._shown(each) for each in tagged(visible, self._call)]

    def full(self) -> dict[str, Any]:
        return {"sections": [section(self.categories(), "subcategories")], **self.channels()}

    def _shown(self, category: dict[str, Any]) -> dict[str, Any]:
        default = effective_preference(category)
        mandatory = mandatory_channels(category)
        blocked = blocked_channels(category, self.tenant)
        choice: dict[str, Any] = self._choices["categories"].get(category["category"], {})
        preference = chosen_preference(category, choice)
        shows_all = preference == "opt_in" or dict(self._call.query).get("show_opt_out_channels") == "true"
        channels = [
            {
                "channel": channel,
                "preference": preference if channel in mandatory or is_open(channel, choice, category) else "opt_out",
                "is_editable": channel not in mandatory,
            }
            for channel in CHANNELS
            if shows_all and channel not in blocked
        ]
        return {
            **{field: category[field] for field in ("name", "category", "description", "tags", "effective_tags")},
            "original_preference": default,
            "preference": preference,
            "is_editable": default != "cant_unsubscribe",
            "channels": channels,
            "digest_schedule_options": None,
            "digest_schedule": choice.get("digest_schedule"),
            "properties": choice.get("properties"),
        }


def _is_visible(category: Mapping[str, Any]) -> bool:
    return bool(category["visible_to_subscriber"] and category["enabled_for_tenant"])


def _user(transaction: Transaction, call: ApiCall) -> _Holder:
    user = user_of(transaction.records, call.ids["distinct_id"])
    return _Holder(transaction, call, key_of("user", user.name))


def _object(transaction: Transaction, call: ApiCall) -> _Holder:
    found = object_of(transaction.records, call.ids["object_type"], call.ids["id"])
    return _Holder(transaction, call, key_of("object", found.scope, found.name))


def _full(find: _Find, transaction: Transaction, call: ApiCall) -> SentAnswer:
    return answers.record(find(transaction, call).full())


def _update_full(find: _Find, transaction: Transaction, call: ApiCall) -> SentAnswer:
    found = find(transaction, call)
    _choose_all(found, call.body)
    return answers.record(found.full())


def _choose_all(holder: _Holder, body: Mapping[str, Any]) -> None:
    channels: list[dict[str, Any]] = body.get("channel_preferences") or []
    choices: list[dict[str, Any]] = body.get("categories") or []
    holder.choose_channels(channels)
    for choice in choices:
        holder.choose(choice["category"], choice)
    holder.save()


def _channels(find: _Find, transaction: Transaction, call: ApiCall) -> SentAnswer:
    return answers.record(find(transaction, call).channels())


def _update_channels(find: _Find, transaction: Transaction, call: ApiCall) -> SentAnswer:
    found = find(transaction, call)
    found.choose_channels(call.body["channel_preferences"])
    found.save()
    return answers.record(found.channels(), 202)


def _list(find: _Find, transaction: Transaction, call: ApiCall) -> SentAnswer:
    found = find(transaction, call).categories()
    return offset_page(call, 10, len(found), lambda limit, offset: found[offset : offset + limit])


def _category(find: _Find, transaction: Transaction, call: ApiCall) -> SentAnswer:
    return answers.record(find(transaction, call).visible_category(call.ids["category"]))


def _update_category(find: _Find, transaction: Transaction, call: ApiCall) -> SentAnswer:
    found = find(transaction, call)
    found.choose(call.ids["category"], call.body)
    found.save()
    return answers.record(found.category(call.ids["category"]), 202)


def _each_user(transaction: Transaction, call: ApiCall) -> list[_Holder]:
    users = [user_of(transaction.records, distinct_id) for distinct_id in call.body["distinct_ids"]]
    return [_Holder(transaction, call, key_of("user", user.name)) for user in users]


def _bulk_update(transaction: Transaction, call: ApiCall) -> SentAnswer:
    for holder in _each_user(transaction, call):
        _choose_all(holder, call.body)
    return answers.record({"success": True}, 202)


def _bulk_reset(transaction: Transaction, call: ApiCall) -> SentAnswer:
    body = call.body
    for holder in _each_user(transaction, call):
        holder.reset(
            channels=body.get("reset_channel_preferences", True), categories=body.get("reset_categories", True)
        )
        holder.save()
    return answers.record({"success": True}, 202)


def _endpoints(who: str, find: _Find) -> tuple[Endpoint, ...]:
    full, channels = f"{who}preference/", f"{who}preference/channel_preference/"
    categories = f"{who}preference/category/"
    return (
        Endpoint("GET", full, partial(_full, find)),
        Endpoint("PATCH", full, partial(_update_full, find), _FULL_BODY, refuse=answers.detailed),
        Endpoint("GET", channels, partial(_channels, find)),
        Endpoint("PATCH", channels, partial(_update_channels, find), _CHANNELS_BODY, refuse=answers.detailed),
        Endpoint("GET", categories, partial(_list, find)),
        Endpoint("GET", f"{categories}{{category}}/", partial(_category, find)),
        Endpoint("PATCH", f"{categories}{{category}}/", partial(_update_category, find), _CHOICE),
    )


ENDPOINTS = (
    *_endpoints("v1/user/{distinct_id}/", _user),
    *_endpoints("v1/object/{object_type}/{id}/", _object),
    Endpoint(
        "PATCH",
        "v1/bulk/user/preference/",
        _bulk_update,
        {
            "type": "object",
            "required": ["distinct_ids"],
            "properties": {"distinct_ids": IDS, "channel_preferences": _CHANNEL_CHOICES, "categories": _CATEGORIES},
        },
    ),
    Endpoint(
        "PATCH",
        "v1/bulk/user/preference/reset/",
        _bulk_reset,
        {
            "type": "object",
            "required": ["distinct_ids"],
            "properties": {
                "distinct_ids": IDS,
                "reset_channel_preferences": {"type": "boolean"},
                "reset_categories": {"type": "boolean"},
            },
        },
    ),
)
