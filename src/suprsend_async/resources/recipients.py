"""Who a workflow is run for: recipients as values, and how texts and mappings are read as such."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from suprsend_async.checks import whole_problem
from suprsend_async.errors import ValidationError
from suprsend_async.resources.edits import MAX_ID_LENGTH
from suprsend_async.resources.payload import CHANNELS, check_channel, flag, text
from suprsend_async.wrong_calls import explained

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    RecipientLike = str | Mapping[str, Any]
    """A recipient as it is given: a distinct_id, a `Recipient`, an `ObjectRecipient` or a mapping of that form."""

CHANNEL_NAMES = frozenset(name.removeprefix("$") for name in CHANNELS)


class RecipientFields(Mapping[str, Any]):
    """A recipient as the mapping that is sent. It is fixed when it is made, and shows no value."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}

    def __getitem__(self, name: str) -> Any:
        """Return the value of a key as it is sent, such as `"$email"`."""
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the keys."""
        return iter(self._fields)

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._fields)

    def __repr__(self) -> str:
        """Show the keys, never a value."""
        # Reporters of crashes show one whose making failed as well: it has no fields.
        return f"{type(self).__name__}({', '.join(getattr(self, '_fields', ()))})"


class Recipient(RecipientFields):
    """A user to run a workflow for, with channels and properties for this run and for the profile.

    Channels that are given here are the only ones that the run uses. They are written to the profile, as are the
    properties, unless the recipient is transient.

    Args:
        distinct_id: The user's id; needed unless the recipient is transient.
        is_transient: Whether it is nobody with a profile: nothing is stored.
        channels: The channels that this run may use, such as `["email", "inbox"]`.
        email: An e-mail address, or several.
        sms: A phone number with `+` and country code, or several.
        whatsapp: The same for WhatsApp.
        inbox: An id of the inbox, or several.
        messenger: A value for Messenger, or several.
        androidpush: A token, or a mapping with `token` and `provider`; or several.
        iospush: The same for iOS.
        webpush: A browser's subscription, or several.
        slack: A mapping as `UserEdit.add_slack` takes, or several.
        ms_teams: A mapping as `UserEdit.add_ms_teams` takes, or several.
        preferred_language: The language, in ISO 639-1.
        locale: The locale, in BCP 47.
        timezone: The time zone, by its IANA name.
        skip_create: Whether no profile is made for a user who has none.
        context: `{"tenant_id": ...}`: the profile of that tenant is written. It has to be the trigger's own.
        **properties: Further properties of the profile.

    Raises:
        ValidationError: There is no id and the recipient is not transient, or a channel's value has the wrong type.

    Examples:
        >>> recipient = Recipient("user-1", email="a@example.com", channels=["email"], plan="pro")
        >>> recipient, recipient["$channels"]
        (Recipient(distinct_id, $email, $channels, plan), ['email'])
    """

    __slots__ = ()

    @explained
    def __init__(
        self,
        distinct_id: str | None = None,
        *,
        is_transient: bool = False,
        channels: Sequence[str] | None = None,
        email: str | Sequence[str] | None = None,
        sms: str | Sequence[str] | None = None,
        whatsapp: str | Sequence[str] | None = None,
        inbox: str | Sequence[str] | None = None,
        messenger: str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]] | None = None,
        androidpush: str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]] | None = None,
        iospush: str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]] | None = None,
        webpush: str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]] | None = None,
        slack: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        ms_teams: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        preferred_language: str | None = None,
        locale: str | None = None,
        timezone: str | None = None,
        skip_create: bool = False,
        context: Mapping[str, Any] | None = None,
        **properties: Any,
    ) -> None:
        fields = {
            "distinct_id": distinct_id,
            "is_transient": flag("is_transient", is_transient) or None,
            "$email": email,
            "$sms": sms,
            "$whatsapp": whatsapp,
            "$inbox": inbox,
            "$messenger": messenger,
            "$androidpush": androidpush,
            "$iospush": iospush,
            "$webpush": webpush,
            "$slack": slack,
            "$ms_teams": ms_teams,
            "$channels": channels,
            "$preferred_language": preferred_language,
            "$locale": locale,
            "$timezone": timezone,
            "$skip_create": flag("skip_create", skip_create) or None,
            "$context": context,
        }
        super().__init__(_read_fields("recipient", {**fields, **properties}))


class ObjectRecipient(RecipientFields):
    """An object to run a workflow for: everybody who subscribes to it is notified.

    Args:
        object_type: The object's type, such as "teams".
        object_id: Its id within the type.
        depth: How far subscriptions of objects to objects are followed: 0, 1 or 2; the platform's default is 2.
        skip_create: Whether no profile is made for an object that has none.
        **properties: Channels and properties of the object, by the keys that are sent: `**{"$email": [...]}`.

    Raises:
        ValidationError: One of the two is empty or no text, or a channel's value has the wrong type.

    Examples:
        >>> ObjectRecipient("teams", "sre", depth=0)
        ObjectRecipient(object_type, id, $object_subscriptions_query)
    """

    __slots__ = ()

    @explained
    def __init__(
        self,
        object_type: str,
        object_id: str,
        *,
        depth: int | None = None,
        skip_create: bool = False,
        **properties: Any,
    ) -> None:
        if depth is not None and (problem := whole_problem("depth", depth, 0, 2)):
            raise ValidationError(problem, outcome="rejected")
        named = {"object_type": text("object_type", object_type), "id": text("object_id", object_id)}
        fields = {
            "$object_subscriptions_query": None if depth is None else {"depth": depth},
            "$skip_create": flag("skip_create", skip_create) or None,
        }
        super().__init__(_read_fields("recipient", {**named, **fields, **properties, **named}))


def read_recipients(recipients: object) -> tuple[str | dict[str, Any], ...]:
    """Return recipients as they are sent.

    Raises:
        ValidationError: There are none, or one is none; the message names its place.
    """
    if isinstance(recipients, (str, bytes, Mapping)) or not isinstance(recipients, Iterable):
        found = type(cast("Any", recipients)).__name__
        raise ValidationError(f"recipients must be a list of recipients, not {found}", outcome="rejected")
    read = tuple(
        read_recipient(f"recipients[{position}]", recipient)
        for position, recipient in enumerate(cast("Iterable[object]", recipients))
    )
    if not read:
        raise ValidationError("recipients is empty; give one recipient or more", outcome="rejected")
    return read


def read_recipient(place: str, recipient: object) -> str | dict[str, Any]:
    """Return one recipient, or an actor, as it is sent.

    Args:
        place: Where it stands, for the error.
        recipient: A distinct_id, or a mapping.

    Raises:
        ValidationError: It names nobody, or a channel's value has the wrong type.
    """
    if isinstance(recipient, Mapping):
        return _read_fields(place, cast("Mapping[object, Any]", recipient))
    if not isinstance(recipient, str):
        found = type(recipient).__name__
        raise ValidationError(f"{place} must be a distinct_id or a mapping, not {found}", outcome="rejected")
    return text(place, recipient, MAX_ID_LENGTH)


def _read_fields(place: str, given: Mapping[Any, Any]) -> dict[str, Any]:
    fields = dict(given)
    if not all(isinstance(name, str) for name in fields):
        raise ValidationError(f"{place} has a key that is not a string; keys must be strings", outcome="rejected")
    if fields.get("object_type") is not None:
        for name in ("object_type", "id"):
            fields[name] = text(f"{place}.{name}", fields.get(name))
    elif fields.get("distinct_id") is not None:
        fields["distinct_id"] = text(f"{place}.distinct_id", fields["distinct_id"], MAX_ID_LENGTH)
    elif fields.get("is_transient") is not True:
        raise ValidationError(
            f"{place} names nobody; give distinct_id, object_type and id, or is_transient=True", outcome="rejected"
        )
    if fields.get("$channels") is not None:
        check_channel_names(f"{place}.$channels", fields["$channels"])
    for name in CHANNELS.keys() & fields.keys():
        if fields[name] is not None:
            check_channel(name, fields[name], f"{place}.")
    return fields


def check_channel_names(place: str, channels: object) -> None:
    """Refuse what is no list of channels' names.

    Raises:
        ValidationError: One is no channel; the message says which there are.
    """
    names = cast("Sequence[object]", channels) if isinstance(channels, (list, tuple)) else None
    if names is None or not all(isinstance(name, str) and name in CHANNEL_NAMES for name in names):
        raise ValidationError(f"{place} must be a list of {', '.join(sorted(CHANNEL_NAMES))}", outcome="rejected")


def order_keys(recipients: Iterable[str | Mapping[str, Any]]) -> list[Hashable]:
    """Return what the order of a record is kept by: each user and each object; nothing for a transient recipient."""
    return [key for key in map(_order_key, recipients) if key is not None]


def _order_key(recipient: str | Mapping[str, Any]) -> Hashable:
    if isinstance(recipient, str):
        return recipient
    if recipient.get("object_type") is not None:
        return recipient["object_type"], recipient["id"]
    return None if recipient.get("is_transient") is True else recipient["distinct_id"]
