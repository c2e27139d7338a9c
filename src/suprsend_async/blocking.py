"""The same calls for callers that block: a thin facade over the asynchronous client."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, Unpack, overload

from suprsend_async.bulk.bridged import send_bridged, stream_bridged
from suprsend_async.client import AsyncSuprsend, refuse_view
from suprsend_async.derived_methods import Blocking, blocking
from suprsend_async.errors import address
from suprsend_async.events.bulk import BulkEvents
from suprsend_async.loop_thread import LoopThread
from suprsend_async.released import ReleasedNames
from suprsend_async.resources.blocking_access import BlockingResources
from suprsend_async.wrong_calls import explained

if TYPE_CHECKING:
    import os
    from collections.abc import Generator, Iterable
    from types import TracebackType

    from suprsend_async.buffering.blocking import BlockingBufferedTracker, BlockingDurableTracker
    from suprsend_async.buffering.options import BufferArguments
    from suprsend_async.bulk.progress import Progress
    from suprsend_async.bulk.results import BulkResponse, FailedRecord, RecordResult
    from suprsend_async.callbacks import Callback
    from suprsend_async.configuration import ClientOptions
    from suprsend_async.events.event import Event


class Suprsend(BlockingResources[AsyncSuprsend]):
    """The client for blocking code: scripts, notebooks, threads.

    It runs an `AsyncSuprsend` on an event loop in its own thread, which starts with the first call. One client
    serves any number of threads, and works inside a running event loop, too (which it blocks). Use it as a context
    manager, or call `close()` at the end.

    The arguments are those of `AsyncSuprsend`.

    Raises:
        ConfigurationError: Credentials are missing, or an argument cannot work; the message names it.

    Examples:
        >>> with Suprsend("workspace_key", "workspace_secret") as client:
        ...     response = client.track_event(Event("user-1", "product_purchased", {"amount": "$10"}))
        >>> response.success
        True
    """

    @explained
    def __init__(
        self, workspace_key: str | None = None, workspace_secret: str | None = None, **options: Unpack[ClientOptions]
    ) -> None:
        try:
            client = AsyncSuprsend(workspace_key, workspace_secret, **options)
        except TypeError as error:
            raise _of_this_class(error, type(self)) from None
        finally:
            del workspace_key, workspace_secret, options  # as in `AsyncSuprsend`
        super().__init__(LoopThread(client.aclose), client)

    @classmethod
    def with_workspace_api_key(
        cls, workspace_uid: str | None, api_key: str | None, **options: Unpack[ClientOptions]
    ) -> Self:
        """Return a client that authenticates with an API key (Bearer) instead of a signature.

        The arguments are those of `AsyncSuprsend.with_workspace_api_key`.

        Raises:
            ConfigurationError: One of the two is missing, or an argument cannot work.

        Examples:
            >>> client = Suprsend.with_workspace_api_key("workspace_uid", "api_key")
            >>> client.close()
        """
        try:
            client = AsyncSuprsend.with_workspace_api_key(workspace_uid, api_key, **options)
        except TypeError as error:
            raise _of_this_class(error, cls) from None
        finally:
            del workspace_uid, api_key, options
        facade = cls.__new__(cls)
        facade.loop, facade.twin = LoopThread(client.aclose), client
        return facade

    def with_options(self, *, timeout: float | None = None, max_retries: int | None = None) -> Self:
        """Return a view of this client with other options: it shares connections, limits and the thread.

        Only the client itself is closed; a view cannot be entered with `with`.

        The arguments are those of `AsyncSuprsend.with_options`.

        Examples:
            >>> with Suprsend("workspace_key", "workspace_secret") as client:
            ...     response = client.with_options(timeout=5).track_event(Event("user-1", "signed_up"))
            >>> response.success
            True
        """
        view = object.__new__(type(self))
        # As in `AsyncSuprsend.with_options`.
        vars(view).update(vars(self), _viewed=self)
        view.twin = self.twin.with_options(timeout=timeout, max_retries=max_retries)
        return view

    @property
    def bulk_events(self) -> BlockingBulkEventsResource:
        """Many events in few requests: `send`, `stream` and `new_instance`.

        Examples:
            >>> with Suprsend("workspace_key", "workspace_secret") as client:
            ...     result = client.bulk_events.send([Event("user-1", "signed_up")])
            >>> result.status
            'success'
        """
        return BlockingBulkEventsResource(self.loop, self.twin)

    track_event = blocking(AsyncSuprsend.track_event)

    @overload
    def buffer(self, *, spool: None = None, **options: Unpack[BufferArguments]) -> BlockingBufferedTracker: ...
    @overload
    def buffer(
        self, *, spool: str | os.PathLike[str], **options: Unpack[BufferArguments]
    ) -> BlockingDurableTracker: ...
    def buffer(
        self, *, spool: str | os.PathLike[str] | None = None, **options: Unpack[BufferArguments]
    ) -> BlockingBufferedTracker | BlockingDurableTracker:
        """Return a tracker that sends the records of many threads together, as a context manager.

        The arguments are those of `AsyncSuprsend.buffer`; `on_failure` is called on the client's own thread.

        Args:
            spool: A directory on a local disk: records are stored there before they are sent, and outlive the process.
            **options: `linger`, `max_pending`, `max_pending_bytes`, `drain_timeout` and `on_failure`.

        Raises:
            ConfigurationError: An argument cannot work; the message names it.

        Examples:
            >>> with Suprsend("workspace_key", "workspace_secret") as client, client.buffer() as tracker:
            ...     tracker.enqueue(Event("user-1", "page_viewed"))
            >>> tracker.stats().accepted
            1
        """
        # Only those who buffer pay for the import of it.
        from suprsend_async.buffering.blocking import BlockingBufferedTracker, BlockingDurableTracker
        from suprsend_async.callbacks import Exits

        exits = Exits()
        options["on_failure"] = exits.guarded(options.get("on_failure"))
        if spool is None:
            return BlockingBufferedTracker(self, self.loop, self.twin.buffer(**options), exits)
        return BlockingDurableTracker(self, self.loop, self.twin.buffer(spool=spool, **options), exits)

    def close(self) -> None:
        """Close the connections and stop the thread; calls in flight get a few seconds to end.

        Examples:
            >>> client = Suprsend("workspace_key", "workspace_secret")
            >>> client.close()
        """
        refuse_view(self.twin, "closed")
        self.loop.stop()

    def __enter__(self) -> Self:
        """Start the thread and open the engine, so that the first call does not pay for it."""
        refuse_view(self.twin, "entered with `with`")
        self.loop.open()
        running = self.loop.running
        try:
            self.loop.call("async with AsyncSuprsend(...)", self.twin.__aenter__)
        except BaseException:
            if self.loop.running is not running:  # nobody else uses it yet
                self.loop.stop_soon()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def __repr__(self) -> str:
        """Show where requests go; never a credential."""
        twin: AsyncSuprsend | None = vars(self).get("twin")
        return f"{type(self).__name__}()" if twin is None else repr(twin).removeprefix("Async")

    def __reduce__(self) -> NoReturn:
        """Refuse: a pickle would carry the credentials."""
        raise TypeError(f"{type(self).__name__} holds credentials and connections and cannot be pickled")

    def __del__(self, _warn: Any = warnings.warn) -> None:
        """Warn about a client that nobody closed, with the place where it was made, and close it."""
        loop = vars(self).get("loop")
        if loop is not None and "_viewed" not in vars(self) and loop.running is not None:
            loop.stop_soon()
            where = f"{self!r} made at {self.twin.made_at}"
            _warn(f"{where} was not closed ({address('not-closed')})", ResourceWarning, source=self)


def _of_this_class(error: TypeError, cls: type) -> TypeError:
    """Return what the asynchronous class said of an argument, by the name of the class that was given it."""
    return TypeError(str(error).replace(f"{AsyncSuprsend.__name__}()", f"{cls.__name__}()", 1))


class BlockingBulkEventsResource(ReleasedNames, Blocking[AsyncSuprsend]):
    """Many events in few requests: `client.bulk_events`."""

    path: ClassVar[str] = "bulk_events."

    def new_instance(self) -> BlockingBulkEvents:
        """Return an empty bulk to append events to."""
        return BlockingBulkEvents(self.loop, self.twin.bulk_events.new_instance())

    def send(
        self,
        source: Iterable[Event],
        *,
        concurrency: int | None = None,
        ordered: bool = False,
        on_progress: Callback[Progress] | None = None,
        on_failure: Callback[FailedRecord[Event]] | None = None,
    ) -> BulkResponse[Event]:
        """Send all that a source yields, however long it is, in flat memory.

        The source is read on the calling thread, the callbacks run on the client's own. All else, arguments and errors
        included, is as in `AsyncSuprsend.bulk_events.send`.

        Examples:
            >>> with Suprsend("workspace_key", "workspace_secret") as client:
            ...     result = client.bulk_events.send(Event(f"user-{n}", "signed_up") for n in range(1000))
            >>> result.success
            1000
        """
        return send_bridged(
            self.loop,
            self.twin.sender,
            source,
            operation="bulk_events.send",
            concurrency=concurrency,
            ordered=ordered,
            on_progress=on_progress,
            on_failure=on_failure,
        )

    def stream(
        self,
        source: Iterable[Event],
        *,
        concurrency: int | None = None,
        ordered: bool = False,
        on_progress: Callback[Progress] | None = None,
        on_failure: Callback[FailedRecord[Event]] | None = None,
    ) -> Generator[RecordResult]:
        """Send all that a source yields, and yield what each event came to as it is known.

        The source is read on the calling thread, the callbacks run on the client's own. All else, arguments and errors
        included, is as in `AsyncSuprsend.bulk_events.stream`.

        Examples:
            >>> with Suprsend("workspace_key", "workspace_secret") as client:
            ...     for record in client.bulk_events.stream([Event("user-1", "signed_up")]):
            ...         print(record.index, record.outcome)
            0 accepted
        """
        return stream_bridged(
            self.loop,
            self.twin.sender,
            source,
            operation="bulk_events.stream",
            concurrency=concurrency,
            ordered=ordered,
            on_progress=on_progress,
            on_failure=on_failure,
        )


class BlockingBulkEvents(ReleasedNames, Blocking[BulkEvents]):
    """Events gathered in memory, to be sent together. Made by `client.bulk_events.new_instance()`."""

    path: ClassVar[str] = "bulk_events.new_instance()."

    def __len__(self) -> int:
        """Return the number of events appended."""
        return len(self.twin)

    def append(self, *events: Event) -> None:
        """Add events.

        Raises:
            TypeError: One of them is not an `Event`; nothing of this call is appended.
        """
        self.twin.append(*events)

    trigger = blocking(BulkEvents.trigger)
