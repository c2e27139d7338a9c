"""What a relay does: claims some records, sends them, and brings what they came to to the tables."""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import anyio

from suprsend_async import logs
from suprsend_async.buffering.batch import LONGEST_PAUSE
from suprsend_async.buffering.spool.backoff import Backoff
from suprsend_async.buffering.spool.sender import DISK_REST, LAST_SECONDS, MAX_DISK_REST, REST
from suprsend_async.bulk.chunk import HELD_BACK
from suprsend_async.bulk.key_order import KeyOrder
from suprsend_async.bulk.kind import MAX_CHUNK_RECORDS
from suprsend_async.bulk.limiter import AdaptiveLimiter
from suprsend_async.bulk.send_queue import InputOrder, SendQueue
from suprsend_async.errors import ConfigurationError
from suprsend_async.outbox import statements
from suprsend_async.outbox.database import FAILURES, reason_of
from suprsend_async.outbox.judgement import Results, judge, verdict_before
from suprsend_async.outbox.records import sendable_kinds
from suprsend_async.outbox.reports import OutboxStats
from suprsend_async.tasks import Group
from suprsend_async.transport.clock import check_clock, sleep
from suprsend_async.transport.outages import Outage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from suprsend_async.api.verdict import Verdict
    from suprsend_async.bulk.chunk import Chunk
    from suprsend_async.bulk.kind import RecordKind
    from suprsend_async.bulk.send_queue import Order
    from suprsend_async.bulk.sender import BulkSender
    from suprsend_async.events.event import Event
    from suprsend_async.outbox.database import Database
    from suprsend_async.outbox.records import ClaimedRecord
    from suprsend_async.outcome import Outcome

T = TypeVar("T")

# Rounds that go side by side, so that one slow request does not keep all others waiting.
ROUNDS = 2
# Seconds that requests in flight, and the noting of what they come to, get to end when a relay is stopped.
STOP_SECONDS = 5.0
# How often a lease is renewed while it lasts.
RENEWALS = 3


@dataclass(frozen=True, slots=True)
class RelayOptions:
    """The bounds of a relay.

    Attributes:
        ordered: Whether the records of one user are sent in the order in which they were stored.
        lease: Seconds for which records are claimed.
        poll: Seconds between two looks at a table that had nothing.
    """

    ordered: bool
    lease: float
    poll: float


class Rounds:
    """Claims and sends, round by round, until it is stopped.

    Args:
        database: The database.
        sender: The client's, whose connections and credentials are used.
        options: The bounds.

    Attributes:
        owner: What this relay is called in the table.
        is_over: Whether nothing is sent any more.
    """

    def __init__(self, database: Database, sender: BulkSender[Event], options: RelayOptions) -> None:
        """Prepare; nothing is claimed."""
        self.owner: str = secrets.token_hex(8)
        self.is_over: bool = False
        self._database = database
        self._transport = sender.transport
        self._concurrency = sender.concurrency
        self._clock = sender.transport.session.clock
        self._options = options
        self._kinds = sendable_kinds(sender.transport.session.credentials.workspace)
        self._limiters = {name: self._limiter() for name in self._kinds}
        self._backoff = Backoff()
        self._outage = Outage(logs.StoreFailing("outbox", "the outbox's database"))
        # Numbers of what is claimed and not sent, which goes back at the end.
        self._unsent: set[int] = set()
        self._counts = OutboxStats(0, 0, 0, 0.0, 0)
        self._slots = anyio.Semaphore(ROUNDS)
        self._stopping = anyio.CancelScope()
        self._progress = anyio.Event()
        self._is_woken = False
        self._idling: anyio.CancelScope | None = None
        # What is being noted, and until when that is tried: without end, until it is stopped.
        self._notes: set[anyio.CancelScope] = set()
        self._notes_until = math.inf

    def _limiter(self) -> AdaptiveLimiter:
        session = self._transport.session
        return AdaptiveLimiter(
            self._concurrency, self._clock, self._transport.timeout, LONGEST_PAUSE, now=session.server_now
        )

    def counted(self, tables: OutboxStats) -> OutboxStats:
        """Return what the tables hold with what this relay has done."""
        own = self._counts
        return replace(
            tables,
            accepted=own.accepted,
            rejected=own.rejected,
            unknown=own.unknown,
            tried_again=own.tried_again,
            last_error=own.last_error,
        )

    def wake(self) -> None:
        """Look for new records now."""
        self._is_woken = True
        if self._idling is not None:
            self._idling.cancel()

    def stop(self) -> None:
        """Claim nothing more, and send no more than what is in flight."""
        self._stopping.cancel()
        self._notes_until = anyio.current_time() + STOP_SECONDS
        for scope in self._notes:
            scope.deadline = self._notes_until
        for limiter in self._limiters.values():
            limiter.close()

    async def all_sent(self) -> None:
        """Wait until nothing is left of what is committed by now.

        Raises:
            ConfigurationError: It is stopped before that, or a test has stopped the clock.
        """
        last: int | None = None
        while not self.is_over:
            check_clock()
            progress = self._progress
            found = await self._once(statements.bounds)
            if found is not None:
                last = found[1] if last is None else last
                if not 0 < found[0] <= last:
                    return
            self.wake()
            with anyio.move_on_after(self._options.poll):
                await progress.wait()
        check_clock()
        raise ConfigurationError("the relay was closed before all records were sent; the rest stays in the table")

    async def run(self) -> None:
        """Work until stopped or cancelled; what was claimed and not sent is given back."""
        try:
            async with Group() as group:
                group.start_soon(self._renew_now_and_then)
                await self._claim_and_send()
                group.cancel_scope.cancel()
        finally:
            self.is_over = True
            self._progress.set()
            with anyio.move_on_after(LAST_SECONDS, shield=True):
                await self._give_back()

    async def _claim_and_send(self) -> None:
        async with Group() as rounds:
            with self._stopping:
                while True:
                    await self._slots.acquire()
                    await self._pause()
                    while self._backoff.is_failing and self._slots.value < ROUNDS - 1:
                        # One request at a time finds out whether the platform is back.
                        await self._progress.wait()
                        await self._pause()
                    limit = MAX_CHUNK_RECORDS * (1 if self._backoff.is_failing else self._concurrency)
                    if records := await self._claim(limit):
                        rounds.start_soon(self._round, records)
                    else:
                        self._slots.release()
                        await self._idle()

    async def _pause(self) -> None:
        if (seconds := self._backoff.until - self._clock.monotonic()) > 0:
            await self._clock.sleep(seconds)

    async def _idle(self) -> None:
        """Wait for the next look, or until woken."""
        if not self._is_woken:
            check_clock()
            with anyio.move_on_after(self._options.poll) as self._idling:
                await anyio.sleep_forever()
            self._idling = None
        self._is_woken = False

    async def _claim(self, limit: int) -> list[ClaimedRecord]:
        claim = partial(
            statements.claim,
            owner=self.owner,
            lease=self._options.lease,
            limit=limit,
            kinds=tuple(self._kinds),
            ordered=self._options.ordered,
        )
        records: list[ClaimedRecord] | None = None
        # Whole, even when it is stopped: what was claimed must be known here, to be given back.
        with anyio.CancelScope(shield=True):
            records = await self._once(claim)
        if records is None:
            return []
        self._unsent.update(record.id for record in records)
        return records

    async def _once(self, do: Callable[[Connection], T]) -> T | None:
        """Run it on the database; None if that fails, which is logged."""
        began = self._clock.monotonic()
        try:
            result = await self._database.run(do)
        except FAILURES as error:
            reason = reason_of(error)
            self._note_error(reason)
            self._outage.failed(self._database.name, reason, self._clock.monotonic())
            return None
        self._outage.succeeded(self._database.name, began, self._clock.monotonic())
        return result

    async def _round(self, records: list[ClaimedRecord]) -> None:
        """Send what was claimed, each kind its own way."""
        try:
            stale = [(record, verdict) for record in records if (verdict := verdict_before(record)) is not None]
            if stale:
                await self._note(Results(dead=stale, error=stale[-1][1].error), 0.0)
            gone = {record.id for record, _ in stale}
            async with Group() as group:
                for name, kind in self._kinds.items():
                    of_kind = [record for record in records if record.kind == name and record.id not in gone]
                    if of_kind:
                        group.start_soon(self._send, kind, self._limiters[name], of_kind)
        finally:
            self._slots.release()
            self._progress.set()
            self._progress = anyio.Event()

    async def _send(
        self, kind: RecordKind[ClaimedRecord], limiter: AdaptiveLimiter, records: Sequence[ClaimedRecord]
    ) -> None:
        ordered = self._options.ordered
        order: Order[ClaimedRecord] = KeyOrder(kind, self._concurrency) if ordered else InputOrder(kind)
        queue = SendQueue(order)
        for index, record in enumerate(records):
            order.add(index, record, kind.encode(record))
        queue.end()
        with self._transport.observed("outbox"):
            async with Group() as group:
                for _ in range(min(self._concurrency, len(records))):
                    group.start_soon(self._send_chunks, queue, limiter)

    async def _send_chunks(self, queue: SendQueue[ClaimedRecord], limiter: AdaptiveLimiter) -> None:
        while not limiter.closed and (chunk := await queue.take()) is not None:
            started = self._clock.monotonic()
            self._unsent.difference_update(record.id for record in chunk.records if record is not None)
            try:
                if chunk.is_sendable and await self._may_send(chunk):
                    await self._transport.send(chunk, limiter)
            finally:
                queue.finished(chunk)
                await self._finish(chunk, limiter, started)

    async def _may_send(self, chunk: Chunk[ClaimedRecord]) -> bool:
        """Note that what must not be repeated is sent now, as it has to be known should this process be killed."""
        ids = [record.id for record in chunk.records if record is not None and not record.repeatable]
        begin_try = partial(statements.begin_try, owner=self.owner, ids=ids)
        return not ids or await self._once(begin_try) is True

    async def _finish(self, chunk: Chunk[ClaimedRecord], limiter: AdaptiveLimiter, started: float) -> None:
        results = judge(
            (record, verdict)
            for record, verdict in zip(chunk.records, chunk.verdicts, strict=True)
            if record is not None
        )
        rest = self._rest_after(results, chunk.verdicts, limiter, started)
        await self._note(results, rest)

    def _rest_after(
        self, results: Results, verdicts: Sequence[Verdict], limiter: AdaptiveLimiter, started: float
    ) -> float:
        """Return how many seconds retryable records wait; if nothing got through, all others wait too."""
        if limiter.closed:
            return 0.0
        now = self._clock.monotonic()
        asked = max(0.0, limiter.pressure.paused_until - now)
        if results.got_through:
            self._backoff.succeeded()
            return max(REST, asked)
        if all(verdict is HELD_BACK for verdict in verdicts):
            return REST
        self._backoff.failed(started, now, asked or None, self._clock.uniform)
        return self._backoff.until - now

    async def _note(self, results: Results, rest: float) -> None:
        """Bring results to the tables; while the database fails, try until it does not."""
        self._unsent.difference_update(record.id for record, _ in results.dead)
        finish = partial(statements.finish, owner=self.owner, results=results, rest=rest, ordered=self._options.ordered)
        pause = DISK_REST
        with anyio.CancelScope(shield=True, deadline=self._notes_until) as scope:
            self._notes.add(scope)
            try:
                while (dead := await self._once(finish)) is None:
                    await sleep(pause)
                    pause = min(2 * pause, MAX_DISK_REST)
                self._count(results, dead)
            finally:
                self._notes.discard(scope)

    def _count(self, results: Results, dead: int) -> None:
        own = self._counts
        refused = sum(verdict.outcome == "rejected" for _, verdict in results.dead)
        self._counts = replace(
            own,
            accepted=own.accepted + len(results.accepted),
            rejected=own.rejected + refused,
            unknown=own.unknown + len(results.dead) - refused,
            tried_again=own.tried_again + results.again,
            last_error=results.error or own.last_error,
        )
        if dead:
            logs.records_died("outbox", dead)
        outcomes: list[Outcome] = ["accepted"] * len(results.accepted)
        self._transport.report_finished([*outcomes, *(verdict.outcome for _, verdict in results.dead)])

    def _note_error(self, error: str) -> None:
        self._counts = replace(self._counts, last_error=error)

    async def _renew_now_and_then(self) -> None:
        while True:
            await sleep(self._options.lease / RENEWALS)
            if self._unsent or self._slots.value < ROUNDS:
                await self._once(partial(statements.renew, owner=self.owner, lease=self._options.lease))

    async def _give_back(self) -> None:
        unsent = sorted(self._unsent)
        self._unsent.clear()
        for first in range(0, len(unsent), MAX_CHUNK_RECORDS):
            ids = unsent[first : first + MAX_CHUNK_RECORDS]
            await self._once(partial(statements.put_back, owner=self.owner, ids=ids))
