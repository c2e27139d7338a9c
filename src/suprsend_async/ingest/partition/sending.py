"""Sends one partition: starts, waits, and returns its report."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING, Any, NoReturn

import anyio
from anyio.to_thread import run_sync

from suprsend_async.api.response import error_class
from suprsend_async.api.verdict import Verdict
from suprsend_async.client import AsyncSuprsend
from suprsend_async.counting import counted
from suprsend_async.errors import ConfigurationError, ValidationError
from suprsend_async.ingest.job.checkpoint import SAFE_SECONDS
from suprsend_async.ingest.job.outage import OutageJudge, Unaccepted, came_through, may_pass, refused_credentials
from suprsend_async.ingest.job.row_reader import BATCH_ROWS, Rate, batches, maker_of
from suprsend_async.ingest.job.runner import sender_of
from suprsend_async.ingest.partition.job import partition_job
from suprsend_async.ingest.partition.report import KEPT_FAILURES, PartitionFailure, PartitionReport
from suprsend_async.ingest.partition.rows import PartitionRows
from suprsend_async.ingest.sources.source import Place

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

    from suprsend_async.bulk.chunk import Chunk
    from suprsend_async.ingest.partition.job import AnyMapping, PartitionJob, StartedAt
    from suprsend_async.ingest.sources.source import Row

REMEMBERED_KEYS = 100_000
"""Keys that a repeat is looked for among; a partition without end must not fill the memory with them."""

COUNTS = ("accepted", "rejected", "not_sent", "unknown", "unmappable", "repeated_keys")
"""What a report counts a row as."""

TOO_LATE = (
    "the job began more than 23 hours ago, and the platform may have forgotten its keys; "
    "if nothing was sent before, give the current time as started_at"
)


def send_partition(
    rows: Iterable[object],
    *,
    mapping: AnyMapping,
    started_at: StartedAt,
    key: str | None = None,
    namespace: str | None = None,
    concurrency: int = 16,
    rate: float | None = None,
    ordered: bool = False,
    base_url: str | None = None,
    timeout: float = 30.0,
    max_retries: int | None = None,
) -> PartitionReport:
    """Send the rows of one partition, in a task of any engine: Spark, Ray, Dask, Celery.

    A task that is run again sends the same bytes, with keys that the platform knows. So a killed task loses nothing,
    and what it had sent counts once. Credentials come from the environment of the process.

    Args:
        rows: Mappings or Arrow record batches. They are read in a thread, no further than they can be sent.
        mapping: As in `suprsend-async ingest --map`: an `EventMapping`, `UserMapping` or `WorkflowMapping`, a dict, or
            a mapping file's text.
        started_at: When the job began: a datetime, its text in ISO 8601, or epoch seconds. The same for all tasks and
            for a repeat of the job. Events have this time if the mapping names no column for it. 23 hours after
            it nothing is sent any more, for the platform forgets keys.
        key: A template of the columns that tell rows apart, for example `order-{order_id}`; the mapping's if left out.
            Users need none.
        namespace: Put before each key, to tell two jobs apart whose rows have the same columns.
        concurrency: Chunks of 100 events in flight at most: of this task, so count with all that run at a time.
        rate: Events a second at most, of this task.
        ordered: Send the events of one `distinct_id` in the rows' order.
        base_url: Where the platform is; `SUPRSEND_BASE_URL`, or the platform's own address, if left out.
        timeout: Seconds for each chunk, attempts and waits included.
        max_retries: Attempts after the first one at most; as many as `timeout` allows if left out.

    Returns:
        The report. A row that fails is in it and never raises; so are wrong or missing credentials, which no
        second attempt would mend, as `refused`.

    Raises:
        ConfigurationError: An argument cannot work; the message names it.
        SuprsendError: The platform takes nothing, after all retries. Let the engine run the task again.
        RuntimeError: An event loop runs in this thread; use `asend_partition`.

    Examples:
        >>> from suprsend_async.ingest import send_partition
        >>> orders = [{"order": 1, "user": "u-1"}, {"order": 2, "user": "u-2"}, {"order": 3}]
        >>> mapping = {"event": "order_placed", "distinct_id": "user", "key": "order-{order}"}
        >>> report = send_partition(orders, mapping=mapping, started_at=time.time())
        >>> print(report)
        3 rows in 1 partition: 2 accepted, 1 not made events
        >>> report.failed[0].error
        "column 'user' has no value; there are 'order'"
    """
    job = partition_job(
        mapping=mapping,
        started_at=started_at,
        key=key,
        namespace=namespace,
        concurrency=concurrency,
        rate=rate,
        ordered=ordered,
        base_url=base_url,
        timeout=timeout,
        max_retries=max_retries,
    )
    return run_job(job, rows)


async def asend_partition(
    rows: Iterable[object],
    *,
    mapping: AnyMapping,
    started_at: StartedAt,
    key: str | None = None,
    namespace: str | None = None,
    concurrency: int = 16,
    rate: float | None = None,
    ordered: bool = False,
    client: AsyncSuprsend | None = None,
    base_url: str | None = None,
    timeout: float = 30.0,
    max_retries: int | None = None,
) -> PartitionReport:
    """Send the rows of one partition, for asynchronous hosts: as `send_partition`, on the loop that runs.

    Args:
        rows: As in `send_partition`, and so are the others.
        mapping: Which columns become what.
        started_at: When the job began.
        key: A template of the columns that tell rows apart.
        namespace: Put before each key.
        concurrency: Chunks in flight at most.
        rate: Events a second at most.
        ordered: Send the events of one `distinct_id` in the rows' order.
        client: A client to send with, which you close; its own address, `timeout` and `max_retries` count then.
        base_url: Where the platform is.
        timeout: Seconds for each chunk.
        max_retries: Attempts after the first one at most.

    Returns:
        The report.

    Raises:
        ConfigurationError: An argument cannot work; the message names it.
        SuprsendError: The platform takes nothing, after all retries.

    Examples:
        >>> from suprsend_async.ingest import asend_partition
        >>> mapping = {"event": "order_placed", "distinct_id": "user", "key": "order-{order}"}
        >>> report = await asend_partition([{"order": 4, "user": "u-1"}], mapping=mapping, started_at=time.time())
        >>> report.accepted, report.success
        (1, True)
    """
    job = partition_job(
        mapping=mapping,
        started_at=started_at,
        key=key,
        namespace=namespace,
        concurrency=concurrency,
        rate=rate,
        ordered=ordered,
        base_url=base_url,
        timeout=timeout,
        max_retries=max_retries,
    )
    return await PartitionSender(job, rows).run(client)


def run_job(job: PartitionJob, rows: Iterable[object]) -> PartitionReport:
    """Send a partition on its own event loop.

    Raises:
        SuprsendError: The platform takes nothing.
        RuntimeError: An event loop runs in this thread.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return anyio.run(PartitionSender(job, rows).run, None)
    raise RuntimeError("send_partition blocks, and an event loop runs in this thread: await asend_partition(...)")


class PartitionSender:
    """One partition on its way.

    Args:
        job: What all partitions of the job have in common.
        rows: This one's.
        wall: Gives the time in epoch seconds.
    """

    def __init__(self, job: PartitionJob, rows: Iterable[object], wall: Callable[[], float] = time.time) -> None:
        self._job = job
        self._source = PartitionRows(rows, job.mapping.columns())
        self._wall = wall
        self._rate = Rate(job.rate or math.inf)
        self._counts: dict[str, int] = dict.fromkeys(COUNTS, 0)
        self._failed: list[PartitionFailure] = []
        self._rows = 0
        self._first_at: float | None = None
        self._refused: str | None = None
        self._outage = OutageJudge()
        self._why: Verdict | None = None
        self._is_down = False
        # Where the events on their way come from, by their index in the bulk.
        self._numbers: dict[int, int] = {}
        self._keys: set[str] = set()
        self._oldest_keys: deque[str] = deque()

    async def run(self, client: AsyncSuprsend | None) -> PartitionReport:
        """Send all rows.

        Raises:
            SuprsendError: The platform takes nothing, after all retries.
            Exception: What the rows raised.
        """
        make = await self._maker()
        async with AsyncExitStack() as stack:
            if client is None:
                client = await self._client(stack)
            if make is None or client is None:
                async with aclosing(self._records(make)) as records:
                    async for _ in records:
                        pass
            else:
                await self._send(client, make)
        return self._report()

    async def _maker(self) -> Callable[[Row], Any] | None:
        try:
            return await run_sync(lambda: maker_of(self._job.mapping.plan(self._source, time=self._job.started_at)))
        except ConfigurationError as error:
            self._refused = error.message
            return None

    async def _client(self, stack: AsyncExitStack) -> AsyncSuprsend | None:
        job = self._job
        try:
            client = AsyncSuprsend(base_url=job.base_url, timeout=job.timeout, max_retries=job.max_retries)
            return await stack.enter_async_context(client)
        except ConfigurationError as error:
            self._refused = self._refused or error.message
            return None

    async def _send(self, client: AsyncSuprsend, make: Callable[[Row], Any]) -> None:
        async with aclosing(self._records(make)) as records:
            job = sender_of(client, self._job.mapping.records).job(
                records,
                self._note_chunk,
                concurrency=self._job.concurrency,
                ordered=self._job.ordered or self._job.mapping.records.is_ordered,
                operation="send_partition",
            )
            async with job:
                await job.done()
        if self._is_down or (self._outage.reason and not self._outage.has_come_through):
            self._raise_outage()
        self._fail(self._outage.take_all())

    async def _records(self, make: Callable[[Row], Any] | None) -> AsyncGenerator[Any]:
        """Give the records to send; counts the rows that are left once the partition is refused."""
        index = may_go = 0
        gathered = batches(self._source.rows(), BATCH_ROWS)
        while not self._is_down and (batch := await run_sync(next, gathered, None, abandon_on_cancel=True)):
            now = self._wall()
            self._first_at = self._first_at or now
            is_late = now - self._job.started_at / 1_000 > SAFE_SECONDS
            if is_late and not self._job.mapping.records.is_repeatable:
                self._refused = self._refused or TOO_LATE
            for row in batch:
                self._rows += 1
                if make is None or self._refused is not None:
                    self._note(row.number, None, Verdict("not_sent", error=self._refused))
                    continue
                record = self._record(make, row)
                if record is None:
                    continue
                if not may_go:
                    await anyio.sleep(self._rate.delay(time.monotonic()))
                    may_go = self._rate.group
                may_go -= 1
                self._numbers[index] = row.number
                index += 1
                yield record

    def _record(self, make: Callable[[Row], Any], row: Row) -> Any:
        """Return the record to send of a row; None if there is none, or one of its key was sent."""
        try:
            record = make(row)
        except ValidationError as error:
            self._note(row.number, None, Verdict("rejected", error=error.message), "unmappable")
            return None
        key = _key_of(record)
        if key is None:
            return record
        if key in self._keys:
            self._counts["repeated_keys"] += 1
            return None
        self._keys.add(key)
        self._oldest_keys.append(key)
        if len(self._oldest_keys) > REMEMBERED_KEYS:
            self._keys.discard(self._oldest_keys.popleft())
        return record

    async def _note_chunk(self, chunk: Chunk[Any]) -> None:
        refusal, first = refused_credentials(chunk.verdicts), chunk.indexes[0]
        if refusal is not None:
            self._refused = self._refused or f"the platform refuses the credentials: {refusal.error}"
        elif came_through(chunk.verdicts):
            self._outage.note_through(first)
        held: list[Unaccepted] = []
        for index, record, verdict in zip(chunk.indexes, chunk.records, chunk.verdicts, strict=True):
            number = self._numbers.pop(index)
            if verdict.outcome == "accepted":
                self._counts["accepted"] += 1
            elif refusal is not None:
                # Not the row was refused; what an earlier attempt has left open stays so.
                was_turned_away = verdict.status_code is not None and verdict.outcome == "rejected"
                self._note(number, record, verdict._replace(outcome="not_sent") if was_turned_away else verdict)
            elif may_pass(verdict) and self._outage.is_open(first):
                self._why = verdict
                held.append(Unaccepted(Place(0, number), record, verdict))
            else:
                self._note(number, record, verdict)
        if held:
            self._outage.hold(first, held)
        self._fail(self._outage.take_at_fault())
        if self._outage.is_outage:
            self._is_down = True
        elif self._outage.must_conclude and self._outage.has_come_through:
            self._fail(self._outage.take_all())

    def _fail(self, rows: Iterable[Unaccepted]) -> None:
        for place, record, verdict in rows:
            self._note(place.row, record, verdict)

    def _note(self, number: int, record: Any, verdict: Verdict, counted: str | None = None) -> None:
        self._counts[counted or verdict.outcome] += 1
        if len(self._failed) < KEPT_FAILURES:
            key = _key_of(record)
            self._failed.append(
                PartitionFailure(
                    row=number, key=key, error=verdict.error or "", code=verdict.status_code, outcome=verdict.outcome
                )
            )

    def _raise_outage(self) -> NoReturn:
        why = self._why or Verdict("not_sent", error=self._outage.reason)
        raise error_class(why.status_code, why.error_type, why.outcome)(
            f"the platform accepts nothing now ({why.error}); {counted(self._counts['accepted'], 'row')} of this "
            "partition got through, and running the task again sends the same keys",
            status_code=why.status_code,
            error_type=why.error_type,
            outcome=why.outcome,
        )

    def _report(self) -> PartitionReport:
        return PartitionReport(
            partitions=1,
            rows=self._rows,
            **self._counts,
            failed=sorted(self._failed, key=lambda failure: failure.row),
            first_at=self._first_at,
            last_at=None if self._first_at is None else self._wall(),
            largest=self._rows,
            refused=self._refused,
        )


def _key_of(record: Any) -> str | None:
    """Return a record's idempotency key; None if its kind has none, as edits of users."""
    return getattr(record, "idempotency_key", None)
