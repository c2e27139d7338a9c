"""An event loop in a thread of its own, for callers that block."""

from __future__ import annotations

import asyncio
import atexit
import weakref
from contextlib import ExitStack, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from suprsend_async.errors import ConfigurationError, ConnectionFailed
from suprsend_async.forking import forget_after_fork, notice_fork
from suprsend_async.running_loop import DRAIN_LIMIT, LoopOnCaller, RunningLoop, StoppedError
from suprsend_async.threads import Turns, is_ending, refuse_eventlet

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

T = TypeVar("T")

_all: weakref.WeakSet[LoopThread] = weakref.WeakSet()

# Seconds that others wait for a thread which stops.
JOIN_LIMIT = 10.0

CLOSED = "the client was closed; make a new one, or enter it again with `with`"


class LoopThread:
    """One event loop in a thread, started when it is first needed and again after a fork."""

    def __init__(self, close: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Prepare; nothing is started.

        Args:
            close: Awaited on the loop before it stops.
        """
        self._close = close
        self._closed = False
        self._turns = Turns()
        self._running: RunningLoop | None = None
        self._stopped: RunningLoop | None = None
        self._bulks: set[asyncio.Task[None]] = set()
        _all.add(self)
        _stop_all_at_exit()
        forget_after_fork(self)

    def forget(self) -> object:
        """Be ready to start anew; returns what was running."""
        inherited = [one for one in (self._running, self._stopped, *self._bulks) if one is not None]
        self._running = self._stopped = None
        self._bulks = set()
        self._turns = Turns()
        return inherited

    @property
    def running(self) -> object:
        """What stands for the thread that runs now; None if none does."""
        return self._running

    @property
    def is_here(self) -> bool:
        """Whether it is this thread."""
        return self._running is not None and self._running.is_here

    def open(self) -> None:
        """Allow the thread to start (again)."""
        self._closed = False

    def call(self, advice: str, function: Callable[..., Awaitable[T]], *args: object, on: object = None) -> T:
        """Run an asynchronous function on the loop and return its result.

        An interrupt (Ctrl-C) while it runs cancels it.

        Args:
            advice: What to write instead, in the error for calls from the loop's own thread.
            function: The asynchronous function.
            *args: Its arguments.
            on: The thread that it belongs to, if it goes on with something that runs there.

        Raises:
            ConfigurationError: Called on the loop's own thread, where it could only wait for itself, or closed.
            ConnectionFailed: The system has no thread or no file left for the loop.
        """
        notice_fork()
        if on is not None and self._running is not on:
            raise ConfigurationError("the client was closed, or the process was forked, since this was begun")
        running = self._start(advice)
        try:
            return running.call(function, *args)
        except StoppedError as stopped:  # by another thread
            begun = stopped.begun
        raise ConfigurationError(CLOSED, outcome="unknown" if begun else None)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task on the loop, from the loop; `stop` waits for it for a moment."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._bulks.add(task)
        task.add_done_callback(self._bulks.discard)
        return task

    def joined(self, on: object) -> bool:
        """Wait for the end of a thread that is being stopped; False if that is not why it takes no more calls."""
        stopped = self._stopped
        if stopped is None or stopped is not on or stopped.is_here:
            return False
        return stopped.join(JOIN_LIMIT)

    def finish(self, function: Callable[[], Coroutine[Any, Any, None]], *, on: object) -> None:
        """Run what ends something that was begun: raises nothing, and leaves alone what has gone or is not here.

        Args:
            function: The asynchronous function that ends it.
            on: The thread on which it was begun.
        """
        notice_fork()
        running = self._running
        if running is None or running is not on:
            return
        if running.is_here:
            running.call_soon(function)
            return
        with suppress(StoppedError):  # by another thread in between
            running.call(function)

    def _start(self, advice: str) -> RunningLoop:
        with self._turns:
            if self._closed:
                raise ConfigurationError(CLOSED)
            running = self._running
            if running is None or running.is_ending:
                with self._turns.long():
                    running = self._begin()
        _refuse_own_thread(running, advice)
        return running

    def _begin(self) -> RunningLoop:
        """Start a thread; what interrupts that leaves none behind."""
        refuse_eventlet()
        earlier, running = self._running, RunningLoop()
        try:
            try:
                running.start()
            except (OSError, RuntimeError) as error:
                if not is_ending(error):
                    raise _cannot_start(error) from None
                running = LoopOnCaller()
                running.start()
            if self._running is earlier:
                self._running = running
        except BaseException:
            running.end()
            raise
        if self._running is not running:  # a signal's handler was faster
            running.end()
        return self._running or running

    def check_elsewhere(self, advice: str) -> None:
        """Refuse a blocking call on the loop's own thread, before it changes anything.

        Raises:
            ConfigurationError: This is the loop's own thread.
        """
        if self._running is not None:
            _refuse_own_thread(self._running, advice)

    def stop(self) -> None:
        """Close what runs on the loop, stop the loop and join its thread.

        Raises:
            ConfigurationError: Called on the loop's own thread.
        """
        notice_fork()
        running = self._running
        if running is not None:
            _refuse_own_thread(running, "await AsyncSuprsend.aclose()")
            self.stop_soon()
            # What interrupts this wait does not interrupt the end.
            running.join(JOIN_LIMIT)
        self._closed = True

    def stop_soon(self) -> None:
        """Do the same without waiting, for a client that is being collected or whose start was interrupted."""
        notice_fork()
        self._closed = True
        running = self._running
        if running is not None:
            self._stopped = running
            running.end(self._close_all)
            self._running = None

    async def _close_all(self) -> None:
        await self._close()
        # The calls of bulks in flight have ended by now; the bulks get a moment to report.
        if self._bulks:
            await asyncio.wait(self._bulks, timeout=DRAIN_LIMIT)


def _cannot_start(error: Exception) -> ConnectionFailed:
    reason = f"the client's event loop cannot start: {type(error).__name__}: {error}"
    return ConnectionFailed(reason, outcome="not_sent")


def _refuse_own_thread(running: RunningLoop, advice: str) -> None:
    if running.is_here:
        raise ConfigurationError(f"a blocking call on the client's own event loop waits for itself; use `{advice}`")


@cache
def _stop_all_at_exit() -> None:
    # Not on import, for programs with asynchronous clients alone need no hook; and not with the first call, for
    # hooks of the application that are made after the client run before this one, and may still call it.
    atexit.register(_stop_all)


def _stop_all() -> None:
    with ExitStack() as stack:  # one that cannot be stopped keeps no other from it
        for thread in list(_all):
            stack.callback(thread.stop)
