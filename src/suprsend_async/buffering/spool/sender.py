"""Sends what is stored: reads a little, sends it, and notes what it came to."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from suprsend_async import logs
from suprsend_async.api.verdict import NOT_REPEATABLE, merged
from suprsend_async.buffering.batch import LONGEST_PAUSE, Batch, BatchResult
from suprsend_async.buffering.kinds import EDIT, requests_at_once
from suprsend_async.buffering.spool.age import age, verdict_of_age
from suprsend_async.buffering.spool.backoff import Backoff
from suprsend_async.buffering.spool.contents import SpoolRow
from suprsend_async.buffering.spool.dead_letters import DeadLetter
from suprsend_async.bulk.kind import Room
from suprsend_async.bulk.limiter import AdaptiveLimiter
from suprsend_async.errors import SpoolError
from suprsend_async.tasks import Group
from suprsend_async.transport.retry import REFUSED_CREDENTIALS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from suprsend_async.api.verdict import Verdict
    from suprsend_async.buffering.kinds import KindName, RecordKinds
    from suprsend_async.buffering.spool.age import Ages
    from suprsend_async.buffering.spool.store import SpoolStore
    from suprsend_async.buffering.spool.writer import Writer
    from suprsend_async.bulk.kind import RecordKind
    from suprsend_async.bulk.sender import BulkSender
    from suprsend_async.outcome import Outcome
    from suprsend_async.transport.outages import Outage

T = TypeVar("T")

# Seconds until a record goes again that failed while others got through.
REST = 30.0
# Seconds until the disk is tried again when it has failed; for reading, more each time, up to the second number.
DISK_REST = 1.0
MAX_DISK_REST = 60.0
# Seconds for noting results when the sending is cancelled.
LAST_SECONDS = 2.0
# Records that may rest at the same time, in chunks for each request that may be in flight; beyond that, nothing new is
# sent before them.
RESTING_CHUNKS = 10


@dataclass(slots=True)
class _Round:
    """What the records of one request came to; `got_through` if any is over since the platform, or its age, said so."""

    delivered: list[SpoolRow] = field(default_factory=list[SpoolRow])
    dead: list[tuple[SpoolRow, DeadLetter]] = field(default_factory=list[tuple[SpoolRow, DeadLetter]])
    again: list[SpoolRow] = field(default_factory=list[SpoolRow])
    got_through: bool = False
    trouble: str | None = None
    retry_after: float | None = None


class SpoolSender:
    """Sends the stored records of one kind in their order, `concurrency` requests at a time; edits one at a time.

    However long the platform is down, no more is held in memory than is in flight, and the numbers of what rests.

    An edit that must not be repeated is noted as begun before it is sent. Once a try may have arrived it becomes a dead
    letter, whether this process learns its verdict or is killed, and the next one finds the note.

    Args:
        name: The kind of record.
        kinds: The kinds.
        writer: Gives access to the store.
        sender: Sends.
        ages: Tells how old a record is.
        disk: Logs when the store fails.
        linger: Seconds between two requests that are not full, at least.
        notify: Called with the position of each record that has its final result, and the result.
        report: Awaited with new dead letters.
        note_error: Called with what went wrong with an attempt or a record.

    Attributes:
        in_flight: Requests in flight.
        trouble: Why nothing gets through, if nothing does.
    """

    def __init__(
        self,
        name: KindName,
        kinds: RecordKinds,
        writer: Writer,
        sender: BulkSender[Any],
        ages: Ages,
        disk: Outage,
        linger: float,
        notify: Callable[[int, BatchResult], None],
        report: Callable[[Sequence[DeadLetter]], Awaitable[None]],
        note_error: Callable[[str | None], None],
    ) -> None:
        """Begin at the first record."""
        self.in_flight: int = 0
        self.trouble: str | None = None
        self._name: KindName = name
        self._writer = writer
        self._kind = kinds.carried_by(SpoolRow, name)
        self._is_ordered = name == EDIT
        self._concurrency = requests_at_once(name, sender.concurrency)
        self._transport = sender.transport
        session = sender.transport.session
        self._clock = session.clock
        self._limiter = AdaptiveLimiter(
            self._concurrency, self._clock, sender.transport.timeout, LONGEST_PAUSE, now=session.server_now
        )
        self._ages = ages
        self._linger = linger
        self._notify = notify
        self._report = report
        self._note_error = note_error
        self._backoff = Backoff()
        self._disk = disk
        self._cursor = 0
        # Records that were read and are not finished: in flight or resting; how many rest, and which go again now.
        self._held = 0
        self._resting = 0
        self._again: deque[int] = deque()
        # What is known from earlier rounds of those that may have been processed: no refusal unsays it.
        self._in_doubt: dict[int, Verdict] = {}
        self._departed_at = -math.inf
        self._lingering: anyio.CancelScope | None = None
        # How many wait until all is sent: nothing lingers meanwhile.
        self._flushes = 0
        self._slots = anyio.Semaphore(self._concurrency)
        self._work = anyio.Event()
        self._finished = anyio.Event()
        self._is_over = False
        self._group = Group()

    @property
    def _unread(self) -> int:
        return self._writer.store.committed.pending_of(self._name) - self._held

    def wake(self) -> None:
        """Look whether there is something new."""
        unread = self._unread
        if unread > 0 or self._again:
            self._work.set()
        if self._lingering is not None and (self._flushes or unread >= self._kind.max_records):
            self._lingering.cancel()

    async def all_over(self, last: int) -> None:
        """Wait until nothing is pending up to a position.

        Raises:
            SpoolError: The disk fails, or the spool is closed before that.
        """
        self._flushes += 1
        try:
            self.wake()
            finished = self._finished
            first, _ = await self._writer.run(self._bounds)
            while 0 < first <= last:
                await finished.wait()
                if self._is_over:
                    raise SpoolError(
                        "the spool was closed before all events were sent; the next opening sends the rest"
                    )
                finished = self._finished
                first, _ = await self._writer.run(self._bounds)
        finally:
            self._flushes -= 1

    def _bounds(self, store: SpoolStore) -> tuple[int, int]:
        return store.bounds(self._name)

    async def run(self) -> None:
        """Send until cancelled."""
        try:
            await self._run()
        finally:
            self._is_over = True
            self._finished.set()

    async def _run(self) -> None:
        async with self._group:
            while True:
                await self._work.wait()
                self._work = anyio.Event()
                while self._unread > 0 or self._again:
                    await self._pause()
                    await self._slots.acquire()
                    rows = await self._next_rows()
                    if not rows:
                        self._slots.release()
                        break
                    self._departed_at = self._clock.monotonic()
                    if self._backoff.is_failing:
                        # One request at a time finds out whether the platform is back.
                        await self._send_rows(rows)
                    else:
                        self._group.start_soon(self._send_rows, rows)

    async def _pause(self) -> None:
        now = self._clock.monotonic()
        seconds = self._departed_at + self._linger - now
        if seconds > 0 and not self._flushes and self._unread < self._kind.max_records:
            with anyio.CancelScope() as self._lingering:
                await self._clock.sleep(seconds)
            self._lingering = None
            now = self._clock.monotonic()
        if (seconds := self._backoff.until - now) > 0:
            await self._clock.sleep(seconds)

    async def _next_rows(self) -> list[SpoolRow]:
        if self._resting and self._is_ordered:
            # What rests comes first: a later edit of the same user must not overtake an earlier one.
            return []
        most = self._most_records()
        if again := list(islice(self._again, most)):
            rows = await self._ask(lambda store: store.read_these(again, self._name))
            fitting = _fitting(self._kind, rows)
            for _ in again:
                self._again.popleft()
            self._again.extendleft(row.position for row in reversed(rows[fitting:]))
            return rows[:fitting]
        if self._held >= self._concurrency * RESTING_CHUNKS * self._kind.max_records:
            return []
        cursor = self._cursor
        rows = await self._ask(lambda store: store.read(cursor, Room(most, self._kind.max_bytes), self._name))
        if rows:
            self._cursor = rows[-1].position
            self._held += len(rows)
        return rows

    def _most_records(self) -> int:
        # Where a try may cost what must not be repeated, one record finds out whether the platform is back.
        is_costly = self._backoff.is_failing and self._kind.is_repeatable is not None
        return 1 if is_costly else self._kind.max_records

    async def _ask(self, do: Callable[[SpoolStore], T]) -> T:
        return await self._once_possible(do, self._clock.sleep, longest_rest=MAX_DISK_REST)

    async def _once_possible(
        self, do: Callable[[SpoolStore], T], sleep: Callable[[float], Awaitable[None]], longest_rest: float
    ) -> T:
        """Run a job on the store; while the disk fails, try until it does not."""
        where, rest = str(self._writer.store.path), DISK_REST
        while True:
            began = self._clock.monotonic()
            try:
                result = await self._writer.run(do)
            except SpoolError as error:
                self._disk.failed(where, error.message, self._clock.monotonic())
                await sleep(rest)
                rest = min(2 * rest, longest_rest)
            else:
                self._disk.succeeded(where, began, self._clock.monotonic())
                return result

    async def _send_rows(self, rows: list[SpoolRow]) -> None:
        """Send some records, note their results, and let those rest that are sent again."""
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
            self._resting += len(outcome.again)
            self._group.start_soon(self._rest, [row.position for row in outcome.again], seconds)

    def _rest_after(self, outcome: _Round, started: float) -> float:
        """Return how many seconds retryable records wait; if nothing got through, all others wait too."""
        if outcome.got_through:
            self.trouble = None
            self._backoff.succeeded()
            return max(REST, outcome.retry_after or 0.0)
        self.trouble = outcome.trouble
        now = self._clock.monotonic()
        self._backoff.failed(started, now, outcome.retry_after, self._clock.uniform)
        return self._backoff.until - now

    async def _rest(self, positions: list[int], seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._resting -= len(positions)
        self._again.extendleft(reversed(positions)) if self._is_ordered else self._again.extend(positions)
        self.wake()

    async def _send(self, rows: list[SpoolRow]) -> _Round:
        moment = self._ages.stamp()
        outcome = _Round()
        by_position = {row.position: row for row in rows}

        def report(position: int, result: BatchResult) -> None:
            self._sort(outcome, batch, by_position[position], result)

        batch: Batch[SpoolRow] = Batch(self._kind, report, self._note_error)
        begun: list[int] = []
        for row in rows:
            verdict = (
                verdict_of_age(age(row.stored_at, row.monotonic, *moment)) if row.begun_at is None else NOT_REPEATABLE
            )
            if verdict is not None:
                self._reject(outcome, row, BatchResult(verdict, 0))
                continue
            batch.add(row.position, row, row.body)
            if not row.repeatable:
                begun.append(row.position)
        try:
            if begun:
                await self._ask(lambda store: store.begin_try(begun, moment[0]))
            if len(batch):
                await batch.send(self._transport, self._limiter)
        except BaseException as error:
            # Cancelled, it is known what may have arrived; otherwise the notes stay.
            is_known = isinstance(error, anyio.get_cancelled_exc_class())
            with anyio.move_on_after(LAST_SECONDS, shield=True):
                await self._note(outcome, begun if is_known else ())
            raise
        await self._note(outcome, begun)
        return outcome

    def _sort(self, outcome: _Round, batch: Batch[SpoolRow], row: SpoolRow, result: BatchResult) -> None:
        if (earlier := self._in_doubt.pop(row.position, None)) is not None:
            result = replace(result, verdict=merged(earlier, result.verdict))
        verdict = result.verdict
        if verdict.outcome == "accepted":
            outcome.delivered.append(row)
            outcome.got_through = True
            self._notify(row.position, result)
            return
        self._note_error(verdict.error)
        is_refused_login = batch.refusal in REFUSED_CREDENTIALS
        may_pass = verdict.retryable or is_refused_login
        if may_pass:
            outcome.trouble = verdict.error
        is_undone = verdict.is_undone or (is_refused_login and verdict.outcome == "rejected")
        if may_pass and (row.repeatable or is_undone):
            outcome.again.append(row)
            if verdict.outcome == "unknown":
                self._in_doubt[row.position] = verdict
            asked = min(result.retry_after or 0.0, LONGEST_PAUSE)
            outcome.retry_after = max(outcome.retry_after or 0.0, asked) or None
        else:
            self._reject(outcome, row, result)

    def _reject(self, outcome: _Round, row: SpoolRow, result: BatchResult) -> None:
        # What may pass, and is only not repeated, says that the platform cannot be reached.
        outcome.got_through = outcome.got_through or not result.verdict.retryable
        verdict, (now, _) = result.verdict, self._ages.stamp()
        dead_letter = DeadLetter(
            row.position,
            row.body,
            row.stored_at,
            now,
            verdict.outcome,
            verdict.status_code,
            verdict.error or "",
            row.kind,
            row.repeatable,
        )
        outcome.dead.append((row, dead_letter))
        self._notify(row.position, result)

    async def _note(self, outcome: _Round, begun: Sequence[int]) -> None:
        """Bring the results to the disk; when that fails, try until they are there."""
        rejected, dead_letters = [row for row, _ in outcome.dead], [each for _, each in outcome.dead]
        over = {row.position for row in (*outcome.delivered, *rejected)} if begun else ()
        # All others were not sent, or surely not taken: of what may have arrived there is a dead letter.
        undone = [position for position in begun if position not in over]
        if not outcome.delivered and not outcome.dead and not undone:
            return
        # What was sent waits in memory for this.
        await self._once_possible(
            lambda store: store.finish(outcome.delivered, rejected, dead_letters, undone),
            anyio.sleep,
            longest_rest=DISK_REST,
        )
        self._held -= len(outcome.delivered) + len(outcome.dead)
        outcomes: list[Outcome] = ["accepted"] * len(outcome.delivered)
        self._transport.report_finished([*outcomes, *(each.outcome for each in dead_letters)])
        # Between the two counts going down, new records may have been overlooked.
        self.wake()
        self._finished.set()
        self._finished = anyio.Event()
        await self._report(dead_letters)


def _fitting(kind: RecordKind[SpoolRow], rows: Sequence[SpoolRow]) -> int:
    """Return how many of the first rows fit into one request; one at least."""
    room = kind.room()
    return next((count for count, row in enumerate(rows) if not room.take(row.body)), len(rows))
