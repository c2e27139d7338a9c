"""A bulk whose source is read on the caller's thread while the sending runs on an event loop in another one.

The source of a blocking caller may be bound to its thread, as database cursors are, so the loop's thread must not
read it. The caller's thread steps through the bulk: it hands over events when more are wanted, and takes results.
"""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import anyio

from suprsend_async.errors import ConfigurationError
from suprsend_async.events.callbacks import call
from suprsend_async.events.chunking import MAX_CHUNK_EVENTS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Coroutine, Generator, Iterable

    from suprsend_async.events.callbacks import Callback
    from suprsend_async.events.event import Event
    from suprsend_async.portal import LoopThread

T = TypeVar("T")
A = TypeVar("A")


class Bridge(Generic[T]):
    """One bulk under way. Its asynchronous methods run on the loop, `run` on the caller's thread.

    Args:
        start: Starts the bulk on the loop; it is given the source to read and a function that takes its results.
    """

    def __init__(
        self, start: Callable[[AsyncIterable[Event], Callable[[T], Awaitable[None]]], Coroutine[Any, Any, None]]
    ) -> None:
        self._start = start
        self._events: list[Event] | None = None
        self._source_error: BaseException | None = None
        self._exit: BaseException | None = None
        self._wanted = False
        self._results: list[T] = []
        self._changed = anyio.Event()

    def guarded(self, callback: Callback[A] | None) -> Callback[A] | None:
        """Return a callback whose exits are raised by `run`: on the loop they would end all other calls with it."""
        if callback is None:
            return None

        async def guarded(argument: A) -> None:
            try:
                await call(callback, argument)
            except (SystemExit, KeyboardInterrupt) as error:
                self._exit = error
                raise RuntimeError(f"a callback raised {type(error).__name__}") from None

        return guarded

    def run(self, loop: LoopThread, name: str, source: Iterable[Event]) -> Generator[T]:
        """Read the source, and yield the results as they come.

        Args:
            loop: Where the bulk runs.
            name: The asynchronous call that does the same, for the error on the loop's own thread.
            source: Read here, no further than the bulk asks for.

        Yields:
            What the bulk hands over.

        Raises:
            BaseException: What the source, a callback or the bulk raised.
        """
        events = iter(source)
        loop.call(name, self._begin, loop)
        started_on = loop.running
        try:
            while True:
                results, wanted = loop.call(name, self._step, on=started_on)
                yield from results
                if wanted:
                    loop.call(name, self._supply, *self._read(events), on=started_on)
                elif not results:
                    return
        except ConfigurationError:
            if not loop.joined(started_on):
                raise
            # Another thread has closed the client: what came of the events in flight is told all the same.
            yield from self._results
            if self._task.cancelled() or self._task.exception() is not None:
                raise
        except RuntimeError:
            if self._exit is not None:
                raise self._exit from None
            raise
        finally:
            loop.finish(self._end, on=started_on)

    def _read(self, events: Iterable[Event]) -> tuple[list[Event], BaseException | None]:
        batch: list[Event] = []
        try:
            for event in islice(events, MAX_CHUNK_EVENTS):
                batch.append(event)  # noqa: PERF402 - keeps what came before an error
        except Exception as error:  # noqa: BLE001 - raised again once what was read before is sent
            return batch, error
        return batch, None

    async def _begin(self, loop: LoopThread) -> None:
        self._task = loop.spawn(self._start(self._read_events(), self._take))
        self._task.add_done_callback(lambda _: self._changed.set())

    async def _step(self) -> tuple[list[T], bool]:
        """Wait for what comes next: results, a wish for more events, or neither at the end."""
        while not (self._results or self._wanted or self._task.done()):
            await self._changed.wait()
        results, self._results = self._results, []
        self._notify()
        if not results and self._task.done():
            self._task.result()
        return results, self._wanted and not self._task.done()

    async def _supply(self, events: list[Event], error: BaseException | None) -> None:
        self._events, self._source_error, self._wanted = events, error, False
        self._notify()

    async def _end(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.exception()  # known to the caller, or of no interest to one who left early

    async def _read_events(self) -> AsyncGenerator[Event]:
        while True:
            self._wanted = True
            self._notify()
            while self._wanted:
                await self._changed.wait()
            events, self._events = self._events or [], None
            for event in events:
                yield event
            if self._source_error is not None:
                raise self._source_error
            if len(events) < MAX_CHUNK_EVENTS:
                return

    async def _take(self, result: T) -> None:
        # The results of a chunk come in one go and are handed over together.
        while len(self._results) >= MAX_CHUNK_EVENTS:
            await self._changed.wait()
        self._results.append(result)
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
