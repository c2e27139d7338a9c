"""An event loop in a thread of its own, for callers that block."""

from __future__ import annotations

import asyncio
import atexit
import threading
import weakref
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from anyio.from_thread import BlockingPortal

from suprsend_async.errors import ConfigurationError, ConnectionFailed
from suprsend_async.forking import forget_after_fork

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

T = TypeVar("T")

_all: weakref.WeakSet[LoopThread] = weakref.WeakSet()

# Seconds for which a thread that stops waits for the ends of bulks, and for which these wait for the thread's.
SETTLE_LIMIT = 0.25
JOIN_LIMIT = 10.0

CLOSED = "the client was closed; make a new one, or enter it again with `with`"


@dataclass(frozen=True, slots=True)
class _Running:
    """A portal and the thread that it runs in."""

    portal: BlockingPortal
    thread: threading.Thread

    @classmethod
    def start(cls) -> _Running:
        """Start the thread.

        Raises:
            ConnectionFailed: The system has no thread or no file left for it.
        """
        # Not anyio's own context manager: a forked child would finalise it when it ends, and wait for ever for a
        # thread that only the parent has.
        opened: Future[BlockingPortal] = Future()
        thread = threading.Thread(target=_run, args=(opened,), name="suprsend-async", daemon=True)
        try:
            thread.start()
            return cls(opened.result(), thread)
        except (OSError, RuntimeError) as error:
            reason = f"the client's event loop cannot start: {type(error).__name__}: {error}"
            raise ConnectionFailed(reason, outcome="not_sent") from None

    @property
    def is_here(self) -> bool:
        return threading.current_thread() is self.thread

    def start_soon(self, function: Callable[..., Awaitable[None]], *args: object) -> None:
        # From a thread of its own, for a portal takes nothing from its own thread, where collected objects end, too.
        def start() -> None:
            with suppress(RuntimeError):  # stopped in between
                self.portal.start_task_soon(function, *args)

        threading.Thread(target=start, name="suprsend-async-end").start()


def _run(opened: Future[BlockingPortal]) -> None:
    try:
        anyio.run(_serve, opened)
    except Exception as error:
        if opened.done():
            raise
        # Somebody waits for the portal.
        opened.set_exception(error)


async def _serve(opened: Future[BlockingPortal]) -> None:
    async with BlockingPortal() as portal:
        opened.set_result(portal)
        await portal.sleep_until_stopped()


class LoopThread:
    """One anyio blocking portal, started when it is first needed and again after a fork."""

    def __init__(self, close: Callable[[], Awaitable[None]]) -> None:
        """Prepare; nothing is started.

        Args:
            close: Awaited on the loop before it stops.
        """
        self._close = close
        self._closed = False
        # Not a plain lock: a signal's handler may call in while its own thread holds it.
        self._lock = threading.RLock()
        self._running: _Running | None = None
        self._stopped: _Running | None = None
        self._bulks: set[asyncio.Task[None]] = set()
        _all.add(self)
        _stop_all_at_exit()
        forget_after_fork(self)

    def forget(self) -> object:
        """Be ready to start anew; returns what was running."""
        inherited = [one for one in (self._running, self._stopped, *self._bulks) if one is not None]
        self._running = self._stopped = None
        self._bulks = set()
        self._lock = threading.RLock()
        return inherited

    @property
    def running(self) -> object:
        """What stands for the thread that runs now; None if none does."""
        return self._running

    def open(self) -> None:
        """Allow the thread to start (again)."""
        self._closed = False

    def call(self, name: str, function: Callable[..., Awaitable[T]], *args: object, on: object = None) -> T:
        """Run an asynchronous function on the loop and return its result.

        An interrupt (Ctrl-C) while it runs cancels it.

        Args:
            name: The call to recommend instead, in the error for calls from the loop's own thread.
            function: The asynchronous function.
            *args: Its arguments.
            on: The thread that it belongs to, if it goes on with something that runs there.

        Raises:
            ConfigurationError: Called on the loop's own thread, where it could only wait for itself, or closed.
            ConnectionFailed: The system has no thread or no file left for the loop.
        """
        if on is not None and self._running is not on:
            raise ConfigurationError("the client was closed, or the process was forked, since this was begun")
        portal = self._start(name)
        try:
            future = portal.start_task_soon(function, *args)
        except RuntimeError:  # it was stopped by another thread in between
            raise ConfigurationError(CLOSED) from None
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

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
        stopped.thread.join(JOIN_LIMIT)
        return not stopped.thread.is_alive()

    def finish(self, function: Callable[[], Awaitable[None]], *, on: object) -> None:
        """Run what ends something that was begun: raises nothing, and leaves alone what has gone or is not here.

        Args:
            function: The asynchronous function that ends it.
            on: The thread on which it was begun.
        """
        running = self._running
        if running is None or running is not on:
            return
        if running.is_here:
            running.start_soon(function)
            return
        with suppress(RuntimeError, CancelledError):  # stopped by another thread in between
            running.portal.start_task_soon(function).result()

    def _start(self, name: str) -> BlockingPortal:
        with self._lock:
            if self._closed:
                raise ConfigurationError(CLOSED)
            running = self._running or self._take(_Running.start())
        _refuse_own_thread(running, name)
        return running.portal

    def _take(self, started: _Running) -> _Running:
        if self._running is None:
            self._running = started
        else:  # a signal's handler was faster
            started.portal.start_task_soon(started.portal.stop)
        return self._running

    def stop(self) -> None:
        """Close what runs on the loop, stop the loop and join its thread.

        Raises:
            ConfigurationError: Called on the loop's own thread.
        """
        running = self._running
        if running is not None:
            _refuse_own_thread(running, "aclose()")
        with self._lock:
            running, self._running, self._closed = self._running, None, True
            if running is not None:
                self._stopped = running
        if running is not None:
            try:
                running.portal.call(self._close)
                running.portal.call(self._settle)
            finally:
                running.portal.start_task_soon(running.portal.stop)
                running.thread.join()

    async def _settle(self) -> None:
        # The calls of bulks in flight have ended by now; the bulks get a moment to tell what came of them.
        if self._bulks:
            await asyncio.wait(self._bulks, timeout=SETTLE_LIMIT)

    def stop_soon(self) -> None:
        """Do the same without waiting, for a client that is being collected."""
        running, self._running, self._closed = self._running, None, True
        if running is not None:
            running.start_soon(_close_and_stop, self._close, running.portal)


def _refuse_own_thread(running: _Running, name: str) -> None:
    if running.is_here:
        raise ConfigurationError(
            f"a blocking call on the client's own event loop waits for itself; use `await AsyncSuprsend.{name}`"
        )


async def _close_and_stop(close: Callable[[], Awaitable[None]], portal: BlockingPortal) -> None:
    try:
        await close()
    finally:
        await portal.stop()


@cache
def _stop_all_at_exit() -> None:
    # Not on import, for programs with asynchronous clients alone need no hook; and not with the first call, for
    # hooks of the application that are made after the client run before this one, and may still call it.
    atexit.register(_stop_all)


def _stop_all() -> None:
    for thread in list(_all):
        thread.stop()
