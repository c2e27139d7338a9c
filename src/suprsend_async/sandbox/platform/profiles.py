"""What a user or an object is: properties and channels, and how payloads and edits change them.

Functions over plain data: a profile is `{"properties": {…}, "channels": {"$email": [{"value": …, "status": …}]}}`.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, cast

from suprsend_async.sandbox.refusal import Refused, invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Profile = dict[str, dict[str, Any]]

CHANNELS = (
    "androidpush",
    "iospush",
    "webpush",
    "email",
    "sms",
    "whatsapp",
    "slack",
    "inbox",
    "messenger",
    "ms_teams",
)
_KEYS = {f"${channel}" for channel in CHANNELS}
_OBJECTS = {"$slack", "$ms_teams", "$webpush"}
_TOKENS = {"$androidpush", "$iospush"}
_PHONES = {"$sms", "$whatsapp"}
_PHONE = re.compile(r"\+[0-9]{7,15}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*")
# Not the list of this machine, where there may be none, and which has abbreviations such as EST.
_TIMEZONE = re.compile(r"UTC|GMT|[A-Za-z_]+(/[A-Za-z0-9_+-]+)+")
_OWN_PROPERTIES = {
    "$preferred_language": (_LANGUAGE, "a language, such as en"),
    "$locale": (_LANGUAGE, "a locale, such as en-GB"),
    "$timezone": (_TIMEZONE, "a time zone of the IANA, such as Europe/Berlin"),
}
_LARGEST_NUMBER = sys.float_info.max
_NOT_KEPT = {"$id_provider", "$bundle_id", "$skip_create"}
_VERBS = ("$set", "$set_once", "$add", "$increment", "$append", "$remove", "$unset")


def empty() -> Profile:
    """Return the profile of someone of whom nothing is known yet."""
    return {"properties": {}, "channels": {}}


def shown(profile: Profile) -> dict[str, Any]:
    """Return a profile as answers hold it: channels stand beside the properties."""
    return {"properties": profile["properties"], **profile["channels"]}


def overlaid(profile: Profile, upper: Profile) -> Profile:
    """Return a profile with another one's keys on top."""
    return {part: profile[part] | upper[part] for part in ("properties", "channels")}


def joined(profile: Profile, other: Profile) -> Profile:
    """Return a profile with what another one has beside: its own properties stay, channels come together."""
    merged = {"properties": other["properties"] | profile["properties"], "channels": dict(profile["channels"])}
    for key, entries in other["channels"].items():
        own = merged["channels"].get(key, [])
        known = [entry["value"] for entry in own]
        merged["channels"][key] = own + [entry for entry in entries if entry["value"] not in known]
    return merged


def updated(profile: Profile, payload: Mapping[str, Any]) -> Profile:
    """Return a profile after an upsert: what the payload names is set, channel values are added.

    Raises:
        Refused: The payload breaks a rule.
    """
    changed = _copy(profile)
    for given, value in payload.items():
        key = given.strip()
        if key in _KEYS:
            for each in as_list(value):
                _add_value(changed, key, each, payload)
        elif key not in _NOT_KEPT:
            _set(changed, _property(key), value)
    return changed


def edited(profile: Profile, operations: Iterable[Mapping[str, Any]]) -> Profile:
    """Return a profile after an edit: one operation after the other, the verbs of one in their order.

    Raises:
        Refused: An operation breaks a rule; nothing is changed.

    Examples:
        >>> edited(empty(), [{"$set": {"plan": "pro"}}, {"$add": {"orders": 2}}])["properties"]
        {'plan': 'pro', 'orders': 2}
    """
    changed = _copy(profile)
    for place, operation in enumerate(operations):
        for verb, arguments in operation.items():
            if verb not in _VERBS:
                raise Refused(invalid(f"operations[{place}]: {verb} is no operation; there are {', '.join(_VERBS)}."))
            if verb == "$unset":
                _unset(changed, arguments)
            elif not isinstance(given := cast("object", arguments), dict):
                raise Refused(invalid(f"operations[{place}].{verb} must be an object."))
            else:
                given = cast("dict[str, object]", given)
                for key, value in given.items():
                    if key.strip() not in _NOT_KEPT:
                        _apply(changed, verb, key.strip(), value, given)
    return changed


def _copy(profile: Profile) -> Profile:
    channels = {key: [dict(entry) for entry in entries] for key, entries in profile["channels"].items()}
    return {"properties": dict(profile["properties"]), "channels": channels}


def _apply(profile: Profile, verb: str, key: str, value: Any, given: Mapping[str, Any]) -> None:
    if key in _KEYS:
        _apply_to_channel(profile, verb, key, as_list(value), given)
        return
    properties = profile["properties"]
    name = _property(key)
    match verb:
        case "$set":
            _set(profile, name, value)
        case "$set_once":
            if name not in properties:
                _set(profile, name, value)
        case "$append":
            before: object = properties.get(name, [])
            properties[name] = [*as_list(before), value]
        case "$remove":
            if isinstance(properties.get(name), list):
                properties[name] = [each for each in as_list(properties[name]) if not _same(each, value)]
        case _:
            properties[name] = _sum(name, properties.get(name, 0), value)


def _apply_to_channel(profile: Profile, verb: str, key: str, values: list[Any], given: Mapping[str, Any]) -> None:
    if verb in {"$add", "$increment"}:
        raise Refused(invalid(f"{key}: a channel takes no {verb}."))
    if verb == "$remove":
        _end_values(profile, key, values)
    elif verb != "$set_once" or not profile["channels"].get(key):
        for each in values:
            _add_value(profile, key, each, given)


def _set(profile: Profile, name: str, value: Any) -> None:
    if value is not None and name in _OWN_PROPERTIES:
        pattern, what = _OWN_PROPERTIES[name]
        if not (isinstance(value, str) and pattern.fullmatch(value)):
            raise Refused(invalid(f"{name} must be {what}."))
    profile["properties"][name] = value


def _same(left: Any, right: Any) -> bool:
    # Python takes True for 1, JSON does not.
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def _sum(name: str, before: Any, value: Any) -> Any:
    for number in (before, value):
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise Refused(invalid(f"{name}: only a number can be added, and only to a number."))
    # Compared before it is added: a float takes no larger number, and one of too many digits could not be read again.
    if max(abs(before), abs(value)) > _LARGEST_NUMBER or abs(total := before + value) > _LARGEST_NUMBER:
        raise Refused(invalid(f"{name}: the sum is beyond what JSON readers take."))
    return total


def _unset(profile: Profile, keys: object) -> None:
    if not isinstance(keys, list):
        raise Refused(invalid("$unset must be a list of keys."))
    for key in cast("list[object]", keys):
        if not isinstance(key, str):
            raise Refused(invalid("$unset must be a list of keys, which are texts."))
        if (name := key.strip()) in _KEYS:
            _end_values(profile, name)
        else:
            profile["properties"].pop(_property(name), None)


def _end_values(profile: Profile, key: str, values: list[Any] | None = None) -> None:
    """Make values of a channel inactive; all of them if none are named."""
    values = None if values is None else [_token_of(key, value)[0] for value in values]
    for entry in profile["channels"].get(key, []):
        if values is None or entry["value"] in values:
            entry["status"] = "inactive"


def as_list(value: object) -> list[Any]:
    """Return a list unchanged, and anything else in a list."""
    return cast("list[object]", value) if isinstance(value, list) else [value]


def _add_value(profile: Profile, key: str, value: Any, given: Mapping[str, Any]) -> None:
    value, provider = _token_of(key, value)
    _check_value(key, value)
    entries = profile["channels"].setdefault(key, [])
    entry = next((entry for entry in entries if entry["value"] == value), None)
    if entry is None:
        entry = {"value": value}
        entries.append(entry)
    provider = provider or given.get("$id_provider")
    if provider and key in {*_TOKENS, "$webpush"}:
        entry["id_provider"] = provider
    entry |= {"status": "active", "perma_status": "active"}


def _token_of(key: str, value: Any) -> tuple[Any, Any]:
    """Return a value as it is kept, and its provider: a token may come with it in one object."""
    if key in _TOKENS and isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        return fields.get("token", fields), fields.get("provider")
    return value, None


def _check_value(key: str, value: Any) -> None:
    if key in _OBJECTS and not isinstance(value, dict):
        raise Refused(invalid(f"{key} must be an object."))
    if key not in _OBJECTS and not isinstance(value, str | dict):
        raise Refused(invalid(f"{key} must be a text."))
    if key == "$email" and not (isinstance(value, str) and 6 <= len(value) <= 320 and "@" in value):
        raise Refused(invalid("$email must be an e-mail address of 6 to 320 characters."))
    if key in _PHONES and not (isinstance(value, str) and _PHONE.fullmatch(value)):
        raise Refused(invalid(f"{key} must be a phone number as E.164 writes it, such as +15550100."))


def _property(key: str) -> str:
    name = key.strip()
    if not name:
        raise Refused(invalid("A property has an empty name."))
    if name not in _OWN_PROPERTIES and name.lower().startswith(("$", "ss_")):
        raise Refused(invalid(f"{name}: names that begin with $ or ss_ are reserved for the platform."))
    return name
