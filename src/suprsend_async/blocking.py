"""The same calls for callers that block: a thin facade over the asynchronous client."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any, NoReturn, Self

from suprsend_async.bridge import Bridge
from suprsend_async.client import AsyncSuprsend
from suprsend_async.events.bulk import check_source
from suprsend_async.portal import LoopThread

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Generator, Mapping
    from types import TracebackType

    import httpx

    from suprsend_async.events.bulk import BulkEvents, BulkEventsResource
    from suprsend_async.events.callbacks import Callback
    from suprsend_async.events.event import Event
    from suprsend_async.events.progress import Progress
    from suprsend_async.events.results import BulkResponse, EventResponse, FailedRecord, RecordResult


class Suprsend:
    """The client for blocking code: scripts, notebooks, threads.

    It runs an `AsyncSuprsend` on an event loop in a thread of its own, which starts with the first call. One client
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

    def __init__(
        self,
        workspace_key: str | None = None,
        workspace_secret: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float = 30.0,
        max_retries: int = 4,
        max_connections: int = 100,
        concurrency: int = 16,
        max_event_bytes: int = 819_200,
        http_client: httpx.AsyncClient | None = None,
        app_info: Mapping[str, str] | None = None,
    ) -> None:
        client = AsyncSuprsend(
            workspace_key,
            workspace_secret,
            base_url=base_url,
            timeout=timeout,
            max_retries=max_retries,
            max_connections=max_connections,
            concurrency=concurrency,
            max_event_bytes=max_event_bytes,
            http_client=http_client,
            app_info=app_info,
        )
        self._serve(client)

    @classmethod
    def with_workspace_api_key(
        cls,
        workspace_uid: str | None,
        api_key: str | None,
        *,
        base_url: str | None = None,
        timeout: float = 30.0,
        max_retries: int = 4,
        max_connections: int = 100,
        concurrency: int = 16,
        max_event_bytes: int = 819_200,
        http_client: httpx.AsyncClient | None = None,
        app_info: Mapping[str, str] | None = None,
    ) -> Self:
        """Return a client that authenticates with an API key (Bearer) instead of a signature.

        The arguments are those of `AsyncSuprsend.with_workspace_api_key`.

        Raises:
            ConfigurationError: One of the two is missing, or an argument cannot work.

        Examples:
            >>> client = Suprsend.with_workspace_api_key("workspace_uid", "api_key")
            >>> client.close()
        """
        facade = cls.__new__(cls)
        facade._serve(
            AsyncSuprsend.with_workspace_api_key(
                workspace_uid,
                api_key,
                base_url=base_url,
                timeout=timeout,
                max_retries=max_retries,
                max_connections=max_connections,
                concurrency=concurrency,
                max_event_bytes=max_event_bytes,
                http_client=http_client,
                app_info=app_info,
            )
        )
        return facade

    def _serve(self, client: AsyncSuprsend) -> None:
        self._client = client
        self._loop = LoopThread(client.aclose)
        self._bulk_events = BlockingBulkEventsResource(self._loop, client.bulk_events)

    @property
    def bulk_events(self) -> BlockingBulkEventsResource:
        """Many events in few requests: `send`, `stream` and `new_instance`.

        Examples:
            >>> with Suprsend("workspace_key", "workspace_secret") as client:
            ...     result = client.bulk_events.send([Event("user-1", "signed_up")])
            >>> result.status
            'success'
        """
        return self._bulk_events

    def track_event(self, event: Event) -> EventResponse:
        """Send one event and return what came of it, within `timeout` seconds.

        All is as in `AsyncSuprsend.track_event`, but this call blocks.

        Raises:
            TypeError: Not an `Event`.
            ValidationError: JSON cannot carry one of its values, or it is too large.
            ConfigurationError: The client was closed, or this is the thread that its own event loop runs on.

        Examples:
            >>> with Suprsend("workspace_key", "workspace_secret") as client:
            ...     response = client.track_event(Event("user-1", "signed_up"))
            >>> response["status"]
            'success'
        """
        return self._loop.call("track_event()", self._client.track_event, event)

    def close(self) -> None:
        """Close the connections and stop the thread; calls in flight get a few seconds to end.

        Examples:
            >>> client = Suprsend("workspace_key", "workspace_secret")
            >>> client.close()
        """
        self._loop.stop()

    def __enter__(self) -> Self:
        """Start the thread and open the engine, so that the first call does not pay for it."""
        self._loop.open()
        self._loop.call("__aenter__()", self._client.__aenter__)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def __repr__(self) -> str:
        """Show where requests go; never a credential."""
        return repr(self._client).removeprefix("Async")

    def __reduce__(self) -> NoReturn:
        """Refuse: a pickle would carry the credentials."""
        raise TypeError(f"{type(self).__name__} holds credentials and connections and cannot be pickled")

    def __del__(self, _warn: Any = warnings.warn) -> None:
        """Warn about a client that nobody closed, with the place where it was made, and close it."""
        loop = getattr(self, "_loop", None)
        if loop is not None and loop.running is not None:
            loop.stop_soon()
            _warn(f"{self!r} made at {self._client.made_at} was not closed", ResourceWarning, source=self)


class BlockingBulkEventsResource:
    """What hangs on `client.bulk_events`."""

    def __init__(self, loop: LoopThread, resource: BulkEventsResource) -> None:
        self._loop = loop
        self._resource = resource

    def new_instance(self) -> BlockingBulkEvents:
        """Return an empty bulk to append events to."""
        return BlockingBulkEvents(self._loop, self._resource.new_instance())

    def send(
        self,
        source: Iterable[Event],
        *,
        concurrency: int | None = None,
        ordered: bool = False,
        on_progress: Callback[Progress] | None = None,
        on_failure: Callback[FailedRecord] | None = None,
    ) -> BulkResponse:
        """Send all that a source yields, however long it is, in flat memory.

        The source is read on the calling thread, the callbacks run on the client's own. All else, arguments and errors
        included, is as in `AsyncSuprsend.bulk_events.send`.

        Examples:
            >>> with Suprsend("workspace_key", "workspace_secret") as client:
            ...     result = client.bulk_events.send(Event(f"user-{n}", "signed_up") for n in range(1000))
            >>> result.success
            1000
        """
        check_source(source, Iterable)

        async def start(events: AsyncIterable[Event], take: Callable[[BulkResponse], Awaitable[None]]) -> None:
            response = await self._resource.send(
                events,
                concurrency=concurrency,
                ordered=ordered,
                on_progress=bridge.guarded(on_progress),
                on_failure=bridge.guarded(on_failure),
            )
            await take(response)

        bridge = Bridge(start)
        (response,) = bridge.run(self._loop, "bulk_events.send()", source)
        return response

    def stream(
        self,
        source: Iterable[Event],
        *,
        concurrency: int | None = None,
        ordered: bool = False,
        on_progress: Callback[Progress] | None = None,
        on_failure: Callback[FailedRecord] | None = None,
    ) -> Generator[RecordResult]:
        """Send all that a source yields, and yield what came of each event as it is known.

        The source is read on the calling thread, the callbacks run on the client's own. All else, arguments and errors
        included, is as in `AsyncSuprsend.bulk_events.stream`.

        Examples:
            >>> with Suprsend("workspace_key", "workspace_secret") as client:
            ...     for record in client.bulk_events.stream([Event("user-1", "signed_up")]):
            ...         print(record.index, record.outcome)
            0 accepted
        """
        check_source(source, Iterable)

        async def start(events: AsyncIterable[Event], take: Callable[[RecordResult], Awaitable[None]]) -> None:
            records = self._resource.stream(
                events,
                concurrency=concurrency,
                ordered=ordered,
                on_progress=bridge.guarded(on_progress),
                on_failure=bridge.guarded(on_failure),
            )
            async with aclosing(records):
                async for record in records:
                    await take(record)

        bridge = Bridge(start)
        with closing(bridge.run(self._loop, "bulk_events.stream()", source)) as records:
            yield from records


class BlockingBulkEvents:
    """Events gathered in memory, to be sent together. Made by `client.bulk_events.new_instance()`."""

    def __init__(self, loop: LoopThread, bulk: BulkEvents) -> None:
        self._loop = loop
        self._bulk = bulk

    def __len__(self) -> int:
        """Return the number of events appended."""
        return len(self._bulk)

    def append(self, *events: Event) -> None:
        """Add events.

        Raises:
            TypeError: One of them is not an `Event`; nothing of this call is appended.
        """
        self._bulk.append(*events)

    def trigger(self) -> BulkResponse:
        """Send what is not accepted yet; called again, only what was not accepted before.

        Returns:
            What came of all events appended so far, those of earlier calls included.

        Examples:
            >>> with Suprsend("workspace_key", "workspace_secret") as client:
            ...     bulk = client.bulk_events.new_instance()
            ...     bulk.append(Event("user-1", "signed_up"), Event("user-2", "signed_up"))
            ...     response = bulk.trigger()
            >>> response.status, response.total, response.failure
            ('success', 2, 0)
        """
        return self._loop.call("bulk_events.new_instance().trigger()", self._bulk.trigger)
