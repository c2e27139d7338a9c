"""What all trackers have in common: a block in which they work, on one loop of one process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar

from suprsend_async.buffering.background import Background
from suprsend_async.errors import ConfigurationError, ValidationError
from suprsend_async.events.event import Event
from suprsend_async.forking import forget_after_fork

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    import anyio

    from suprsend_async.buffering.failures import Failures
    from suprsend_async.buffering.options import BufferOptions
    from suprsend_async.buffering.stats import BufferStats
    from suprsend_async.events.encoding import Encoder


class Session(Protocol):
    """What works between entering a block and leaving it."""

    failures: Failures
    is_closing: bool
    is_over: bool

    async def run(self, started: anyio.Event) -> None:
        """Work until cancelled."""
        ...

    async def flush(self) -> None:
        """Wait until everything that has come so far is sent."""
        ...

    def stats(self) -> BufferStats:
        """Return the counters."""
        ...


S = TypeVar("S", bound=Session)


class Tracker(Generic[S]):
    """The block, and who may call in.

    Args:
        encoder: Encodes the events.
        options: The bounds.
        open_session: Makes what works during a block; raises if the client was closed.
    """

    def __init__(self, encoder: Encoder, options: BufferOptions, open_session: Callable[[], S]) -> None:
        self._encoder = encoder
        self._options = options
        self._open_session = open_session
        self._session: S | None = None
        self._is_open = False
        self._is_starting = False
        forget_after_fork(self)

    async def flush(self) -> None:
        """Send what there is without lingering; returns when all events that have come so far are settled.

        With a spool that takes as long as the platform is down: give it a deadline with `asyncio.timeout`.

        Raises:
            ConfigurationError: Called outside of the block, or from another thread.
        """
        await self._running("flush()").flush()

    def stats(self) -> BufferStats:
        """Return the counters; they can still be read after the block.

        Raises:
            ConfigurationError: The block was never entered.
        """
        if self._session is None:
            raise ConfigurationError("stats() needs a buffer that was entered: `async with client.buffer() as tracker`")
        return self._session.stats()

    def forget(self) -> object:
        """Begin anew in a forked child: what the parent has taken in is the parent's to send."""
        session, self._session = self._session, None
        self._is_open = self._is_starting = False
        return session

    async def __aenter__(self) -> Self:
        """Start.

        Raises:
            ConfigurationError: It is already entered, the client was closed, or no connection can be made with what
                the environment says.
            SpoolError: The spool cannot be opened.
        """
        if self._is_open or self._is_starting:
            raise ConfigurationError("this buffer is in use; call client.buffer() for another one")
        self._is_starting = True
        try:
            self._session = self._open_session()
            self._thread = threading.get_ident()
            self._background = Background(self._session.run)
            await self._background.ready()
        except BaseException:
            self._session = None
            raise
        finally:
            self._is_starting = False
        self._is_open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Send what is left, and stop.

        Raises:
            Exception: What `on_failure` raised first, unless the block itself raised.
        """
        if (session := self._session) is None or not self._is_open:
            return
        self._is_open = False
        session.is_closing = True
        await self._background.end(session.flush, self._options.drain_timeout)
        if error is None and session.failures.error is not None:
            raise session.failures.error

    def _running(self, call: str) -> S:
        if not self._is_open or self._session is None:
            raise ConfigurationError(
                f"{call} needs an open buffer: call it inside `async with client.buffer() as tracker`, in the process "
                "that entered the block"
            )
        if threading.get_ident() != self._thread:
            raise ConfigurationError(
                f"{call} belongs on the event loop that entered the buffer; from another thread go through "
                "`loop.call_soon_threadsafe` or `anyio.from_thread`"
            )
        if self._session.is_over:
            raise ConfigurationError(
                f"{call} comes too late: the task in which this buffer works was cancelled; enter a new one"
            )
        return self._session

    def _encoded(self, event: Event, call: str) -> bytes:
        if not isinstance(event, Event):
            raise TypeError(f"{call} takes an Event, not {type(event).__name__}")
        body = self._encoder.encode(event)
        if len(body) > self._options.max_pending_bytes:
            raise ValidationError(
                f"the event is {len(body)} bytes long, and the whole buffer {self._options.max_pending_bytes}; "
                "raise max_pending_bytes",
                outcome="rejected",
            )
        return body
