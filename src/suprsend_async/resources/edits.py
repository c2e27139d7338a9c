"""Edits of a profile as values: which operations, in which order, and whether they may be sent twice."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, cast, overload

from suprsend_async.checks import is_number
from suprsend_async.errors import ValidationError
from suprsend_async.events.json_values import jsonable
from suprsend_async.released import ReleasedNames
from suprsend_async.resources.payload import CHANNELS, check_channel, json_bytes, json_object, text
from suprsend_async.wrong_calls import explained

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_ID_LENGTH = 255
MAX_TENANT_LENGTH = 64

_MISSING: Any = object()
# They say of which kind a channel's value beside them is.
_BESIDE_A_CHANNEL = frozenset({"$id_provider", "$bundle_id"})
_REPEATABLE_VERBS = frozenset({"$set", "$set_once", "$unset", "$remove"})


def operations_in(document: Mapping[str, object]) -> list[object]:
    """Return the operations in the payload of an edit.

    Raises:
        ValidationError: There are none, or they are no list.
    """
    operations = document.get("operations")
    if not isinstance(operations, list) or not operations:
        raise ValidationError("payload.operations must be a list of one operation or more", outcome="rejected")
    return cast("list[object]", operations)


def may_repeat(operations: object) -> bool:
    """Whether doing these operations twice does no more than doing them once."""
    if not isinstance(operations, list):
        return False
    return all(
        isinstance(operation, dict)
        and all(
            verb in _REPEATABLE_VERBS or (verb == "$append" and _is_of_channels(values))
            for verb, values in cast("dict[str, object]", operation).items()
        )
        for operation in cast("list[object]", operations)
    )


def _is_of_channels(values: object) -> bool:
    keys = cast("dict[str, object]", values).keys() if isinstance(values, dict) else ()
    return bool(keys) and all(key in CHANNELS or key in _BESIDE_A_CHANNEL for key in keys)


class ProfileEdit(ReleasedNames):
    """Operations on a profile, in the order of the calls. Each call adds one operation and returns the edit itself.

    Attributes:
        operations: What has been added, as it is sent.
    """

    def __init__(self) -> None:
        """Begin without operations."""
        self.operations: list[dict[str, Any]] = []

    def __copy__(self) -> Self:
        """Return an edit with the same identity and a copied list of operations."""
        copied = object.__new__(type(self))
        copied.__dict__ |= {**self.__dict__, "operations": [*self.operations]}
        return copied

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent again when a first try may have arrived.

        Not with `increment`, nor with `append` to a key that is no channel: they would count twice.
        """
        return may_repeat(self.operations)

    def check_operations(self) -> list[dict[str, Any]]:
        """Return the operations.

        Raises:
            ValidationError: There are none.
        """
        if not self.operations:
            raise ValidationError("the edit has no operations; call set(), add_email() or another", outcome="rejected")
        return self.operations

    def __repr__(self) -> str:
        """Show what is done, without ids and values."""
        return f"{type(self).__name__}({', '.join(next(iter(operation)) for operation in self.operations)})"

    @overload
    def set(self, key: str, value: Any) -> Self: ...
    @overload
    def set(self, key: Mapping[str, Any]) -> Self: ...
    def set(self, key: str | Mapping[str, Any], value: Any = _MISSING) -> Self:
        """Set a property, or several: `set("plan", "pro")` or `set({"plan": "pro", "seats": 5})`.

        Raises:
            ValidationError: A key is no text or empty, the value is missing, or JSON cannot carry it.
        """
        return self._add("$set", key, value)

    @overload
    def set_once(self, key: str, value: Any) -> Self: ...
    @overload
    def set_once(self, key: Mapping[str, Any]) -> Self: ...
    def set_once(self, key: str | Mapping[str, Any], value: Any = _MISSING) -> Self:
        """Set a property, or several, where there is none yet; as `set`."""
        return self._add("$set_once", key, value)

    @overload
    def increment(self, key: str, value: float) -> Self: ...
    @overload
    def increment(self, key: Mapping[str, float]) -> Self: ...
    def increment(self, key: str | Mapping[str, float], value: float = _MISSING) -> Self:
        """Add a number to a property, or to several. A negative one is subtracted.

        Such an edit is not sent again when a first try may have arrived.

        Raises:
            ValidationError: A key is no text or empty, or a value is no finite number.
        """
        values = self._values("$add", key, value)
        for name, number in values.items():
            if not is_number(number):
                raise ValidationError(
                    f"increment: {name!r} must be a finite number, not {type(number).__name__}", outcome="rejected"
                )
        return self._append_operation("$add", values)

    @overload
    def append(self, key: str, value: Any) -> Self: ...
    @overload
    def append(self, key: Mapping[str, Any]) -> Self: ...
    def append(self, key: str | Mapping[str, Any], value: Any = _MISSING) -> Self:
        """Append a value to a list, or add a channel; as `set`.

        With a key that is no channel such an edit is not sent again when a first try may have arrived.
        """
        return self._add("$append", key, value)

    @overload
    def remove(self, key: str, value: Any) -> Self: ...
    @overload
    def remove(self, key: Mapping[str, Any]) -> Self: ...
    def remove(self, key: str | Mapping[str, Any], value: Any = _MISSING) -> Self:
        """Remove a value from a list, or a channel; as `set`."""
        return self._add("$remove", key, value)

    def unset(self, keys: str | Sequence[str]) -> Self:
        """Remove a property or several; a channel's key, such as `"$sms"`, removes all of that channel.

        Raises:
            ValidationError: There is no key, or one is no text or empty.
        """
        items = [keys] if isinstance(keys, str) else list(keys)
        if not items:
            raise ValidationError("unset: give one key or more", outcome="rejected")
        self.operations.append({"$unset": [text("unset: a key", item) for item in items]})
        return self

    def set_preferred_language(self, language: str) -> Self:
        """Set the language, in ISO 639-1: "fr"."""
        return self._add("$set", "$preferred_language", text("language", language))

    def set_locale(self, locale: str) -> Self:
        """Set the locale, in BCP 47: "fr-CA"."""
        return self._add("$set", "$locale", text("locale", locale))

    def set_timezone(self, timezone: str) -> Self:
        """Set the time zone, by its IANA name: "Asia/Kolkata"."""
        return self._add("$set", "$timezone", text("timezone", timezone))

    def add_email(self, value: str) -> Self:
        """Add an e-mail address.

        Raises:
            ValidationError: The value has another type than the channel takes, or is empty; so for every channel.
        """
        return self._channel("$append", "$email", value)

    def remove_email(self, value: str) -> Self:
        """Remove an e-mail address."""
        return self._channel("$remove", "$email", value)

    def add_sms(self, value: str) -> Self:
        """Add a phone number for SMS, with `+` and country code."""
        return self._channel("$append", "$sms", value)

    def remove_sms(self, value: str) -> Self:
        """Remove a phone number for SMS."""
        return self._channel("$remove", "$sms", value)

    def add_whatsapp(self, value: str) -> Self:
        """Add a phone number for WhatsApp, with `+` and country code."""
        return self._channel("$append", "$whatsapp", value)

    def remove_whatsapp(self, value: str) -> Self:
        """Remove a phone number for WhatsApp."""
        return self._channel("$remove", "$whatsapp", value)

    def add_androidpush(self, token: str, provider: str | None = None, bundle_id: str | None = None) -> Self:
        """Add a token for Android; the provider is "fcm" if left out."""
        return self._channel("$append", "$androidpush", token, provider, bundle_id)

    def remove_androidpush(self, token: str, provider: str | None = None, bundle_id: str | None = None) -> Self:
        """Remove a token for Android."""
        return self._channel("$remove", "$androidpush", token, provider, bundle_id)

    def add_iospush(self, token: str, provider: str | None = None, bundle_id: str | None = None) -> Self:
        """Add a token for iOS; the provider is "apns" if left out."""
        return self._channel("$append", "$iospush", token, provider, bundle_id)

    def remove_iospush(self, token: str, provider: str | None = None, bundle_id: str | None = None) -> Self:
        """Remove a token for iOS."""
        return self._channel("$remove", "$iospush", token, provider, bundle_id)

    def add_webpush(self, subscription: Mapping[str, Any], provider: str | None = None) -> Self:
        """Add a browser's push subscription, as the browser gives it; the provider is "vapid" if left out."""
        return self._channel("$append", "$webpush", subscription, provider)

    def remove_webpush(self, subscription: Mapping[str, Any], provider: str | None = None) -> Self:
        """Remove a browser's push subscription."""
        return self._channel("$remove", "$webpush", subscription, provider)

    def add_slack(self, value: Mapping[str, Any]) -> Self:
        """Add a Slack user, channel or webhook.

        `email`, `user_id` or `channel_id` stands with `access_token`; or `incoming_webhook` with its `url`.
        """
        return self._channel("$append", "$slack", value)

    def remove_slack(self, value: Mapping[str, Any]) -> Self:
        """Remove a Slack user, channel or webhook."""
        return self._channel("$remove", "$slack", value)

    def add_ms_teams(self, value: Mapping[str, Any]) -> Self:
        """Add a Microsoft Teams conversation, user or webhook.

        `conversation_id` or `user_id` stands with `tenant_id` and `service_url`; or `incoming_webhook` with its `url`.
        """
        return self._channel("$append", "$ms_teams", value)

    def remove_ms_teams(self, value: Mapping[str, Any]) -> Self:
        """Remove a Microsoft Teams conversation, user or webhook."""
        return self._channel("$remove", "$ms_teams", value)

    def _channel(
        self, verb: str, name: str, value: object, provider: str | None = None, bundle_id: str | None = None
    ) -> Self:
        if isinstance(value, (list, tuple)):
            raise ValidationError(f"{name}: give one value, and call again for the next", outcome="rejected")
        beside = {"$id_provider": provider, "$bundle_id": bundle_id}
        known = {key: text(key, item) for key, item in beside.items() if item is not None}
        return self._add(verb, {name: value, **known}, _MISSING)

    def _add(self, verb: str, key: object, value: object) -> Self:
        values = self._values(verb, key, value)
        if verb in ("$append", "$remove"):
            for name in CHANNELS.keys() & values.keys():
                check_channel(name, values[name])
        return self._append_operation(verb, values)

    def _append_operation(self, verb: str, values: dict[str, Any]) -> Self:
        self.operations.append({verb: values})
        return self

    def _values(self, verb: str, key: object, value: object) -> dict[str, Any]:
        name = "increment" if verb == "$add" else verb[1:]
        if not isinstance(key, str) and isinstance(key, Mapping):
            if value is not _MISSING:
                raise ValidationError(f"{name}: give a key and a value, or a mapping alone", outcome="rejected")
            return _items_of(cast("object", key), name)
        if value is _MISSING:
            raise ValidationError(
                f"{name}: the value is missing; give a key and a value, or a mapping", outcome="rejected"
            )
        # Most operations are of one key: there is no mapping to check, and no other key to compare it with.
        items = jsonable({text(f"{name}: the key", key): value}, name=name, whole=name)
        json_bytes(items, name)  # what UTF-8 cannot carry is refused here
        return items


def _items_of(mapping: object, name: str) -> dict[str, Any]:
    """Return the keys, trimmed, and values of an operation on several."""
    items = json_object(mapping, name)
    if not items:
        raise ValidationError(f"{name}: the mapping is empty; give one key or more", outcome="rejected")
    json_bytes(items, name)
    trimmed = {text(f"{name}: a key", item): found for item, found in items.items()}
    if len(trimmed) < len(items):
        raise ValidationError(f"{name}: two keys are the same once spaces are trimmed", outcome="rejected")
    return trimmed


class UserEdit(ProfileEdit):
    """Changes of a user's profile.

    It is one occurrence: sending the same object twice is one to the platform, as far as it can tell. It can be
    pickled and copied; a copy is the same occurrence.

    Args:
        distinct_id: The user's id.
        tenant_id: The tenant whose profile of the user is changed; the user's own if left out.

    Attributes:
        distinct_id: The user's id.
        tenant_id: The tenant, or None.
        insert_id: What identifies it among identity events.
        time: When it was made, in milliseconds since the epoch.

    Raises:
        ValidationError: An id is empty, too long or no text.

    Examples:
        >>> edit = UserEdit("user-1").add_email("a@example.com").set("plan", "pro").increment("orders", 1)
        >>> edit, edit.repeatable
        (UserEdit($append, $set, $add), False)
    """

    @explained
    def __init__(self, distinct_id: str, tenant_id: str | None = None) -> None:
        super().__init__()
        self.distinct_id: str = text("distinct_id", distinct_id, MAX_ID_LENGTH)
        self.tenant_id: str | None = None if tenant_id is None else text("tenant_id", tenant_id, MAX_TENANT_LENGTH)
        self.insert_id: str = str(uuid.uuid4())
        self.time: int = time.time_ns() // 1_000_000


class ObjectEdit(ProfileEdit):
    """Changes of an object's profile. It can be pickled and copied.

    Args:
        object_type: The object's type, such as "teams".
        object_id: Its id within the type.

    Attributes:
        object_type: The object's type.
        object_id: Its id.

    Raises:
        ValidationError: One of them is empty or no text.

    Examples:
        >>> ObjectEdit("teams", "sre").set("name", "SRE").add_slack({"channel_id": "C0TEST0001", "access_token": "x"})
        ObjectEdit($set, $append)
    """

    @explained
    def __init__(self, object_type: str, object_id: str) -> None:
        super().__init__()
        self.object_type: str = text("object_type", object_type)
        self.object_id: str = text("object_id", object_id)
