"""What works while a spool is open: the writer, the courier, and the adoption of what dead processes left."""

from __future__ import annotations

import asyncio
import shutil
from functools import partial
from typing import TYPE_CHECKING

import anyio

from suprsend_async import logs
from suprsend_async.buffering.batch import Settled
from suprsend_async.buffering.failures import Failures
from suprsend_async.buffering.spool.adoption import Adoption
from suprsend_async.buffering.spool.courier import Courier
from suprsend_async.buffering.spool.directory import create, prepare
from suprsend_async.buffering.spool.writer import Writer
from suprsend_async.buffering.stats import BufferStats
from suprsend_async.errors import BufferFull, SpoolError
from suprsend_async.events.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from suprsend_async.buffering.delivery import Delivery
    from suprsend_async.buffering.options import BufferOptions
    from suprsend_async.buffering.spool.letters import DeadLetter
    from suprsend_async.buffering.spool.store import Store
    from suprsend_async.events.callbacks import Callback
    from suprsend_async.events.results import EventResponse, FailedRecord
    from suprsend_async.transport.clock import Clock

# Bytes that are left free on the disk. Deleting what was sent takes room before it makes any, and a disk that is full
# to the last byte could not be emptied by sending.
RESERVED_BYTES = 8 * 1024 * 1024
# Seconds between two looks for files of dead processes.
ADOPT_SECONDS = 60.0
# Seconds from the first look to the second. Processes that start together look at the same file at the same moment, and
# SQLite may then give its lock to none of them: each looks again at a time of its own.
SECOND_LOOK = (0.2, 2.0)
# Seconds that telling of what is left may take at the end.
TELLING_SECONDS = 5.0

_STORED = "no answer in time; the event is stored and will be sent"


class SpoolSession:
    """One opening of a spool.

    Args:
        directory: Where the files are.
        delivery: Sends.
        clock: Time and chance.
        options: The bounds.
        patience: Seconds that a caller waits for its response.
        on_failure: Told of dead letters.
    """

    def __init__(
        self,
        directory: Path,
        delivery: Delivery,
        clock: Clock,
        options: BufferOptions,
        patience: float,
        on_failure: Callback[FailedRecord] | None,
    ) -> None:
        """Prepare; nothing is opened."""
        self.failures: Failures = Failures(on_failure)
        self.is_closing: bool = False
        self.is_over: bool = False
        self._directory = directory
        self._delivery = delivery
        self._clock = clock
        self._options = options
        self._patience = patience
        self._waiting: dict[int, asyncio.Future[EventResponse]] = {}
        self._adopted = anyio.Event()
        self._writer = Writer(self._open, _close, self._committed)
        self._courier = Courier(self._writer, delivery, clock, options.linger, self._tell, self._bury)

    async def run(self, started: anyio.Event) -> None:
        """Work until cancelled; what is not sent by then stays in the spool."""
        await self._delivery.prepare()
        await self._writer.open()
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._courier.run)
                group.start_soon(self._adopt_now_and_then)
                started.set()
        finally:
            self.is_over = True
            self._adopted.set()
            with anyio.CancelScope(shield=True):
                await self._writer.close()
                with anyio.move_on_after(TELLING_SECONDS):
                    await self.failures.tell()
            self._say_what_stays()

    async def put(self, body: bytes) -> int:
        """Store an event; returns its position when it is on the disk.

        Raises:
            BufferFull: There is no room.
            SpoolError: The disk fails.
        """
        return await self._writer.run(partial(self._put, body))

    async def track(self, body: bytes) -> EventResponse:
        """Store an event, and return what came of it, or in time that nothing came yet."""
        position = await self.put(body)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[EventResponse] = loop.create_future()
        self._waiting[position] = answer
        deadline = loop.call_later(self._patience, self._expire, position)
        try:
            return await answer
        finally:
            self._waiting.pop(position, None)
            deadline.cancel()

    async def flush(self) -> None:
        """Wait until all that is stored by now is over, what dead processes have left included."""
        await self._adopted.wait()
        if not self.is_over:
            await self._courier.all_over()

    async def letters(self, limit: int) -> list[DeadLetter]:
        """Return the oldest dead letters."""
        return await self._writer.run(lambda store: store.letters(limit))

    async def resend(self, numbers: Sequence[int]) -> int:
        """Store dead letters as new events; returns how many there were."""
        return await self._writer.run(partial(self._resend, numbers))

    async def discard(self, numbers: Sequence[int]) -> int:
        """Delete dead letters; returns how many there were."""
        return await self._writer.run(lambda store: len(store.take_letters(numbers)))

    def stats(self) -> BufferStats:
        """Return the counters."""
        sizes = self._writer.store.committed
        return BufferStats(
            taken=sizes.pending + sizes.accepted + sizes.rejected + sizes.unknown,
            pending=sizes.pending,
            pending_bytes=sizes.pending_bytes,
            waiting=0,
            requests=self._courier.in_flight,
            accepted=sizes.accepted,
            rejected=sizes.rejected,
            not_sent=0,
            unknown=sizes.unknown,
            dead_letters=sizes.dead,
        )

    def _open(self) -> Store:
        prepare(self._directory)
        return create(self._directory)

    def _put(self, body: bytes, store: Store) -> int:
        sizes, options = store.sizes, self._options
        used = sizes.pending_bytes + sizes.dead_bytes
        if sizes.pending >= options.max_pending or used + len(body) > options.max_pending_bytes:
            raise BufferFull(
                f"the spool is full: {sizes.pending} events of {sizes.pending_bytes} bytes are pending, and "
                f"{sizes.dead} dead letters of {sizes.dead_bytes} bytes are kept; this event was not stored",
                outcome="not_sent",
            )
        # What this transaction has taken in so far will take its room twice: in the log, and then in the file.
        growth = 2 * (sizes.pending_bytes - store.committed.pending_bytes + len(body))
        free = self._free_bytes() - max(0, growth)
        if free < RESERVED_BYTES and free + store.reusable() < RESERVED_BYTES:
            raise SpoolError(
                f"the disk of the spool {self._directory} is full: fewer than {RESERVED_BYTES} bytes are free, which "
                "are kept for noting what was sent; this event was not stored",
                outcome="not_sent",
            )
        return store.put(body, self._clock.wall())

    def _free_bytes(self) -> int:
        try:
            return shutil.disk_usage(self._directory).free
        except OSError as error:
            raise SpoolError(
                f"the directory of the spool {self._directory} cannot be looked at: {error.strerror}; this event was "
                "not stored",
                outcome="not_sent",
            ) from None

    def _resend(self, numbers: Sequence[int], store: Store) -> int:
        bodies = store.take_letters(numbers)
        now = self._clock.wall()
        for body in bodies:
            store.put(body, now)
        return len(bodies)

    async def _adopt_now_and_then(self) -> None:
        pause = self._clock.uniform(*SECOND_LOOK)
        while True:
            try:
                await self._adopt()
            except SpoolError as error:
                logs.spool_trouble(self._directory, f"is looked through later: {error.message}")
            self._adopted.set()
            await anyio.sleep(pause)
            pause = ADOPT_SECONDS

    async def _adopt(self) -> None:
        adoption = Adoption(self._directory, self._writer.store.path)
        try:
            while await self._writer.run(adoption.next_file):
                while await self._writer.run(adoption.copy):
                    await self._writer.run(adoption.delete_copied)
        finally:
            with anyio.CancelScope(shield=True):
                await self._writer.run(adoption.close)

    def _committed(self) -> None:
        self._courier.wake()

    def _tell(self, position: int, settled: Settled) -> None:
        answer = self._waiting.get(position)
        if answer is not None and not answer.done():
            answer.set_result(settled.response())

    async def _bury(self, letters: Sequence[DeadLetter]) -> None:
        for letter in letters:
            self.failures.add(letter.record())
        await self.failures.tell()

    def _expire(self, position: int) -> None:
        answer = self._waiting.get(position)
        if answer is not None and not answer.done():
            trouble = self._courier.trouble
            error = _STORED if trouble is None else f"{_STORED}; the last attempt failed: {trouble}"
            verdict = Verdict("unknown", error=error, error_type="deadline_exceeded")
            answer.set_result(Settled(verdict, attempts=0).response())

    def _say_what_stays(self) -> None:
        for position in list(self._waiting):
            self._expire(position)
        if pending := self._writer.store.committed.pending:
            logs.stored_stay(pending, self._directory)


def _close(store: Store) -> None:
    if store.sizes.pending or store.sizes.dead:
        store.close()
    else:
        store.remove()
