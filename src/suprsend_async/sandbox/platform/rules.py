"""The rules for one event, as the platform publishes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from suprsend_async.counting import counted
from suprsend_async.sandbox.refusal import Refusal, invalid, unacceptable

EARLIEST_TIME = 1_640_995_200_000
PLATFORM_EVENTS = frozenset(
    {
        "$identify",
        "$notification_delivered",
        "$notification_dismiss",
        "$notification_clicked",
        "$app_launched",
        "$user_login",
        "$user_logout",
    }
)
PLATFORM_PROPERTIES = frozenset({"$attachments", "$ss_sdk_version"})

_RESERVED = "names that begin with $ or ss_ are reserved for the platform"
_NAME_SHOWN = 64
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Text:
    """The rule for one key that holds a string."""

    key: str
    minimum: int = 0
    maximum: int | None = None
    required: bool = False
    trimmed: bool = False


_INSERT_ID = _Text("$insert_id", minimum=36, required=True)
_EVENT = _Text("event", minimum=2, required=True, trimmed=True)
_DISTINCT_ID = _Text("distinct_id", minimum=1, required=True, trimmed=True)
_OPTIONAL = (
    _Text("$idempotency_key", minimum=1, maximum=255, trimmed=True),
    _Text("tenant_id", maximum=64),
    _Text("brand_id", maximum=64),
)


def check_event(event: object, *, env: str, env_minimum: int) -> Refusal | None:
    """Check one decoded event against every rule.

    Args:
        event: What the JSON decoder made of the event.
        env: The authenticated workspace, which the event must name.
        env_minimum: The fewest characters that ``env`` may have.

    Returns:
        The first rule that is broken, in the order of the platform's table; None if none is.

    Examples:
        >>> refusal = check_event({"event": "order_placed"}, env="w" * 20, env_minimum=20)
        >>> refusal.message
        '`$insert_id` is missing.'
    """
    if not isinstance(event, dict):
        return invalid(f"An event must be an object, not {_json_type(event)}.")
    fields = cast("dict[str, object]", event)
    return (
        _check_insert_id(fields)
        or _check_time(fields)
        or _check_event_name(fields)
        or _check_env(fields, env, env_minimum)
        or _check_text(fields, _DISTINCT_ID)
        or _check_properties(fields)
        or _check_optional(fields)
    )


def _check_text(fields: dict[str, object], rule: _Text) -> Refusal | None:
    value = fields.get(rule.key)
    if value is None and not rule.required:
        # The platform's own JSON schema takes null for an optional key.
        return None
    if not isinstance(value, str):
        return _wrong_type(fields, rule.key, "a string")
    length = len(value.strip()) if rule.trimmed else len(value)
    if length < rule.minimum:
        return unacceptable(f"`{rule.key}` must have at least {_characters(rule.minimum)}, not {length}.")
    if rule.maximum is not None and length > rule.maximum:
        return unacceptable(f"`{rule.key}` must have at most {_characters(rule.maximum)}, not {length}.")
    return None


def _check_insert_id(fields: dict[str, object]) -> Refusal | None:
    if refusal := _check_text(fields, _INSERT_ID):
        return refusal
    if _UUID.search(cast("str", fields["$insert_id"])) is None:
        return unacceptable("`$insert_id` must hold a UUID with its hyphens.")
    return None


def _check_time(fields: dict[str, object]) -> Refusal | None:
    value = fields.get("$time")
    # In Python, True is an int; in JSON it is not a number.
    if not isinstance(value, int) or isinstance(value, bool):
        return _wrong_type(fields, "$time", "an integer of epoch milliseconds")
    if value < EARLIEST_TIME:
        return unacceptable(f"`$time` must be {EARLIEST_TIME} or later, in epoch milliseconds.")
    return None


def _check_event_name(fields: dict[str, object]) -> Refusal | None:
    if refusal := _check_text(fields, _EVENT):
        return refusal
    name = cast("str", fields["event"]).strip()
    if _is_reserved(name) and name not in PLATFORM_EVENTS:
        return unacceptable(f"`event` is {name[:_NAME_SHOWN]!r}: {_RESERVED}.")
    return None


def _check_env(fields: dict[str, object], env: str, minimum: int) -> Refusal | None:
    value = fields.get("env")
    if not isinstance(value, str):
        return _wrong_type(fields, "env", "a string")
    if len(value) < minimum:
        return unacceptable(f"`env` must have at least {_characters(minimum)}, not {len(value)}.")
    if value != env:
        return unacceptable("`env` does not name the workspace that this request is authorized for.")
    return None


def _check_properties(fields: dict[str, object]) -> Refusal | None:
    value = fields.get("properties")
    if not isinstance(value, dict):
        return _wrong_type(fields, "properties", "an object")
    properties = cast("dict[str, object]", value)
    for name in properties:
        if _is_reserved(name) and name not in PLATFORM_PROPERTIES:
            return unacceptable(f"`properties` holds {name[:_NAME_SHOWN]!r}: {_RESERVED}.")
    version = properties.get("$ss_sdk_version", "")
    if not isinstance(version, str):
        return invalid(f"`properties.$ss_sdk_version` must be a string, not {_json_type(version)}.")
    if "$attachments" in properties:
        return _check_attachments(properties["$attachments"])
    return None


def _check_attachments(value: object) -> Refusal | None:
    if not isinstance(value, list):
        return invalid(f"`properties.$attachments` must be an array, not {_json_type(value)}.")
    for index, attachment in enumerate(cast("list[object]", value)):
        if refusal := _check_attachment(attachment, f"properties.$attachments[{index}]"):
            return refusal
    return None


def _check_attachment(value: object, where: str) -> Refusal | None:
    if not isinstance(value, dict):
        return invalid(f"`{where}` must be an object, not {_json_type(value)}.")
    attachment = cast("dict[str, object]", value)
    url = attachment.get("url")
    if not isinstance(url, str):
        return invalid(f"`{where}.url` must be an http or https URL, not {_json_type(url)}.")
    if not _is_web_url(url):
        return unacceptable(f"`{where}.url` must be an http or https URL with a host.")
    for key in ("data", "contentType"):
        if attachment.get(key) is not None:
            return unacceptable(f"`{where}.{key}` must be null: an event's file is given by its URL.")
    filename = attachment.get("filename")
    if filename is not None and not isinstance(filename, str):
        return invalid(f"`{where}.filename` must be a string or null, not {_json_type(filename)}.")
    ignore = attachment.get("ignore_if_error", False)
    if not isinstance(ignore, bool):
        return invalid(f"`{where}.ignore_if_error` must be a boolean, not {_json_type(ignore)}.")
    return None


def _check_optional(fields: dict[str, object]) -> Refusal | None:
    for rule in _OPTIONAL:
        if refusal := _check_text(fields, rule):
            return refusal
    return None


def _is_reserved(name: str) -> bool:
    return name[:1] == "$" or name[:3].lower() == "ss_"


def _is_web_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _wrong_type(fields: dict[str, object], key: str, expected: str) -> Refusal:
    if key not in fields:
        return invalid(f"`{key}` is missing.")
    return invalid(f"`{key}` must be {expected}, not {_json_type(fields[key])}.")


def _json_type(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def _characters(count: int) -> str:
    return counted(count, "character")
