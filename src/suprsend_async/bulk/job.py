"""One bulk on its way: a reader, senders, and an owner that awaits them all."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Generator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import TYPE_CHECKING, Generic, Self, TypeVar, cast

import anyio

from suprsend_async import logs
from suprsend_async.api.verdict import Verdict
from suprsend_async.bulk.key_order import KeyOrder
from suprsend_async.bulk.limiter import AdaptiveLimiter
from suprsend_async.bulk.progress import Meter
from suprsend_async.bulk.send_queue import InputOrder, Order, SendQueue
from suprsend_async.callbacks import REPORT_SECONDS, Callback, call
from suprsend_async.checks import class_of
from suprsend_async.errors import ValidationError
from suprsend_async.tasks import Group, OwnedTask, foreign_cancellation

if TYPE_CHECKING:
    from types import TracebackType

    from suprsend_async.bulk.chunk import Chunk
    from suprsend_async.bulk.kind import RecordKind
    from suprsend_async.bulk.progress import Progress
    from suprsend_async.outcome import Outcome
    from suprsend_async.transport.transport import Transport

R = TypeVar("R")
T = TypeVar("T")

# Seconds that chunks in flight get to end when a job is stopped.
DRAIN_SECONDS = 5.0
# Seconds between two reports of the progress.
PROGRESS_SECONDS = 0.1


class Job(Generic[R]):
    """Sends what a source yields, at most `concurrency` chunks at a time.

    The reader waits while a finished chunk waits for a sender, so there are never more than `concurrency` and one
    chunks, however long the source is.

    Use it as an asynchronous context manager: leaving the block early stops reading, awaits the chunks in flight
    and has them reported.

    Args:
        transport: Sends the chunks.
        kind: The kind of record.
        source: The records; anything in it that is none fails alone.
        report: Awaited with each chunk that is over.
        concurrency: Chunks in flight at most.
        ordered: Whether records with a key in common are sent in the source's order.
        on_progress: Called with the progress, at most 10 times a second, and once at the end.
        operation: The call that it stands for, in telemetry.
        in_batches: Whether the source, an asynchronous one, yields lists of records: what comes together costs less.
    """

    def __init__(
        self,
        transport: Transport,
        kind: RecordKind[R],
        source: Iterable[object] | AsyncIterable[object],
        report: Callable[[Chunk[R]], Awaitable[None]],
        *,
        concurrency: int,
        ordered: bool,
        on_progress: Callback[Progress] | None,
        operation: str,
        in_batches: bool = False,
    ) -> None:
        self._transport = transport
        self._kind = kind
        self._source = source
        self._in_batches = in_batches
        self._report = report
        self._concurrency = concurrency
        self._on_progress = on_progress
        self._operation = operation
        self._order: Order[R] = KeyOrder(kind, concurrency) if ordered else InputOrder(kind)
        self._queue = SendQueue(self._order)
        clock = transport.session.clock
        self._limiter = AdaptiveLimiter(concurrency, clock, transport.timeout, now=transport.session.server_now)
        self._meter = Meter(clock.monotonic())
        self._error: Exception | None = None
        # Outcome and status of the records that were not accepted, and how many there are of each.
        self._failures: Counter[tuple[Outcome, int | None]] = Counter()
        self._reading: anyio.CancelScope = anyio.CancelScope()
        # Records that are over, each of them released as another one is read. Python's garbage collector sets in when
        # so many more objects were made than released since the last time; released by the chunk, they would not count
        # for those of the next, and it would look through all records in flight again and again, and find nothing.
        # With these, there are never more records than were once in flight together.
        self._over: list[R | None] = []
        self._is_read = False
        # Reports are not cancelled with the bulk, but once it was left they have to end some time.
        self._reports: set[anyio.CancelScope] = set()
        self._reports_until = math.inf

    async def __aenter__(self) -> Self:
        """Start.

        Raises:
            ConfigurationError: No connection can be made with what the environment says.
        """
        await self._transport.session.loops.current()
        self._task = OwnedTask(self._run())
        return self

    async def done(self) -> None:
        """Wait until everything is sent and reported.

        Raises:
            Exception: What the source or a callback raised.
        """
        await self._task.join()
        if self._error is not None:
            raise self._error

    def when_over(self, callback: Callable[[], None]) -> None:
        """Call back once everything is sent and reported, or the job was given up."""
        self._task.when_over(callback)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop reading, give the chunks in flight a few seconds to end, and see them reported."""
        self._stop()
        await self._task.finish(DRAIN_SECONDS, before_cancel=self._limit_reports)

    def _stop(self) -> None:
        self._reading.cancel()
        self._limiter.close()
        self._queue.end()

    def _limit_reports(self) -> None:
        """Give the callbacks that run, and those yet to be called, a last few seconds."""
        if self._reports_until == math.inf:
            self._reports_until = anyio.current_time() + REPORT_SECONDS
            for scope in self._reports:
                scope.deadline = self._reports_until

    async def _run(self) -> None:
        with self._transport.observed(self._operation):
            await self._read_and_send()
        accepted, finished = self._meter.outcomes["accepted"], sum(self._meter.outcomes.values())
        session = self._transport.session
        counted = [session.count_lost(*failure, count) for failure, count in self._failures.items()]
        logs.bulk_finished(self._operation, self._kind.noun, accepted, finished - accepted, is_counted=all(counted))
        await self._report_progress(done=True)

    async def _read_and_send(self) -> None:
        async with Group() as everything:
            everything.start_soon(self._watch)
            everything.start_soon(self._report_progress_now_and_then)
            async with Group() as work:
                work.start_soon(self._read)
                for _ in range(self._concurrency):
                    work.start_soon(self._send)
            everything.cancel_scope.cancel()

    async def _watch(self) -> None:
        """Notice when the job is cancelled by somebody else than its owner, as by the end of its loop.

        In its own task: a callback of the user's might swallow the cancellation.
        """
        try:
            await anyio.sleep_forever()
        finally:
            # Nobody may be left who takes results: a loop that ends must not wait for ever.
            self._limit_reports()

    async def _report_progress_now_and_then(self) -> None:
        while self._on_progress is not None:
            await anyio.sleep(PROGRESS_SECONDS)
            await self._report_progress()

    async def _read(self) -> None:
        queue = self._queue
        try:
            with self._reading, foreign_cancellation("the source"):
                async with self._closing_source():
                    if isinstance(self._source, AsyncIterable):
                        async for record in self._source:
                            if self._in_batches:
                                if not await self._take_batch(cast("Sequence[object]", record)):
                                    break
                            elif (self._take(record) or queue.wanted) and not await queue.room():
                                break
                    else:
                        await self._read_plain(iter(self._source))
        except Exception as error:  # noqa: BLE001 - what the user's code raises is raised again at the end
            self._error = self._error or error
        finally:
            # What was read before the source ended or failed is sent.
            queue.end()
            self._is_read = True
            self._over.clear()

    async def _read_plain(self, source: Iterator[object]) -> None:
        """Read an iterable that cannot wait, many records at a time."""
        queue = self._queue
        while True:
            count = self._meter.read
            is_full = self._take_many(islice(source, self._order.gap))
            if self._meter.read == count or ((is_full or queue.wanted) and not await queue.room()):
                break

    @asynccontextmanager
    async def _closing_source(self) -> AsyncGenerator[None]:
        """End a generator that was left early here, and not when it is collected: what it has open is closed now."""
        try:
            yield
        finally:
            source: object = self._source
            if isinstance(source, AsyncGenerator):
                await cast("AsyncGenerator[object]", source).aclose()
            elif isinstance(source, Generator):
                cast("Generator[object]", source).close()

    async def _take_batch(self, records: Sequence[object]) -> bool:
        """Take in a batch, as the queue has room for it; returns whether more is wanted."""
        queue, begin = self._queue, self._meter.read
        while (taken := self._meter.read - begin) < len(records):
            is_full = self._take_many(records[taken : taken + self._order.gap])
            if (is_full or queue.wanted) and not await queue.room():
                return False
        return True

    def _not_of_the_kind(self, index: int, record: object) -> Verdict:
        expected = self._kind.type.__name__
        given = class_of(record, expected)
        problem = f"the source's item {index} is of type {given}, not {_article(expected)} {expected}"
        return Verdict("rejected", error=problem)

    def _take(self, record: object) -> bool:
        index = self._meter.read
        self._meter.read = index + 1
        if self._over:
            self._over.pop()
        if not isinstance(record, self._kind.type):
            return self._order.refuse(index, None, self._not_of_the_kind(index, record))
        try:
            body = self._kind.encode(record)
        except ValidationError as error:
            return self._order.refuse(index, record, Verdict("rejected", error=error.message))
        return self._order.add(index, record, body)

    def _take_many(self, records: Iterable[object]) -> bool:
        """Take in what comes, each record before the next is read: a source may use its values for that again.

        What came before the source raised is taken in as well. No more is read than a request has room for. Returns
        whether the queue is full.
        """
        order, meter, kind, encode, over = self._order, self._meter, self._kind.type, self._kind.encode, self._over
        run: list[R] = []
        bodies: list[bytes] = []
        room = self._kind.max_bytes
        try:
            for record in records:
                if over:
                    over.pop()
                if not isinstance(record, kind):
                    refusal, refused = self._not_of_the_kind(meter.read + len(run), record), None
                else:
                    try:
                        bodies.append(encode(record))
                    except ValidationError as error:
                        refusal, refused = Verdict("rejected", error=error.message), record
                    else:
                        run.append(record)
                        room -= len(bodies[-1])
                        if room > 0:
                            continue
                        break
                order.extend(meter.read, run, bodies)
                meter.read += len(run) + 1
                order.refuse(meter.read - 1, refused, refusal)
                run, bodies = [], []
        finally:
            order.extend(meter.read, run, bodies)
            meter.read += len(run)
            # The source's error keeps this frame, and reporters of crashes record its variables.
            del bodies
        return order.is_full

    async def _send(self) -> None:
        while (chunk := await self._queue.take()) is not None:
            chunk.on_request = self._meter.request
            try:
                if chunk.is_sendable:
                    await self._transport.send(chunk, self._limiter)
            finally:
                self._queue.finished(chunk)
                outcomes = chunk.outcomes()
                self._meter.finished(outcomes)
                self._transport.report_finished(outcomes)
                if outcomes.count("accepted") < len(outcomes):
                    failures = [verdict for verdict in chunk.verdicts if verdict.outcome != "accepted"]
                    self._failures.update((verdict.outcome, verdict.status_code) for verdict in failures)
                await self._report_chunk(chunk)
                if not self._is_read:
                    self._over += chunk.records
                del chunk

    async def _report_chunk(self, chunk: Chunk[R]) -> None:
        with anyio.CancelScope(shield=True, deadline=self._reports_until) as scope:
            self._reports.add(scope)
            try:
                await self._call(self._report, chunk)
            finally:
                self._reports.discard(scope)

    async def _report_progress(self, *, done: bool = False) -> None:
        if self._on_progress is not None:
            now = self._transport.session.clock.monotonic()
            progress = self._meter.progress(now, self._limiter.pressure, done=done)
            await self._call(self._on_progress, progress)

    async def _call(self, callback: Callback[T], argument: T) -> None:
        try:
            await call(callback, argument)
        except Exception as error:  # noqa: BLE001 - what the user's code raises is raised again at the end
            self._error = self._error or error
            self._stop()


def _article(name: str) -> str:
    # "a UserEdit": a "u" of a class's name is spoken as in "user".
    return "an" if name[0] in "AEIO" else "a"
