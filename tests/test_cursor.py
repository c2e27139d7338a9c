"""Items of one page after another, in both worlds: nothing is open between two pages."""

from __future__ import annotations

import asyncio
import inspect
import threading
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from suprsend_async import ConfigurationError, TransportError
from suprsend_async.cursor import AsyncCursor
from suprsend_async.derived_methods import Blocking, Cursor, blocking, blocking_iterator
from suprsend_async.loop_thread import LoopThread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# What the server has: the items of each page, and the page after it.
PAGES: dict[str | None, tuple[Sequence[int], str | None]] = {
    None: ([1, 2, 3], "b"),
    "b": ([], "c"),
    "c": ([4], "d"),
    "d": ([5, 6], None),
}


class AsyncNumbers:
    """Something asynchronous that has pages."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []
        self.before_page: Callable[[], object] = lambda: None

    async def page(self, after: str | None = None) -> tuple[Sequence[int], str | None]:
        """Return one page."""
        self.asked.append(after)
        assert len(self.asked) < 20, "it has no end"
        await asyncio.sleep(0)
        self.before_page()
        return PAGES[after]

    def iterate(self, *, times: int = 1) -> AsyncCursor[int]:
        """Yield all numbers.

        Examples:
            >>> async for number in numbers.iterate():
            ...     print(number)
        """

        async def page(after: str | None) -> tuple[Sequence[int], str | None]:
            items, following = await self.page(after)
            return [item * times for item in items], following

        return AsyncCursor(page)


class Numbers(Blocking[AsyncNumbers]):
    """Its blocking twin."""

    path = "numbers."

    page = blocking(AsyncNumbers.page)
    iterate = blocking_iterator(AsyncNumbers.iterate)


@pytest.fixture
def numbers() -> Iterator[Numbers]:
    loop = LoopThread(_nothing)
    yield Numbers(loop, AsyncNumbers())
    loop.stop()


async def _nothing() -> None:
    pass


async def taken(cursor: AsyncCursor[int], count: int) -> list[int]:
    return [await anext(cursor) for _ in range(count)]


async def test_all_pages() -> None:
    numbers = AsyncNumbers()
    assert [number async for number in numbers.iterate(times=10)] == [10, 20, 30, 40, 50, 60]
    assert numbers.asked == [None, "b", "c", "d"]


def test_all_pages_for_a_blocking_caller(numbers: Numbers) -> None:
    assert list(numbers.iterate(times=10)) == [10, 20, 30, 40, 50, 60]
    assert numbers.twin.asked == [None, "b", "c", "d"]


async def test_a_page_is_asked_for_when_the_one_before_is_used_up() -> None:
    numbers = AsyncNumbers()
    cursor = numbers.iterate()
    assert numbers.asked == []
    await taken(cursor, 3)
    assert numbers.asked == [None]
    await taken(cursor, 1)
    assert numbers.asked == [None, "b", "c"]


def test_a_page_is_one_call_on_the_loop(numbers: Numbers) -> None:
    cursor = numbers.iterate()
    assert numbers.twin.asked == []
    assert list(islice(cursor, 3)) == [1, 2, 3]
    assert numbers.twin.asked == [None]
    assert next(cursor) == 4
    assert numbers.twin.asked == [None, "b", "c"]


async def test_a_second_loop_goes_on_where_the_first_was_left() -> None:
    cursor = AsyncNumbers().iterate()
    async for number in cursor:
        if number == 2:
            break
    assert [number async for number in cursor] == [3, 4, 5, 6]
    assert [number async for number in cursor] == []


def test_a_second_loop_goes_on_where_the_first_was_left_for_a_blocking_caller(numbers: Numbers) -> None:
    cursor = numbers.iterate()
    assert list(islice(cursor, 2)) == [1, 2]
    assert list(cursor) == [3, 4, 5, 6]
    assert list(cursor) == []


async def test_nothing_is_open_between_two_pages() -> None:
    tasks = asyncio.all_tasks()
    cursor = AsyncNumbers().iterate()
    await taken(cursor, 3)
    assert asyncio.all_tasks() == tasks
    # No asynchronous generator, which the loop would have to end when it is collected.
    assert not any(hasattr(cursor, name) for name in ("aclose", "athrow"))


def test_it_goes_on_with_another_loop() -> None:
    cursor = AsyncNumbers().iterate()
    assert asyncio.run(taken(cursor, 3)) == [1, 2, 3]
    assert asyncio.run(taken(cursor, 3)) == [4, 5, 6]


def test_it_goes_on_after_the_thread_was_stopped_and_started_again(numbers: Numbers) -> None:
    cursor = numbers.iterate()
    assert list(islice(cursor, 2)) == [1, 2]
    numbers.loop.stop()
    assert next(cursor) == 3
    with pytest.raises(ConfigurationError, match="closed"):
        next(cursor)
    numbers.loop.open()
    assert list(cursor) == [4, 5, 6]


async def test_after_an_error_the_same_page_is_asked_for_again() -> None:
    numbers = AsyncNumbers()
    cursor = numbers.iterate()
    await taken(cursor, 3)
    numbers.before_page = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        await anext(cursor)
    numbers.before_page = lambda: None
    assert [number async for number in cursor] == [4, 5, 6]
    assert numbers.asked == [None, "b", "b", "c", "d"]


async def test_after_a_cancellation_the_same_page_is_asked_for_again() -> None:
    numbers = AsyncNumbers()
    cursor = numbers.iterate()
    await taken(cursor, 3)
    waiting = asyncio.ensure_future(anext(cursor))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert [number async for number in cursor] == [4, 5, 6]
    assert numbers.asked == [None, "b", "b", "c", "d"]


def test_after_an_error_the_same_page_is_asked_for_again_for_a_blocking_caller(numbers: Numbers) -> None:
    cursor = numbers.iterate()
    numbers.twin.before_page = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        next(cursor)
    numbers.twin.before_page = lambda: None
    assert list(cursor) == [1, 2, 3, 4, 5, 6]


async def test_two_tasks_at_once_are_an_error_and_no_page_twice() -> None:
    cursor = AsyncNumbers().iterate()
    first, second = await asyncio.gather(anext(cursor), anext(cursor), return_exceptions=True)
    assert first == 1
    assert isinstance(second, RuntimeError)
    assert [number async for number in cursor] == [2, 3, 4, 5, 6]


def test_threads_that_share_one_get_each_item_once(numbers: Numbers) -> None:
    cursor = numbers.iterate()
    found: list[int] = []
    barrier = threading.Barrier(4)

    def take() -> None:
        barrier.wait(10)
        try:
            found.extend(cursor)
        except RuntimeError:  # the other one waits for a page
            return

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted([*found, *cursor]) == [1, 2, 3, 4, 5, 6]


async def test_a_page_that_names_itself_as_the_next_one_ends_in_an_error() -> None:
    async def page(after: int | None) -> tuple[Sequence[str], int | None]:
        return ["x"], 10

    cursor = AsyncCursor(page)
    assert await anext(cursor) == "x"
    with pytest.raises(TransportError, match="the same page or an earlier one"):
        await anext(cursor)


def test_on_the_loops_own_thread_the_error_names_the_asynchronous_loop(numbers: Numbers) -> None:
    async def on_the_loop() -> None:
        next(numbers.iterate())

    with pytest.raises(ConfigurationError, match=r"use `async for item in AsyncSuprsend\.numbers\.iterate\(\)`"):
        numbers.loop.call("", on_the_loop)


def test_the_derived_method_shows_what_the_asynchronous_one_does() -> None:
    assert str(inspect.signature(Numbers.iterate)) == "(self, *, times: 'int' = 1) -> 'Cursor[int]'"
    assert Numbers.iterate.__qualname__ == "Numbers.iterate"
    assert "    >>> for number in numbers.iterate():\n" in (inspect.getdoc(Numbers.iterate) or "")
    assert isinstance(Numbers(LoopThread(_nothing), AsyncNumbers()).iterate(), Cursor)


async def test_empty_pages_without_end_are_an_error() -> None:
    async def page(after: int | None) -> tuple[Sequence[int], int | None]:
        number = 0 if after is None else after + 1
        return [7] * (number in (0, 99)), number

    cursor = AsyncCursor(page)
    assert [await anext(cursor) for _ in range(2)] == [7, 7]
    with pytest.raises(TransportError, match="100 empty pages in a row"):
        await anext(cursor)


async def test_after_too_many_empty_pages_the_cursor_goes_on_where_it_was() -> None:
    """Also where the page is one of those by which a ring is found: the 128th."""
    has_items = False

    async def page(after: int | None) -> tuple[Sequence[int], int | None]:
        number = 0 if after is None else after + 1
        return [number] * (number < 28 or has_items), number

    cursor = AsyncCursor(page)
    assert [await anext(cursor) for _ in range(28)] == list(range(28))
    with pytest.raises(TransportError, match="100 empty pages in a row"):
        await anext(cursor)
    has_items = True
    assert await anext(cursor) == 127
