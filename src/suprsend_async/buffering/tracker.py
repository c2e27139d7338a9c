"""The buffered tracker: concurrent calls gathered openly, nothing dropped."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from suprsend_async.buffering.background import Background
from suprsend_async.buffering.delivery import Delivery
from suprsend_async.buffering.dispatcher import Dispatcher
from suprsend_async.errors import ConfigurationError, ValidationError
from suprsend_async.events.event import Event
from suprsend_async.forking import forget_after_fork

if TYPE_CHECKING:
    from types import TracebackType

    from suprsend_async.buffering.options import BufferOptions
    from suprsend_async.buffering.stats import BufferStats
    from suprsend_async.events.callbacks import Callback
    from suprsend_async.events.encoding import Encoder
    from suprsend_async.events.results import EventResponse, FailedRecord
    from suprsend_async.transport.transport import Transport


class BufferedTracker:
    """Sends the events of concurrent calls together. Made by `client.buffer()`.

    Use it as an asynchronous context manager, on one event loop. Leaving the block sends what is left, for at most
    `drain_timeout` seconds, also if the block was cancelled or raised; `undelivered` then names what was not
    accepted.

    Example:
        >>> async with client.buffer() as tracker:
        ...     response = await tracker.track_event(Event("user-1", "signed_up"))
        ...     tracker.enqueue(Event("user-1", "page_viewed"))
        >>> tracker.stats().accepted
        2
    """

    def __init__(
        self,
        transport: Transport,
        encoder: Encoder,
        concurrency: int,
        options: BufferOptions,
        on_failure: Callback[FailedRecord] | None,
    ) -> None:
        self._transport = transport
        self._encoder = encoder
        self._concurrency = concurrency
        self._options = options
        self._on_failure = on_failure
        self._dispatcher: Dispatcher | None = None
        self._is_open = False
        forget_after_fork(self)

    async def track_event(self, event: Event) -> EventResponse:
        """Send one event together with others, and return what came of it.

        The result means what that of `client.track_event` means; `attempts` counts the requests that the event was
        in. If the buffer is full, the call waits for room, in order.

        A call that is cancelled while it waits for room takes its event along. Later than that the event stays, as
        the buffer has taken it in: it is sent and counted, and a failure goes to `on_failure`.

        Args:
            event: The event.

        Returns:
            The response, within the client's `timeout` and `linger` seconds.

        Raises:
            TypeError: `event` is not an `Event`.
            ValidationError: The event cannot be encoded, or is larger than the limit or the whole buffer.
            ConfigurationError: Called outside of the block, or from another thread.
        """
        dispatcher = self._running("track_event()")
        return await dispatcher.track(event, self._encoded(event, "track_event()"))

    def enqueue(self, event: Event) -> None:
        """Take an event in and return at once; what comes of it is counted, and a failure goes to `on_failure`.

        Args:
            event: The event.

        Raises:
            BufferFull: There is no room; nothing was taken in.
            TypeError: `event` is not an `Event`.
            ValidationError: The event cannot be encoded, or is larger than the limit or the whole buffer.
            ConfigurationError: Called outside of the block, or from another thread.
        """
        dispatcher = self._running("enqueue()")
        dispatcher.enqueue(event, self._encoded(event, "enqueue()"))

    async def flush(self) -> None:
        """Send what there is without lingering; returns when all events that have come so far have their verdict.

        Raises:
            ConfigurationError: Called outside of the block, or from another thread.
        """
        await self._running("flush()").flush()

    def stats(self) -> BufferStats:
        """Return the counters; they can still be read after the block.

        Raises:
            ConfigurationError: The block was never entered.
        """
        if self._dispatcher is None:
            raise ConfigurationError("stats() needs a buffer that was entered: `async with client.buffer() as tracker`")
        return self._dispatcher.stats()

    @property
    def undelivered(self) -> tuple[FailedRecord, ...]:
        """After the block: the events that were pending when it was left, and were not accepted, in their order."""
        if self._dispatcher is None:
            return ()
        return tuple(sorted(self._dispatcher.undelivered, key=lambda record: record.index))

    def forget(self) -> object:
        """Begin anew in a forked child: what the parent has taken in is the parent's to send."""
        dispatcher, self._dispatcher = self._dispatcher, None
        self._is_open = False
        return dispatcher

    async def __aenter__(self) -> Self:
        """Start.

        Raises:
            ConfigurationError: It is already entered, or the client was closed.
        """
        if self._is_open:
            raise ConfigurationError("this buffer is in use; call client.buffer() for another one")
        self._transport.check_open()
        self._dispatcher = Dispatcher(
            Delivery(self._transport, self._concurrency),
            self._transport.clock,
            self._options,
            self._transport.timeout,
            self._on_failure,
        )
        self._thread = threading.get_ident()
        self._background = Background(self._dispatcher.run)
        await self._background.ready()
        self._is_open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Send what is left, and stop.

        Raises:
            Exception: What `on_failure` raised first, unless the block itself raised.
        """
        if (dispatcher := self._dispatcher) is None or not self._is_open:
            return
        self._is_open = False
        dispatcher.is_closing = True
        await self._background.end(dispatcher.flush, self._options.drain_timeout)
        if error is None and dispatcher.failures.error is not None:
            raise dispatcher.failures.error

    def _running(self, call: str) -> Dispatcher:
        if not self._is_open or self._dispatcher is None:
            raise ConfigurationError(
                f"{call} needs an open buffer: call it inside `async with client.buffer() as tracker`, in the process "
                "that entered the block"
            )
        if threading.get_ident() != self._thread:
            raise ConfigurationError(
                f"{call} belongs on the event loop that entered the buffer; from another thread go through "
                "`loop.call_soon_threadsafe` or `anyio.from_thread`"
            )
        return self._dispatcher

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
