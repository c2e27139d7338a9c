"""The messages of one event, trigger or broadcast: pure functions of it, a workflow and the state."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from suprsend_async.sandbox.platform.choices import reason_against
from suprsend_async.sandbox.platform.profiles import as_list

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from suprsend_async.sandbox.delivery.definitions import Definition

_CREDENTIALS = {"access_token", "incoming_webhook", "keys"}


@dataclass(frozen=True, slots=True)
class Cause:
    """What starts a workflow.

    Attributes:
        slug: The workflow.
        data: What its templates are rendered with.
        tenant_id: The tenant that it is for.
        idempotency_key: Its key without spaces around it.
        is_campaign: Whether it is a broadcast.
        category: The category that it names itself; None for the workflow's.
        channels: The channels that it names itself; None for the workflow's.
    """

    slug: str
    data: Mapping[str, Any]
    tenant_id: str
    idempotency_key: str | None = None
    is_campaign: bool = False
    category: str | None = None
    channels: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class Addressee:
    """One whom it may go to, and what is known of him.

    Attributes:
        identity: `$type`, `distinct_id`, `object_type` and `id`, as a message holds them.
        profile: Properties and channels, those of the tenant on top; None if there is no such user or object.
        inline: The channels that the trigger brings for this run alone.
        only: The channels that the trigger names; None for all.
        choices: What was chosen: restricted channels, and choices by category.
        execution_id: The run.
        parent: The type and the id of the object through which it goes to him.
        is_cancelled: Whether the run was cancelled.
    """

    identity: Mapping[str, Any]
    profile: Mapping[str, Any] | None
    execution_id: str
    inline: Mapping[str, Any] = field(default_factory=dict[str, Any])
    only: Collection[str] | None = None
    choices: Mapping[str, Any] = field(default_factory=lambda: {"channels": {}, "categories": {}})
    parent: tuple[str, str] | None = None
    is_cancelled: bool = False

    @property
    def name(self) -> str:
        """What it is called in a sentence."""
        return str(self.identity["distinct_id"] or self.identity["id"] or "a transient recipient")


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known when the messages are made.

    Attributes:
        recipients: Whom it may go to.
        tenant: What templates see of the tenant; None if there is none with this id.
        category: The category as the tenant has it; None if there is none of this name.
        blocked: The channels that the tenant has switched off.
        actor: What templates see of the actor.
    """

    recipients: Sequence[Addressee]
    tenant: Mapping[str, Any] | None
    category: dict[str, Any] | None
    blocked: Collection[str] = ()
    actor: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """One message before its template is rendered.

    Attributes:
        recipient: Whom it goes to.
        channel: The channel.
        address: Where it goes on that channel, without credentials; None for the inbox of a user.
        about: What its template is rendered with.
        reason: Why it is not sent; None if it is.
    """

    recipient: Addressee
    channel: str
    address: Any
    about: Mapping[str, Any]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A recipient or a channel for which there is no message, and why."""

    recipient: str
    channel: str | None
    reason: str


def plan(cause: Cause, definition: Definition, situation: Situation) -> list[Draft | Skipped]:
    """Return the messages of a cause, in the order of its recipients and of the workflow's channels."""
    category = situation.category
    if situation.tenant is None:
        return [Skipped(each.name, None, f"there is no tenant {cause.tenant_id}") for each in situation.recipients]
    if category is None:
        name = cause.category or definition.category
        return [Skipped(each.name, None, f"there is no category {name}") for each in situation.recipients]
    return [each for recipient in situation.recipients for each in _for_one(cause, definition, situation, recipient)]


def _for_one(
    cause: Cause, definition: Definition, situation: Situation, recipient: Addressee
) -> Iterator[Draft | Skipped]:
    if recipient.is_cancelled:
        yield Skipped(recipient.name, None, "the run was cancelled")
        return
    if recipient.profile is None and not recipient.inline:
        yield Skipped(recipient.name, None, "there is no such user or object")
        return
    about = {
        "data": cause.data,
        "recipient": seen(recipient.identity, recipient.profile, recipient.inline),
        "actor": situation.actor or {},
        "tenant": situation.tenant,
    }
    for channel in definition.channels:
        if reason := _left_out(channel, cause, recipient):
            yield Skipped(recipient.name, channel, reason)
            continue
        addresses = _addresses(channel, recipient)
        if not addresses:
            yield Skipped(recipient.name, channel, f"there is no active {channel} in the profile")
            continue
        category = cast("dict[str, Any]", situation.category)
        against = reason_against(channel, category, recipient.choices, situation.blocked)
        for address in addresses:
            yield Draft(recipient, channel, address, about, against)


def _left_out(channel: str, cause: Cause, recipient: Addressee) -> str | None:
    if cause.channels is not None and channel not in cause.channels:
        return f"{channel} is none of the channels that the broadcast names"
    if recipient.only is not None and channel not in recipient.only:
        return f"{channel} is none of the channels that the trigger names for this recipient"
    return None


def _addresses(channel: str, recipient: Addressee) -> list[Any]:
    """Return where a message on a channel goes; what the trigger brings stands in for the profile."""
    key = f"${channel}"
    if recipient.inline:
        return [_shown(each) for each in as_list(recipient.inline.get(key, []))]
    profile = recipient.profile or {"channels": {}}
    entries = profile["channels"].get(key)
    if entries is None:
        # A user needs no address for the inbox but the id, unless the profile has one.
        return [None] if channel == "inbox" and recipient.identity["$type"] == "user" else []
    return [
        _shown(entry["value"])
        for entry in entries
        if entry["status"] == "active" and entry.get("perma_status", "active") == "active"
    ]


def _shown(value: Any) -> Any:
    """Return an address without credentials."""
    if not isinstance(value, dict):
        return value
    return {key: held for key, held in cast("dict[str, Any]", value).items() if key not in _CREDENTIALS}


def seen(
    identity: Mapping[str, Any], profile: Mapping[str, Any] | None, inline: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return what templates see of a recipient or an actor: properties, ids, and the values of channels."""
    found = profile or {"properties": {}, "channels": {}}
    channels = {
        key: [_shown(entry["value"]) for entry in entries if entry["status"] == "active"]
        for key, entries in found["channels"].items()
    }
    ids = {key: value for key, value in identity.items() if value is not None and key != "$type"}
    return {**found["properties"], **channels, **(inline or {}), **ids}
