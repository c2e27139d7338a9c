"""The items of one page after another, with nothing open between two pages."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from suprsend_async.errors import TransportError
from suprsend_async.frames import empty_frames

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

K = TypeVar("K")
# So many pages in a row may have no item: a filter may leave out all of a page, but a list has an end.
MOST_EMPTY_PAGES = 100
T = TypeVar("T")


class AsyncCursor(Generic[T]):
    """Yields the items of one page after another; each page is one request, made when the one before is used up.

    Between two pages it is nothing but a position: it may be left or collected anywhere, and go on after an error
    (with the page that failed) or on another event loop. One task at a time steps through it.

    Args:
        get_page: Awaited for each page with the position where it begins, None for the first. It returns the page's
            items and the position of the next page, None if this is the last.

    Attributes:
        in_hand: What is left of the page that was fetched last.

    Raises:
        TransportError: A page leads to itself, directly or by way of others, or 100 in a row are empty: the list would
            be fetched for ever.
        RuntimeError: Another task is stepping through it.
    """

    def __init__(self, get_page: Callable[[K | None], Awaitable[tuple[Iterable[T], K | None]]]) -> None:
        self.in_hand: deque[T] = deque()
        self._get_page: Callable[[Any], Awaitable[tuple[Iterable[T], Any]]] = get_page
        self._position: Any = None
        # A position of before, moved on at twice its distance: a ring of any length comes back to it.
        self._earlier: Any = None
        self._pages = 0
        self._empty_pages = 0
        self._is_over = False
        self._is_fetching = False

    def __aiter__(self) -> Self:
        """Return the cursor itself: a second loop goes on where the first was left."""
        return self

    async def __anext__(self) -> T:
        """Return the next item, from a new page if need be."""
        while not self.in_hand:
            if not await self.fetch():
                raise StopAsyncIteration
        return self.in_hand.popleft()

    async def fetch(self) -> bool:
        """Add the next page to what is in hand; returns False if there is none."""
        if self._is_over:
            return False
        if self._is_fetching:
            raise RuntimeError("another task or thread waits for this cursor's next page; give each its own iterate()")
        self._is_fetching = True
        try:
            await self._fetch()
        except BaseException as error:
            empty_frames(error)
            raise
        finally:
            self._is_fetching = False
        return True

    async def _fetch(self) -> None:
        items, following = await self._get_page(self._position)
        if following is not None and following in (self._position, self._earlier):
            raise TransportError(
                "the platform names the same page or an earlier one as the next page; the list cannot be read further"
            )
        self.in_hand.extend(items)
        self._empty_pages = 0 if self.in_hand else self._empty_pages + 1
        if self._empty_pages >= MOST_EMPTY_PAGES and following is not None:
            raise TransportError(
                f"the platform names a next page after {self._empty_pages} empty pages in a row; the list cannot be "
                "read further"
            )
        self._pages += 1
        if self._pages & (self._pages - 1) == 0:
            self._earlier = following
        self._position, self._is_over = following, following is None
