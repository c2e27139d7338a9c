"""An event loop in a thread of its own, for callers that block."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from typing import TYPE_CHECKING, TypeVar

from anyio.from_thread import start_blocking_portal

from suprsend_async.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractContextManager

    from anyio.from_thread import BlockingPortal

T = TypeVar("T")

_all: weakref.WeakSet[LoopThread] = weakref.WeakSet()

# Portals that a forked child inherited. Their threads exist only in the parent: a portal that is used or finalised
# here would wait for its thread for ever, so it is kept and left alone.
_inherited: list[object] = []


class LoopThread:
    """One anyio blocking portal, started when it is first needed and again after a fork."""

    def __init__(self, close: Callable[[], Awaitable[None]]) -> None:
        """Prepare; nothing is started.

        Args:
            close: Awaited on the loop before it stops.
        """
        self._close = close
        self._forget()
        _all.add(self)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._running: tuple[BlockingPortal, AbstractContextManager[BlockingPortal], int] | None = None
        self._closed = False

    @property
    def is_running(self) -> bool:
        """Whether the thread runs."""
        return self._running is not None

    def open(self) -> None:
        """Allow the thread to start (again)."""
        self._closed = False

    def call(self, name: str, function: Callable[..., Awaitable[T]], *args: object) -> T:
        """Run an asynchronous function on the loop and return its result.

        An interrupt (Ctrl-C) while it runs cancels it.

        Args:
            name: The call to recommend instead, in the error for calls from the loop's own thread.
            function: The asynchronous function.
            *args: Its arguments.

        Raises:
            ConfigurationError: Called on the loop's own thread, where it could only wait for itself, or closed.
        """
        portal = self._start(name)
        future = portal.start_task_soon(function, *args)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def _start(self, name: str) -> BlockingPortal:
        with self._lock:
            if self._closed:
                raise ConfigurationError("the client was closed; make a new one, or enter it again with `with`")
            if self._running is None:
                manager = start_blocking_portal("asyncio", name="suprsend-async")
                portal = manager.__enter__()
                self._running = portal, manager, portal.call(threading.get_ident)
            portal, _, thread = self._running
        if threading.get_ident() == thread:
            raise ConfigurationError(
                f"a blocking call on the client's own event loop waits for itself; use `await AsyncSuprsend.{name}`"
            )
        return portal

    def stop(self) -> None:
        """Close what runs on the loop, stop the loop and join its thread."""
        with self._lock:
            running, self._running, self._closed = self._running, None, True
        if running is not None:
            portal, manager, _ = running
            try:
                portal.call(self._close)
            finally:
                manager.__exit__(None, None, None)

    def stop_soon(self) -> None:
        """Do the same without waiting, for a client that is being collected."""
        if self._running is not None:
            portal, _, _ = self._running
            portal.start_task_soon(_close_and_stop, self._close, portal)

    def abandon(self) -> None:
        """Leave what a forked child inherited alone, and be ready to start anew."""
        if self._running is not None:
            _inherited.append(self._running)
        closed = self._closed
        self._forget()
        self._closed = closed


async def _close_and_stop(close: Callable[[], Awaitable[None]], portal: BlockingPortal) -> None:
    try:
        await close()
    finally:
        await portal.stop()


def _abandon_all() -> None:
    for thread in list(_all):
        thread.abandon()


@atexit.register
def _stop_all() -> None:
    for thread in list(_all):
        thread.stop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_all)
