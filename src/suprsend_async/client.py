"""The asynchronous client: configuration, lifecycle, and its resources."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn, Self, Unpack, overload

from suprsend_async import logs
from suprsend_async.api.call import send
from suprsend_async.api.response import response_of
from suprsend_async.api.verdict import verdict_of_send
from suprsend_async.bulk.kind import MAX_CHUNK_BYTES
from suprsend_async.bulk.sender import BulkSender
from suprsend_async.callers import caller_place
from suprsend_async.checks import check_concurrency, check_number, check_whole, class_of
from suprsend_async.configuration import (
    ClientOptions,
    check_http_client,
    request_headers,
    resolve_api_key,
    resolve_credentials,
    resolve_origin,
)
from suprsend_async.errors import ConfigurationError, address
from suprsend_async.events.bulk import BulkEventsResource, event_kind
from suprsend_async.events.encoding import Encoder
from suprsend_async.events.event import Event
from suprsend_async.resources.access import AsyncResources
from suprsend_async.transport.request import Request
from suprsend_async.transport.retry import RetryPolicy
from suprsend_async.transport.session import Session
from suprsend_async.transport.transport import Transport
from suprsend_async.wrong_calls import explained

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from types import TracebackType

    import httpx

    from suprsend_async.api.response import EventResponse
    from suprsend_async.buffering.spool.tracker import DurableTracker
    from suprsend_async.buffering.tracker import BufferedTracker
    from suprsend_async.bulk.results import FailedRecord
    from suprsend_async.callbacks import Callback
    from suprsend_async.transport.authentication import Credentials

EVENT_ROUTE = "v2/event/"


class AsyncSuprsend(AsyncResources, explained=False):
    """The client for asyncio.

    Constructing it opens nothing and needs no running loop; connections are opened on demand, one pool for each
    event loop. Use it as an asynchronous context manager, or call `aclose()` at the end.

    Args:
        workspace_key: The workspace's key; `SUPRSEND_WORKSPACE_KEY` if left out.
        workspace_secret: The workspace's secret; `SUPRSEND_WORKSPACE_SECRET` if left out. If neither key nor secret is
            given anywhere, `SUPRSEND_WORKSPACE_UID` and `SUPRSEND_API_KEY` serve as in `with_workspace_api_key`.
        base_url: Where the platform is; `SUPRSEND_BASE_URL`, or the platform's own address, if left out.
        timeout: Seconds for a whole call, attempts and waits included; in a bulk, for each chunk.
        max_retries: Attempts after the first one at most; as many as `timeout` allows if left out.
        max_connections: Requests in flight at most, on each event loop. Further callers wait in order.
        concurrency: Chunks in flight at most, in each bulk.
        max_event_bytes: A larger event is refused here; the default is 800 KB.
        http_client: An `httpx.AsyncClient` of your own, with your proxies, certificates and hooks. You close it.
        app_info: Your application's name and version, for the User-Agent: `{"name": "shop", "version": "1.2"}`.

    Attributes:
        sender: What sends this client's events; for packages that build on this one, such as `suprsend_async.ingest`.
        made_at: File and line where it was made.

    Raises:
        ConfigurationError: Credentials are missing, or an argument cannot work; the message names it.

    Examples:
        >>> async with AsyncSuprsend("workspace_key", "workspace_secret") as client:
        ...     response = await client.track_event(Event("user-1", "product_purchased", {"amount": "$10"}))
        >>> response.success
        True
    """

    _credentials: Credentials | None = None

    @explained
    def __init__(
        self,
        workspace_key: str | None = None,
        workspace_secret: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float = 30.0,
        max_retries: int | None = None,
        max_connections: int = 100,
        concurrency: int = 16,
        max_event_bytes: int = MAX_CHUNK_BYTES,
        http_client: httpx.AsyncClient | None = None,
        app_info: Mapping[str, str] | None = None,
    ) -> None:
        try:
            # With an API key the credentials are there before this is called.
            credentials = self._credentials or resolve_credentials(workspace_key, workspace_secret)
            origin = resolve_origin(base_url)
        finally:
            # Reporters of crashes record the variables of every frame that an error passes: none holds a secret.
            del workspace_key, workspace_secret, base_url
        check_number("timeout", timeout, "seconds")
        _check_retries(max_retries)
        check_whole("max_connections", max_connections)
        check_concurrency(concurrency)
        check_whole("max_event_bytes", max_event_bytes)
        check_http_client(http_client)
        logs.follow_environment()
        headers = request_headers(app_info)
        session = Session(origin, credentials, headers, max_connections, http_client)
        encoder = Encoder(credentials.workspace, headers["User-Agent"], max_event_bytes)
        transport = Transport(session, timeout, RetryPolicy.within(timeout, max_retries))
        self.sender: BulkSender[Event] = BulkSender(transport, event_kind(encoder), concurrency)
        self.made_at: str = caller_place()

    @classmethod
    def with_workspace_api_key(
        cls, workspace_uid: str | None, api_key: str | None, **options: Unpack[ClientOptions]
    ) -> Self:
        """Return a client that authenticates with an API key (Bearer) instead of a signature.

        Args:
            workspace_uid: The workspace's uid; `SUPRSEND_WORKSPACE_UID` if None.
            api_key: The API key; `SUPRSEND_API_KEY` if None.
            **options: As for the class: `base_url`, `timeout`, `max_retries`, `max_connections`, `concurrency`,
                `max_event_bytes`, `http_client`, `app_info`.

        Raises:
            ConfigurationError: One of the two is missing, or an argument cannot work.

        Examples:
            >>> client = AsyncSuprsend.with_workspace_api_key("workspace_uid", "api_key")
            >>> await client.aclose()
        """
        client = cls.__new__(cls)
        try:
            client._credentials = resolve_api_key(workspace_uid, api_key)
            AsyncSuprsend.__init__(client, **options)
        finally:
            del workspace_uid, api_key, options
        return client

    def with_options(self, *, timeout: float | None = None, max_retries: int | None = None) -> Self:
        """Return a view of this client with other options: it shares connections, limits and the learned clock.

        Only the client itself is closed; a view cannot be entered with `async with`.

        Args:
            timeout: Seconds for a whole call; the client's if left out.
            max_retries: Attempts after the first one; the client's if left out.

        Raises:
            ConfigurationError: A value could not work.

        Examples:
            >>> response = await client.with_options(timeout=5).track_event(Event("user-1", "signed_up"))
            >>> response.success
            True
        """
        transport = self.sender.transport
        timeout = transport.timeout if timeout is None else timeout
        check_number("timeout", timeout, "seconds")
        max_retries = transport.policy.max_retries if max_retries is None else max_retries
        _check_retries(max_retries)
        policy = RetryPolicy.within(timeout, max_retries)
        transport = replace(transport, timeout=timeout, policy=policy, is_view=True)
        view = object.__new__(type(self))
        # With what a subclass has besides; and the client lives as long as its views, for it alone can be closed.
        vars(view).update(vars(self), _viewed=self)
        view.sender = replace(self.sender, transport=transport)
        return view

    @property
    def bulk_events(self) -> BulkEventsResource:
        """Many events in few requests: `send`, `stream` and `new_instance`.

        Examples:
            >>> result = await client.bulk_events.send([Event("user-1", "signed_up")])
            >>> result.status
            'success'
        """
        return BulkEventsResource(self.sender)

    async def track_event(self, event: Event) -> EventResponse:
        """Send one event and return what it came to.

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
        is_event = isinstance(event, Event)
        if not is_event:
            given = class_of(event, "Event")
            del event  # it may hold values, and reporters of crashes record the variables of every frame
            raise TypeError(f"track_event() takes an Event, not {given}")
        transport = self.sender.transport
        transport.session.check_open()
        with transport.observed("track_event"):
            request = Request("POST", EVENT_ROUTE, body=self.sender.kind.encode(event), names_message=True)
            exchange = await send(transport, request, verdict_of_send)
        response = response_of(exchange.verdict, exchange.attempts, exchange.retry_after, exchange.document)
        outcome, status_code = response.outcome, response.status_code
        is_counted = outcome != "accepted" and transport.session.count_lost(outcome, status_code)
        logs.record_finished(
            "track_event", outcome, status_code, response.message_id, response.attempts, is_counted=is_counted
        )
        return response

    @overload
    def buffer(
        self,
        *,
        linger: float = 0.01,
        max_pending: int | None = None,
        max_pending_bytes: int | None = None,
        drain_timeout: float = 8.0,
        on_failure: Callback[FailedRecord[Any]] | None = None,
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
        on_failure: Callback[FailedRecord[Any]] | None = None,
        spool: str | os.PathLike[str],
    ) -> DurableTracker: ...
    def buffer(
        self,
        *,
        linger: float = 0.01,
        max_pending: int | None = None,
        max_pending_bytes: int | None = None,
        drain_timeout: float = 8.0,
        on_failure: Callback[FailedRecord[Any]] | None = None,
        spool: str | os.PathLike[str] | None = None,
    ) -> BufferedTracker | DurableTracker:
        """Return a tracker that sends the records of concurrent calls together, as an asynchronous context manager.

        Args:
            linger: Seconds between two requests that are not full, at least: what comes in between travels together.
                A record that finds nothing sent for so long goes at once.
            max_pending: Records without a final verdict at most; 10,000 if left out, with a spool 1,000,000. When it
                is full, `track_event` waits for room and `enqueue` raises; with a spool, both raise.
            max_pending_bytes: Their bytes at most, dead letters included; 16 MiB if left out, with a spool 1 GiB.
            drain_timeout: Seconds that leaving the block may take to send what is left.
            on_failure: Called with the `FailedRecord` of each record that was not accepted and that no caller waits
                for; with a spool, of each that became a dead letter. A plain function or a coroutine function.
            spool: A directory on a local disk: records are stored there before they are sent, and outlive the process.

        Raises:
            ConfigurationError: An argument cannot work; the message names it.

        Examples:
            >>> async with client.buffer() as tracker:
            ...     response = await tracker.track_event(Event("user-1", "signed_up"))
            >>> response.success
            True
        """
        # Only those who buffer pay for the import of it, and only those with a spool for SQLite.
        from suprsend_async.buffering.options import buffer_options

        options = buffer_options(linger, max_pending, max_pending_bytes, drain_timeout, is_durable=spool is not None)
        if spool is None:
            from suprsend_async.buffering.tracker import BufferedTracker

            return BufferedTracker(self.sender, options, on_failure)
        from suprsend_async.buffering.spool.tracker import DurableTracker

        return DurableTracker(self.sender, options, on_failure, spool)

    async def aclose(self) -> None:
        """Close the connections, on every event loop; returns within 5 seconds.

        Calls in flight get 3 seconds to end; what is not answered by then ends as "unknown". A closed client can be
        entered again with `async with`.

        Raises:
            ConfigurationError: This is a view of a client; close the client.

        Examples:
            >>> other = AsyncSuprsend("workspace_key", "workspace_secret")
            >>> await other.aclose()
        """
        refuse_view(self, "closed")
        await self.sender.transport.session.aclose()

    async def __aenter__(self) -> Self:
        """Open the engine, so that the first request does not pay for its import.

        Raises:
            ConfigurationError: This is a view of a client; enter the client.
        """
        refuse_view(self, "entered with `async with`")
        await self.sender.transport.session.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close."""
        await self.aclose()

    def __repr__(self) -> str:
        """Show where requests go; never a credential."""
        sender: BulkSender[Event] | None = vars(self).get("sender")
        # One whose making failed has none, and reporters of crashes show that one as well.
        return f"{type(self).__name__}({'' if sender is None else repr(sender.transport.session.origin.url(''))})"

    def __reduce__(self) -> NoReturn:
        """Refuse: a pickle would carry the credentials."""
        raise TypeError(f"{type(self).__name__} holds credentials and connections and cannot be pickled")

    def __del__(self, _warn: Any = warnings.warn) -> None:
        """Warn about connections that nobody closed, with the place where the client was made."""
        sender: BulkSender[Event] | None = getattr(self, "sender", None)
        if sender is not None and not sender.transport.is_view and sender.transport.session.loops:
            where = f"{self!r} made at {self.made_at}"
            _warn(f"{where} was not closed ({address('not-closed')})", ResourceWarning, source=self)


def _check_retries(max_retries: int | None) -> None:
    if max_retries is not None:
        check_whole("max_retries", max_retries, 0)


def refuse_view(client: AsyncSuprsend, done: str) -> None:
    """Refuse what belongs to the client itself.

    Raises:
        ConfigurationError: It is a view that `with_options` made.
    """
    if client.sender.transport.is_view:
        raise ConfigurationError(f"a view made by with_options() is not {done}; do that with the client itself")
