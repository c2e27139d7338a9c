"""A bulk whose source is read on the caller's thread while the sending runs on an event loop in another one.

The source of a blocking caller may be bound to its thread, as database cursors are, so the loop's thread must not
read it. The caller's thread steps through the bulk: it hands over records when more are wanted, and takes results.
"""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import anyio

from suprsend_async.callbacks import Exits
from suprsend_async.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Coroutine, Generator, Iterable

    from suprsend_async.callbacks import Callback
    from suprsend_async.loop_thread import LoopThread

R = TypeVar("R")
T = TypeVar("T")
A = TypeVar("A")

# Records that are handed over from one thread to the other together.
BATCH = 100


class Bridge(Generic[R, T]):
    """One bulk under way. Its asynchronous methods run on the loop, `run` on the caller's thread.

    Args:
        start: Starts the bulk on the loop; it is given the source to read and a function that takes its results.
    """

    def __init__(
        self, start: Callable[[AsyncIterable[R], Callable[[T], Awaitable[None]]], Coroutine[Any, Any, None]]
    ) -> None:
        self._start = start
        self._records: list[R] | None = None
        self._source_error: BaseException | None = None
        self._exits = Exits()
        self._wanted = False
        self._results: list[T] = []
        self._changed = anyio.Event()

    def guarded(self, callback: Callback[A] | None) -> Callback[A] | None:
        """Return a callback whose exits are raised by `run`."""
        return self._exits.guarded(callback)

    def run(self, loop: LoopThread, advice: str, source: Iterable[R]) -> Generator[T]:
        """Read the source, and yield the results as they come.

        Args:
            loop: Where the bulk runs.
            advice: What to write instead on the loop's own thread, for the error there.
            source: Read here, no further than the bulk asks for.

        Yields:
            What the bulk hands over.

        Raises:
            BaseException: What the source, a callback or the bulk raised.
        """
        records = iter(source)
        loop.call(advice, self._begin, loop)
        started_on = loop.running
        try:
            while True:
                results, wanted = loop.call(advice, self._step, on=started_on)
                yield from results
                if wanted:
                    loop.call(advice, self._supply, *self._read(records), on=started_on)
                elif not results:
                    return
        except ConfigurationError:
            if not loop.joined(started_on):
                raise
            # Another thread has closed the client: what the records in flight came to is reported all the same.
            yield from self._results
            if self._task.cancelled() or self._task.exception() is not None:
                raise
        except RuntimeError:
            self._exits.check()
            raise
        finally:
            loop.finish(self._end, on=started_on)

    def _read(self, records: Iterable[R]) -> tuple[list[R], BaseException | None]:
        batch: list[R] = []
        try:
            for record in islice(records, BATCH):
                batch.append(record)  # noqa: PERF402 - keeps what came before an error
        except Exception as error:  # noqa: BLE001 - raised again once what was read before is sent
            return batch, error
        return batch, None

    async def _begin(self, loop: LoopThread) -> None:
        self._task = loop.spawn(self._start(self._read_events(), self._take))
        self._task.add_done_callback(lambda _: self._changed.set())

    async def _step(self) -> tuple[list[T], bool]:
        """Wait for what comes next: results, a wish for more records, or neither at the end."""
        while not (self._results or self._wanted or self._task.done()):
            await self._changed.wait()
        results, self._results = self._results, []
        self._notify()
        if not results and self._task.done():
            self._task.result()
        return results, self._wanted and not self._task.done()

    async def _supply(self, records: list[R], error: BaseException | None) -> None:
        self._records, self._source_error, self._wanted = records, error, False
        self._notify()

    async def _end(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.exception()  # known to the caller, or of no interest to one who left early

    async def _read_events(self) -> AsyncGenerator[R]:
        while True:
            self._wanted = True
            self._notify()
            while self._wanted:
                await self._changed.wait()
            records, self._records = self._records or [], None
            for record in records:
                yield record
            if self._source_error is not None:
                raise self._source_error
            if len(records) < BATCH:
                return

    async def _take(self, result: T) -> None:
        # The results of a chunk come in one go and are handed over together.
        while len(self._results) >= BATCH:
            await self._changed.wait()
        self._results.append(result)
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
