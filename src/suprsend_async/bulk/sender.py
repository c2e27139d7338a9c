"""Sending many records of one kind: all at once with one response, or as a stream of results."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio

from suprsend_async.bulk.job import Job
from suprsend_async.bulk.results import RecordResult
from suprsend_async.bulk.tally import KEPT_FAILURES, Tally, failed_records, record_results
from suprsend_async.callbacks import call
from suprsend_async.checks import check_callback, check_concurrency, check_flag, class_of
from suprsend_async.frames import empty_frames

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from suprsend_async.bulk.chunk import Chunk
    from suprsend_async.bulk.kind import RecordKind
    from suprsend_async.bulk.progress import Progress
    from suprsend_async.bulk.results import BulkResponse, FailedRecord
    from suprsend_async.callbacks import Callback
    from suprsend_async.transport.transport import Transport

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class BulkSender(Generic[R]):
    """The bulk engine of one client for one kind of record.

    Attributes:
        transport: Sends.
        kind: The kind of record.
        concurrency: Chunks in flight at most, where a call does not say otherwise.
    """

    transport: Transport
    kind: RecordKind[R]
    concurrency: int

    def job(
        self,
        source: Iterable[object] | AsyncIterable[object],
        report: Callable[[Chunk[R]], Awaitable[None]],
        *,
        operation: str,
        concurrency: int | None = None,
        ordered: bool = False,
        on_progress: Callback[Progress] | None = None,
        in_batches: bool = False,
    ) -> Job[R]:
        """Return the job that sends a source; `report` is awaited with each chunk that is over.

        With `in_batches`, the source yields lists of records, asynchronously.

        Raises:
            TypeError: The source cannot be iterated.
            ConfigurationError: `concurrency` is not a whole number above 0, or the client was closed.
        """
        self.transport.session.check_open()
        self.check_source(source, (Iterable, AsyncIterable))
        if concurrency is not None:
            check_concurrency(concurrency)
        check_flag("ordered", ordered)
        check_callback("on_progress", on_progress)
        return Job(
            self.transport,
            self.kind,
            source,
            report,
            concurrency=concurrency or self.concurrency,
            ordered=ordered,
            on_progress=on_progress,
            operation=operation,
            in_batches=in_batches,
        )

    def check_source(self, source: object, kinds: type | tuple[type, ...]) -> None:
        """Refuse what is no source.

        Raises:
            TypeError: It is not of one of the kinds, or a single record (which can be iterated as every model can).
        """
        if isinstance(source, self.kind.type) or not isinstance(source, kinds):
            expected = self.kind.type.__name__
            raise TypeError(f"source must be an iterable of {expected}, not {class_of(source, expected)}")

    async def send(
        self,
        source: Iterable[R] | AsyncIterable[R],
        *,
        operation: str,
        concurrency: int | None,
        ordered: bool,
        on_progress: Callback[Progress] | None,
        on_failure: Callback[FailedRecord[R]] | None,
    ) -> BulkResponse[R]:
        """Send all that a source yields; with `on_failure` given, the response keeps the first failures only."""
        check_callback("on_failure", on_failure)
        tally = Tally(self.kind, kept=None if on_failure is None else KEPT_FAILURES)

        async def report(chunk: Chunk[R]) -> None:
            for record in tally.add(chunk):
                if on_failure is not None:
                    await call(on_failure, record)

        async with self.job(
            source, report, operation=operation, concurrency=concurrency, ordered=ordered, on_progress=on_progress
        ) as job:
            await job.done()
        return tally.response()

    async def stream(
        self,
        source: Iterable[R] | AsyncIterable[R],
        *,
        operation: str,
        concurrency: int | None,
        ordered: bool,
        on_progress: Callback[Progress] | None,
        on_failure: Callback[FailedRecord[R]] | None,
    ) -> AsyncGenerator[RecordResult]:
        """Send all that a source yields, and yield what each record came to as it is known."""

        async def report(chunk: Chunk[R]) -> None:
            if on_failure is not None:
                for record in failed_records(chunk):
                    await call(on_failure, record)
            # Broken: nobody takes results any more.
            with suppress(anyio.BrokenResourceError):
                await sender.send(record_results(chunk))

        try:
            check_callback("on_failure", on_failure)
            job = self.job(
                source, report, operation=operation, concurrency=concurrency, ordered=ordered, on_progress=on_progress
            )
            async with job:
                # Made once the job has begun, and before it first reports: nothing is awaited in between.
                sender, receiver = anyio.create_memory_object_stream[list[RecordResult]](1)
                job.when_over(sender.close)
                with receiver:
                    async for results in receiver:
                        for result in results:
                            yield result
                await job.done()
        except BaseException as error:
            del source
            empty_frames(error)
            raise


class GatheredRecords(Generic[R]):
    """Records gathered in memory, to be sent together: what is accepted is not sent again."""

    def __init__(self, sender: BulkSender[R]) -> None:
        self._sender = sender
        self._records: list[R] = []
        self._accepted: set[int] = set()
        self._sending = anyio.Lock()

    def __len__(self) -> int:
        """Return the number of records appended."""
        return len(self._records)

    def append(self, *records: R) -> None:
        """Add records.

        Raises:
            TypeError: One of them is of another kind; nothing of this call is appended.
        """
        kind = self._sender.kind.type
        for position, record in enumerate(records):
            if not isinstance(record, kind):
                given = class_of(record, kind.__name__)
                raise TypeError(
                    f"append() takes {kind.__name__} objects; argument {position} is of type {given}; "
                    "nothing of this call was appended"
                )
        self._records.extend(records)

    async def send(self, operation: str) -> BulkResponse[R]:
        """Send what is not accepted yet; returns what all records came to, those of earlier calls included."""
        async with self._sending:
            pending = [position for position in range(len(self._records)) if position not in self._accepted]
            tally = Tally(self._sender.kind, accepted=len(self._accepted))

            async def report(chunk: Chunk[R]) -> None:
                chunk.indexes = [pending[index] for index in chunk.indexes]
                tally.add(chunk)
                self._accepted.update(chunk.accepted_indexes())

            records = [self._records[position] for position in pending]
            async with self._sender.job(records, report, operation=operation) as job:
                await job.done()
            return tally.response()
