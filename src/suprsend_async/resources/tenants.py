"""Tenants: `client.tenants`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from suprsend_async.api.call import fetch, fetch_record
from suprsend_async.derived_methods import Blocking, blocking, blocking_iterator
from suprsend_async.released import ReleasedNames
from suprsend_async.resources.models import read_record
from suprsend_async.resources.page import Listing, check_paging
from suprsend_async.resources.payload import json_bytes, json_object
from suprsend_async.resources.tenant_models import Tenant, TenantCategory, TenantPreferences
from suprsend_async.transport.request import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from suprsend_async.cursor import AsyncCursor
    from suprsend_async.resources.page import Page
    from suprsend_async.resources.payload import TenantChoice, TenantPayload
    from suprsend_async.transport.request import QueryValue
    from suprsend_async.transport.transport import Transport

TENANTS = "v1/tenant/"
TENANT = TENANTS + "{tenant_id}/"
CATEGORIES = TENANT + "preference/category/"
CATEGORY = CATEGORIES + "{category}/"
MAX_TENANTS = 1000


class AsyncTenants(ReleasedNames):
    """The tenants of a workspace, and what they set as default preferences.

    Examples:
        >>> tenant = await client.tenants.upsert("acme", {"tenant_name": "Acme", "properties": {"plan": "pro"}})
        >>> tenant.tenant_name, tenant["properties"]
        ('Acme', {'plan': 'pro'})
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(self, limit: int = 20, offset: int = 0) -> Page[Tenant]:
        """Return a page of tenants.

        Args:
            limit: How many the page may hold, 1 to 1000.
            offset: How many tenants come before it.

        Raises:
            ValidationError: One of the two is out of range.
        """
        check_paging(limit=limit, most=MAX_TENANTS, offset=offset)
        return await Listing(self._transport, Tenant, "tenants.list", TENANTS, {}, {}).page(limit=limit, offset=offset)

    def iterate(self, *, limit: int = 20) -> AsyncCursor[Tenant]:
        """Return a cursor over all tenants: one request for each page, made when the one before is used up.

        Args:
            limit: How many a page may hold, 1 to 1000.

        Raises:
            ValidationError: The limit is out of range.
        """
        check_paging(limit=limit, most=MAX_TENANTS)
        listing = Listing(self._transport, Tenant, "tenants.iterate", TENANTS, {}, {"limit": limit})
        return listing.iterate_by_offset()

    async def get(self, tenant_id: str) -> Tenant:
        """Return a tenant.

        Raises:
            NotFound: There is no such tenant.
        """
        document = await fetch_record(self._transport, Request("GET", TENANT, {"tenant_id": tenant_id}), "tenants.get")
        return read_record(Tenant, document, "tenants.get")

    async def upsert(self, tenant_id: str, tenant_payload: TenantPayload | Mapping[str, Any]) -> Tenant:
        """Create a tenant, or change what the payload names, and return it.

        Args:
            tenant_id: The tenant's id: at most 64 of lower-case letters, digits, `_` and `-`.
            tenant_payload: `tenant_name`, `logo`, colours and the other fields of a `Tenant`. `properties` are merged
                by their first level; a social link is removed by an empty text.

        Raises:
            ValidationError: The payload is no mapping, or JSON cannot carry a value.
            ResponseError: The platform refuses a value; the message names the field.
        """
        body = json_bytes(json_object(tenant_payload, "tenant_payload"))
        request = Request("POST", TENANT, {"tenant_id": tenant_id}, body=body)
        return read_record(Tenant, await fetch_record(self._transport, request, "tenants.upsert"), "tenants.upsert")

    async def delete(self, tenant_id: str) -> None:
        """Delete a tenant for good, and the profiles that users have in it.

        Raises:
            NotFound: There is no such tenant.
        """
        request = Request("DELETE", TENANT, {"tenant_id": tenant_id}, not_found_is_done=True)
        await fetch(self._transport, request, "tenants.delete")

    async def list_preference_categories(
        self,
        tenant_id: str,
        *,
        limit: int | None = None,
        offset: int | None = None,
        tags: str | None = None,
        locale: str | None = None,
        include_disabled: bool | None = None,
    ) -> Page[TenantCategory]:
        """Return a page of what a tenant sets as default for categories.

        Args:
            tenant_id: The tenant's id.
            limit: How many the page may hold; the platform's default is 10.
            offset: How many categories come before it.
            tags: A tag, or a condition on tags as JSON.
            locale: The language of names and descriptions.
            include_disabled: Whether categories that are switched off for the tenant are listed.

        Raises:
            ValidationError: The limit or the offset is out of range.
            NotFound: There is no such tenant.
        """
        check_paging(limit=limit, offset=offset)
        query = {"tags": tags, "locale": locale, "include_disabled": include_disabled}
        operation, ids = "tenants.list_preference_categories", {"tenant_id": tenant_id}
        listing = Listing(self._transport, TenantCategory, operation, CATEGORIES, ids, query)
        return await listing.page(limit=limit, offset=offset)

    async def get_preference_category(
        self, tenant_id: str, category: str, *, locale: str | None = None
    ) -> TenantCategory:
        """Return what a tenant sets as default for one category.

        Args:
            tenant_id: The tenant's id.
            category: The category's slug.
            locale: The language of name and description.

        Raises:
            NotFound: There is no such tenant or category.
        """
        request = Request("GET", CATEGORY, _in(tenant_id, category), {"locale": locale})
        return await self._category("get_preference_category", request)

    async def update_preference_category(
        self,
        tenant_id: str,
        category: str,
        payload: TenantChoice | Mapping[str, Any],
        *,
        locale: str | None = None,
    ) -> TenantCategory:
        """Change what a tenant sets as default for one category, and return it.

        Args:
            tenant_id: The tenant's id.
            category: The category's slug.
            payload: `preference`, `visible_to_subscriber`, `mandatory_channels` (with "cant_unsubscribe"),
                `opt_in_channels` (with "opt_in"), `blocked_channels`, `enabled_for_tenant`, `digest_schedule` and
                `properties`, or some of them.
            locale: The language of name and description in the answer.

        Raises:
            NotFound: There is no such tenant or category.
        """
        body = json_bytes(json_object(payload))
        request = Request("PATCH", CATEGORY, _in(tenant_id, category), {"locale": locale}, body)
        return await self._category("update_preference_category", request)

    async def get_full_preference(self, tenant_id: str, *, locale: str | None = None) -> TenantPreferences:
        """Return all that a tenant sets as default.

        Args:
            tenant_id: The tenant's id.
            locale: The language of names and descriptions.

        Raises:
            NotFound: There is no such tenant.
        """
        operation = "tenants.get_full_preference"
        request = Request("GET", TENANT + "preference/", {"tenant_id": tenant_id}, {"locale": locale})
        return read_record(TenantPreferences, await fetch_record(self._transport, request, operation), operation)

    async def get_default_preference(self, tenant_id: str, *, locale: str | None = None) -> Page[TenantCategory]:
        """Return what a tenant sets as default, by the older name of `list_preference_categories`.

        Args:
            tenant_id: The tenant's id.
            locale: The language of names and descriptions.

        Raises:
            NotFound: There is no such tenant.
        """
        query: dict[str, QueryValue] = {"locale": locale}
        operation, ids = "tenants.get_default_preference", {"tenant_id": tenant_id}
        return await Listing(self._transport, TenantCategory, operation, TENANT + "category/", ids, query).page()

    async def update_default_preference(
        self, tenant_id: str, category: str, payload: TenantChoice | Mapping[str, Any]
    ) -> TenantCategory:
        """Change what a tenant sets as default, by the older name of `update_preference_category`.

        Args:
            tenant_id: The tenant's id.
            category: The category's slug.
            payload: As for `update_preference_category`.

        Raises:
            NotFound: There is no such tenant or category.
        """
        route, body = TENANT + "category/{category}/", json_bytes(json_object(payload))
        request = Request("PATCH", route, _in(tenant_id, category), body=body)
        return await self._category("update_default_preference", request)

    async def _category(self, name: str, request: Request) -> TenantCategory:
        operation = f"tenants.{name}"
        return read_record(TenantCategory, await fetch_record(self._transport, request, operation), operation)


def _in(tenant_id: str, category: str) -> dict[str, str]:
    return {"tenant_id": tenant_id, "category": category}


class Tenants(ReleasedNames, Blocking[AsyncTenants]):
    """The same for blocking callers: `Suprsend.tenants`."""

    path: ClassVar[str] = "tenants."

    list = blocking(AsyncTenants.list)
    iterate = blocking_iterator(AsyncTenants.iterate)
    get = blocking(AsyncTenants.get)
    upsert = blocking(AsyncTenants.upsert)
    delete = blocking(AsyncTenants.delete)
    list_preference_categories = blocking(AsyncTenants.list_preference_categories)
    get_preference_category = blocking(AsyncTenants.get_preference_category)
    update_preference_category = blocking(AsyncTenants.update_preference_category)
    get_full_preference = blocking(AsyncTenants.get_full_preference)
    get_default_preference = blocking(AsyncTenants.get_default_preference)
    update_default_preference = blocking(AsyncTenants.update_default_preference)
