"""Pages: one part of a long list, and the walk from one to the next."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from suprsend_async.api.call import fetch_record
from suprsend_async.checks import is_number, whole_problem
from suprsend_async.cursor import AsyncCursor
from suprsend_async.errors import TransportError, ValidationError
from suprsend_async.keyed import Keyed
from suprsend_async.resources.models import Record, list_in, object_in, read_record
from suprsend_async.resources.payload import check_tenant
from suprsend_async.transport.request import Request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from suprsend_async.transport.request import QueryValue
    from suprsend_async.transport.transport import Transport

T = TypeVar("T")
M = TypeVar("M", bound=Record)

# A page may hold a thousand profiles.
MAX_PAGE_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Page(Keyed, Generic[T]):
    """One page of a list.

    Attributes:
        results: The records of this page.
        count: How many there are in all, if the platform says so.
        limit: How many a page may hold.
        has_next: Whether there is a page after this one.
        has_prev: Whether there is one before it.
        after: Where the next page begins; give it as `after`. None for lists that are paged by `offset`.
        before: Where the page before ends; give it as `before`.
        offset: How many records come before this page, for lists that are paged by `offset`.

    Examples:
        >>> Page(["user-1"], count=1, limit=10)
        Page(results=1, count=1, limit=10, has_next=False, has_prev=False)
    """

    results: Sequence[T]
    count: int | None = None
    limit: int | None = None
    has_next: bool = False
    has_prev: bool = False
    after: str | None = None
    before: str | None = None
    offset: int | None = None

    @property
    def meta(self) -> dict[str, Any]:
        """All but the results, as the platform's answer has it: `page["meta"]["has_next"]`."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "results"}

    def __getitem__(self, key: str) -> Any:
        """Return one of the two parts of the platform's answer: "results" or "meta".

        Raises:
            KeyError: It is another key.
        """
        if key in self._keys():
            return getattr(self, key)
        raise KeyError(key)

    def _keys(self) -> list[str]:
        return ["meta", "results"]

    if not TYPE_CHECKING:  # checkers know that a page has neither

        def __len__(self) -> NoReturn:
            raise TypeError("a Page has no length; use len(page.results), or page.count for all pages")

        def __iter__(self) -> NoReturn:
            raise TypeError("a Page cannot be iterated; use page.results, or iterate() in place of list()")

        def __bool__(self) -> bool:
            return True

    def __repr__(self) -> str:
        """Show counts; never a record or a cursor, which may be made of an id."""
        return (
            f"Page(results={len(self.results)}, count={self.count}, limit={self.limit}, "
            f"has_next={self.has_next}, has_prev={self.has_prev})"
        )

    def _repr_html_(self) -> str:
        from suprsend_async.html_tables import html_of  # for notebooks only

        facts = {"results": len(self.results), **self.meta}
        del facts["after"], facts["before"]  # they may be made of an id
        records = ({"": number, "record": repr(record)} for number, record in enumerate(self.results))
        return html_of("Page", facts, "records", records)


def page_of(model: type[M], document: Any, operation: str) -> Page[M]:
    """Return the page in an answer.

    Raises:
        TransportError: The answer holds no page.
    """
    answer = object_in(document)
    results = list_in(answer.get("results"))
    if results is None:
        raise TransportError(f"{operation} was answered, but not with a page; try again", outcome="accepted")
    known = object_in(answer.get("meta"))
    records = [read_record(model, item, operation) for item in results]
    count, limit, offset = (_whole(known.get(name)) for name in ("count", "limit", "offset"))
    if offset is None:
        has_next, has_prev = known.get("has_next") is True, known.get("has_prev") is True
    else:
        has_next, has_prev = bool(records) and offset + len(records) < (count or 0), offset > 0
    after, before = _cursor(known.get("after")), _cursor(known.get("before"))
    return Page(records, count, limit, has_next, has_prev, after, before, offset)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and is_number(value) else None


def _cursor(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def check_paging(*, limit: object, most: int | None = None, offset: object = None, **cursors: object) -> None:
    """Refuse what cannot name a page.

    Raises:
        ValidationError: A limit or an offset is out of range, or a cursor is no text; the message names it.
    """
    problem = None if limit is None else whole_problem("limit", limit, most=most)
    if problem is None and offset is not None:
        problem = whole_problem("offset", offset, 0)
    if problem is not None:
        raise ValidationError(problem, outcome="rejected")
    for name, cursor in cursors.items():
        if cursor is not None and not _cursor(cursor):
            raise ValidationError(f"{name} must be the `{name}` of a page; leave it out to begin", outcome="rejected")


@dataclass(frozen=True, slots=True)
class Listing(Generic[M]):
    """A list on the platform that is read page by page.

    Attributes:
        transport: Sends.
        model: What a record of it is.
        operation: The call, in telemetry.
        route: Where it is.
        ids: The ids in the route.
        query: What is asked besides.
    """

    transport: Transport
    model: type[M]
    operation: str
    route: str
    ids: Mapping[str, str]
    query: Mapping[str, QueryValue]

    def __post_init__(self) -> None:
        """Refuse a tenant that is no id."""
        check_tenant(self.query)

    async def page(self, **place: QueryValue) -> Page[M]:
        """Return the page at a place."""
        query = {**self.query, **place}
        request = Request("GET", self.route, self.ids, query, max_answer_bytes=MAX_PAGE_BYTES)
        return page_of(self.model, await fetch_record(self.transport, request, self.operation), self.operation)

    def iterate(self) -> AsyncCursor[M]:
        """Return a cursor over all pages."""
        Request("GET", self.route, self.ids, self.query)  # what cannot be asked is refused here

        async def get_page(after: str | None) -> tuple[Sequence[M], str | None]:
            page = await self.page(after=after)
            if page.has_next and page.after is None:
                raise TransportError("the platform reports another page without its position")
            return page.results, page.after if page.has_next else None

        return AsyncCursor(get_page)

    def iterate_by_offset(self) -> AsyncCursor[M]:
        """Return a cursor over all pages of a list whose pages are named by how many records come before."""
        Request("GET", self.route, self.ids, self.query)  # what cannot be asked is refused here

        async def get_page(begin: int | None) -> tuple[Sequence[M], int | None]:
            offset = begin or 0
            page = await self.page(offset=offset)
            if page.offset not in (None, offset):
                raise TransportError("the platform answered with a different page")
            following = offset + len(page.results)
            return page.results, following if page.results and following < (page.count or 0) else None

        return AsyncCursor(get_page)
