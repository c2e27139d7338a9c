"""Records that are over are released one by one, as others are read: so the garbage collector finds nothing to do."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import pytest
from tests.bulk.texts import kind_of_texts
from tests.stub_engine import StubEngine, transport_over
from tests.virtual_time import run

from suprsend_async.bulk.job import Job

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from suprsend_async.bulk.chunk import Chunk

CHUNK = 10
CONCURRENCY = 2


class Text(str):
    """A text that can be watched."""

    __slots__ = ("__weakref__",)


class Watch:
    """Yields texts, and notes how many of them there are at each."""

    def __init__(self, count: int) -> None:
        self.alive: weakref.WeakSet[Text] = weakref.WeakSet()
        self.seen: list[int] = []
        self._count = count

    def plain(self) -> Iterator[Text]:
        for number in range(self._count):
            self.seen.append(len(self.alive))
            self.alive.add(text := Text(number))
            yield text
            del text

    async def singly(self) -> AsyncIterator[Text]:
        for text in self.plain():
            yield text
            del text


def send(source: Any) -> None:
    async def report(chunk: Chunk[str]) -> None:
        """Nothing to do."""

    async def main() -> None:
        job = Job(
            transport_over(StubEngine()),
            kind_of_texts(max_records=CHUNK),
            source,
            report,
            concurrency=CONCURRENCY,
            ordered=False,
            on_progress=None,
            operation="test",
        )
        async with job:
            await job.done()

    run(main)


@pytest.mark.parametrize("reading", [Watch.plain, Watch.singly], ids=["plain", "asynchronous"])
def test_no_more_than_one_is_released_between_two_that_are_read(reading: Any) -> None:
    watch = Watch(50 * CHUNK)
    send(reading(watch))
    assert all(later >= earlier for earlier, later in zip(watch.seen, watch.seen[1:], strict=False))


@pytest.mark.parametrize("reading", [Watch.plain, Watch.singly], ids=["plain", "asynchronous"])
def test_there_are_never_more_than_were_once_in_flight_together(reading: Any) -> None:
    watch = Watch(50 * CHUNK)
    send(reading(watch))
    assert max(watch.seen) <= (CONCURRENCY + 2) * CHUNK


@pytest.mark.parametrize("reading", [Watch.plain, Watch.singly], ids=["plain", "asynchronous"])
def test_none_is_left_when_all_is_read_and_sent(reading: Any) -> None:
    watch = Watch(5 * CHUNK)
    send(reading(watch))
    assert not watch.alive
