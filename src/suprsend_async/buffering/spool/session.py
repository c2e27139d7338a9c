"""What works while a spool is open: the writer, the senders, and the importer of what dead processes left."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel

from suprsend_async import logs
from suprsend_async.api.verdict import Verdict
from suprsend_async.buffering.batch import BatchResult
from suprsend_async.buffering.kinds import EVENT, KindName
from suprsend_async.buffering.lifecycle import State
from suprsend_async.buffering.reports import BufferStats, Failures
from suprsend_async.buffering.spool.age import Ages, boot_id
from suprsend_async.buffering.spool.contents import SpoolOrigin
from suprsend_async.buffering.spool.directory import create, prepare, rescue
from suprsend_async.buffering.spool.importer import OrphanImporter
from suprsend_async.buffering.spool.orphans import Notices, Orphans
from suprsend_async.buffering.spool.sender import SpoolSender
from suprsend_async.buffering.spool.writer import Writer
from suprsend_async.errors import BufferFull, SpoolError
from suprsend_async.tasks import Group
from suprsend_async.transport.outages import Outage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from suprsend_async.api.response import EventResponse
    from suprsend_async.buffering.kinds import RecordKinds
    from suprsend_async.buffering.options import BufferOptions
    from suprsend_async.buffering.spool.dead_letters import DeadLetter
    from suprsend_async.buffering.spool.store import SpoolStore
    from suprsend_async.bulk.results import FailedRecord
    from suprsend_async.bulk.sender import BulkSender
    from suprsend_async.callbacks import Callback

# Bytes that are left free on the disk. Deleting what was sent takes room before it makes any, and a disk that is full
# to the last byte could not be emptied by sending.
RESERVED_BYTES = 8 * 1024 * 1024
# Seconds between two looks for files of dead processes.
IMPORT_SECONDS = 60.0
# Seconds from the first look to the second. Processes that start together look at the same file at the same moment, and
# SQLite may then give its lock to none of them: each looks again at a time of its own.
SECOND_LOOK = (0.2, 2.0)

_STORED = "no answer in time; the event is stored and will be sent"


class SpoolSession:
    """One opening of a spool.

    Args:
        directory: Where the files are.
        sender: Sends.
        kinds: The kinds of record.
        options: The bounds.
        on_failure: Given new dead letters.
    """

    def __init__(
        self,
        directory: Path,
        sender: BulkSender[Any],
        kinds: RecordKinds,
        options: BufferOptions,
        on_failure: Callback[FailedRecord[Any]] | None,
    ) -> None:
        """Prepare; nothing is opened."""
        self.failures: Failures = Failures(on_failure, sender.transport.session)
        self.state: State = State.STARTING
        self._directory = directory
        self._transport = sender.transport
        self._clock = sender.transport.session.clock
        self._options = options
        self._waiting: dict[int, asyncio.Future[EventResponse]] = {}
        self._imported = anyio.Event()
        self._notices = Notices()
        self._origin = SpoolOrigin(self._transport.session.workspace(), boot_id())
        self._ages = Ages(self._transport.session, self._origin.boot)
        self._writer = Writer(self._open, self._close, self._committed)
        disk = Outage(logs.StoreFailing("buffer", "the spool"))
        self._senders: dict[KindName, SpoolSender] = {
            name: SpoolSender(
                name,
                kinds,
                self._writer,
                sender,
                self._ages,
                disk,
                options.linger,
                self._notify if name == EVENT else _notify_nobody,
                self._report_dead_letters,
                self.failures.note_error,
            )
            for name in kinds
        }
        # The transaction for which the disk was looked at, what was free then, and whether what is left is kept.
        self._looked_at = 0
        self._free = 0
        self._is_kept = True

    async def run(self, started: anyio.Event) -> None:
        """Work until cancelled; what is not sent by then stays in the spool."""
        await self._transport.session.loops.current()
        await self._writer.open()
        self._orphans = Orphans(self._directory, self._writer.store.path, self._origin.workspace, self._notices)
        try:
            async with Group() as group:
                for sender in self._senders.values():
                    group.start_soon(sender.run)
                group.start_soon(self._import_now_and_then)
                started.set()
        finally:
            self.state = self.state.ended()
            self._imported.set()
            try:
                with anyio.CancelScope(shield=True):
                    await self._writer.close()
                await self.failures.report_the_last()
            finally:
                self._report_what_stays()

    async def put(self, body: bytes, kind: KindName = EVENT, *, repeatable: bool = True) -> int:
        """Store a record; returns its position when it is on the disk.

        Raises:
            BufferFull: There is no room.
            SpoolError: The disk fails.
        """
        return await self._writer.run(partial(self._put, body, kind, repeatable))

    async def track(self, body: bytes) -> EventResponse:
        """Store an event, and return what it came to, or in time that there is no answer yet."""
        position = await self.put(body)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[EventResponse] = loop.create_future()
        self._waiting[position] = answer
        deadline = loop.call_later(self._transport.timeout, self._expire, position)
        try:
            return await answer
        finally:
            self._waiting.pop(position, None)
            deadline.cancel()

    async def flush(self) -> None:
        """Wait until all that is stored by now is over, what dead processes have left included."""
        await self._imported.wait()
        if not self.state.is_over:
            lasts = await self._writer.run(lambda store: {name: store.bounds(name)[1] for name in self._senders})
            for name, sender in self._senders.items():
                await sender.all_over(lasts[name])

    async def dead_letters(self, limit: int) -> list[DeadLetter]:
        """Return the oldest dead letters."""
        return await self._writer.run(lambda store: store.dead_letters(limit))

    async def resend(self, numbers: Sequence[int]) -> int:
        """Store dead letters as new records; returns how many there were."""
        return await self._writer.run(partial(self._resend, numbers))

    async def discard(self, numbers: Sequence[int]) -> int:
        """Delete dead letters; returns how many there were."""
        return await self._writer.run(lambda store: len(store.take_dead_letters(numbers)))

    def stats(self) -> BufferStats:
        """Return the counters."""
        sizes = self._writer.store.committed
        return BufferStats(
            taken=sizes.pending + sizes.accepted + sizes.rejected + sizes.unknown,
            pending=sizes.pending,
            pending_bytes=sizes.pending_bytes,
            waiting=0,
            requests=sum(sender.in_flight for sender in self._senders.values()),
            accepted=sizes.accepted,
            rejected=sizes.rejected,
            not_sent=0,
            unknown=sizes.unknown,
            dead_letters=sizes.dead,
            last_error=self.failures.last_error,
        )

    def _open(self) -> SpoolStore:
        prepare(self._directory)
        return create(self._directory, self._origin)

    def _close(self, store: SpoolStore) -> None:
        if not store.sizes.pending and not store.sizes.dead:
            store.remove()
            return
        try:
            if not store.is_kept:
                rescue(store)
        except (OSError, sqlite3.Error) as error:
            self._is_kept = False
            logs.stored_lost(store.sizes.pending, store.sizes.dead, store.path, error)
        finally:
            store.close()

    def _put(self, body: bytes, kind: KindName, repeatable: bool, store: SpoolStore) -> int:
        sizes, options = store.sizes, self._options
        used = sizes.pending_bytes + sizes.dead_bytes
        if sizes.pending >= options.max_pending or used + len(body) > options.max_pending_bytes:
            raise BufferFull(
                f"the spool is full: {sizes.pending} records of {sizes.pending_bytes} bytes are pending, and "
                f"{sizes.dead} dead letters of {sizes.dead_bytes} bytes are kept; this record was not stored",
                outcome="not_sent",
            )
        if self._looked_at != store.transaction:
            # Once for all that is stored together.
            self._free = self._free_bytes()
            self._check_place(store)
            self._looked_at = store.transaction
        # What this transaction has taken in so far will take its room twice: in the log, and then in the file.
        growth = 2 * (sizes.pending_bytes - store.committed.pending_bytes + len(body))
        free = self._free - max(0, growth)
        if free < RESERVED_BYTES and free + store.reusable() < RESERVED_BYTES:
            raise SpoolError(
                f"the disk of the spool {self._directory} is full: fewer than {RESERVED_BYTES} bytes are free, which "
                "are reserved for recording sent records; this record was not stored",
                outcome="not_sent",
            )
        return store.put(body, *self._ages.stamp(), kind, repeatable=repeatable)

    def _check_place(self, store: SpoolStore) -> None:
        if not store.is_in_place:
            raise SpoolError(
                f"the file of the spool {store.path} was deleted or moved while it was open: this record was not "
                "stored. Earlier records are sent while this buffer is open; open another buffer to store more",
                outcome="not_sent",
            )

    def _free_bytes(self) -> int:
        try:
            return shutil.disk_usage(self._directory).free
        except OSError as error:
            raise SpoolError(
                f"the directory of the spool {self._directory} cannot be read: {error.strerror}; this event was "
                "not stored",
                outcome="not_sent",
            ) from None

    def _resend(self, numbers: Sequence[int], store: SpoolStore) -> int:
        self._check_place(store)
        taken = store.take_dead_letters(numbers)
        for each in taken:
            store.put(each.body, *self._ages.stamp(), each.kind, repeatable=each.repeatable)
        return len(taken)

    async def _import_now_and_then(self) -> None:
        pause = self._clock.uniform(*SECOND_LOOK)
        while True:
            try:
                await self._import()
            except SpoolError as error:
                logs.spool_trouble(self._directory, f"is imported later: {error.message}")
            self._imported.set()
            await anyio.sleep(pause)
            pause = IMPORT_SECONDS

    async def _import(self) -> None:
        importer = OrphanImporter(self._orphans, self._ages)
        if not await self._writer.run(lambda store: store.is_in_place):
            self._notices.give(
                self._writer.store.path,
                "was deleted or moved while it is open: it stores nothing more; its events are sent, and the rest is "
                "written to a new file at the end",
            )
        try:
            while await self._writer.run(importer.next_file):
                while await self._import_some(importer):
                    pass
        finally:
            with anyio.CancelScope(shield=True):
                await self._writer.run(importer.close)

    async def _import_some(self, importer: OrphanImporter) -> bool:
        # Whole, even when the buffer is closed: what was copied and not deleted would be found in two files.
        has_copied = False
        with anyio.CancelScope(shield=True):
            has_copied = await self._writer.run(importer.copy)
            if has_copied:
                await self._writer.run(importer.delete_copied)
        await anyio.lowlevel.checkpoint_if_cancelled()
        return has_copied

    def _committed(self) -> None:
        for sender in self._senders.values():
            sender.wake()

    def _notify(self, position: int, result: BatchResult) -> None:
        answer = self._waiting.get(position)
        if answer is not None and not answer.done():
            answer.set_result(result.response())

    async def _report_dead_letters(self, dead_letters: Sequence[DeadLetter]) -> None:
        for each in dead_letters:
            self.failures.add(each.record())
        await self.failures.report()

    def _expire(self, position: int) -> None:
        answer = self._waiting.get(position)
        if answer is not None and not answer.done():
            trouble = self._senders[EVENT].trouble
            error = _STORED if trouble is None else f"{_STORED}; the last attempt failed: {trouble}"
            verdict = Verdict("unknown", error=error, error_type="deadline_exceeded")
            answer.set_result(BatchResult(verdict, attempts=0).response())

    def _report_what_stays(self) -> None:
        for position in list(self._waiting):
            self._expire(position)
        pending = self._writer.store.committed.pending
        if pending and self._is_kept:
            logs.stored_stay(pending, self._directory)


def _notify_nobody(position: int, result: BatchResult) -> None:
    """Nobody waits for the verdicts of triggers and edits."""
