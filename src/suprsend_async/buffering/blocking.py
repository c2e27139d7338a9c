"""The buffers for callers that block: from any number of threads, in forked children, and to the program's end."""

from __future__ import annotations

import atexit
import sys
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from suprsend_async.buffering.lifecycle import Tracker
from suprsend_async.buffering.spool.tracker import DurableTracker
from suprsend_async.buffering.tracker import BufferedTracker
from suprsend_async.derived_methods import Blocking, blocking
from suprsend_async.errors import ConfigurationError
from suprsend_async.forking import forget_after_fork, notice_fork
from suprsend_async.threads import Turns
from suprsend_async.wrong_calls import explained

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from suprsend_async.buffering.kinds import AnyRecord
    from suprsend_async.buffering.reports import BufferStats
    from suprsend_async.bulk.results import FailedRecord
    from suprsend_async.callbacks import Exits
    from suprsend_async.loop_thread import LoopThread

A = TypeVar("A", bound=Tracker[Any])
T = TypeVar("T")


class BlockingTracker(Blocking[A], Generic[A]):
    """What both have in common: they are opened and closed, and any thread may call in between.

    Args:
        client: The client that made it, which lives as long as this does.
        loop: The client's thread.
        twin: The asynchronous tracker.
        exits: What callbacks raised to end the program.
    """

    path: ClassVar[str] = "buffer()."

    def __init__(self, client: object, loop: LoopThread, twin: A, exits: Exits) -> None:
        super().__init__(loop, twin)
        self._client = client
        self._exits = exits
        self._turns = Turns()
        self._is_open = False
        # The thread on which the twin was entered; None if it is yet to be entered in this process.
        self._entered_on: object = None
        self._finalizer: Any = None
        forget_after_fork(self)

    def forget(self) -> None:
        """Be ready to begin anew in a forked child, with its first call."""
        self._turns = Turns()
        self._entered_on = None
        self._finalizer = None

    def open(self) -> Self:
        """Begin to take events in, as entering the block does; for a tracker that lives as long as the program.

        A forked child begins anew with its first call: what the parent has taken in is the parent's to send. The
        program's end closes it, if nobody has.

        Raises:
            ConfigurationError: It is open already, or the client was closed.
            SpoolError: The spool cannot be opened.

        Examples:
            >>> client = Suprsend("workspace_key", "workspace_secret")
            >>> tracker = client.buffer().open()
            >>> tracker.enqueue(Event("user-1", "page_viewed"))
            >>> tracker.close()
            >>> client.close()
            >>> tracker.stats().accepted
            1
        """
        notice_fork()
        with self._turns:
            if self._is_open:
                raise ConfigurationError("this buffer is in use; call client.buffer() for another one")
            self._enter()
            self._is_open = True
        return self

    def close(self) -> None:
        """Send what is left, for at most `drain_timeout` seconds, and stop, as leaving the block does.

        Raises:
            Exception: What `on_failure` raised first.
        """
        self._leave(None, None, None)

    def flush(self) -> None:
        """Send what there is without lingering; returns when all records that have come so far have their result.

        With a spool that takes as long as the platform is down.

        Raises:
            ConfigurationError: Called outside of the block.
        """
        self._call("await AsyncSuprsend.buffer().flush()", self.twin.flush)

    def stats(self) -> BufferStats:
        """Return the counters; they can still be read after the block.

        Raises:
            ConfigurationError: The block was never entered.
        """
        notice_fork()
        is_gone = self._entered_on is not None and self.loop.running is not self._entered_on
        if self._is_open and not is_gone and not self.loop.is_here:
            return self._call("AsyncSuprsend.buffer().stats()", self._read_stats)
        try:
            return self.twin.stats()
        except ConfigurationError:
            problem = "stats() needs a buffer that was entered: `with client.buffer() as tracker`"
        raise ConfigurationError(problem)

    @property
    def ready_loop(self) -> LoopThread:
        """The client's thread, with the twin entered on it."""
        notice_fork()
        if self.loop.is_here:
            # It says itself what to call there instead.
            return self.loop
        with self._turns:
            if not self._is_open:
                raise ConfigurationError(
                    "this needs an open buffer: call it inside `with client.buffer() as tracker`, or between `open()` "
                    "and `close()`"
                )
            if self._entered_on is None:
                self._enter()
            elif self.loop.running is not self._entered_on:
                raise ConfigurationError("the client was closed, and this buffer with it; call client.buffer() again")
        return self.loop

    def __enter__(self) -> Self:
        """Begin to take events in."""
        return self.open()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Send what is left, for at most `drain_timeout` seconds, and stop."""
        self._leave(kind, error, traceback)

    def _enter(self) -> None:
        with self._turns.long():
            self.loop.call("async with AsyncSuprsend.buffer()", self.twin.__aenter__)
            self._entered_on = self.loop.running
        # Hooks of the application that are made later run before this one, and may still call.
        atexit.register(self.close)
        # A child of multiprocessing ends without the interpreter's own hooks, and has this one instead.
        if (library := sys.modules.get("multiprocessing.util")) is not None:
            self._finalizer = library.Finalize(None, self.close, exitpriority=1)

    def _leave(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        advice = "async with AsyncSuprsend.buffer()"
        notice_fork()
        self.loop.check_elsewhere(advice)
        with self._turns:
            entered_on, self._entered_on, self._is_open = self._entered_on, None, False
            finalizer, self._finalizer = self._finalizer, None
        atexit.unregister(self.close)
        if finalizer is not None:
            finalizer.cancel()
        # Closing the client has left it already; a forked child may never have entered it.
        if entered_on is not None and self.loop.running is entered_on:
            try:
                self.loop.call(advice, self.twin.__aexit__, kind, error, traceback)
            except Exception:
                self._exits.check()
                raise

    def _call(self, advice: str, function: Callable[..., Awaitable[T]], *args: object) -> T:
        return self.ready_loop.call(advice, function, *args)

    async def _read_stats(self) -> BufferStats:
        return self.twin.stats()


class BlockingBufferedTracker(BlockingTracker[BufferedTracker]):
    """Sends the records of many threads together. Made by `client.buffer()` of a `Suprsend`.

    Use it as a context manager, or between `open()` and `close()`; any thread may call it. Leaving the block sends
    what is left, for at most `drain_timeout` seconds; `undelivered` then names what was not accepted. `on_failure` is
    called on the client's own thread.

    Examples:
        >>> with Suprsend("workspace_key", "workspace_secret") as client, client.buffer() as tracker:
        ...     response = tracker.track_event(Event("user-1", "signed_up"))
        ...     tracker.enqueue(Event("user-1", "page_viewed"))
        >>> tracker.stats().accepted
        2
    """

    track_event = blocking(BufferedTracker.track_event)

    @explained
    def enqueue(self, record: AnyRecord) -> None:
        """Take a record in; its result is counted, and a failure goes to `on_failure`.

        Args:
            record: An `Event`, a `WorkflowTriggerRequest` or a `UserEdit`.

        Raises:
            BufferFull: There is no room; nothing was taken in.
            TypeError: `record` is none of these.
            ValidationError: The record cannot be encoded, or is larger than the limit or the whole buffer.
            ConfigurationError: Called outside of the block.
        """
        self._call("AsyncSuprsend.buffer().enqueue()", self._enqueue, record)

    async def _enqueue(self, record: AnyRecord) -> None:
        self.twin.enqueue(record)

    @property
    def undelivered(self) -> tuple[FailedRecord[Any], ...]:
        """After the block: the records that were pending when it was left, and were not accepted, in their order."""
        return self.twin.undelivered


class BlockingDurableTracker(BlockingTracker[DurableTracker]):
    """Stores records on disk first, and sends them in the background. Made by `client.buffer(spool="directory")`.

    Use it as a context manager, or between `open()` and `close()`; any thread may call it. What a process leaves
    behind, the next one that opens the same directory sends. All else is as for `DurableTracker`.

    Examples:
        >>> with Suprsend("workspace_key", "workspace_secret") as client:
        ...     with client.buffer(spool="events.spool") as tracker:
        ...         tracker.enqueue(Event("user-1", "signed_up"))
        >>> tracker.stats().accepted
        1
    """

    track_event = blocking(DurableTracker.track_event)
    enqueue = blocking(DurableTracker.enqueue)
    dead_letters = blocking(DurableTracker.dead_letters)
    resend = blocking(DurableTracker.resend)
    discard = blocking(DurableTracker.discard)
