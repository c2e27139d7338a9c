"""Preferences of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.released import ReleasedNames

if TYPE_CHECKING:
    from collections.abc import Mapping

    from suprsend_async.resources.page import Page
    from suprsend_async.resources.payload import CategoryChoice
    from suprsend_async.resources.preference_calls import PreferenceCalls
    from suprsend_async.resources.preference_models import CategoryPreference, ChannelPreferences, Preferences
    from suprsend_async.transport.request import QueryValue
    from suprsend_async.transport.transport import Transport

    Query = dict[str, QueryValue]


class AsyncObjectPreferences(ReleasedNames):
    """What the subscribers of objects get: part of `client.objects`.

    Examples:
        >>> object = await client.objects.upsert("teams", "sre")
        >>> choice = {"channel_preferences": [{"channel": "sms", "is_restricted": True}]}
        >>> preferences = await client.objects.update_full_preference("teams", "sre", choice)
        >>> [each.channel for each in preferences.channel_preferences if each.is_restricted]
        ['sms']
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def _preferences(self) -> PreferenceCalls:
        # Imported with its models by those who use it.
        from suprsend_async.resources.preference_calls import PreferenceCalls

        return PreferenceCalls(self._transport, "objects", "v1/object/{object_type}/{object_id}/")

    async def get_full_preference(
        self,
        object_type: str,
        object_id: str,
        *,
        tenant_id: str | None = None,
        show_opt_out_channels: bool | None = None,
        tags: str | None = None,
        locale: str | None = None,
    ) -> Preferences:
        """Return an object's preferences: of all categories and channels.

        Args:
            object_type: The object's type.
            object_id: Its id.
            tenant_id: The tenant; "default" if left out.
            show_opt_out_channels: Whether channels of categories that were opted out are listed.
            tags: A tag, or a condition on tags as JSON.
            locale: The language of names and descriptions.

        Raises:
            NotFound: There is no such object or tenant.
        """
        query: Query = {
            "tenant_id": tenant_id,
            "show_opt_out_channels": show_opt_out_channels,
            "tags": tags,
            "locale": locale,
        }
        return await self._preferences.full({"object_type": object_type, "object_id": object_id}, query)

    async def update_full_preference(
        self, object_type: str, object_id: str, payload: Mapping[str, Any], *, tenant_id: str | None = None
    ) -> Preferences:
        """Write several of an object's preferences, and return all of them.

        Args:
            object_type: The object's type.
            object_id: Its id.
            payload: `channel_preferences` and `categories`, or one of them.
            tenant_id: The tenant; "default" if left out.

        Raises:
            NotFound: There is no such object or tenant.
        """
        return await self._preferences.update_full(
            {"object_type": object_type, "object_id": object_id}, payload, {"tenant_id": tenant_id}
        )

    async def get_global_channels_preference(
        self, object_type: str, object_id: str, *, tenant_id: str | None = None
    ) -> ChannelPreferences:
        """Return what an object wants of each channel, whatever the category.

        Args:
            object_type: The object's type.
            object_id: Its id.
            tenant_id: The tenant; "default" if left out.

        Raises:
            NotFound: There is no such object or tenant.
        """
        return await self._preferences.channels(
            {"object_type": object_type, "object_id": object_id}, {"tenant_id": tenant_id}
        )

    async def update_global_channels_preference(
        self, object_type: str, object_id: str, payload: Mapping[str, Any], *, tenant_id: str | None = None
    ) -> ChannelPreferences:
        """Write what an object wants of channels, whatever the category.

        Args:
            object_type: The object's type.
            object_id: Its id.
            payload: `channel_preferences`, a list of `channel` and `is_restricted`.
            tenant_id: The tenant; "default" if left out.

        Raises:
            NotFound: There is no such object or tenant.
        """
        return await self._preferences.update_channels(
            {"object_type": object_type, "object_id": object_id}, payload, {"tenant_id": tenant_id}
        )

    async def get_all_categories_preference(
        self,
        object_type: str,
        object_id: str,
        *,
        limit: int | None = None,
        offset: int | None = None,
        tenant_id: str | None = None,
        show_opt_out_channels: bool | None = None,
        tags: str | None = None,
        locale: str | None = None,
    ) -> Page[CategoryPreference]:
        """Return a page of an object's preferences by category.

        Args:
            object_type: The object's type.
            object_id: Its id.
            limit: How many a page may hold.
            offset: How many come before the page.
            tenant_id: The tenant; "default" if left out.
            show_opt_out_channels: Whether channels of categories that were opted out are listed.
            tags: A tag, or a condition on tags as JSON.
            locale: The language of names and descriptions.

        Raises:
            NotFound: There is no such object or tenant.
        """
        query: Query = {
            "tenant_id": tenant_id,
            "show_opt_out_channels": show_opt_out_channels,
            "tags": tags,
            "locale": locale,
        }
        return await self._preferences.categories(
            {"object_type": object_type, "object_id": object_id}, query, limit, offset
        )

    async def get_category_preference(
        self,
        object_type: str,
        object_id: str,
        category: str,
        *,
        tenant_id: str | None = None,
        show_opt_out_channels: bool | None = None,
        locale: str | None = None,
    ) -> CategoryPreference:
        """Return an object's preference of one category.

        Args:
            object_type: The object's type.
            object_id: Its id.
            category: The category's slug.
            tenant_id: The tenant; "default" if left out.
            show_opt_out_channels: Whether channels of categories that were opted out are listed.
            locale: The language of names and descriptions.

        Raises:
            NotFound: There is no such object, category or tenant.
        """
        query: Query = {"tenant_id": tenant_id, "show_opt_out_channels": show_opt_out_channels, "locale": locale}
        return await self._preferences.category(
            {"object_type": object_type, "object_id": object_id, "category": category}, query
        )

    async def update_category_preference(
        self,
        object_type: str,
        object_id: str,
        category: str,
        payload: CategoryChoice | Mapping[str, Any],
        *,
        tenant_id: str | None = None,
        show_opt_out_channels: bool | None = None,
        locale: str | None = None,
    ) -> CategoryPreference:
        """Write an object's preference of one category.

        Args:
            object_type: The object's type.
            object_id: Its id.
            category: The category's slug.
            payload: `preference`, and `opt_out_channels` or `opt_in_channels`; it replaces the earlier choice.
            tenant_id: The tenant; "default" if left out.
            show_opt_out_channels: Whether channels of categories that were opted out are listed.
            locale: The language of names and descriptions.

        Raises:
            NotFound: There is no such object, category or tenant.

        Examples:
            >>> object = await client.objects.upsert("teams", "sre")
            >>> choice = {"preference": "opt_in", "opt_out_channels": ["sms"]}
            >>> category = await client.objects.update_category_preference("teams", "sre", "newsletter", choice)
            >>> [each["channel"] for each in category.channels if each["preference"] == "opt_out"]
            ['sms']
        """
        query: Query = {"tenant_id": tenant_id, "show_opt_out_channels": show_opt_out_channels, "locale": locale}
        return await self._preferences.update_category(
            {"object_type": object_type, "object_id": object_id, "category": category}, payload, query
        )
