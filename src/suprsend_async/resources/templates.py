"""Templates: `client.templates`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from suprsend_async.api.call import fetch_record
from suprsend_async.derived_methods import Blocking, blocking, blocking_iterator
from suprsend_async.released import ReleasedNames
from suprsend_async.resources.message_models import Template, TemplateChannel
from suprsend_async.resources.models import read_record
from suprsend_async.resources.page import MAX_PAGE_BYTES, Listing, check_paging
from suprsend_async.resources.payload import flag, text
from suprsend_async.transport.request import Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from suprsend_async.cursor import AsyncCursor
    from suprsend_async.resources.page import Page
    from suprsend_async.transport.request import QueryValue
    from suprsend_async.transport.transport import Transport

TEMPLATES = "v1/template/"
TEMPLATE = TEMPLATES + "{template_slug}/"


class AsyncTemplates(ReleasedNames):
    """The templates of a workspace, to be read.

    Examples:
        >>> page = await client.templates.list(has_channels_any=["email"], is_active=True)
        >>> [template.slug for template in page.results]
        ['welcome']
        >>> channel = await client.templates.get_channel("welcome", "email")
        >>> channel.is_enabled
        True
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        limit: int | None = None,
        offset: int | None = None,
        has_tag_ids_any: str | Sequence[str] | None = None,
        has_channels_any: str | Sequence[str] | None = None,
        is_active: bool | None = None,
        is_archived: bool | None = None,
    ) -> Page[Template]:
        """Return a page of templates.

        Args:
            limit: How many the page may hold; the platform's default is 10.
            offset: How many templates come before it.
            has_tag_ids_any: Those with one of these tags: a list of ids, or a text with commas.
            has_channels_any: Those with one of these channels.
            is_active: Whether they are in use.
            is_archived: Whether they are archived.

        Raises:
            ValidationError: The limit or the offset is out of range, or a filter has the wrong type.
        """
        check_paging(limit=limit, offset=offset)
        query = _query(has_tag_ids_any, has_channels_any, is_active, is_archived)
        listing = Listing(self._transport, Template, "templates.list", TEMPLATES, {}, query)
        return await listing.page(limit=limit, offset=offset)

    def iterate(
        self,
        *,
        limit: int | None = None,
        has_tag_ids_any: str | Sequence[str] | None = None,
        has_channels_any: str | Sequence[str] | None = None,
        is_active: bool | None = None,
        is_archived: bool | None = None,
    ) -> AsyncCursor[Template]:
        """Return a cursor over all templates: one request for each page, made when the one before is used up.

        Args:
            limit: How many a page may hold; the platform's default is 10.
            has_tag_ids_any: As for `list`, and so are the other filters.
            has_channels_any: Those with one of these channels.
            is_active: Whether they are in use.
            is_archived: Whether they are archived.

        Raises:
            ValidationError: The limit is out of range, or a filter has the wrong type.
        """
        check_paging(limit=limit)
        query = {"limit": limit, **_query(has_tag_ids_any, has_channels_any, is_active, is_archived)}
        return Listing(self._transport, Template, "templates.iterate", TEMPLATES, {}, query).iterate_by_offset()

    async def get(self, template_slug: str) -> Template:
        """Return a template.

        Raises:
            NotFound: There is no such template.
        """
        request = Request("GET", TEMPLATE, {"template_slug": template_slug}, max_answer_bytes=MAX_PAGE_BYTES)
        return read_record(Template, await fetch_record(self._transport, request, "templates.get"), "templates.get")

    async def get_channel(self, template_slug: str, channel: str) -> TemplateChannel:
        """Return what a template says on one channel, with its versions.

        Raises:
            NotFound: There is no such template, or it has no such channel.
        """
        ids = {"template_slug": template_slug, "channel": channel}
        request = Request("GET", TEMPLATE + "channel/{channel}/", ids, max_answer_bytes=MAX_PAGE_BYTES)
        document = await fetch_record(self._transport, request, "templates.get_channel")
        return read_record(TemplateChannel, document, "templates.get_channel")


def _query(tags: object, channels: object, is_active: object, is_archived: object) -> dict[str, QueryValue]:
    query: dict[str, QueryValue] = {}
    for name, value in {"has_tag_ids_any": tags, "has_channels_any": channels}.items():
        if isinstance(value, (list, tuple)):
            query[name] = ",".join(
                text(f"{name}[{place}]", item) for place, item in enumerate(cast("Sequence[object]", value))
            )
        elif value is not None:
            query[name] = text(name, value)
    for name, value in {"is_active": is_active, "is_archived": is_archived}.items():
        query[name] = None if value is None else flag(name, value)
    return query


class Templates(Blocking[AsyncTemplates]):
    """The same for blocking callers: `Suprsend.templates`."""

    path: ClassVar[str] = "templates."

    list = blocking(AsyncTemplates.list)
    iterate = blocking_iterator(AsyncTemplates.iterate)
    get = blocking(AsyncTemplates.get)
    get_channel = blocking(AsyncTemplates.get_channel)
