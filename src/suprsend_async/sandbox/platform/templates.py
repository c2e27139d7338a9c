"""The endpoints of templates, which can only be read; they are put there from Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.sandbox.options import names
from suprsend_async.sandbox.platform import answers
from suprsend_async.sandbox.platform.endpoint import Endpoint
from suprsend_async.sandbox.platform.paging import offset_page, zulu
from suprsend_async.sandbox.platform.profiles import CHANNELS
from suprsend_async.sandbox.platform.query import flag
from suprsend_async.sandbox.refusal import Refused, missing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from suprsend_async.sandbox.platform.endpoint import ApiCall
    from suprsend_async.sandbox.state.entry import SentAnswer
    from suprsend_async.sandbox.state.records import Records, StoredRecord
    from suprsend_async.sandbox.state.transaction import Transaction

_ENGLISH = {"name": "English", "slug": "en"}
_SOMEBODY = {"name": "Sandbox", "email": "sandbox@example.com"}
_FIELDS = ("name", "description", "is_active", "is_archived", "tags")


def add_template(
    records: Records, slug: str, channels: Mapping[str, Any], now: float, fields: Mapping[str, Any]
) -> None:
    """Put a template there, or change it.

    Raises:
        ValueError: A field or a channel is unknown, or the tags are no list of names.
    """
    if unknown := sorted(fields.keys() - set(_FIELDS)):
        raise ValueError(f"{unknown[0]} is not a field of a template; there are {', '.join(_FIELDS)}")
    if unknown := sorted(channels.keys() - set(CHANNELS)):
        raise ValueError(f"{unknown[0]} is not a channel; there are {', '.join(CHANNELS)}")
    if "tags" in fields:
        names("tags", fields["tags"])
    name = slug.replace("-", " ").replace("_", " ").capitalize()
    defaults = {"name": name, "description": None, "is_active": True, "is_archived": False, "tags": ()}
    content = defaults | dict(fields) | {"channels": dict(channels)}
    records.put("template", "", slug, content, now)


def _shown(template: StoredRecord) -> dict[str, Any]:
    content = template.content
    return {
        "id": template.id,
        "name": content["name"],
        "slug": template.name,
        "description": content["description"],
        "is_active": content["is_active"],
        "default_language": _ENGLISH,
        **_times(template),
        "updated_by": _SOMEBODY,
        "last_triggered_at": None,
        "is_auto_translate_enabled": False,
        "enabled_languages": [_ENGLISH["slug"]],
        "channels": [_channel(template, slug) | {"versions": []} for slug in content["channels"]],
        "tags": [{"id": tag, "name": tag} for tag in content["tags"]],
    }


def _channel(template: StoredRecord, slug: str) -> dict[str, Any]:
    times = _times(template)
    text = {
        "id": template.id,
        "language": _ENGLISH,
        "is_enabled": True,
        "approval_status": "auto_approved",
        "content": template.content["channels"][slug],
        **times,
        "updated_by": _SOMEBODY,
        "approval_cycle": None,
        "is_approval_needed": False,
        "is_cloned_from_last_version": False,
    }
    version = {
        "id": template.id,
        "templates": [text],
        "status": "active",
        "version_tag": "1",
        **times,
        "updated_by": _SOMEBODY,
        "version_tag_user": None,
        "published_languages": [_ENGLISH["slug"]],
        "apparent_published_languages": [_ENGLISH["slug"]],
        "system_approval_info": {},
    }
    name = slug.replace("_", " ").capitalize()
    return {
        "id": template.id * 100 + CHANNELS.index(slug),
        "channel": {"name": name, "slug": slug, "is_template_approval_needed": slug == "whatsapp"},
        "is_active": True,
        "is_enabled": True,
        **times,
        "disabled_languages": [],
        "versions": [version],
    }


def _times(template: StoredRecord) -> dict[str, str]:
    return {"created_at": zulu(template.created_at), "updated_at": zulu(template.updated_at)}


def _list(transaction: Transaction, call: ApiCall) -> SentAnswer:
    query = dict(call.query)
    wanted = {name: flag(call, name) for name in ("is_active", "is_archived")}
    any_of = {"tags": query.get("has_tag_ids_any"), "channels": query.get("has_channels_any")}

    def matches(template: StoredRecord) -> bool:
        content = template.content
        return all(value in {None, content[name]} for name, value in wanted.items()) and all(
            names is None or not set(names.split(",")).isdisjoint(content[field]) for field, names in any_of.items()
        )

    found = [template for template in transaction.records.each("template", "") if matches(template)]

    def some(limit: int, offset: int) -> list[dict[str, Any]]:
        return [_shown(template) for template in found[offset : offset + limit]]

    return offset_page(call, 10, len(found), some)


def _template_of(transaction: Transaction, call: ApiCall) -> StoredRecord:
    found = transaction.records.get("template", "", call.ids["slug"])
    if found is None:
        raise Refused(missing("no such template"))
    return found


def _get(transaction: Transaction, call: ApiCall) -> SentAnswer:
    return answers.record(_shown(_template_of(transaction, call)))


def _get_channel(transaction: Transaction, call: ApiCall) -> SentAnswer:
    template, channel = _template_of(transaction, call), call.ids["channel"]
    if channel not in template.content["channels"]:
        raise Refused(missing("no such template"))
    return answers.record(_channel(template, channel))


ENDPOINTS = (
    Endpoint("GET", "v1/template/", _list, refuse=answers.unknown),
    Endpoint("GET", "v1/template/{slug}/", _get, refuse=answers.unknown),
    Endpoint("GET", "v1/template/{slug}/channel/{channel}/", _get_channel, refuse=answers.unknown),
)
