"""Reads rows no faster than they are sent, and makes records of them."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

import anyio
from anyio.to_thread import run_sync

from suprsend_async.errors import ValidationError
from suprsend_async.ingest.job.dead_letters import raw_of
from suprsend_async.ingest.job.ranges import RowSet
from suprsend_async.ingest.sources.source import Place

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Sequence

    from suprsend_async.events.event import Event
    from suprsend_async.ingest.job.checkpoint_writer import CheckpointWriter, PendingWrite
    from suprsend_async.ingest.job.row_log import RowLog
    from suprsend_async.ingest.sources.source import Row, Source


MOST_AT_ONCE = 100
"""Events let go together: a full chunk, so that a slow rate does not make many small requests."""


@dataclass(slots=True)
class Rate:
    """Lets groups of events go, so that there are no more than so many a second.

    A time in which nothing went is not made up for.

    Attributes:
        events_per_second: The rate; infinite for no limit.
        group: Events in a group.
    """

    events_per_second: float
    group: int = field(init=False)
    _next: float = field(default=-math.inf, init=False)

    def __post_init__(self) -> None:
        """Choose the group: a second's events at most."""
        self.group = max(1, int(min(MOST_AT_ONCE, self.events_per_second)))

    def delay(self, now: float) -> float:
        """Return the seconds to wait until the next group may go, and count that group."""
        start = max(self._next, now)
        self._next = start + self.group / self.events_per_second
        return start - now


BATCH_ROWS = 250
"""Rows that are read, and noted as in flight, together. More, and they leave the processor's caches while they wait."""
BATCH_BYTES = 1024 * 1024
"""A batch ends when its rows are this far apart in their source, or take so much memory."""


class RecordPlan(Protocol):
    """Makes the records of one source's rows, of whatever kind."""

    def record(self, row: Row) -> object:
        """Return the row's record, the same whenever it is made.

        Raises:
            ValidationError: The row cannot become one.
        """
        ...

    def sent_since(self, row: Row) -> float | None:
        """Return since when, in epoch seconds, another job may have sent the row's record; None if none has."""
        ...


class RowPlan(Protocol):
    """Makes the events of one source's rows."""

    def event(self, row: Row) -> Event:
        """Return the row's event, the same whenever it is made.

        Raises:
            ValidationError: The row cannot become an event.
        """
        ...

    def sent_since(self, row: Row) -> float | None:
        """Return since when, in epoch seconds, another job may have sent the row's record; None if none has."""
        ...


def maker_of(plan: RecordPlan | RowPlan) -> Callable[[Row], Any]:
    """Return what makes a row's record; a mapping of events calls it `event`."""
    return getattr(plan, "record", None) or cast("RowPlan", plan).event


@dataclass(frozen=True, slots=True)
class RowBatch:
    """Rows that were read together.

    Attributes:
        source: The source's position among the sources.
        rows: The rows.
        noted: The write that notes them as in flight; nothing of them goes before it is done.
    """

    source: int
    rows: list[Row]
    noted: PendingWrite


class RowReader:
    """Reads rows ahead in a thread, notes them as in flight, and gives the records of those that are to be sent."""

    def __init__(
        self,
        sources: Sequence[Source],
        plans: Sequence[RecordPlan | RowPlan],
        writer: CheckpointWriter,
        row_log: RowLog,
        rate: Rate,
        *,
        limit: int | None = None,
        resend_in_doubt: bool = False,
        wall: Callable[[], float] = time.time,
    ) -> None:
        # Rows read so far, those of earlier runs included.
        self._rows = 0
        self._sources = sources
        self._plans = plans
        self._makers = [maker_of(plan) for plan in plans]
        self._writer = writer
        self._row_log = row_log
        self._rate = rate
        self._limit = math.inf if limit is None else limit
        self._resend_in_doubt = resend_in_doubt
        self._wall = wall
        self._sender, self._receiver = anyio.create_memory_object_stream[RowBatch | Exception](1)

    async def read(self) -> None:
        """Read all sources, until done, cancelled, or nobody takes any more."""
        with self._sender, suppress(anyio.BrokenResourceError):
            try:
                for number in range(len(self._sources)):
                    await self._read_source(number)
            except anyio.BrokenResourceError:
                raise
            except Exception as error:  # noqa: BLE001 - what a source raises is raised where its events are taken
                await self._sender.send(error)

    async def _read_source(self, number: int) -> None:
        progress = self._writer.checkpoint.sources[number]
        left = self._limit - self._rows
        if progress.is_complete:
            self._rows += progress.rows or 0
            return
        end = progress.start.number
        self._rows += end
        # A pipe's row must not wait for others, which may come much later.
        size = BATCH_ROWS if progress.fingerprint else 1
        gathered = batches(self._sources[number].rows(progress.start), size)
        while batch := await run_sync(next, gathered, None, abandon_on_cancel=True):
            wanted = batch if batch[-1].number < left else [row for row in batch if row.number < left]
            if wanted:
                end = wanted[-1].number + 1
                self._rows += len(wanted)
                progress.passed(wanted[0].position)
                self._recall(number, wanted)
                progress.reserve((wanted[0].number, end), self._wall())
                await self._sender.send(RowBatch(number, wanted, self._writer.note()))
            if len(wanted) < len(batch):
                return
        progress.rows = end

    def _recall(self, number: int, rows: list[Row]) -> None:
        sent_since = self._plans[number].sent_since
        for row in rows:
            since = sent_since(row)
            if since is not None:
                self._writer.checkpoint.sources[number].recall(row.number, since)

    async def records(self) -> AsyncGenerator[list[Any]]:
        """Give the records to send, in lists, each when its rows are durably noted as in flight.

        Raises:
            CheckpointError: The journal cannot be written.
            Exception: What a source raised.
        """
        may_go = 0
        with self._receiver:
            async for batch in self._receiver:
                if isinstance(batch, Exception):
                    raise batch
                await batch.noted.done()
                rows = self._to_send(batch)
                while rows:
                    if not may_go:
                        await anyio.sleep(self._rate.delay(time.monotonic()))
                        may_go = self._rate.group
                    records, problem = self._made(batch.source, rows[:may_go])
                    may_go -= len(records)
                    if records:
                        self._row_log.places.add(batch.source, rows[: len(records)])
                        yield records
                    rows = rows[len(records) :]
                    # Only now: what was made before it is to be sent, whatever is raised.
                    if problem is not None:
                        if not isinstance(problem, ValidationError):
                            raise problem
                        row, rows = rows[0], rows[1:]
                        place = Place(batch.source, row.number, row.line)
                        self._row_log.refuse(place, problem.message, raw_of(row))

    def _made(self, source: int, rows: list[Row]) -> tuple[list[Any], Exception | None]:
        """Make records of rows, up to the first of which none can be made; returns them, and what that one raised."""
        make = self._makers[source]
        records: list[Any] = []
        try:
            for row in rows:
                records.append(make(row))  # noqa: PERF401 - those before the error count
        except Exception as error:  # noqa: BLE001 - whoever takes the records sees to it
            return records, error
        return records, None

    def _to_send(self, batch: RowBatch) -> list[Row]:
        """Return the batch's rows without those that an earlier run finished, or left in doubt."""
        progress = self._writer.checkpoint.sources[batch.source]
        first, last = batch.rows[0].number, batch.rows[-1].number
        held = RowSet()
        if not self._resend_in_doubt:
            for start, end, _ in progress.doubt_in((first, last + 1), self._wall()):
                held.add((start, end))
        if first >= max(progress.finished.end, held.end):
            return batch.rows
        return [row for row in batch.rows if row.number not in progress.finished and row.number not in held]


def batches(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    """Gather rows, `size` at most; those that came before an error are given before it is raised."""
    batch: list[Row] = []
    held = 0
    try:
        for row in rows:
            batch.append(row)
            held += row.size
            if len(batch) >= size or row.offset - batch[0].offset >= BATCH_BYTES or held >= BATCH_BYTES:
                yield batch
                batch = []
                held = 0
    except Exception:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
