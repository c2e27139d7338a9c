"""The asynchronous client: configuration, lifecycle, and what hangs on it."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any, NoReturn, Self, overload

from suprsend_async.callers import caller_place
from suprsend_async.configuration import (
    Options,
    check_http_client,
    request_headers,
    resolve_api_key,
    resolve_credentials,
    resolve_origin,
)
from suprsend_async.events.bulk import BulkEventsResource
from suprsend_async.events.encoding import Encoder
from suprsend_async.events.event import Event
from suprsend_async.events.single import send_event
from suprsend_async.transport.retry import RetryPolicy
from suprsend_async.transport.transport import Transport

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from types import TracebackType

    import httpx

    from suprsend_async.buffering.spool.tracker import DurableTracker
    from suprsend_async.buffering.tracker import BufferedTracker
    from suprsend_async.events.callbacks import Callback
    from suprsend_async.events.results import EventResponse, FailedRecord
    from suprsend_async.transport.authentication import Credentials

# A library stays silent unless the application configures logging.
logging.getLogger("suprsend_async").addHandler(logging.NullHandler())


class AsyncSuprsend:
    """The client for asyncio.

    Constructing it opens nothing and needs no running loop; connections are opened on demand, one pool for each
    event loop. Use it as an asynchronous context manager, or call `aclose()` at the end.

    Args:
        workspace_key: The workspace's key; `SUPRSEND_WORKSPACE_KEY` if left out.
        workspace_secret: The workspace's secret; `SUPRSEND_WORKSPACE_SECRET` if left out. If neither key nor secret is
            given anywhere, `SUPRSEND_WORKSPACE_UID` and `SUPRSEND_API_KEY` serve as in `with_workspace_api_key`.
        base_url: Where the platform is; `SUPRSEND_BASE_URL`, or the platform's own address, if left out.
        timeout: Seconds for a whole call, attempts and waits included; in a bulk, for each chunk.
        max_retries: Attempts after the first one.
        max_connections: Requests in flight at most, on each event loop. Further callers wait in order.
        concurrency: Chunks in flight at most, in each bulk.
        max_event_bytes: A larger event is refused here.
        http_client: An `httpx.AsyncClient` of your own, with your proxies, certificates and hooks. You close it.
        app_info: Your application's name and version, for the User-Agent: `{"name": "shop", "version": "1.2"}`.

    Raises:
        ConfigurationError: Credentials are missing, or an argument cannot work; the message names it.

    Examples:
        >>> async with AsyncSuprsend("workspace_key", "workspace_secret") as client:
        ...     response = await client.track_event(Event("user-1", "product_purchased", {"amount": "$10"}))
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
        options = Options(timeout, max_retries, max_connections, concurrency, max_event_bytes)
        credentials = resolve_credentials(workspace_key, workspace_secret)
        self._configure(credentials, base_url, options, http_client, app_info)

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

        Args:
            workspace_uid: The workspace's uid; `SUPRSEND_WORKSPACE_UID` if None.
            api_key: The API key; `SUPRSEND_API_KEY` if None.
            base_url: As for the class, and so are the other options.
            timeout: Seconds for a whole call.
            max_retries: Attempts after the first one.
            max_connections: Requests in flight at most.
            concurrency: Chunks in flight at most, in each bulk.
            max_event_bytes: A larger event is refused here.
            http_client: An `httpx.AsyncClient` of your own.
            app_info: Your application's name and version.

        Raises:
            ConfigurationError: One of the two is missing, or an argument cannot work.

        Examples:
            >>> client = AsyncSuprsend.with_workspace_api_key("workspace_uid", "api_key")
            >>> await client.aclose()
        """
        client = cls.__new__(cls)
        options = Options(timeout, max_retries, max_connections, concurrency, max_event_bytes)
        client._configure(resolve_api_key(workspace_uid, api_key), base_url, options, http_client, app_info)
        return client

    def _configure(
        self,
        credentials: Credentials,
        base_url: str | None,
        options: Options,
        http_client: httpx.AsyncClient | None,
        app_info: Mapping[str, str] | None,
    ) -> None:
        check_http_client(http_client)
        headers = request_headers(app_info)
        self._transport = Transport(
            origin=resolve_origin(base_url),
            credentials=credentials,
            headers=headers,
            timeout=options.timeout,
            policy=RetryPolicy(options.max_retries),
            max_connections=options.max_connections,
            http_client=http_client,
        )
        self._encoder = Encoder(credentials.workspace, headers["User-Agent"], options.max_event_bytes)
        self._concurrency = options.concurrency
        self._bulk_events = BulkEventsResource(self._transport, self._encoder, options.concurrency)
        self.made_at: str = caller_place()

    @property
    def bulk_events(self) -> BulkEventsResource:
        """Many events in few requests: `send`, `stream` and `new_instance`.

        Examples:
            >>> result = await client.bulk_events.send([Event("user-1", "signed_up")])
            >>> result.status
            'success'
        """
        return self._bulk_events

    async def track_event(self, event: Event) -> EventResponse:
        """Send one event and return what came of it.

        A refusal and a network failure are returned, not raised; `response.raise_for_status()` raises them.

        Args:
            event: The event. Sending the same object twice is one event to the platform.

        Returns:
            The response, within `timeout` seconds.

        Raises:
            TypeError: `event` is not an `Event`.
            ValidationError: The event holds a value that JSON cannot carry, or is over the size limit.
            ConfigurationError: The client was closed.

        Examples:
            >>> response = await client.track_event(Event("user-1", "signed_up"))
            >>> response["status"]
            'success'
        """
        if not isinstance(event, Event):
            raise TypeError(f"track_event() takes an Event, not {type(event).__name__}")
        self._transport.check_open()
        with self._transport.observed("track_event"):
            return await send_event(self._transport, self._encoder.encode(event))

    @overload
    def buffer(
        self,
        *,
        linger: float = 0.01,
        max_pending: int | None = None,
        max_pending_bytes: int | None = None,
        drain_timeout: float = 8.0,
        on_failure: Callback[FailedRecord] | None = None,
        spool: None = None,
    ) -> BufferedTracker: ...
    @overload
    def buffer(
        self,
        *,
        linger: float = 0.01,
        max_pending: int | None = None,
        max_pending_bytes: int | None = None,
        drain_timeout: float = 8.0,
        on_failure: Callback[FailedRecord] | None = None,
        spool: str | os.PathLike[str],
    ) -> DurableTracker: ...
    def buffer(
        self,
        *,
        linger: float = 0.01,
        max_pending: int | None = None,
        max_pending_bytes: int | None = None,
        drain_timeout: float = 8.0,
        on_failure: Callback[FailedRecord] | None = None,
        spool: str | os.PathLike[str] | None = None,
    ) -> BufferedTracker | DurableTracker:
        """Return a tracker that sends the events of concurrent calls together, as an asynchronous context manager.

        Args:
            linger: Seconds between two requests that are not full, at least: what comes in between travels together.
                An event that finds nothing sent for so long goes at once.
            max_pending: Events without a final verdict at most; 10,000 if left out, with a spool 1,000,000. When it
                is full, `track_event` waits for room and `enqueue` raises; with a spool, both raise.
            max_pending_bytes: Their bytes at most, dead letters included; 16 MiB if left out, with a spool 1 GiB.
            drain_timeout: Seconds that leaving the block may take to send what is left.
            on_failure: Called with the `FailedRecord` of each event that was not accepted and that no caller waits
                for; with a spool, of each that became a dead letter. A plain function or a coroutine function.
            spool: A directory on a local disk: events are stored there before they are sent, and outlive the process.

        Raises:
            ConfigurationError: An argument cannot work; the message names it.

        Examples:
            >>> async with client.buffer() as tracker:
            ...     response = await tracker.track_event(Event("user-1", "signed_up"))
            >>> response.success
            True
        """
        # Only those who buffer pay for the import of it.
        from suprsend_async.buffering.opening import open_buffer
        from suprsend_async.buffering.options import buffer_options

        return open_buffer(
            self._transport,
            self._encoder,
            self._concurrency,
            buffer_options(linger, max_pending, max_pending_bytes, drain_timeout, is_durable=spool is not None),
            on_failure,
            spool,
        )

    async def aclose(self) -> None:
        """Close the connections, on every event loop; returns within 5 seconds.

        Calls in flight get 3 seconds to end; what is not answered by then ends as "unknown". A closed client can be
        entered again with `async with`.

        Examples:
            >>> other = AsyncSuprsend("workspace_key", "workspace_secret")
            >>> await other.aclose()
        """
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        """Open the engine, so that the first request does not pay for its import."""
        await self._transport.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close."""
        await self.aclose()

    def __repr__(self) -> str:
        """Show where requests go; never a credential."""
        return f"{type(self).__name__}({self._transport.origin.url('')!r})"

    def __reduce__(self) -> NoReturn:
        """Refuse: a pickle would carry the credentials."""
        raise TypeError(f"{type(self).__name__} holds credentials and connections and cannot be pickled")

    def __del__(self, _warn: Any = warnings.warn) -> None:
        """Warn about connections that nobody closed, with the place where the client was made."""
        transport = getattr(self, "_transport", None)
        if transport is not None and transport.lanes:
            _warn(f"{self!r} made at {self.made_at} was not closed", ResourceWarning, source=self)
