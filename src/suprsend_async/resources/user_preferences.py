"""Preferences of users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.released import ReleasedNames
from suprsend_async.resources.portions import send_portions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from suprsend_async.resources.page import Page
    from suprsend_async.resources.payload import CategoryChoice
    from suprsend_async.resources.preference_calls import PreferenceCalls
    from suprsend_async.resources.preference_models import CategoryPreference, ChannelPreferences, Preferences
    from suprsend_async.transport.request import QueryValue
    from suprsend_async.transport.transport import Transport

    Query = dict[str, QueryValue]


class AsyncUserPreferences(ReleasedNames):
    """What users want to get: part of `client.users`.

    Examples:
        >>> user = await client.users.upsert("user-1")
        >>> choice = {"channel_preferences": [{"channel": "sms", "is_restricted": True}]}
        >>> preferences = await client.users.update_full_preference("user-1", choice)
        >>> [each.channel for each in preferences.channel_preferences if each.is_restricted]
        ['sms']
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def _preferences(self) -> PreferenceCalls:
        # Imported with its models by those who use it.
        from suprsend_async.resources.preference_calls import PreferenceCalls

        return PreferenceCalls(self._transport, "users", "v1/user/{distinct_id}/")

    async def get_full_preference(
        self,
        distinct_id: str,
        *,
        tenant_id: str | None = None,
        show_opt_out_channels: bool | None = None,
        tags: str | None = None,
        locale: str | None = None,
    ) -> Preferences:
        """Return a user's preferences: of all categories and channels.

        Args:
            distinct_id: The user's id.
            tenant_id: The tenant; "default" if left out.
            show_opt_out_channels: Whether channels of categories that were opted out are listed.
            tags: A tag, or a condition on tags as JSON.
            locale: The language of names and descriptions.

        Raises:
            NotFound: There is no such user or tenant.
        """
        query: Query = {
            "tenant_id": tenant_id,
            "show_opt_out_channels": show_opt_out_channels,
            "tags": tags,
            "locale": locale,
        }
        return await self._preferences.full({"distinct_id": distinct_id}, query)

    async def update_full_preference(
        self, distinct_id: str, payload: Mapping[str, Any], *, tenant_id: str | None = None
    ) -> Preferences:
        """Write several of a user's preferences, and return all of them.

        Args:
            distinct_id: The user's id.
            payload: `channel_preferences` and `categories`, or one of them.
            tenant_id: The tenant; "default" if left out.

        Raises:
            NotFound: There is no such user or tenant.
        """
        return await self._preferences.update_full({"distinct_id": distinct_id}, payload, {"tenant_id": tenant_id})

    async def get_global_channels_preference(
        self, distinct_id: str, *, tenant_id: str | None = None
    ) -> ChannelPreferences:
        """Return what a user wants of each channel, whatever the category.

        Args:
            distinct_id: The user's id.
            tenant_id: The tenant; "default" if left out.

        Raises:
            NotFound: There is no such user or tenant.
        """
        return await self._preferences.channels({"distinct_id": distinct_id}, {"tenant_id": tenant_id})

    async def update_global_channels_preference(
        self, distinct_id: str, payload: Mapping[str, Any], *, tenant_id: str | None = None
    ) -> ChannelPreferences:
        """Write what a user wants of channels, whatever the category.

        Args:
            distinct_id: The user's id.
            payload: `channel_preferences`, a list of `channel` and `is_restricted`.
            tenant_id: The tenant; "default" if left out.

        Raises:
            NotFound: There is no such user or tenant.
        """
        return await self._preferences.update_channels({"distinct_id": distinct_id}, payload, {"tenant_id": tenant_id})

    async def get_all_categories_preference(
        self,
        distinct_id: str,
        *,
        limit: int | None = None,
        offset: int | None = None,
        tenant_id: str | None = None,
        show_opt_out_channels: bool | None = None,
        tags: str | None = None,
        locale: str | None = None,
    ) -> Page[CategoryPreference]:
        """Return a page of a user's preferences by category.

        Args:
            distinct_id: The user's id.
            limit: How many a page may hold.
            offset: How many come before the page.
            tenant_id: The tenant; "default" if left out.
            show_opt_out_channels: Whether channels of categories that were opted out are listed.
            tags: A tag, or a condition on tags as JSON.
            locale: The language of names and descriptions.

        Raises:
            NotFound: There is no such user or tenant.
        """
        query: Query = {
            "tenant_id": tenant_id,
            "show_opt_out_channels": show_opt_out_channels,
            "tags": tags,
            "locale": locale,
        }
        return await self._preferences.categories({"distinct_id": distinct_id}, query, limit, offset)

    async def get_category_preference(
        self,
        distinct_id: str,
        category: str,
        *,
        tenant_id: str | None = None,
        show_opt_out_channels: bool | None = None,
        locale: str | None = None,
    ) -> CategoryPreference:
        """Return a user's preference of one category.

        Args:
            distinct_id: The user's id.
            category: The category's slug.
            tenant_id: The tenant; "default" if left out.
            show_opt_out_channels: Whether channels of categories that were opted out are listed.
            locale: The language of names and descriptions.

        Raises:
            NotFound: There is no such user, category or tenant.
        """
        query: Query = {"tenant_id": tenant_id, "show_opt_out_channels": show_opt_out_channels, "locale": locale}
        return await self._preferences.category({"distinct_id": distinct_id, "category": category}, query)

    async def update_category_preference(
        self,
        distinct_id: str,
        category: str,
        payload: CategoryChoice | Mapping[str, Any],
        *,
        tenant_id: str | None = None,
        show_opt_out_channels: bool | None = None,
        locale: str | None = None,
    ) -> CategoryPreference:
        """Write a user's preference of one category.

        Args:
            distinct_id: The user's id.
            category: The category's slug.
            payload: `preference`, and `opt_out_channels` or `opt_in_channels`; it replaces the earlier choice.
            tenant_id: The tenant; "default" if left out.
            show_opt_out_channels: Whether channels of categories that were opted out are listed.
            locale: The language of names and descriptions.

        Raises:
            NotFound: There is no such user, category or tenant.

        Examples:
            >>> user = await client.users.upsert("user-1")
            >>> choice = {"preference": "opt_in", "opt_out_channels": ["sms"]}
            >>> category = await client.users.update_category_preference("user-1", "newsletter", choice)
            >>> [each["channel"] for each in category.channels if each["preference"] == "opt_out"]
            ['sms']
        """
        query: Query = {"tenant_id": tenant_id, "show_opt_out_channels": show_opt_out_channels, "locale": locale}
        return await self._preferences.update_category(
            {"distinct_id": distinct_id, "category": category}, payload, query
        )

    async def bulk_update_preferences(self, payload: Mapping[str, Any], *, tenant_id: str | None = None) -> None:
        """Write the same preferences for many users, 100 in each request.

        Args:
            payload: `distinct_ids`, and `channel_preferences` or `categories` or both.
            tenant_id: The tenant; "default" if left out.

        Raises:
            SuprsendError: A request failed; `done` is the number of users that are certain.
        """
        query = {"tenant_id": tenant_id}
        route, operation = "v1/bulk/user/preference/", "users.bulk_update_preferences"
        await send_portions(self._transport, "PATCH", route, {}, query, payload, "distinct_ids", operation)

    async def reset_preferences(self, payload: Mapping[str, Any], *, tenant_id: str | None = None) -> None:
        """Reset the preferences of many users, 100 in each request.

        Args:
            payload: `distinct_ids`; and `reset_channel_preferences` and `reset_categories`, both true if left out.
            tenant_id: The tenant; "default" if left out.

        Raises:
            SuprsendError: A request failed; `done` is the number of users that are certain.
        """
        query = {"tenant_id": tenant_id}
        route, operation = "v1/bulk/user/preference/reset/", "users.reset_preferences"
        await send_portions(self._transport, "PATCH", route, {}, query, payload, "distinct_ids", operation)
