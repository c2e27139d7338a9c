"""What an event costs in a buffer that holds many, against one that holds few: CPU time, which other processes do not
change."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

import pytest

from suprsend_async import Event
from suprsend_async.buffering.backlog import Backlog, KindQueue, PendingRecord
from suprsend_async.buffering.kinds import RecordKinds
from suprsend_async.bulk.chunk import Chunk
from suprsend_async.events.bulk import event_kind
from suprsend_async.events.encoding import Encoder

if TYPE_CHECKING:
    from collections.abc import Callable

WORKSPACE = "test-workspace-key-0123456789"
KINDS = RecordKinds(event_kind(Encoder(WORKSPACE, "suprsend-async/test", 819_200)), WORKSPACE, "suprsend-async/test")
EVENT = Event("user-1", "signed_up")
FEW, MANY = 1_000, 64_000
# Where a step looks at all that has gone before it, the larger buffer's events cost up to 64 times as much.
LIMIT = 6.0


def send_all(backlog: Backlog, queue: KindQueue) -> None:
    while queue.is_queued:
        chunk: Chunk[PendingRecord] = Chunk(queue.kind)
        queue.fill(chunk)
        for number in chunk.indexes:
            backlog.pop(number)
            backlog.oldest()


def filled(count: int, max_pending: int) -> tuple[Backlog, KindQueue]:
    backlog, queue = Backlog(max_pending, 1024**3), KindQueue(KINDS.carried_by(PendingRecord, "event"), concurrency=1)
    for number in range(count):
        entry = PendingRecord(number, EVENT, b"{}", queue)
        if backlog.has_room_for(entry.body):
            backlog.add(entry)
        else:
            backlog.line_up(entry)
    return backlog, queue


def emptied_from_the_front(count: int) -> None:
    send_all(*filled(count, count))


def emptied_through_a_line(count: int) -> None:
    send_all(*filled(count, 100))


def left_by_callers_behind_others(count: int) -> None:
    """Have the second half leave, as callers do at their deadline; the first half stays, as nobody waits for it."""
    backlog, _ = filled(count, count)
    for entry in list(backlog.pending.values())[count // 2 :]:
        assert backlog.withdraw(entry)


def left_by_callers_in_line(count: int) -> None:
    backlog, _ = filled(count, 100)
    for entry in list(backlog.in_line.values()):
        assert backlog.withdraw(entry)
        backlog.oldest()


def cost(work: Callable[[int], None], count: int) -> float:
    """Return the seconds of CPU for each of so many events, the least of a few times."""
    spent: list[float] = []
    gc.disable()
    try:
        for _ in range(3):
            started = time.thread_time()
            work(count)
            spent.append(time.thread_time() - started)
    finally:
        gc.enable()
    return min(spent) / count


@pytest.mark.parametrize(
    "work",
    [emptied_from_the_front, emptied_through_a_line, left_by_callers_behind_others, left_by_callers_in_line],
    ids=lambda work: work.__name__,
)
def test_an_event_costs_the_same_however_many_there_are(work: Callable[[int], None]) -> None:
    assert cost(work, MANY) < LIMIT * cost(work, FEW)
