"""Preferences, and their effect on each channel; the order is user, tenant, category."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.sandbox.platform.categories import effective_preference

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from suprsend_async.sandbox.state.records import Records, StoredRecord


def choices_of(records: Records, key: str, tenant_id: str) -> dict[str, Any]:
    """Return what a user or an object chose in a tenant: which channels are restricted, and by category."""
    found = records.get("preference", key, tenant_id)
    return {"channels": {}, "categories": {}} if found is None else found.content


def chosen_preference(category: dict[str, Any], choice: Mapping[str, Any]) -> str:
    """Return whether a category is wanted: "opt_in" or "opt_out"."""
    default = effective_preference(category)
    return "opt_in" if default == "cant_unsubscribe" else choice.get("preference") or default


def mandatory_channels(category: dict[str, Any]) -> set[str]:
    """Return the channels on which nobody can opt out: the tenant's, or else the category's own."""
    if effective_preference(category) != "cant_unsubscribe":
        return set()
    return set(category["mandatory_channels"] or category["default_mandatory_channels"] or ())


def blocked_channels(category: Mapping[str, Any], tenant: StoredRecord) -> set[str]:
    """Return the channels that a tenant has switched off, all together or for this category."""
    return {*(category["blocked_channels"] or ()), *(tenant.content.get("blocked_channels") or ())}


def is_open(channel: str, choice: Mapping[str, Any], category: Mapping[str, Any]) -> bool:
    """Say whether a channel is open for a category that is wanted."""
    closed, opened = choice.get("opt_out_channels"), choice.get("opt_in_channels")
    # An empty list beside one that names channels says nothing.
    if closed or (closed is not None and not opened):
        return channel not in closed
    if opened is None:
        opened = category["opt_in_channels"] or category["default_opt_in_channels"]
    return opened is None or channel in opened


def reason_against(
    channel: str, category: dict[str, Any], choices: Mapping[str, Any], blocked: Collection[str]
) -> str | None:
    """Say why a message of a category is not sent on a channel; None if it is.

    Args:
        channel: The channel.
        category: The category as the tenant has it.
        choices: What its recipient chose there.
        blocked: The channels that the tenant has switched off.
    """
    slug = category["category"]
    choice: Mapping[str, Any] = choices["categories"].get(slug, {})
    if not category["enabled_for_tenant"]:
        return f"the tenant has switched the category {slug} off"
    if channel in blocked:
        return f"the tenant has switched {channel} off"
    if channel in mandatory_channels(category):
        return None
    if choices["channels"].get(channel):
        return f"{channel} is restricted to mandatory categories"
    if chosen_preference(category, choice) == "opt_out":
        return f"opted out of {slug}" if choice.get("preference") else f"the user did not opt in to {slug}"
    return None if is_open(channel, choice, category) else f"opted out of {slug} on {channel}"
