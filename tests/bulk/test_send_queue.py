"""The queue between the reader of a source and its senders: who waits, for how long, and who is woken."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bulk.texts import kind_of_texts
from tests.virtual_time import now, run, until_all_wait

from suprsend_async.api.verdict import Verdict
from suprsend_async.bulk.key_order import KeyOrder
from suprsend_async.bulk.send_queue import LINGER_SECONDS, InputOrder, SendQueue

if TYPE_CHECKING:
    from suprsend_async.bulk.chunk import Chunk

pytestmark = pytest.mark.timeout(20)

KIND = kind_of_texts(max_records=3)
REFUSED = Verdict("rejected", error="no")


class Reader:
    """Adds numbered texts as the reader of a job does, and takes chunks as its senders do."""

    def __init__(self, order: InputOrder[str] | KeyOrder[str] | None = None) -> None:
        self.order = InputOrder(KIND) if order is None else order
        self.queue = SendQueue(self.order)
        self.taken: list[list[int]] = []
        self.chunks: list[Chunk[str]] = []
        self.senders: list[asyncio.Task[None]] = []
        self._numbers = itertools.count()

    async def add(self, *texts: str) -> bool:
        """Add texts; returns whether more are wanted."""
        for text in texts or ("text",):
            full = self.order.add(next(self._numbers), text, text.encode())
            if (full or self.queue.wanted) and not await self.queue.room():
                return False
        return True

    async def send(self, count: int = 1) -> None:
        """Start senders that take one chunk each."""
        for _ in range(count):
            self.senders.append(asyncio.create_task(self._take()))
            await until_all_wait()

    async def _take(self) -> None:
        chunk = await self.queue.take()
        self.taken.append([] if chunk is None else chunk.indexes)
        if chunk is not None:
            self.chunks.append(chunk)


# The order of the input


def test_records_leave_in_the_order_of_the_input() -> None:
    order = InputOrder(KIND)
    assert order.is_empty
    assert not order.is_full
    full = [order.add(number, "text", b"{}") for number in range(7)]
    assert full == [False, False, True, False, False, True, False]
    assert order.is_full
    taken = [order.take(partial=False) for _ in range(3)]
    assert [chunk and chunk.indexes for chunk in taken] == [[0, 1, 2], [3, 4, 5], None]
    assert not order.is_full
    assert not order.is_empty
    rest = order.take(partial=True)
    assert rest is not None
    assert rest.indexes == [6]
    assert order.is_empty
    assert order.take(partial=True) is None


def test_what_is_refused_has_its_place() -> None:
    order = InputOrder(KIND)
    assert [order.add(0, "a", b"{}"), order.refuse(1, None, REFUSED), order.refuse(2, "c", REFUSED)] == [
        False,
        False,
        True,
    ]
    chunk = order.take(partial=False)
    assert chunk is not None
    assert (chunk.indexes, [verdict.outcome for verdict in chunk.verdicts]) == (
        [0, 1, 2],
        ["not_sent", "rejected", "rejected"],
    )
    order.finished(chunk)
    assert order.is_empty


def test_a_chunk_that_is_over_makes_no_room_in_the_order_of_the_input() -> None:
    order = InputOrder(KIND)
    for number in range(6):
        order.add(number, "text", b"{}")
    chunk = order.take(partial=False)
    assert chunk is not None
    order.finished(chunk)
    assert order.is_full


# Waiting for a chunk


def test_a_full_chunk_goes_at_once() -> None:
    async def main() -> None:
        reader = Reader()
        await reader.send()
        await reader.add("a", "b", "c")
        await until_all_wait()
        assert (reader.taken, now()) == ([[0, 1, 2]], 0.0)

    run(main)


def test_a_chunk_that_was_there_before_its_sender_goes_at_once() -> None:
    async def main() -> None:
        reader = Reader()
        # The third one makes it full: a sender takes it, and the reader goes on.
        adding = asyncio.create_task(reader.add("a", "b", "c", "d"))
        await until_all_wait()
        assert not adding.done()
        await reader.send()
        assert (reader.taken, adding.done(), now()) == ([[0, 1, 2]], True, 0.0)

    run(main)


def test_a_chunk_that_is_not_full_waits_a_moment_for_more() -> None:
    async def main() -> None:
        reader = Reader()
        await reader.send()
        await asyncio.sleep(1.0)
        await reader.add("a")
        await until_all_wait()
        assert reader.taken == []
        await reader.senders[0]
        assert reader.taken == [[0]]
        assert now() == pytest.approx(1.0 + LINGER_SECONDS)

    run(main)


def test_the_moment_is_one_of_the_sender_that_has_nothing_to_do() -> None:
    async def main() -> None:
        reader = Reader()
        await reader.add("a", "b")
        await asyncio.sleep(1.0)
        await reader.send()
        await reader.senders[0]
        assert reader.taken == [[0, 1]]
        assert now() == pytest.approx(1.0 + LINGER_SECONDS)

    run(main)


def test_what_fills_it_in_that_moment_goes_with_it() -> None:
    async def main() -> None:
        reader = Reader()
        await reader.send()
        await reader.add("a")
        await asyncio.sleep(LINGER_SECONDS / 2)
        await reader.add("b", "c")
        await until_all_wait()
        assert (reader.taken, now()) == ([[0, 1, 2]], LINGER_SECONDS / 2)

    run(main)


def test_a_reader_sees_that_a_sender_has_nothing() -> None:
    async def main() -> None:
        reader = Reader()
        assert not reader.queue.wanted
        await reader.send()
        assert reader.queue.wanted
        await reader.add("a")
        assert not reader.queue.wanted

    run(main)


class Asked(InputOrder[str]):
    """Counts how often it was asked for a chunk."""

    times = 0

    def take(self, *, partial: bool) -> Chunk[str] | None:
        self.times += 1
        return super().take(partial=partial)


def test_a_sender_without_anything_sleeps() -> None:
    async def main() -> None:
        order = Asked(KIND)
        reader = Reader(order)
        await reader.send(3)
        await asyncio.sleep(3_600.0)
        assert order.times == 1
        await reader.add("a", "b", "c")
        await until_all_wait()
        assert reader.taken == [[0, 1, 2]]
        assert order.times <= 5

    run(main)


# The end


@pytest.mark.parametrize("senders", [1, 4])
def test_at_the_end_what_is_left_goes_at_once_and_all_senders_end(senders: int) -> None:
    async def main() -> None:
        reader = Reader()
        await reader.send(senders)
        await reader.add("a")
        reader.queue.end()
        await until_all_wait()
        assert (sorted(reader.taken), now()) == ([*[[]] * (senders - 1), [0]], 0.0)
        await reader.send()
        assert reader.taken[-1] == []

    run(main)


def test_the_end_of_nothing_ends_all_senders() -> None:
    async def main() -> None:
        reader = Reader()
        await reader.send(3)
        reader.queue.end()
        await until_all_wait()
        assert (reader.taken, now()) == ([[], [], []], 0.0)

    run(main)


def test_a_reader_that_waits_for_room_is_let_go_at_the_end() -> None:
    async def main() -> None:
        reader = Reader()
        adding = asyncio.create_task(reader.add("a", "b", "c", "d"))
        await until_all_wait()
        reader.queue.end()
        assert not await adding

    run(main)


# Several senders


def test_one_chunk_wakes_one_sender() -> None:
    async def main() -> None:
        reader = Reader()
        await reader.send(3)
        for number in range(3):
            await reader.add("a", "b", "c")
            await until_all_wait()
            # First come, first served; the others go on waiting.
            assert [task.done() for task in reader.senders] == [sender <= number for sender in range(3)]
        assert reader.taken == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]

    run(main)


@pytest.mark.parametrize("leaving", [0, 1, 2])
def test_a_sender_that_is_cancelled_keeps_no_chunk_and_no_place(leaving: int) -> None:
    async def main() -> None:
        reader = Reader()
        await reader.send(3)
        reader.senders[leaving].cancel()
        await until_all_wait()
        await reader.add("a", "b", "c", "d", "e", "f")
        await until_all_wait()
        assert sorted(reader.taken) == [[0, 1, 2], [3, 4, 5]]

    run(main)


def test_a_sender_that_is_cancelled_as_it_is_woken_leaves_the_chunk_to_the_next() -> None:
    async def main() -> None:
        reader = Reader()
        await reader.send(2)
        reader.order.add(0, "a", b"a")
        reader.queue.end()
        reader.senders[0].cancel()
        await until_all_wait()
        assert reader.taken == [[0]]

    run(main)


def test_a_chunk_that_is_over_lets_those_behind_it_go() -> None:
    async def main() -> None:
        reader = Reader(KeyOrder(KIND, concurrency=2))
        await reader.add("a", "a", "a", "a")
        await reader.send(2)
        assert reader.taken == [[0, 1, 2]]
        await asyncio.sleep(10.0)
        assert reader.taken == [[0, 1, 2]]
        reader.queue.finished(reader.chunks[0])
        await reader.senders[1]
        assert reader.taken == [[0, 1, 2], [3]]
        # It is not full, and may wait for more.
        assert now() == pytest.approx(10.0 + LINGER_SECONDS)

    run(main)


def test_at_the_end_they_go_at_once() -> None:
    async def main() -> None:
        reader = Reader(KeyOrder(KIND, concurrency=2))
        await reader.add("a", "a", "a", "a")
        reader.queue.end()
        await reader.send(2)
        assert reader.taken == [[0, 1, 2]]
        await asyncio.sleep(10.0)
        reader.queue.finished(reader.chunks[0])
        await until_all_wait()
        assert (reader.taken, now()) == ([[0, 1, 2], [3]], 10.0)
        await reader.send()
        assert reader.taken[-1] == []

    run(main)


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(st.sampled_from("abc"), max_size=60),
    pauses=st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.01, 0.2]), min_size=1, max_size=10),
    senders=st.integers(1, 5),
    ordered=st.booleans(),
)
def test_however_they_meet_every_record_is_taken_once_and_all_of_them_end(
    texts: list[str], pauses: list[float], senders: int, ordered: bool
) -> None:
    taken: list[int] = []

    async def main() -> None:
        order = KeyOrder(KIND, senders) if ordered else InputOrder(KIND)
        queue = SendQueue(order)
        waits = itertools.cycle(pauses)

        async def read() -> None:
            for number, text in enumerate(texts):
                full = order.add(number, text, b"{}")
                if full or queue.wanted:
                    assert await queue.room()
                await asyncio.sleep(next(waits))
            queue.end()

        async def send() -> None:
            while (chunk := await queue.take()) is not None:
                taken.extend(chunk.indexes)
                await asyncio.sleep(next(waits))
                queue.finished(chunk)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(read())
            for _ in range(senders):
                tasks.create_task(send())

    run(main)
    if ordered:
        by_key = [[number for number in taken if texts[number] == key] for key in "abc"]
        assert all(numbers == sorted(numbers) for numbers in by_key)
        taken.sort()
    assert taken == list(range(len(texts)))
