"""Brands, the older form of tenants: `client.brands`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from suprsend_async.api.call import fetch_record
from suprsend_async.derived_methods import Blocking, blocking, blocking_iterator
from suprsend_async.released import ReleasedNames
from suprsend_async.resources.models import read_record
from suprsend_async.resources.page import Listing, check_paging
from suprsend_async.resources.payload import json_bytes, json_object
from suprsend_async.resources.tenant_models import Brand
from suprsend_async.transport.request import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from suprsend_async.cursor import AsyncCursor
    from suprsend_async.resources.page import Page
    from suprsend_async.transport.transport import Transport

BRANDS = "v1/brand/"
BRAND = BRANDS + "{brand_id}/"
MAX_BRANDS = 1000


class AsyncBrands(ReleasedNames):
    """The brands of a workspace.

    Examples:
        >>> brand = await client.brands.upsert("acme", {"brand_name": "Acme"})
        >>> brand.brand_name
        'Acme'
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(self, limit: int = 20, offset: int = 0) -> Page[Brand]:
        """Return a page of brands.

        Args:
            limit: How many the page may hold, 1 to 1000.
            offset: How many brands come before it.

        Raises:
            ValidationError: One of the two is out of range.
        """
        check_paging(limit=limit, most=MAX_BRANDS, offset=offset)
        return await Listing(self._transport, Brand, "brands.list", BRANDS, {}, {}).page(limit=limit, offset=offset)

    def iterate(self, *, limit: int = 20) -> AsyncCursor[Brand]:
        """Return a cursor over all brands: one request for each page, made when the one before is used up.

        Args:
            limit: How many a page may hold, 1 to 1000.

        Raises:
            ValidationError: The limit is out of range.
        """
        check_paging(limit=limit, most=MAX_BRANDS)
        return Listing(self._transport, Brand, "brands.iterate", BRANDS, {}, {"limit": limit}).iterate_by_offset()

    async def get(self, brand_id: str) -> Brand:
        """Return a brand.

        Raises:
            NotFound: There is no such brand.
        """
        document = await fetch_record(self._transport, Request("GET", BRAND, {"brand_id": brand_id}), "brands.get")
        return read_record(Brand, document, "brands.get")

    async def upsert(self, brand_id: str, brand_payload: Mapping[str, Any]) -> Brand:
        """Create a brand, or change what the payload names, and return it.

        Args:
            brand_id: The brand's id.
            brand_payload: `brand_name`, `logo` and the other fields of a `Brand`.

        Raises:
            ValidationError: The payload is no mapping, or JSON cannot carry a value.
        """
        body = json_bytes(json_object(brand_payload, "brand_payload"))
        request = Request("POST", BRAND, {"brand_id": brand_id}, body=body)
        return read_record(Brand, await fetch_record(self._transport, request, "brands.upsert"), "brands.upsert")


class Brands(ReleasedNames, Blocking[AsyncBrands]):
    """The same for blocking callers: `Suprsend.brands`."""

    path: ClassVar[str] = "brands."

    list = blocking(AsyncBrands.list)
    iterate = blocking_iterator(AsyncBrands.iterate)
    get = blocking(AsyncBrands.get)
    upsert = blocking(AsyncBrands.upsert)
