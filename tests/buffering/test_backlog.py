"""The backlog: bounds, order, and chunks; no loop involved."""

from __future__ import annotations

from itertools import count

import pytest

from suprsend_async import Event
from suprsend_async.buffering.backlog import Backlog, KindQueue, PendingRecord
from suprsend_async.buffering.kinds import RecordKinds
from suprsend_async.bulk.chunk import Chunk
from suprsend_async.events.bulk import event_kind
from suprsend_async.events.encoding import Encoder

WORKSPACE = "test-workspace-key-0123456789"
KINDS = RecordKinds(event_kind(Encoder(WORKSPACE, "suprsend-async/test", 819_200)), WORKSPACE, "suprsend-async/test")
EVENT = Event("user-1", "signed_up")


@pytest.fixture
def queue() -> KindQueue:
    return KindQueue(KINDS.carried_by(PendingRecord, "event"), concurrency=1)


def entries(queue: KindQueue, *sizes: int, start: int = 0) -> list[PendingRecord]:
    return [PendingRecord(number, EVENT, b"x" * size, queue) for number, size in zip(count(start), sizes, strict=False)]


def take(queue: KindQueue) -> Chunk[PendingRecord]:
    chunk: Chunk[PendingRecord] = Chunk(queue.kind)
    queue.fill(chunk)
    return chunk


def filled(backlog: Backlog, queue: KindQueue, *sizes: int, start: int = 0) -> list[PendingRecord]:
    made = entries(queue, *sizes, start=start)
    for entry in made:
        backlog.add(entry)
    return made


def test_room_is_bounded_by_events(queue: KindQueue) -> None:
    backlog = Backlog(2, 1_000)
    filled(backlog, queue, 1, 1)
    assert not backlog.has_room_for(b"x")
    backlog.pop(0)
    assert backlog.has_room_for(b"x")


def test_room_is_bounded_by_bytes(queue: KindQueue) -> None:
    backlog = Backlog(100, 10)
    filled(backlog, queue, 6)
    assert backlog.has_room_for(b"x" * 4)
    assert not backlog.has_room_for(b"x" * 5)


def test_what_is_in_flight_takes_up_room_until_it_has_its_verdict(queue: KindQueue) -> None:
    backlog = Backlog(1, 1_000)
    filled(backlog, queue, 10)
    take(queue)
    assert not queue.is_queued
    assert (len(backlog.pending), backlog.pending_bytes) == (1, 10)
    assert not backlog.has_room_for(b"x")
    backlog.pop(0)
    assert backlog.pending_bytes == 0


def test_nothing_overtakes_those_in_line(queue: KindQueue) -> None:
    backlog = Backlog(100, 10)
    filled(backlog, queue, 8)
    large, small = entries(queue, 5, 1, start=1)
    backlog.line_up(large)
    assert not backlog.has_room_for(small.body)
    backlog.line_up(small)
    assert list(backlog.in_line) == [1, 2]
    backlog.pop(0)
    assert list(backlog.pending) == [1, 2]
    assert not backlog.in_line


def test_one_that_does_not_fit_yet_holds_up_those_behind_it(queue: KindQueue) -> None:
    backlog = Backlog(100, 10)
    filled(backlog, queue, 5, 5)
    for entry in entries(queue, 7, 1, start=2):
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
def test_chunks_are_as_full_as_they_can_be_and_in_order(queue: KindQueue, sizes: list[int], chunks: list[int]) -> None:
    backlog = Backlog(1_000, 10_000_000)
    filled(backlog, queue, *sizes)
    taken = []
    while queue.is_queued:
        taken.append(take(queue))
    assert [len(chunk) for chunk in taken] == chunks
    assert [number for chunk in taken for number in chunk.indexes] == list(range(len(sizes)))


def test_a_full_chunk_is_noticed_by_events_and_by_bytes(queue: KindQueue) -> None:
    backlog = Backlog(1_000, 10_000_000)
    filled(backlog, queue, *[1] * 99)
    assert not queue.fills_a_chunk
    filled(backlog, queue, 1, start=99)
    assert queue.fills_a_chunk
    take(queue)
    assert not queue.fills_a_chunk
    filled(backlog, queue, 819_200)
    assert queue.fills_a_chunk


def test_an_empty_queue_fills_nothing(queue: KindQueue) -> None:
    assert not len(take(queue))


def test_only_what_is_not_in_flight_can_be_withdrawn(queue: KindQueue) -> None:
    backlog = Backlog(2, 1_000)
    flying, queued = filled(backlog, queue, 1, 1)[0], entries(queue, 1, start=5)[0]
    take(queue)
    backlog.pop(1)
    backlog.add(queued)
    [waiting] = entries(queue, 1, start=6)
    backlog.line_up(waiting)
    assert not backlog.withdraw(flying)
    assert backlog.withdraw(queued)
    assert not queue.is_queued
    assert backlog.withdraw(waiting)
    assert not backlog.in_line


def test_the_oldest_is_told_those_in_line_included(queue: KindQueue) -> None:
    backlog = Backlog(1, 1_000)
    assert backlog.oldest() is None
    filled(backlog, queue, 1)
    backlog.line_up(entries(queue, 1, start=1)[0])
    assert backlog.oldest() == 0
    backlog.pop(0)
    assert backlog.oldest() == 1


def test_kinds_share_the_room_and_travel_separately(queue: KindQueue) -> None:
    edits = KindQueue(KINDS.carried_by(PendingRecord, "edit"), concurrency=1)
    backlog = Backlog(3, 1_000)
    filled(backlog, queue, 1, start=0)
    filled(backlog, edits, 1, start=1)
    filled(backlog, queue, 1, start=2)
    assert not backlog.has_room_for(b"x")
    assert take(queue).indexes == [0, 2]
    assert edits.is_queued
    assert take(edits).indexes == [1]


def test_edits_travel_one_request_at_a_time_and_four_hundred_together() -> None:
    edits = KindQueue(KINDS.carried_by(PendingRecord, "edit"), concurrency=1)
    filled(Backlog(10_000, 10_000), edits, *[1] * 801)
    assert edits.may_leave
    assert len(take(edits)) == 400
    edits.in_flight += 1
    assert not edits.may_leave
    edits.in_flight -= 1
    take(edits)
    assert not edits.may_leave
    edits.is_due = True
    assert edits.may_leave
