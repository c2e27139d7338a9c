"""What all trackers have in common: a block in which they work, on one loop of one process."""

from __future__ import annotations

import threading
import weakref
from abc import ABC, abstractmethod
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

import anyio

from suprsend_async.buffering.kinds import EVENT, RecordKinds, kind_of, wrong_record
from suprsend_async.checks import check_callback, class_of
from suprsend_async.errors import ConfigurationError, ValidationError
from suprsend_async.events.event import Event
from suprsend_async.forking import forget_after_fork
from suprsend_async.tasks import OwnedTask
from suprsend_async.transport.clock import check_clock
from suprsend_async.transport.loops import running_loop

if TYPE_CHECKING:
    from types import TracebackType

    from suprsend_async.buffering.kinds import AnyRecord, KindName
    from suprsend_async.buffering.options import BufferOptions
    from suprsend_async.buffering.reports import BufferStats, Failures
    from suprsend_async.bulk.results import FailedRecord
    from suprsend_async.bulk.sender import BulkSender
    from suprsend_async.callbacks import Callback


class State(Enum):
    """Where a buffer is in its life."""

    STARTING = "starting"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    """Its task was cancelled while the block went on."""

    @property
    def is_over(self) -> bool:
        """Whether nothing is sent any more."""
        return self in (State.CLOSED, State.CANCELLED)

    def ended(self) -> State:
        """Return the state once the work has ended."""
        return State.CANCELLED if self in (State.OPEN, State.CANCELLED) else State.CLOSED


class BufferSession(Protocol):
    """What works between entering a block and leaving it."""

    state: State
    failures: Failures

    async def run(self, started: anyio.Event) -> None:
        """Work until cancelled."""
        ...

    async def flush(self) -> None:
        """Wait until everything that has come so far is sent."""
        ...

    def stats(self) -> BufferStats:
        """Return the counters."""
        ...


S = TypeVar("S", bound=BufferSession)

_all: weakref.WeakSet[Tracker[Any]] = weakref.WeakSet()


def pending_everywhere() -> int:
    """Return how many records the open buffers of this process hold without a final result."""
    return sum(tracker.pending for tracker in list(_all))


class Tracker(ABC, Generic[S]):
    """The block, and who may call in.

    Args:
        sender: Encodes the events, and sends all records.
        options: The bounds.
        on_failure: Given the failures that no caller waits for.
    """

    def __init__(
        self, sender: BulkSender[Event], options: BufferOptions, on_failure: Callback[FailedRecord[Any]] | None
    ) -> None:
        self._sender = sender
        session = sender.transport.session
        self._kinds = RecordKinds(sender.kind, session.credentials.workspace, session.headers["User-Agent"])
        self._options = options
        check_callback("on_failure", on_failure)
        self._on_failure = on_failure
        self._session: S | None = None
        forget_after_fork(self)
        _all.add(self)

    @abstractmethod
    def _open_session(self) -> S:
        """Make what works during a block."""

    async def flush(self) -> None:
        """Send what there is without lingering; returns when all records that have come so far have their result.

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

    @property
    def pending(self) -> int:
        """How many records it holds without a final result; 0 outside of the block."""
        is_open = self._session is not None and self._session.state in (State.OPEN, State.CLOSING)
        return self.stats().pending if is_open else 0

    def forget(self) -> object:
        """Begin anew in a forked child: what the parent has taken in is the parent's to send."""
        session, self._session = self._session, None
        return session

    async def __aenter__(self) -> Self:
        """Start.

        Raises:
            ConfigurationError: It is already entered, the client was closed, the event loop is not asyncio's, or no
                connection can be made with what the environment says.
            SpoolError: The spool cannot be opened.
        """
        if self._session is not None and self._session.state is not State.CLOSED:
            raise ConfigurationError("this buffer is in use; call client.buffer() for another one")
        self._sender.transport.session.check_open()
        running_loop()  # before anything is made for it
        session = self._session = self._open_session()
        self._thread = threading.get_ident()
        started = anyio.Event()
        self._task = OwnedTask(session.run(started))
        try:
            await self._task.ready(started)
        except BaseException:
            self._session = None
            raise
        session.state = State.OPEN
        self._loop_state = await self._sender.transport.session.loops.current()
        self._loop_state.dependents.add(self._end)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Send what is left, and stop.

        Raises:
            Exception: What `on_failure` raised first, unless the block itself raised.
        """
        problem = await self._leave(self._options.drain_timeout)
        if error is None and problem is not None:
            raise problem

    async def _end(self, seconds: float) -> None:
        """Send what is left for some seconds at most, and stop: the client is closed while the block goes on.

        If the block is being left just now, that gets the seconds: who left it may have been interrupted meanwhile.
        """
        if self._session is not None and self._session.state is State.CLOSING:
            over = anyio.Event()
            self._task.when_over(over.set)
            with anyio.move_on_after(seconds):
                await over.wait()
            return
        # Who closes the client waits for no event of the block; what goes wrong is in the log.
        with suppress(Exception):
            await self._leave(min(seconds, self._options.drain_timeout))

    async def _leave(self, seconds: float) -> BaseException | None:
        session = self._session
        if session is None or session.state not in (State.OPEN, State.CANCELLED):
            return None
        # A task that ends by itself gets the time for it: cancelled now, it would not say why.
        drain = None if session.state is State.CANCELLED else session.flush
        session.state = State.CLOSED if session.state is State.CANCELLED else State.CLOSING
        try:
            try:
                check_clock()
            except ConfigurationError as error:
                # Nothing can be sent, and no time passes in which to wait for it.
                await self._task.finish(0.0)
                return error
            return await self._task.finish(seconds, drain=drain) or session.failures.error
        finally:
            self._loop_state.dependents.discard(self._end)

    def _running(self, call: str) -> S:
        session = self._session
        if session is None or session.state not in (State.OPEN, State.CANCELLED):
            raise ConfigurationError(
                f"{call} needs an open buffer: call it inside `async with client.buffer() as tracker`, in the process "
                "that entered the block"
            )
        if threading.get_ident() != self._thread:
            raise ConfigurationError(
                f"{call} belongs on the event loop that entered the buffer; from another thread go through "
                "`loop.call_soon_threadsafe` or `anyio.from_thread`"
            )
        if session.state is State.CANCELLED:
            raise ConfigurationError(
                f"{call} comes too late: the task of this buffer was cancelled or failed, and leaving the buffer "
                "raises its error; enter a new buffer"
            )
        check_clock()
        return session

    def _check_event(self, event: object, call: str) -> None:
        if not isinstance(event, Event):
            advice = "" if kind_of(event) is None else "; enqueue() takes it"
            raise TypeError(f"{call} takes an Event, not {class_of(event, 'Event')}{advice}")

    def _encoded(self, record: AnyRecord, call: str) -> tuple[KindName, bytes]:
        """Return the kind of a record, and its bytes."""
        name: KindName | None
        if isinstance(record, Event):
            name, body = EVENT, self._sender.kind.encode(record)
        elif (name := kind_of(record)) is None:
            raise wrong_record(record, call)
        else:
            body = self._kinds[name].encode(record)
        if len(body) > self._options.max_pending_bytes:
            raise ValidationError(
                f"the {name} is {len(body)} bytes long, and the whole buffer {self._options.max_pending_bytes}; "
                "raise max_pending_bytes",
                outcome="rejected",
            )
        return name, body
