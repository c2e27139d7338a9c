"""The backlog: bounds, order, and chunks; no loop involved."""

from __future__ import annotations

from itertools import count

import pytest

from suprsend_async import Event
from suprsend_async.buffering.backlog import Backlog, PendingRecord
from suprsend_async.bulk.chunk import Chunk
from suprsend_async.events.bulk import event_kind
from suprsend_async.events.encoding import Encoder

KIND = event_kind(Encoder("test-workspace-key-0123456789", "suprsend-async/test", 819_200))
EVENT = Event("user-1", "signed_up")


def entries(*sizes: int, start: int = 0) -> list[PendingRecord]:
    return [PendingRecord(number, EVENT, b"x" * size) for number, size in zip(count(start), sizes, strict=False)]


def take(backlog: Backlog) -> Chunk[Event]:
    chunk: Chunk[Event] = Chunk(KIND)
    backlog.fill(chunk)
    return chunk


def filled(backlog: Backlog, *sizes: int, start: int = 0) -> list[PendingRecord]:
    made = entries(*sizes, start=start)
    for entry in made:
        backlog.add(entry)
    return made


def test_room_is_bounded_by_events() -> None:
    backlog = Backlog(KIND, 2, 1_000)
    filled(backlog, 1, 1)
    assert not backlog.has_room_for(b"x")
    backlog.pop(0)
    assert backlog.has_room_for(b"x")


def test_room_is_bounded_by_bytes() -> None:
    backlog = Backlog(KIND, 100, 10)
    filled(backlog, 6)
    assert backlog.has_room_for(b"x" * 4)
    assert not backlog.has_room_for(b"x" * 5)


def test_what_is_in_flight_takes_up_room_until_it_has_its_verdict() -> None:
    backlog = Backlog(KIND, 1, 1_000)
    filled(backlog, 10)
    take(backlog)
    assert not backlog.is_queued
    assert (len(backlog.pending), backlog.pending_bytes) == (1, 10)
    assert not backlog.has_room_for(b"x")
    backlog.pop(0)
    assert backlog.pending_bytes == 0


def test_nothing_overtakes_those_in_line() -> None:
    backlog = Backlog(KIND, 100, 10)
    filled(backlog, 8)
    large, small = entries(5, 1, start=1)
    backlog.line_up(large)
    assert not backlog.has_room_for(small.body)
    backlog.line_up(small)
    assert list(backlog.in_line) == [1, 2]
    backlog.pop(0)
    assert list(backlog.pending) == [1, 2]
    assert not backlog.in_line


def test_one_that_does_not_fit_yet_holds_up_those_behind_it() -> None:
    backlog = Backlog(KIND, 100, 10)
    filled(backlog, 5, 5)
    for entry in entries(7, 1, start=2):
        backlog.line_up(entry)
    backlog.pop(0)
    assert list(backlog.in_line) == [2, 3]
    backlog.pop(1)
    assert not backlog.in_line


@pytest.mark.parametrize(
    ("sizes", "chunks"),
    [
        ([10] * 250, [100, 100, 50]),
        ([300_000] * 5, [2, 2, 1]),
        ([900_000, 10, 900_000], [1, 1, 1]),
        ([819_199 - 1], [1]),
    ],
)
def test_chunks_are_as_full_as_they_can_be_and_in_order(sizes: list[int], chunks: list[int]) -> None:
    backlog = Backlog(KIND, 1_000, 10_000_000)
    filled(backlog, *sizes)
    taken = []
    while backlog.is_queued:
        taken.append(take(backlog))
    assert [len(chunk) for chunk in taken] == chunks
    assert [number for chunk in taken for number in chunk.indexes] == list(range(len(sizes)))


def test_a_full_chunk_is_noticed_by_events_and_by_bytes() -> None:
    backlog = Backlog(KIND, 1_000, 10_000_000)
    filled(backlog, *[1] * 99)
    assert not backlog.fills_a_chunk
    filled(backlog, 1, start=99)
    assert backlog.fills_a_chunk
    take(backlog)
    assert not backlog.fills_a_chunk
    filled(backlog, 819_200)
    assert backlog.fills_a_chunk


def test_an_empty_backlog_fills_nothing() -> None:
    assert not len(take(Backlog(KIND, 1, 1)))


def test_only_what_is_not_in_flight_can_be_withdrawn() -> None:
    backlog = Backlog(KIND, 2, 1_000)
    flying, queued = filled(backlog, 1, 1)[0], entries(1, start=5)[0]
    take(backlog)
    backlog.pop(1)
    backlog.add(queued)
    [waiting] = entries(1, start=6)
    backlog.line_up(waiting)
    assert not backlog.withdraw(flying)
    assert backlog.withdraw(queued)
    assert not backlog.is_queued
    assert backlog.withdraw(waiting)
    assert not backlog.in_line


def test_the_oldest_is_told_those_in_line_included() -> None:
    backlog = Backlog(KIND, 1, 1_000)
    assert backlog.oldest() is None
    filled(backlog, 1)
    backlog.line_up(entries(1, start=1)[0])
    assert backlog.oldest() == 0
    backlog.pop(0)
    assert backlog.oldest() == 1
