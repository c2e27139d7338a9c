"""Decides when records leave the buffer, and gives everybody the result of theirs."""

from __future__ import annotations

import asyncio
import math
from collections import Counter, deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio

from suprsend_async.api.verdict import NOT_SENT, Verdict, not_sent_because
from suprsend_async.buffering.backlog import Backlog, KindQueue, PendingRecord
from suprsend_async.buffering.batch import LONGEST_PAUSE, Batch, BatchResult
from suprsend_async.buffering.kinds import EVENT, requests_at_once
from suprsend_async.buffering.lifecycle import State
from suprsend_async.buffering.reports import BufferStats, Failures
from suprsend_async.bulk.limiter import AdaptiveLimiter
from suprsend_async.bulk.results import FailedRecord
from suprsend_async.errors import BufferFull, ConfigurationError
from suprsend_async.tasks import Group

if TYPE_CHECKING:
    from suprsend_async.api.response import EventResponse
    from suprsend_async.buffering.kinds import AnyRecord, KindName, RecordKinds
    from suprsend_async.buffering.options import BufferOptions
    from suprsend_async.bulk.sender import BulkSender
    from suprsend_async.callbacks import Callback
    from suprsend_async.events.event import Event
    from suprsend_async.outcome import Outcome

# A caller gives up so many seconds after its record's request has, so that it hears from that.
LATE_ANSWER = 0.1

_NO_ROOM = Verdict("not_sent", error="no room in the buffer before the deadline", error_type="deadline_exceeded")
_STILL_QUEUED = Verdict("not_sent", error="still in the buffer at the deadline", error_type="deadline_exceeded")
_NO_ANSWER = Verdict("unknown", error="no answer before the deadline", error_type="deadline_exceeded")


class Dispatcher:
    """Records in, chunks out.

    A chunk leaves when it is full; when `linger` seconds have passed since the one before left; or at once, after a
    tick of the event loop, if none has left for so long. A lone record thus pays nothing, and there is never more
    than one request of each kind that is not full in `linger` seconds.

    Args:
        sender: Sends the chunks.
        kinds: The kinds of record.
        options: The bounds.
        on_failure: Given the failures that no caller waits for.
    """

    def __init__(
        self,
        sender: BulkSender[Any],
        kinds: RecordKinds,
        options: BufferOptions,
        on_failure: Callback[FailedRecord[Any]] | None,
    ) -> None:
        """Begin empty."""
        self.failures: Failures = Failures(on_failure, sender.transport.session)
        self.undelivered: list[FailedRecord[Any]] = []
        self.state: State = State.STARTING
        self._concurrency = sender.concurrency
        self._transport = sender.transport
        self._clock = sender.transport.session.clock
        self._kinds = kinds
        self._linger = options.linger
        self._patience = self._transport.timeout + options.linger + LATE_ANSWER
        self._backlog = Backlog(options.max_pending, options.max_pending_bytes)
        # Each kind has its own endpoint: what one of them is asked to wait holds no other up.
        self._queues: dict[KindName, KindQueue] = {}
        self._limiters: dict[KindQueue, AdaptiveLimiter] = {}
        self._outcomes: Counter[Outcome] = Counter()
        self._number = 0
        self._in_flight: set[Batch[PendingRecord]] = set()
        self._departed_at = -math.inf
        # What is told of a record that was not sent when all this ended.
        self._left = NOT_SENT
        # The flushes under way: each waits for the records whose numbers are below its own.
        self._flushes: deque[tuple[int, anyio.Event]] = deque()
        self._arrived = anyio.Event()
        self._group = Group()

    async def run(self, started: anyio.Event) -> None:
        """Send what comes until cancelled; every caller that still waits then gets a result."""
        await self._transport.session.loops.current()
        try:
            async with self._group:
                started.set()
                try:
                    while True:
                        await self._arrived.wait()
                        self._arrived = anyio.Event()
                        since = self._clock.monotonic() - self._departed_at
                        if since < self._linger:
                            await self._clock.sleep(self._linger - since)
                        self._make_due()
                except ConfigurationError as error:
                    self._end_because(error)
                    raise
        finally:
            self._give_up()
            await self.failures.report_the_last()

    def enqueue(self, record: AnyRecord, name: KindName, body: bytes) -> None:
        """Take a record in.

        Raises:
            BufferFull: There is no room.
        """
        if not self._backlog.has_room_for(body):
            stats = self.stats()
            raise BufferFull(
                f"the buffer is full: {stats.pending} records of {stats.pending_bytes} bytes are pending, "
                f"{stats.waiting} callers wait for room; this {name} was not accepted into the buffer",
                outcome="not_sent",
            )
        self._take_in(self._entry(name, record, body))

    async def track(self, event: Event, body: bytes) -> EventResponse:
        """Take an event in, waiting for room in order, and return what it came to."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[EventResponse] = loop.create_future()
        entry = self._entry(EVENT, event, body, answer)
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
        """Send without lingering, until all records that have come so far have their verdict."""
        if self._backlog.oldest() is not None:
            flushed = anyio.Event()
            self._flushes.append((self._number, flushed))
            self._make_due()
            await flushed.wait()

    def stats(self) -> BufferStats:
        """Return the counters."""
        outcomes, pending = self._outcomes, len(self._backlog.pending)
        return BufferStats(
            taken=outcomes.total() + pending,
            pending=pending,
            pending_bytes=self._backlog.pending_bytes,
            waiting=len(self._backlog.in_line),
            requests=len(self._in_flight),
            accepted=outcomes["accepted"],
            rejected=outcomes["rejected"],
            not_sent=outcomes["not_sent"],
            unknown=outcomes["unknown"],
            last_error=self.failures.last_error,
        )

    def _entry(
        self,
        name: KindName,
        record: AnyRecord,
        body: bytes,
        answer: asyncio.Future[EventResponse] | None = None,
    ) -> PendingRecord:
        queue = self._queues.get(name)
        if queue is None:
            queue = self._make_queue(name)
        number = self._number
        self._number = number + 1
        is_repeatable = queue.is_repeatable
        return PendingRecord(number, record, body, queue, answer, is_repeatable is None or is_repeatable(record))

    def _make_queue(self, name: KindName) -> KindQueue:
        concurrency = requests_at_once(name, self._concurrency)
        queue = self._queues[name] = KindQueue(
            self._kinds.carried_by(PendingRecord, name), concurrency, self._kinds[name].is_repeatable
        )
        transport = self._transport
        self._limiters[queue] = AdaptiveLimiter(
            concurrency, self._clock, transport.timeout, LONGEST_PAUSE, now=transport.session.server_now
        )
        queue.is_due = bool(self._flushes)
        return queue

    def _take_in(self, entry: PendingRecord) -> None:
        self._backlog.add(entry)
        self._go_on_with(entry.queue)

    def _go_on(self) -> None:
        for queue in self._queues.values():
            self._go_on_with(queue)

    def _go_on_with(self, queue: KindQueue) -> None:
        if not self.state.is_over:
            self._depart(queue)
            if queue.is_queued:
                self._arrived.set()

    def _make_due(self) -> None:
        """Have all that is queued leave as soon as requests may go."""
        for queue in self._queues.values():
            queue.is_due = True
            self._depart(queue)

    def _depart(self, queue: KindQueue) -> None:
        while queue.may_leave:
            batch = Batch(queue.kind, self._finish, self.failures.note_error)
            queue.fill(batch)
            queue.in_flight += 1
            self._in_flight.add(batch)
            self._departed_at = self._clock.monotonic()
            self._group.start_soon(self._send, batch, queue)
        if not queue.is_queued:
            queue.is_due = bool(self._flushes)

    async def _send(self, batch: Batch[PendingRecord], queue: KindQueue) -> None:
        try:
            try:
                await batch.send(self._transport, self._limiters[queue])
            except ConfigurationError as error:
                self._end_because(error)
                raise
            if self.failures.are_many:
                # The request's place is kept, so that failures are not made faster than they are reported.
                await self.failures.report()
        finally:
            self._in_flight.discard(batch)
            queue.in_flight -= 1
        self._go_on()
        await self.failures.report()

    def _finish(self, number: int, result: BatchResult) -> None:
        has_line = bool(self._backlog.in_line)
        entry = self._backlog.pop(number)
        self._notify_flushes()
        if result.verdict is NOT_SENT:
            result = replace(result, verdict=self._left)
        verdict = result.verdict
        self._outcomes[verdict.outcome] += 1
        self._transport.report_finished([verdict.outcome])
        is_awaited = entry.answer is not None and not entry.answer.done()
        if entry.answer is not None and is_awaited:
            entry.answer.set_result(result.response())
        if verdict.outcome != "accepted":
            self.failures.note_error(verdict.error)
            if not is_awaited or self.state is not State.OPEN:
                self._report_failure(entry, verdict, is_awaited=is_awaited)
        if has_line:
            # Room was made, and callers in line may have moved up.
            self._go_on()

    def _notify_flushes(self) -> None:
        if not self._flushes:
            return
        oldest = self._backlog.oldest()
        while self._flushes and (oldest is None or oldest >= self._flushes[0][0]):
            self._flushes.popleft()[1].set()

    def _report_failure(self, entry: PendingRecord, verdict: Verdict, *, is_awaited: bool) -> None:
        record = FailedRecord(
            record=entry.record,
            error=verdict.error or "",
            code=verdict.status_code,
            index=entry.number,
            outcome=verdict.outcome,
        )
        if self.state is not State.OPEN:
            self.undelivered.append(record)
        if not is_awaited:
            self.failures.add(record)

    def _expire(self, entry: PendingRecord) -> None:
        """End a caller's wait at its deadline."""
        if entry.answer is None or entry.answer.done():
            return
        if not self._backlog.withdraw(entry):
            # In flight: its result is counted, and reported as nobody's, when it is known.
            requests = next((batch.requests for batch in self._in_flight if entry.number in batch), 0)
            entry.answer.set_result(BatchResult(_NO_ANSWER, requests).response())
        elif entry.number in self._backlog.pending:
            self._finish(entry.number, BatchResult(_STILL_QUEUED, 0))
        else:
            entry.answer.set_result(BatchResult(_NO_ROOM, 0).response())
            self._notify_flushes()

    def _end_because(self, error: ConfigurationError) -> None:
        # At once: the others are cancelled next, and what they have not sent has the same reason.
        self._left = not_sent_because(error.message)
        self.state = self.state.ended()

    def _give_up(self) -> None:
        self.state = self.state.ended()
        while (number := self._backlog.oldest()) is not None:
            if number not in self._backlog.pending:
                self._backlog.add(self._backlog.in_line.pop(number))
            self._finish(number, BatchResult(NOT_SENT, 0))
