"""An event loop that takes calls from other threads: in its own real thread, or on the caller's."""

from __future__ import annotations

import asyncio
import sys
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from suprsend_async.forking import Rest, rest_while_forking, take_after_lookups
from suprsend_async.real_time import REAL_TIME
from suprsend_async.tasks import foreign_cancellation
from suprsend_async.threads import Reply, Thread, destroy_hub, has_green_threads, is_ending, look_up, original

if TYPE_CHECKING:
    import threading
    from collections.abc import Awaitable, Callable, Coroutine

T = TypeVar("T")

# Seconds that a loop which ends waits for the calls that are still under way.
DRAIN_LIMIT = 0.25


class StoppedError(RuntimeError):
    """The loop takes no more calls; `begun` says whether this one was under way."""

    def __init__(self, *, begun: bool) -> None:
        super().__init__("the event loop has ended")
        self.begun = begun


def _new_loop() -> asyncio.AbstractEventLoop:
    # Not gevent's selector, which waits in a hub of greenlets.
    new_selector = original("selectors", "DefaultSelector")
    # A loop that finds no files for these is left half made, and warns of it later.
    with closing(new_selector()):
        for end in original("socket", "socketpair")():
            end.close()
    if has_green_threads():
        loop: asyncio.AbstractEventLoop = asyncio.SelectorEventLoop(new_selector())
    else:
        loop = asyncio.new_event_loop()
    if isinstance(loop, asyncio.BaseEventLoop):
        # The clock may be frozen by a test, and the loop's own threads take no names when the interpreter ends.
        vars(loop).update(time=REAL_TIME.monotonic, getaddrinfo=look_up)
    return loop


class _Call(Generic[T]):
    """A call that one thread waits for and the loop's runs."""

    def __init__(self, function: Callable[..., Awaitable[T]], args: tuple[object, ...]) -> None:
        self.reply: Reply[T] = Reply()
        self._function = function
        self._args = args
        self._task: asyncio.Task[None] | None = None

    def begin(self, start: Callable[[Callable[[], Awaitable[None]]], asyncio.Task[None]]) -> None:
        self._task = start(self._run)
        self._task.add_done_callback(self._fail_if_cancelled)

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            with foreign_cancellation("the call"):
                result = await self._function(*self._args)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - what ends a program ends it on the caller's thread
            self.reply.fail(error)
        else:
            self.reply.give(result)

    def _fail_if_cancelled(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            self.reply.fail(StoppedError(begun=True))


class RunningLoop:
    """A loop in its own thread."""

    def __init__(self) -> None:
        self.is_ending: bool = False
        self._loop: asyncio.AbstractEventLoop | None = None
        # Not a plain lock: a signal's handler, or a collected object's end, may call in while its thread holds it.
        self._lock: threading.RLock = original("threading", "RLock")()
        self._stop = asyncio.Event()
        self._calls: set[asyncio.Task[None]] = set()
        self._thread = Thread(self._run, "suprsend-async")
        self._opened: Reply[None] = Reply()

    @property
    def is_here(self) -> bool:
        """Whether this code runs on the loop."""
        return self._loop is not None and asyncio._get_running_loop() is self._loop  # pyright: ignore[reportPrivateUsage]

    def start(self) -> None:
        """Start the thread, and return when its loop takes calls.

        Raises:
            OSError: The system has no file left for the loop.
            RuntimeError: It has no thread left for it, or the interpreter ends.
        """
        self._thread.start()
        self._opened.wait()
        rest_while_forking(self)

    def call(self, function: Callable[..., Awaitable[T]], *args: object) -> T:
        """Run an asynchronous function on the loop and return its result; an interrupt of the wait cancels it.

        Raises:
            StoppedError: The loop has ended.
        """
        call = _Call(function, args)
        try:
            self._submit(lambda: call.begin(self._begin))
            return call.reply.wait()
        except BaseException:
            with suppress(StoppedError):
                self._submit(call.cancel)
            raise

    def call_soon(self, function: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run it without waiting; from any thread, the loop's own included."""
        with suppress(StoppedError):
            self._submit(lambda: self._begin(function))

    def end(self, close: Callable[[], Awaitable[None]] | None = None) -> None:
        """Have the loop and its thread end soon; from any thread, and as often as wanted.

        Args:
            close: Awaited on the loop before.
        """
        if close is not None:
            self.call_soon(lambda: self._close_and_end(close))
            return
        with self._lock:
            if self._loop is not None:
                with suppress(RuntimeError):  # it has ended
                    self._loop.call_soon_threadsafe(self._stop.set)
            self.is_ending = True

    async def _close_and_end(self, close: Callable[[], Awaitable[None]]) -> None:
        try:
            await close()
        finally:
            self.end()

    def let_rest(self, rest: Rest) -> bool:
        """Have the loop take this rest between two callbacks; returns whether it will."""
        if self.is_here:
            return False
        try:
            self._submit(lambda: take_after_lookups(rest))
        except StoppedError:
            return False
        return True

    def join(self, seconds: float) -> bool:
        """Wait for the end of the thread; returns whether it has ended."""
        return self._thread.join(seconds)

    def _submit(self, begin: Callable[[], object]) -> None:
        with self._lock:
            if self.is_ending or self._loop is None:
                raise StoppedError(begun=False)
            self._loop.call_soon_threadsafe(begin)

    def _begin(self, function: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        # Not of a coroutine that another one awaits: cancelled before it begins, that would never be awaited.
        task = asyncio.get_running_loop().create_task(_on_asyncio(function))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        return task

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=_new_loop) as runner:
                runner.get_loop()  # what it cannot have is raised before the coroutine is there
                runner.run(self._serve())
        except Exception as error:
            if self._loop is None:
                self._opened.fail(error)
            elif not is_ending(error):
                raise
            # Else the interpreter ends, and lets the loop start no thread in which to wait for its other ones.
        finally:
            destroy_hub()

    async def _serve(self) -> None:
        with self._lock:
            self._loop = asyncio.get_running_loop()
            if self.is_ending:  # nobody waits any more
                self._stop.set()
        self._opened.give(None)
        try:
            await self._stop.wait()
        finally:
            with self._lock:
                self.is_ending = True
            await asyncio.sleep(0)  # what was submitted before begins
            if self._calls:
                await asyncio.wait(self._calls, timeout=DRAIN_LIMIT)


class LoopOnCaller(RunningLoop):
    """A loop that runs on the caller's thread, and only during calls: for the end of the interpreter.

    From 3.12 on, Python starts no thread in exit hooks.
    """

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner(loop_factory=_new_loop)

    def start(self) -> None:
        """Make the loop."""
        self._loop = self._runner.get_loop()

    def call(self, function: Callable[..., Awaitable[T]], *args: object) -> T:
        """Run an asynchronous function and return its result; one caller after the other.

        Raises:
            StoppedError: The loop has ended.
        """
        with self._lock:
            if self.is_ending:
                raise StoppedError(begun=False)
            return self._runner.run(_on_asyncio(function, *args))

    def call_soon(self, function: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run it at once, or on the loop when it runs."""
        if self.is_here:
            self._begin(function)
        else:
            with suppress(StoppedError):
                self.call(function)

    def end(self, close: Callable[[], Awaitable[None]] | None = None) -> None:
        """End the loop, after `close` if one is given."""
        if not self.is_here:
            with self._lock, suppress(RuntimeError):  # the loop cannot start the thread in which it waits for others
                if close is not None:
                    self.call_soon(lambda: _on_asyncio(close))
                self.is_ending = True
                self._runner.close()

    def join(self, seconds: float) -> bool:
        """Return at once: it runs during calls only."""
        return True


async def _on_asyncio(function: Callable[..., Awaitable[T]], *args: object) -> T:
    # The caller's context came with the call: it may be a task of trio's, and anyio's libraries look there.
    sniffio = sys.modules.get("sniffio")
    if sniffio is not None:
        sniffio.current_async_library_cvar.set("asyncio")
    return await function(*args)
