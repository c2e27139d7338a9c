"""What the preferences of users and of objects have in common: requests, and how answers are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from suprsend_async.api.call import fetch_record
from suprsend_async.resources.models import Record, read_record
from suprsend_async.resources.page import Listing, check_paging
from suprsend_async.resources.payload import check_tenant, json_bytes, json_object
from suprsend_async.resources.preference_models import CategoryPreference, ChannelPreferences, Preferences
from suprsend_async.transport.request import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from suprsend_async.resources.page import Page
    from suprsend_async.transport.request import Method, QueryValue
    from suprsend_async.transport.transport import Transport

M = TypeVar("M", bound=Record)

_CHANNELS = "preference/channel_preference/"
_CATEGORIES = "preference/category/"
_CATEGORY = "preference/category/{category}/"


class PreferenceCalls:
    """The calls that users and objects have in common, below the route of one of them."""

    def __init__(self, transport: Transport, noun: str, owner: str) -> None:
        self._transport = transport
        self._noun = noun
        self._owner = owner

    async def _call(
        self,
        model: type[M],
        name: str,
        route: str,
        ids: Mapping[str, str],
        query: Mapping[str, QueryValue],
        payload: object = None,
        *,
        method: Method = "GET",
    ) -> M:
        check_tenant(query)
        body = b"" if method == "GET" else json_bytes(json_object(payload))
        operation = f"{self._noun}.{name}"
        request = Request(method, self._owner + route, ids, query, body)
        document = await fetch_record(self._transport, request, operation)
        return read_record(model, document, operation)

    async def full(self, ids: Mapping[str, str], query: Mapping[str, QueryValue]) -> Preferences:
        """Return all of them."""
        return await self._call(Preferences, "get_full_preference", "preference/", ids, query)

    async def update_full(
        self, ids: Mapping[str, str], payload: object, query: Mapping[str, QueryValue]
    ) -> Preferences:
        """Write several, and return all of them."""
        name = "update_full_preference"
        return await self._call(Preferences, name, "preference/", ids, query, payload, method="PATCH")

    async def channels(self, ids: Mapping[str, str], query: Mapping[str, QueryValue]) -> ChannelPreferences:
        """Return those of the channels."""
        return await self._call(ChannelPreferences, "get_global_channels_preference", _CHANNELS, ids, query)

    async def update_channels(
        self, ids: Mapping[str, str], payload: object, query: Mapping[str, QueryValue]
    ) -> ChannelPreferences:
        """Write those of the channels."""
        name = "update_global_channels_preference"
        return await self._call(ChannelPreferences, name, _CHANNELS, ids, query, payload, method="PATCH")

    async def categories(
        self, ids: Mapping[str, str], query: Mapping[str, QueryValue], limit: int | None, offset: int | None
    ) -> Page[CategoryPreference]:
        """Return a page of those of the categories."""
        check_paging(limit=limit, offset=offset)
        operation = f"{self._noun}.get_all_categories_preference"
        route = self._owner + _CATEGORIES
        return await Listing(self._transport, CategoryPreference, operation, route, ids, query).page(
            limit=limit, offset=offset
        )

    async def category(self, ids: Mapping[str, str], query: Mapping[str, QueryValue]) -> CategoryPreference:
        """Return that of one category."""
        return await self._call(CategoryPreference, "get_category_preference", _CATEGORY, ids, query)

    async def update_category(
        self, ids: Mapping[str, str], payload: object, query: Mapping[str, QueryValue]
    ) -> CategoryPreference:
        """Write that of one category."""
        name = "update_category_preference"
        return await self._call(CategoryPreference, name, _CATEGORY, ids, query, payload, method="PATCH")
