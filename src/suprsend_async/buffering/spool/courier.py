"""Carries what is stored to the platform: reads a little, sends it, and notes what came of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import anyio

from suprsend_async import logs
from suprsend_async.buffering.batch import Batch, Settled
from suprsend_async.buffering.delivery import LONGEST_PAUSE, Delivery
from suprsend_async.buffering.spool.backoff import Backoff
from suprsend_async.buffering.spool.letters import DeadLetter
from suprsend_async.errors import SpoolError
from suprsend_async.events.chunk import Chunk
from suprsend_async.events.chunking import MAX_CHUNK_BYTES, MAX_CHUNK_EVENTS
from suprsend_async.events.verdict import Verdict, merged

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from suprsend_async.buffering.spool.store import Row
    from suprsend_async.buffering.spool.writer import Writer
    from suprsend_async.outcome import Outcome
    from suprsend_async.transport.clock import Clock

# The platform forgets a key after 24 hours: what is older than this may have been processed and forgotten.
MAX_AGE = 23 * 60 * 60.0
# Seconds until an event goes again that failed while others got through.
REST = 30.0
# Seconds until what came of events is noted again, when the disk failed.
DISK_REST = 1.0
# Seconds between two attempts to read, at most.
MAX_DISK_REST = 60.0
# Seconds for noting what came of events when the sending is cancelled.
LAST_SECONDS = 2.0
# Events that may rest at the same time, in chunks for each request that may be in flight; beyond that, nothing new is
# sent before them.
RESTING_CHUNKS = 10

_REFUSED_CREDENTIALS = frozenset({401, 403})
_TOO_OLD = Verdict(
    "unknown", error="older than 23 hours: it may have been processed, and the key forgotten", error_type="too_old"
)


@dataclass(slots=True)
class _Sorted:
    """What came of the events of one request."""

    delivered: list[Row] = field(default_factory=list["Row"])
    dead: list[tuple[Row, DeadLetter]] = field(default_factory=list["tuple[Row, DeadLetter]"])
    again: list[Row] = field(default_factory=list["Row"])
    trouble: str | None = None
    retry_after: float | None = None


class Courier:
    """Sends stored events in their order, `concurrency` requests at a time.

    However long the platform is down, no more is held in memory than is in flight, and the numbers of what rests.

    Args:
        writer: Gives access to the store.
        delivery: Sends.
        clock: Time and chance.
        linger: Seconds between two requests that are not full, at least.
        tell: Called with the position of each event that has its final verdict, and what came of it.
        bury: Awaited with new dead letters.

    Attributes:
        in_flight: Requests in flight.
        trouble: Why nothing gets through, if nothing does.
    """

    def __init__(
        self,
        writer: Writer,
        delivery: Delivery,
        clock: Clock,
        linger: float,
        tell: Callable[[int, Settled], None],
        bury: Callable[[Sequence[DeadLetter]], Awaitable[None]],
    ) -> None:
        """Begin at the first event."""
        self.in_flight: int = 0
        self.trouble: str | None = None
        self._writer = writer
        self._delivery = delivery
        self._clock = clock
        self._linger = linger
        self._tell = tell
        self._bury = bury
        self._backoff = Backoff()
        self._cursor = 0
        # Events that were read and are not settled: in flight or resting; and of these, the ones that go again now.
        self._held = 0
        self._again: list[int] = []
        # What is known from earlier rounds of those that may have been processed: no refusal unsays it.
        self._in_doubt: dict[int, Verdict] = {}
        self._departed_at = -math.inf
        self._slots = anyio.Semaphore(delivery.concurrency)
        self._work = anyio.Event()
        self._settled = anyio.Event()
        self._is_over = False
        self._group = anyio.create_task_group()

    @property
    def _unread(self) -> int:
        return self._writer.store.committed.pending - self._held

    def wake(self) -> None:
        """Look whether there is something new."""
        if self._unread > 0 or self._again:
            self._work.set()

    async def all_over(self) -> None:
        """Wait until nothing is pending of what is stored by now.

        Raises:
            SpoolError: The disk fails, or the spool is closed before that.
        """
        self.wake()
        settled = self._settled
        first, last = await self._writer.run(lambda store: store.bounds())
        while 0 < first <= last:
            await settled.wait()
            if self._is_over:
                raise SpoolError("the spool was closed before all of it was sent; the rest stays for the next opening")
            settled = self._settled
            first, _ = await self._writer.run(lambda store: store.bounds())

    async def run(self) -> None:
        """Send until cancelled."""
        try:
            await self._run()
        finally:
            self._is_over = True
            self._settled.set()

    async def _run(self) -> None:
        async with self._group:
            while True:
                await self._work.wait()
                self._work = anyio.Event()
                while self._unread > 0 or self._again:
                    await self._pause()
                    await self._slots.acquire()
                    rows = await self._next_rows_at_last()
                    if not rows:
                        self._slots.release()
                        break
                    self._departed_at = self._clock.monotonic()
                    if self._backoff.is_failing:
                        # One request at a time finds out whether the platform is back.
                        await self._carry(rows)
                    else:
                        self._group.start_soon(self._carry, rows)

    async def _pause(self) -> None:
        now = self._clock.monotonic()
        lingering = 0.0 if self._unread >= MAX_CHUNK_EVENTS else self._departed_at + self._linger - now
        seconds = max(lingering, self._backoff.until - now)
        if seconds > 0:
            await self._clock.sleep(seconds)

    async def _next_rows_at_last(self) -> list[Row]:
        """Read what goes next; while the disk fails, try until it does not."""
        rest = DISK_REST
        while True:
            try:
                return await self._next_rows()
            except SpoolError as error:
                logs.spool_trouble(self._writer.store.path, f"is read later: {error.message}")
                await self._clock.sleep(rest)
                rest = min(2 * rest, MAX_DISK_REST)

    async def _next_rows(self) -> list[Row]:
        again = self._again[:MAX_CHUNK_EVENTS]
        if again:
            rows = await self._writer.run(lambda store: store.read_these(again))
            fitting = _fitting(rows)
            self._again = [row.position for row in rows[fitting:]] + self._again[len(again) :]
            return rows[:fitting]
        if self._held >= self._delivery.concurrency * RESTING_CHUNKS * MAX_CHUNK_EVENTS:
            return []
        cursor = self._cursor
        rows = await self._writer.run(lambda store: store.read(cursor, MAX_CHUNK_EVENTS, MAX_CHUNK_BYTES))
        if rows:
            self._cursor = rows[-1].position
            self._held += len(rows)
        return rows

    async def _carry(self, rows: list[Row]) -> None:
        """Send some events, note what came of them, and let those rest that go again."""
        started = self._clock.monotonic()
        self.in_flight += 1
        try:
            outcome = await self._send(rows)
        finally:
            self.in_flight -= 1
            self._slots.release()
        seconds = self._rest_after(outcome, started)
        if outcome.again:
            logs.stored_go_again(len(outcome.again), seconds)
            self._group.start_soon(self._rest, [row.position for row in outcome.again], seconds)

    def _rest_after(self, outcome: _Sorted, started: float) -> float:
        """Return the seconds that events rest which go again; if nothing got through, all others rest as well."""
        if outcome.delivered or outcome.dead:
            self.trouble = None
            self._backoff.succeeded()
            return max(REST, outcome.retry_after or 0.0)
        self.trouble = outcome.trouble
        now = self._clock.monotonic()
        self._backoff.failed(started, now, outcome.retry_after, self._clock.uniform)
        return self._backoff.until - now

    async def _rest(self, positions: list[int], seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._again += positions
        self.wake()

    async def _send(self, rows: list[Row]) -> _Sorted:
        now = self._clock.wall()
        outcome = _Sorted()
        chunk = Chunk()
        for row in rows:
            if now - row.stored_at >= MAX_AGE:
                self._put_aside(outcome, row, Settled(_TOO_OLD, 0))
            else:
                chunk.add(row.position, None, row.body)
        by_position = {row.position: row for row in rows}
        batch = Batch(chunk, lambda position, settled: self._sort(outcome, batch, by_position[position], settled))
        try:
            if len(chunk):
                await self._delivery.send(batch)
        except BaseException:
            with anyio.move_on_after(LAST_SECONDS, shield=True):
                await self._note(outcome)
            raise
        await self._note(outcome)
        return outcome

    def _sort(self, outcome: _Sorted, batch: Batch, row: Row, settled: Settled) -> None:
        if (earlier := self._in_doubt.pop(row.position, None)) is not None:
            settled = replace(settled, verdict=merged(earlier, settled.verdict))
        verdict = settled.verdict
        if verdict.outcome == "accepted":
            outcome.delivered.append(row)
            self._tell(row.position, settled)
        elif verdict.retryable or batch.refusal in _REFUSED_CREDENTIALS:
            outcome.again.append(row)
            outcome.trouble = verdict.error
            if verdict.outcome == "unknown":
                self._in_doubt[row.position] = verdict
            asked = min(settled.retry_after or 0.0, LONGEST_PAUSE)
            outcome.retry_after = max(outcome.retry_after or 0.0, asked) or None
        else:
            self._put_aside(outcome, row, settled)

    def _put_aside(self, outcome: _Sorted, row: Row, settled: Settled) -> None:
        verdict, now = settled.verdict, self._clock.wall()
        letter = DeadLetter(
            row.position, row.body, row.stored_at, now, verdict.outcome, verdict.status_code, verdict.error or ""
        )
        outcome.dead.append((row, letter))
        self._tell(row.position, settled)

    async def _note(self, outcome: _Sorted) -> None:
        """Bring what came of events to the disk; when that fails, try until it is there."""
        if not outcome.delivered and not outcome.dead:
            return
        buried, letters = [row for row, _ in outcome.dead], [letter for _, letter in outcome.dead]
        while True:
            try:
                await self._writer.run(lambda store: store.settle(outcome.delivered, buried, letters))
                break
            except SpoolError as error:
                logs.spool_trouble(self._writer.store.path, f"takes down later what came of events: {error.message}")
                await anyio.sleep(DISK_REST)
        self._held -= len(outcome.delivered) + len(outcome.dead)
        outcomes: list[Outcome] = ["accepted"] * len(outcome.delivered)
        self._delivery.tell_observer([*outcomes, *(letter.outcome for letter in letters)])
        # Between the two counts going down, new events may have been overlooked.
        self.wake()
        self._settled.set()
        self._settled = anyio.Event()
        await self._bury(letters)


def _fitting(rows: Sequence[Row]) -> int:
    """Return how many of the first rows fit into one request; one at least."""
    size = 1
    for count, row in enumerate(rows):
        size += len(row.body) + 1
        if count and size > MAX_CHUNK_BYTES:
            return count
    return len(rows)
