"""The buffered tracker: concurrent calls gathered openly, nothing dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.buffering.dispatcher import Dispatcher
from suprsend_async.buffering.lifecycle import Tracker
from suprsend_async.frames import empty_frames

if TYPE_CHECKING:
    from suprsend_async.api.response import EventResponse
    from suprsend_async.buffering.kinds import AnyRecord
    from suprsend_async.bulk.results import FailedRecord
    from suprsend_async.events.event import Event


class BufferedTracker(Tracker[Dispatcher]):
    """Sends the records of concurrent calls together. Made by `client.buffer()`.

    Use it as an asynchronous context manager, on one event loop. Leaving the block sends what is left, for at most
    `drain_timeout` seconds, also if the block was cancelled or raised; `undelivered` then names what was not
    accepted.

    Examples:
        >>> async with client.buffer() as tracker:
        ...     response = await tracker.track_event(Event("user-1", "signed_up"))
        ...     tracker.enqueue(Event("user-1", "page_viewed"))
        >>> tracker.stats().accepted
        2
    """

    def _open_session(self) -> Dispatcher:
        return Dispatcher(self._sender, self._kinds, self._options, self._on_failure)

    async def track_event(self, event: Event) -> EventResponse:
        """Send one event together with others, and return what it came to.

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
        try:
            dispatcher = self._running("track_event()")
            self._check_event(event, "track_event()")
            return await dispatcher.track(event, self._encoded(event, "track_event()")[1])
        except BaseException as error:
            del event  # it may hold values, and reporters of crashes record the variables of every frame
            empty_frames(error)
            raise

    def enqueue(self, record: AnyRecord) -> None:
        """Take a record in and return at once; its result is counted, and a failure goes to `on_failure`.

        Events, triggers and edits travel in separate requests, so that an event may arrive before an edit that was
        taken in earlier. A record is read and encoded here; what is done to it later changes nothing.

        Args:
            record: An `Event`, a `WorkflowTriggerRequest` or a `UserEdit`.

        Raises:
            BufferFull: There is no room; nothing was taken in.
            TypeError: `record` is none of these.
            ValidationError: The record cannot be encoded, or is larger than the limit or the whole buffer.
            ConfigurationError: Called outside of the block, or from another thread.

        Examples:
            >>> async with client.buffer() as tracker:
            ...     tracker.enqueue(Event("user-1", "page_viewed"))
            ...     tracker.enqueue(WorkflowTriggerRequest("order-shipped", ["user-1"], {"order": 41}))
            ...     tracker.enqueue(UserEdit("user-1").set("plan", "pro"))
            >>> tracker.stats().accepted
            3
        """
        try:
            dispatcher = self._running("enqueue()")
            dispatcher.enqueue(record, *self._encoded(record, "enqueue()"))
        except BaseException as error:
            del record  # as above
            empty_frames(error)
            raise

    @property
    def undelivered(self) -> tuple[FailedRecord[Any], ...]:
        """After the block: the records that were pending when it was left, and were not accepted, in their order."""
        if self._session is None:
            return ()
        return tuple(sorted(self._session.undelivered, key=lambda record: record.index))
