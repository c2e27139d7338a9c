"""One bulk on its way: a reader, senders, and an owner that awaits them all."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar, cast

import anyio

from suprsend_async import logs
from suprsend_async.errors import ValidationError
from suprsend_async.events import task
from suprsend_async.events.callbacks import call
from suprsend_async.events.event import Event
from suprsend_async.events.gate import JobGate, Passage
from suprsend_async.events.outbox import InputOrder, Outbox, Queue
from suprsend_async.events.pressure import Pressure
from suprsend_async.events.progress import Meter
from suprsend_async.events.user_order import UserOrder
from suprsend_async.events.verdict import Verdict

if TYPE_CHECKING:
    from types import TracebackType

    from suprsend_async.events.callbacks import Callback
    from suprsend_async.events.chunk import Chunk
    from suprsend_async.events.encoding import Encoder
    from suprsend_async.events.progress import Progress
    from suprsend_async.transport.transport import Transport

T = TypeVar("T")

# Seconds that chunks in flight get to end when a job is stopped.
DRAIN_SECONDS = 5.0
# Seconds after that for callbacks that are still running, or are yet to be called.
TELLING_SECONDS = 5.0
# Seconds between two reports of the progress.
PROGRESS_SECONDS = 0.1


class Job:
    """Sends what a source yields, at most `concurrency` chunks at a time.

    The reader waits while a finished chunk waits for a sender, so there are never more than `concurrency` and one
    chunks, however long the source is.

    Use it as an asynchronous context manager: leaving the block early stops reading, awaits the chunks in flight
    and has them reported.

    Args:
        transport: Sends the chunks.
        encoder: Encodes the events.
        source: The events; anything in it that is not an event fails alone.
        report: Awaited with each chunk that is over.
        concurrency: Chunks in flight at most.
        ordered: Whether the events of one user are sent in the source's order.
        on_progress: Called with the progress, at most 10 times a second, and once at the end.
        operation: The call that it stands for, in telemetry.
    """

    def __init__(
        self,
        transport: Transport,
        encoder: Encoder,
        source: Iterable[object] | AsyncIterable[object],
        report: Callable[[Chunk], Awaitable[None]],
        *,
        concurrency: int,
        ordered: bool = False,
        on_progress: Callback[Progress] | None = None,
        operation: str = "bulk_events.send",
    ) -> None:
        self._transport = transport
        self._encoder = encoder
        self._source = source
        self._report = report
        self._concurrency = concurrency
        self._on_progress = on_progress
        self._operation = operation
        self._queue: Queue = UserOrder(concurrency) if ordered else InputOrder()
        self._outbox = Outbox(self._queue)
        self._pressure = Pressure(concurrency)
        self._gate = JobGate(self._pressure, transport.clock, transport.timeout)
        self._meter = Meter(transport.clock.monotonic())
        self._error: Exception | None = None
        self._reading: anyio.CancelScope = anyio.CancelScope()
        # Callbacks are not cancelled with the bulk, but once it was left they have to end some time.
        self._telling: set[anyio.CancelScope] = set()
        self._telling_until = math.inf

    async def __aenter__(self) -> Self:
        """Start.

        Raises:
            ConfigurationError: No connection can be made with what the environment says.
        """
        await self._transport.prepare()
        self._task = asyncio.create_task(self._run())
        return self

    async def done(self) -> None:
        """Wait until everything is sent and reported; raises what the source or a callback raised."""
        await asyncio.shield(self._task)
        if self._error is not None:
            raise self._error

    def when_over(self, callback: Callable[[], None]) -> None:
        """Call back once everything is sent and reported, or the job was given up."""
        self._task.add_done_callback(lambda _: callback())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop reading, give the chunks in flight a few seconds to end, and see them reported."""
        self._stop()
        with anyio.CancelScope(shield=True):
            try:
                await asyncio.wait([self._task], timeout=DRAIN_SECONDS)
            finally:
                self._telling_until = anyio.current_time() + TELLING_SECONDS
                for scope in self._telling:
                    scope.deadline = self._telling_until
                await task.end(self._task)

    def _stop(self) -> None:
        self._reading.cancel()
        self._gate.close()
        self._outbox.end()

    async def _run(self) -> None:
        with self._transport.observed(self._operation):
            await self._read_and_send()
        accepted, finished = self._meter.outcomes["accepted"], sum(self._meter.outcomes.values())
        logs.bulk_finished(self._operation, accepted, finished - accepted)
        await self._tell_progress_once()

    async def _read_and_send(self) -> None:
        async with anyio.create_task_group() as everything:
            everything.start_soon(self._tell_progress)
            async with anyio.create_task_group() as work:
                work.start_soon(self._read)
                for _ in range(self._concurrency):
                    work.start_soon(self._send)
            everything.cancel_scope.cancel()

    async def _read(self) -> None:
        try:
            with self._reading, task.foreign_cancellation("the source"):
                if isinstance(self._source, AsyncIterable):
                    async with self._closing_source():
                        async for event in self._source:
                            if (self._take(event) or self._outbox.wanted) and not await self._outbox.room():
                                break
                else:
                    for event in self._source:
                        if (self._take(event) or self._outbox.wanted) and not await self._outbox.room():
                            break
        except Exception as error:  # noqa: BLE001 - what the user's code raises is raised again at the end
            self._error = error
        finally:
            # What was read before the source ended or failed is sent.
            self._outbox.end()

    @asynccontextmanager
    async def _closing_source(self) -> AsyncGenerator[None]:
        """End an asynchronous generator that was left early here, and not when it is collected."""
        try:
            yield
        finally:
            source: object = self._source
            if isinstance(source, AsyncGenerator):
                await cast("AsyncGenerator[object]", source).aclose()

    def _take(self, event: object) -> bool:
        index = self._meter.read
        self._meter.read = index + 1
        if not isinstance(event, Event):
            problem = f"the source's item {index} is of type {type(event).__name__}, not an Event"
            return self._queue.refuse(index, None, Verdict("rejected", error=problem))
        try:
            body = self._encoder.encode(event)
        except ValidationError as error:
            return self._queue.refuse(index, event, Verdict("rejected", error=error.message))
        return self._queue.add(index, event, body)

    async def _send(self) -> None:
        while (chunk := await self._outbox.take()) is not None:
            try:
                if chunk.is_sendable:
                    await self._transport.send(chunk, Passage(self._gate, partial(self._count_request, chunk)))
            finally:
                self._outbox.finished(chunk)
                self._meter.finished(chunk)
                if self._transport.observer is not None:
                    self._transport.observer.finished([verdict.outcome for verdict in chunk.verdicts])
                await self._tell(chunk)

    async def _tell(self, chunk: Chunk) -> None:
        with anyio.CancelScope(shield=True, deadline=self._telling_until) as scope:
            self._telling.add(scope)
            try:
                await self._call(self._report, chunk)
            finally:
                self._telling.discard(scope)

    def _count_request(self, chunk: Chunk) -> None:
        self._meter.request(*chunk.next_request())

    async def _tell_progress(self) -> None:
        while self._on_progress is not None:
            await anyio.sleep(PROGRESS_SECONDS)
            await self._tell_progress_once()

    async def _tell_progress_once(self) -> None:
        if self._on_progress is not None:
            progress = self._meter.progress(self._transport.clock.monotonic(), self._pressure)
            await self._call(self._on_progress, progress)

    async def _call(self, callback: Callback[T], argument: T) -> None:
        try:
            await call(callback, argument)
        except Exception as error:  # noqa: BLE001 - what the user's code raises is raised again at the end
            self._error = self._error or error
            self._stop()
