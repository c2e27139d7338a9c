"""Bulk: many events in few requests, and a verdict for each."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from suprsend_async.errors import ConfigurationError
from suprsend_async.events.callbacks import call
from suprsend_async.events.event import Event
from suprsend_async.events.job import Job
from suprsend_async.events.results import RecordResult
from suprsend_async.events.tally import KEPT_FAILURES, Tally, failed_records, record_results

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from suprsend_async.events.callbacks import Callback
    from suprsend_async.events.chunk import Chunk
    from suprsend_async.events.encoding import Encoder
    from suprsend_async.events.progress import Progress
    from suprsend_async.events.results import BulkResponse, FailedRecord
    from suprsend_async.transport.transport import Transport


@dataclass(frozen=True, slots=True)
class BulkEventsResource:
    """What hangs on `client.bulk_events`."""

    _transport: Transport
    _encoder: Encoder
    _concurrency: int

    def new_instance(self) -> BulkEvents:
        """Return an empty bulk to append events to.

        Examples:
            >>> bulk = client.bulk_events.new_instance()
            >>> bulk.append(Event("user-1", "signed_up"), Event("user-2", "signed_up"))
            >>> response = await bulk.trigger()
        """
        return BulkEvents(self._job)

    async def send(
        self,
        source: Iterable[Event] | AsyncIterable[Event],
        *,
        concurrency: int | None = None,
        ordered: bool = False,
        on_progress: Callback[Progress] | None = None,
        on_failure: Callback[FailedRecord] | None = None,
    ) -> BulkResponse:
        """Send all that a source yields, however long it is, in flat memory.

        The source is read no faster than its events go out: at most `concurrency + 1` chunks ahead. A plain
        iterable is read on the event loop; make it an asynchronous one if reading it blocks.

        If the call is cancelled, the chunks in flight get a few seconds to end and are reported to `on_failure`.

        Args:
            source: The events. Anything in it that is not an `Event` fails alone.
            concurrency: Chunks in flight at most; the client's if left out.
            ordered: Send the events of one `distinct_id` in the source's order, one chunk after another; different
                users still go side by side. After a failure that might have passed, later events of that user are
                reported, not sent.
            on_progress: Called with the `Progress`, at most 10 times a second and once at the end. A plain
                function or a coroutine function.
            on_failure: Called with each `FailedRecord` as it happens. With it given, the response keeps the first
                1,000 failures only.

        Returns:
            What came of all of them.

        Raises:
            TypeError: The source cannot be iterated.
            Exception: What the source or a callback raised, once everything read before is sent and reported.

        Examples:
            >>> events = (Event(f"user-{number}", "signed_up") for number in range(1000))
            >>> response = await client.bulk_events.send(events)
            >>> response.success
            1000
        """
        tally = Tally(kept=None if on_failure is None else KEPT_FAILURES)

        async def report(chunk: Chunk) -> None:
            for record in tally.add(chunk):
                if on_failure is not None:
                    await call(on_failure, record)

        async with self._job(source, report, concurrency, ordered, on_progress, "bulk_events.send") as job:
            await job.done()
        return tally.response()

    async def stream(
        self,
        source: Iterable[Event] | AsyncIterable[Event],
        *,
        concurrency: int | None = None,
        ordered: bool = False,
        on_progress: Callback[Progress] | None = None,
        on_failure: Callback[FailedRecord] | None = None,
    ) -> AsyncGenerator[RecordResult]:
        """Send all that a source yields, and yield what came of each event as it is known.

        The results of one chunk come together, those of different chunks as they end. Nothing is sent further ahead
        of what is taken here than `concurrency + 1` chunks. Leaving the loop early stops the sending; to have it
        stopped at once and not when the generator is collected, wrap it in `contextlib.aclosing`.

        Args:
            source: As for `send`, and so are the other arguments.
            concurrency: Chunks in flight at most.
            ordered: Whether the events of one `distinct_id` are sent in order.
            on_progress: Called with the `Progress`.
            on_failure: Called with each `FailedRecord`.

        Yields:
            One `RecordResult` for each event of the source.

        Raises:
            TypeError: The source cannot be iterated.
            Exception: What the source or a callback raised, after the last result.

        Examples:
            >>> events = [Event("user-1", "signed_up"), Event("user-2", "signed_up")]
            >>> async for record in client.bulk_events.stream(events):
            ...     print(record.index, record.outcome)
            0 accepted
            1 accepted
        """

        async def report(chunk: Chunk) -> None:
            if on_failure is not None:
                for record in failed_records(chunk):
                    await call(on_failure, record)
            # Broken: nobody takes results any more.
            with suppress(anyio.BrokenResourceError):
                await sender.send(record_results(chunk))

        job = self._job(source, report, concurrency, ordered, on_progress, "bulk_events.stream")
        async with job:
            # Made once the job has begun, and before it first reports: nothing is awaited in between.
            sender, receiver = anyio.create_memory_object_stream[list[RecordResult]](1)
            job.when_over(sender.close)
            with receiver:
                async for results in receiver:
                    for result in results:
                        yield result
            await job.done()

    def _job(
        self,
        source: Iterable[Event] | AsyncIterable[Event],
        report: Callable[[Chunk], Awaitable[None]],
        concurrency: int | None = None,
        ordered: bool = False,
        on_progress: Callback[Progress] | None = None,
        operation: str = "bulk_events.trigger",
    ) -> Job:
        """Return the job that `send`, `stream` and `trigger` run; `report` is awaited with each finished chunk.

        Raises:
            TypeError: The source cannot be iterated.
            ConfigurationError: `concurrency` is not a whole number above 0, or the client was closed.
        """
        self._transport.check_open()
        check_source(source, (Iterable, AsyncIterable))
        if concurrency is None:
            concurrency = self._concurrency
        elif not isinstance(concurrency, int) or isinstance(concurrency, bool) or concurrency < 1:
            raise ConfigurationError("concurrency must be a whole number, 1 or more")
        return Job(
            self._transport,
            self._encoder,
            source,
            report,
            concurrency=concurrency,
            ordered=ordered,
            on_progress=on_progress,
            operation=operation,
        )


class BulkEvents:
    """Events gathered in memory, to be sent together. Made by `client.bulk_events.new_instance()`."""

    def __init__(self, start: Callable[[list[Event], Callable[[Chunk], Awaitable[None]]], Job]) -> None:
        self._start = start
        self._events: list[Event] = []
        self._accepted: set[int] = set()
        self._triggering = anyio.Lock()

    def __len__(self) -> int:
        """Return the number of events appended."""
        return len(self._events)

    def append(self, *events: Event) -> None:
        """Add events.

        Raises:
            TypeError: One of them is not an `Event`; nothing of this call is appended.

        Examples:
            >>> bulk = client.bulk_events.new_instance()
            >>> bulk.append(Event("user-1", "signed_up"), Event("user-2", "signed_up"))
            >>> len(bulk)
            2
        """
        for position, event in enumerate(events):
            if not isinstance(event, Event):
                raise TypeError(
                    f"append() takes Event objects; argument {position} is of type {type(event).__name__}; "
                    "nothing of this call was appended"
                )
        self._events.extend(events)

    async def trigger(self) -> BulkResponse:
        """Send what is not accepted yet, at most `concurrency` chunks at a time.

        Called again, it sends only what was not accepted before, with the identity that it had.

        Returns:
            What came of all events appended so far, those of earlier calls included.

        Examples:
            >>> response = await bulk.trigger()
            >>> response.status, response.total, response.failure
            ('success', 2, 0)
        """
        async with self._triggering:
            pending = [position for position in range(len(self._events)) if position not in self._accepted]
            tally = Tally(accepted=len(self._accepted))

            async def report(chunk: Chunk) -> None:
                chunk.indexes = [pending[index] for index in chunk.indexes]
                tally.add(chunk)
                self._accepted.update(chunk.accepted_indexes())

            events = [self._events[position] for position in pending]
            async with self._start(events, report) as job:
                await job.done()
            return tally.response()


def check_source(source: object, kinds: type | tuple[type, ...]) -> None:
    """Refuse what is no source.

    Raises:
        TypeError: It is not of one of the kinds, or a single event (which can be iterated as every model can).
    """
    if isinstance(source, Event) or not isinstance(source, kinds):
        raise TypeError(f"source must be an iterable of Event, not {type(source).__name__}")
