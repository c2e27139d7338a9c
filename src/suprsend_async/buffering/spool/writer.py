"""The thread that owns a store: what is handed in together is committed together."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass
from queue import Empty
from typing import TYPE_CHECKING, Any, TypeVar, cast

from suprsend_async import logs
from suprsend_async.errors import SpoolError
from suprsend_async.forking import Rest, rest_while_forking
from suprsend_async.threads import Thread, original

if TYPE_CHECKING:
    from collections.abc import Callable
    from queue import SimpleQueue

    from suprsend_async.buffering.spool.store import SpoolStore

T = TypeVar("T")

# Jobs in one transaction at most.
GROUP = 1_000
# Seconds that the event loop waits for a thread which has closed its store: it has nothing left to do.
JOIN_LIMIT = 1.0


@dataclass(slots=True, eq=False)
class _Job:
    do: Callable[[SpoolStore], Any]
    done: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None

    def run(self, store: SpoolStore) -> None:
        """Do it; an error of the disk is everybody's, any other its own."""
        self.error = None
        try:
            self.result = self.do(store)
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 - raised again where the job was handed in
            self.error = error

    def resolve(self) -> None:
        """Give the result to who waits; one that was cancelled gets nothing, and what was done stays done."""
        if self.done.done():
            return
        if self.error is None:
            self.done.set_result(self.result)
        else:
            self.done.set_exception(self.error)


class Writer:
    """Runs jobs on a store in its own thread.

    Args:
        open_store: Opens the store, in the thread.
        on_commit: Called on the event loop after each transaction.
        close_store: Closes it, in the thread.

    Attributes:
        store: The store, once it is open; only `path` and `committed` may be read from outside of the thread.
    """

    store: SpoolStore

    def __init__(
        self,
        open_store: Callable[[], SpoolStore],
        close_store: Callable[[SpoolStore], None],
        on_commit: Callable[[], None],
    ) -> None:
        """Prepare; nothing is opened."""
        self._open_store = open_store
        self._close_store = close_store
        self._on_commit = on_commit
        # Not gevent's, which wakes up no other thread.
        self._jobs: SimpleQueue[_Job | Rest | None] = original("queue", "SimpleQueue")()
        self._is_closed = False
        # A daemon: what is stored is safe, and must not keep a program from ending that leaves no block properly.
        self._thread = Thread(self._work, "suprsend-async-spool")

    async def open(self) -> None:
        """Start the thread and open the store.

        Raises:
            SpoolError: The store cannot be opened.
        """
        self._loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._thread.start()
        rest_while_forking(self)
        try:
            await self._opened
        except BaseException:
            # Cancelled: the thread opens it all the same, and then ends.
            self._jobs.put(None)
            raise

    async def run(self, do: Callable[[SpoolStore], T]) -> T:
        """Run a job; returns its result when that is on the disk.

        If another job breaks the transaction that it shares, it is run again.

        Raises:
            SpoolError: The disk fails, or the spool was closed; nothing of this job was stored.
            Exception: What the job raised.
        """
        if self._is_closed:
            raise SpoolError("the spool was closed; the next opening sends the stored events", outcome="not_sent")
        done: asyncio.Future[Any] = self._loop.create_future()
        self._jobs.put(_Job(do, done))
        return cast("T", await done)

    async def close(self) -> None:
        """Finish what was handed in, and close the store."""
        self._is_closed = True
        self._jobs.put(None)
        await self._closed
        self._thread.join(JOIN_LIMIT)

    def let_rest(self, rest: Rest) -> bool:
        """Have the thread take this rest between two transactions; returns whether it will."""
        if self._is_closed:
            return False
        self._jobs.put(rest)
        return True

    def _work(self) -> None:
        try:
            self.store = self._open_store()
        except Exception as error:  # noqa: BLE001 - raised again where the spool is opened; a path may be anything
            self._call(_fail, self._opened, SpoolError(f"the spool cannot be opened: {error}"))
            return
        try:
            self._call(_finish, self._opened)
            while jobs := self._next_jobs():
                self._commit(jobs)
                if not self._call(self._resolve, jobs):
                    return
        finally:
            self._close()
            self._call(_finish, self._closed)

    def _next_jobs(self) -> list[_Job]:
        """Wait for jobs and take all that are there; none once the end is reached."""
        jobs: list[_Job] = []
        try:
            while len(jobs) < GROUP:
                job = self._jobs.get(block=not jobs)
                if job is None:
                    if jobs:
                        self._jobs.put(None)
                    break
                if isinstance(job, Rest):
                    job.take()
                else:
                    jobs.append(job)
        except Empty:
            pass
        return jobs

    def _commit(self, jobs: list[_Job]) -> None:
        try:
            self._run(jobs)
        except sqlite3.Error:
            # Each for itself: those that the disk still takes are not to fail with the others.
            for job in jobs:
                try:
                    self._run([job])
                except sqlite3.Error as error:
                    job.error = SpoolError(f"the spool cannot be written: {error}", outcome="not_sent")

    def _run(self, jobs: list[_Job]) -> None:
        store = self.store
        try:
            store.begin()
            for job in jobs:
                job.run(store)
            store.commit()
        except BaseException:
            store.rollback()
            raise

    def _resolve(self, jobs: list[_Job]) -> None:
        for job in jobs:
            job.resolve()
        self._on_commit()

    def _call(self, function: Callable[..., None], *arguments: object) -> bool:
        """Call on the event loop; False if there is none any more."""
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            return False
        return True

    def _close(self) -> None:
        try:
            self._close_store(self.store)
        except (OSError, sqlite3.Error) as error:
            # What is stored is on the disk; the next process sorts it out.
            logs.spool_trouble(self.store.path, f"could not be closed properly: {error}")


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _fail(future: asyncio.Future[None], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
