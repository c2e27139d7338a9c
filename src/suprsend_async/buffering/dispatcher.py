"""Decides when events leave the buffer, and tells everybody what came of theirs."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import TYPE_CHECKING

import anyio

from suprsend_async.buffering.backlog import Backlog, Entry
from suprsend_async.buffering.batch import Batch, Settled
from suprsend_async.buffering.failures import Failures
from suprsend_async.buffering.stats import BufferStats, Counts
from suprsend_async.errors import BufferFull
from suprsend_async.events.results import EventResponse, FailedRecord
from suprsend_async.events.verdict import NOT_SENT, Verdict

if TYPE_CHECKING:
    from suprsend_async.buffering.delivery import Delivery
    from suprsend_async.buffering.options import BufferOptions
    from suprsend_async.events.callbacks import Callback
    from suprsend_async.events.event import Event
    from suprsend_async.transport.clock import Clock

# Seconds that telling of what is left may take at the end.
TELLING_SECONDS = 5.0
# A caller gives up so many seconds after its event's request has, so that it hears from that.
LATE_ANSWER = 0.1

_NO_ROOM = Verdict("not_sent", error="no room in the buffer before the deadline", error_type="deadline_exceeded")
_STILL_QUEUED = Verdict("not_sent", error="still in the buffer at the deadline", error_type="deadline_exceeded")
_NO_ANSWER = Verdict("unknown", error="no answer before the deadline", error_type="deadline_exceeded")


class Dispatcher:
    """Events in, chunks out.

    A chunk leaves when it is full; when `linger` seconds have passed since the one before left; or at once, after a
    tick of the event loop, if none has left for so long. A lone event thus pays nothing, and there is never more
    than one request that is not full in `linger` seconds.

    Args:
        delivery: Sends the chunks.
        clock: Time.
        options: The bounds.
        patience: Seconds that a caller waits for its response.
        on_failure: Told of failures that no caller waits for.
    """

    def __init__(
        self,
        delivery: Delivery,
        clock: Clock,
        options: BufferOptions,
        patience: float,
        on_failure: Callback[FailedRecord] | None,
    ) -> None:
        """Begin empty."""
        self.failures: Failures = Failures(on_failure)
        self.undelivered: list[FailedRecord] = []
        self.is_closing: bool = False
        self.is_over: bool = False
        self._delivery = delivery
        self._clock = clock
        self._linger = options.linger
        self._patience = patience + options.linger + LATE_ANSWER
        self._backlog = Backlog(options.max_pending, options.max_pending_bytes)
        self._counts = Counts()
        self._number = 0
        self._in_flight: set[Batch] = set()
        self._departed_at = -math.inf
        # Whether what is queued leaves as soon as a request may go, full or not.
        self._is_due = False
        # The flushes under way: each waits for the events whose numbers are below its own.
        self._flushes: deque[tuple[int, anyio.Event]] = deque()
        self._arrived = anyio.Event()
        self._group = anyio.create_task_group()

    async def run(self, started: anyio.Event) -> None:
        """Send what comes until cancelled; whoever still waits then is told."""
        await self._delivery.prepare()
        try:
            async with self._group:
                started.set()
                while True:
                    await self._arrived.wait()
                    self._arrived = anyio.Event()
                    since = self._clock.monotonic() - self._departed_at
                    if since < self._linger:
                        await self._clock.sleep(self._linger - since)
                    self._is_due = True
                    self._depart()
        finally:
            self._give_up()
            with anyio.move_on_after(TELLING_SECONDS, shield=True):
                await self.failures.tell()

    def enqueue(self, event: Event, body: bytes) -> None:
        """Take an event in.

        Raises:
            BufferFull: There is no room.
        """
        if not self._backlog.has_room_for(body):
            stats = self.stats()
            raise BufferFull(
                f"the buffer is full: {stats.pending} events of {stats.pending_bytes} bytes are pending, "
                f"{stats.waiting} callers wait for room; this event was not taken in",
                outcome="not_sent",
            )
        self._take_in(Entry(self._next_number(), event, body))

    async def track(self, event: Event, body: bytes) -> EventResponse:
        """Take an event in, waiting for room in order, and return what came of it."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[EventResponse] = loop.create_future()
        entry = Entry(self._next_number(), event, body, answer)
        if self._backlog.has_room_for(body):
            self._take_in(entry)
        else:
            self._backlog.line_up(entry)
        deadline = loop.call_later(self._patience, self._expire, entry)
        try:
            return await answer
        except asyncio.CancelledError:
            # What was taken in stays: it may be on its way. Only a place in the line is given up.
            self._backlog.in_line.pop(entry.number, None)
            raise
        finally:
            deadline.cancel()

    async def flush(self) -> None:
        """Send without lingering, until all events that have come so far have their verdict."""
        if self._backlog.oldest() is not None:
            flushed = anyio.Event()
            self._flushes.append((self._number, flushed))
            self._is_due = True
            self._depart()
            await flushed.wait()

    def stats(self) -> BufferStats:
        """Return the counters."""
        return self._counts.stats(
            pending=len(self._backlog.pending),
            pending_bytes=self._backlog.pending_bytes,
            waiting=len(self._backlog.in_line),
            requests=len(self._in_flight),
        )

    def _next_number(self) -> int:
        number = self._number
        self._number = number + 1
        return number

    def _take_in(self, entry: Entry) -> None:
        self._backlog.add(entry)
        self._go_on()

    def _go_on(self) -> None:
        if not self.is_over:
            self._depart()
            if self._backlog.is_queued:
                self._arrived.set()

    def _depart(self) -> None:
        while len(self._in_flight) < self._delivery.concurrency and (
            self._backlog.fills_a_chunk or (self._is_due and self._backlog.is_queued)
        ):
            batch = Batch(self._backlog.take(), self._tell)
            self._in_flight.add(batch)
            self._departed_at = self._clock.monotonic()
            self._group.start_soon(self._send, batch)
        if not self._backlog.is_queued:
            self._is_due = bool(self._flushes)

    async def _send(self, batch: Batch) -> None:
        try:
            await self._delivery.send(batch)
            if self.failures.are_many:
                # The request's place is kept, so that failures are not made faster than they are told.
                await self.failures.tell()
        finally:
            self._in_flight.discard(batch)
        self._go_on()
        await self.failures.tell()

    def _tell(self, number: int, settled: Settled) -> None:
        entry = self._backlog.settle(number)
        self._note_flushed()
        verdict = settled.verdict
        self._counts.add(verdict.outcome)
        self._delivery.tell_observer([verdict.outcome])
        is_heard = entry.answer is not None and not entry.answer.done()
        if entry.answer is not None and is_heard:
            entry.answer.set_result(settled.response())
        if verdict.outcome != "accepted" and (self.is_closing or not is_heard):
            self._report(entry, verdict, is_heard=is_heard)
        if self._backlog.is_queued:
            # Room was made, and callers in line have moved up.
            self._go_on()

    def _note_flushed(self) -> None:
        oldest = self._backlog.oldest()
        while self._flushes and (oldest is None or oldest >= self._flushes[0][0]):
            self._flushes.popleft()[1].set()

    def _report(self, entry: Entry, verdict: Verdict, *, is_heard: bool) -> None:
        record = FailedRecord(
            record=entry.event,
            error=verdict.error or "",
            code=verdict.status_code,
            index=entry.number,
            outcome=verdict.outcome,
        )
        if self.is_closing or self.is_over:
            self.undelivered.append(record)
        if not is_heard:
            self.failures.add(record)

    def _expire(self, entry: Entry) -> None:
        """End a caller's wait at its deadline."""
        if entry.answer is None or entry.answer.done():
            return
        if not self._backlog.withdraw(entry):
            # In flight: what comes of it is counted, and reported as nobody's, when it is known.
            requests = next((batch.requests for batch in self._in_flight if entry.number in batch), 0)
            entry.answer.set_result(Settled(_NO_ANSWER, requests).response())
        elif entry.number in self._backlog.pending:
            self._tell(entry.number, Settled(_STILL_QUEUED, 0))
        else:
            entry.answer.set_result(Settled(_NO_ROOM, 0).response())
            self._note_flushed()

    def _give_up(self) -> None:
        self.is_over = True
        while (number := self._backlog.oldest()) is not None:
            if number not in self._backlog.pending:
                self._backlog.add(self._backlog.in_line.pop(number))
            self._tell(number, Settled(NOT_SENT, 0))
