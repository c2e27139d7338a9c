"""What is written: payloads as JSON, ids in portions, and the check of channel values before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, cast

from pydantic_core import to_json

from suprsend_async.checks import flag_problem
from suprsend_async.errors import ValidationError
from suprsend_async.events.json_values import MAX_BYTES, jsonable, unwritable

# The only limit of ids in a request that a source names.
MAX_IDS = 100

# A list of ids goes in as many requests as it takes; this is a bound for what refers to itself over and over.
MAX_ID_BYTES = 256 * 1024 * 1024

# What a value of each channel may be; a list of such values stands for several.
CHANNELS: dict[str, tuple[type, ...]] = {
    "$email": (str,),
    "$sms": (str,),
    "$whatsapp": (str,),
    "$inbox": (str,),
    "$messenger": (str, Mapping),
    "$androidpush": (str, Mapping),
    "$iospush": (str, Mapping),
    "$webpush": (str, Mapping),
    "$slack": (Mapping,),
    "$ms_teams": (Mapping,),
}

# What is too long where its parts are named by keys alone.
_WHOLE = "the payload"

ProfilePayload = TypedDict(
    "ProfilePayload",
    {
        "$email": "str | Sequence[str]",
        "$sms": "str | Sequence[str]",
        "$whatsapp": "str | Sequence[str]",
        "$inbox": "str | Sequence[str]",
        "$androidpush": "str | Sequence[str | Mapping[str, Any]]",
        "$iospush": "str | Sequence[str | Mapping[str, Any]]",
        "$webpush": "Mapping[str, Any] | Sequence[Mapping[str, Any]]",
        "$slack": "Mapping[str, Any] | Sequence[Mapping[str, Any]]",
        "$ms_teams": "Mapping[str, Any] | Sequence[Mapping[str, Any]]",
        "$preferred_language": str,
        "$locale": str,
        "$timezone": str,
    },
    total=False,
)


class ChannelChoice(TypedDict):
    """Whether a channel is restricted, to be written."""

    channel: str
    is_restricted: bool


class CategoryChoice(TypedDict, total=False):
    """What somebody wants of one category, to be written."""

    preference: str
    opt_out_channels: Sequence[str] | None
    opt_in_channels: Sequence[str] | None
    digest_schedule: Mapping[str, Any] | None
    properties: Sequence[Mapping[str, Any]] | None


class TenantPayload(TypedDict, total=False):
    """A tenant, to be written."""

    tenant_name: str
    logo: str | None
    timezone: str | None
    blocked_channels: Sequence[str] | None
    embedded_preference_url: str | None
    hosted_preference_domain: str | None
    primary_color: str | None
    secondary_color: str | None
    tertiary_color: str | None
    social_links: Mapping[str, str] | None
    properties: Mapping[str, Any] | None


class TenantChoice(TypedDict, total=False):
    """What a tenant sets as default for one category, to be written."""

    preference: str
    visible_to_subscriber: bool | None
    mandatory_channels: Sequence[str] | None
    opt_in_channels: Sequence[str] | None
    blocked_channels: Sequence[str] | None
    enabled_for_tenant: bool | None
    digest_schedule: Mapping[str, Any] | None
    properties: Sequence[Mapping[str, Any]] | None


class MessageAction(TypedDict):
    """A change of one message."""

    message_id: str
    action: str


def json_object(payload: object, name: str = "payload", max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Return a mapping as the JSON object that it is sent as; nothing for None.

    Args:
        payload: The mapping.
        name: What it is called in messages, and the path of what is wrong in it begins with; empty where its own keys
            say where something is.
        max_bytes: How long the JSON may be.

    Raises:
        ValidationError: It is no mapping, or holds what JSON cannot carry; the message says where.
    """
    if payload is None:
        return {}
    if not isinstance(payload, Mapping):
        raise ValidationError(f"{name} must be a mapping, not {type(payload).__name__}", outcome="rejected")
    items = dict(cast("Mapping[object, Any]", payload))
    if not all(isinstance(key, str) for key in items):
        raise ValidationError(f"{name} has a key that is not a string; keys must be strings", outcome="rejected")
    return jsonable(cast("dict[str, Any]", items), max_bytes, name=name, whole=name or _WHOLE)


def json_bytes(document: Any, name: str = "payload") -> bytes:
    """Return a JSON-able value as JSON in UTF-8.

    Args:
        document: The value.
        name: What it is called in the message; empty for one whose keys say where something is.

    Raises:
        ValidationError: UTF-8 cannot carry a text in it.
    """
    try:
        return to_json(document)
    except Exception:  # noqa: BLE001 - whatever it raises, the closer look finds it with its path
        problem = unwritable(document, name, name or _WHOLE)
    raise ValidationError(problem, outcome="rejected")


def profile_bytes(payload: object) -> bytes:
    """Return a profile's payload as JSON.

    Raises:
        ValidationError: A channel's value has the wrong type, or JSON cannot carry a value.
    """
    document = json_object(payload)
    for name in CHANNELS.keys() & document.keys():
        check_channel(name, document[name])
    return json_bytes(document)


def check_channel(name: str, value: object, place: str = "") -> None:
    """Refuse a channel's value of another type than the platform documents.

    Args:
        name: The channel's key, such as "$email".
        value: What was given.
        place: What stands before the name, for the error.

    Raises:
        ValidationError: The message names the channel and what it takes.
    """
    kinds = CHANNELS[name]
    values = cast("Sequence[object]", value) if isinstance(value, (list, tuple)) else [value]
    for item in values:
        if not isinstance(item, kinds) or (isinstance(item, str) and not item.strip()):
            wanted = " or ".join("a mapping" if kind is Mapping else "a text that is not empty" for kind in kinds)
            found = "an empty text" if isinstance(item, str) and str in kinds else type(item).__name__
            raise ValidationError(f"{place}{name} takes {wanted}, or a list of such; it is {found}", outcome="rejected")


def text(name: str, value: object, most: int | None = None) -> str:
    """Return an id that stands in a body, trimmed.

    Raises:
        ValidationError: It is no text, empty or too long.
    """
    if not isinstance(value, str):
        raise ValidationError(f"{name} must be a string, not {type(value).__name__}", outcome="rejected")
    trimmed = value.strip()
    if not trimmed:
        raise ValidationError(f"{name} is empty; give a text of 1 character or more", outcome="rejected")
    if most is not None and len(trimmed) > most:
        raise ValidationError(f"{name} has {len(trimmed)} characters; at most {most} are allowed", outcome="rejected")
    if not trimmed.isascii():
        json_bytes(trimmed, name)  # what UTF-8 cannot carry is refused here
    return trimmed


def flag(name: str, value: object) -> bool:
    """Return a truth value.

    Raises:
        ValidationError: It is none.
    """
    if problem := flag_problem(name, value):
        raise ValidationError(problem, outcome="rejected")
    return bool(value)


def check_tenant(query: Mapping[str, object]) -> None:
    """Refuse a tenant in a query that is no id: an empty one would be taken for none at all.

    Raises:
        ValidationError: It is no text, or empty.
    """
    if query.get("tenant_id") is not None:
        text("tenant_id", query["tenant_id"])


def portions(payload: object, name: str) -> list[tuple[int, bytes]]:
    """Return the bodies that carry a payload's list of ids, `MAX_IDS` in each, with the number of ids before them.

    Raises:
        ValidationError: The list is missing or empty, or holds what is no id.
    """
    document = json_object(payload, max_bytes=MAX_ID_BYTES)
    ids = document.get(name)
    if not isinstance(ids, list) or not ids:
        raise ValidationError(f"{name} must be a list of one id or more", outcome="rejected")
    found = cast("list[object]", ids)
    texts = [text(f"{name}[{position}]", item) for position, item in enumerate(found)]
    return [
        (done, json_bytes({**document, name: texts[done : done + MAX_IDS]})) for done in range(0, len(texts), MAX_IDS)
    ]


def filter_bytes(**filters: str | list[str] | None) -> bytes:
    """Return filters as JSON, those that are None left out.

    Raises:
        ValidationError: There is none, or one is empty; the message names it.
    """
    given = {
        name: value if isinstance(value, list) else text(name, value)
        for name, value in filters.items()
        if value is not None
    }
    if not given:
        raise ValidationError(f"no filter is given; give one or more of {', '.join(filters)}", outcome="rejected")
    return json_bytes(given)
