"""The sandbox as its users hold it."""

from __future__ import annotations

import socket
import time
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

import anyio
import anyio.to_thread

from suprsend_async.sandbox import options
from suprsend_async.sandbox.clock import MovableClock
from suprsend_async.sandbox.delivery.delivery import Delivery
from suprsend_async.sandbox.delivery.rendering import SECONDS as RENDER_SECONDS
from suprsend_async.sandbox.delivery.webhooks import target_of
from suprsend_async.sandbox.faults import Status
from suprsend_async.sandbox.faults.plan import Faults
from suprsend_async.sandbox.inbox.application import create_application
from suprsend_async.sandbox.inbox.guard import host_name, is_loopback, reachable
from suprsend_async.sandbox.ledger_access import LedgerAccess
from suprsend_async.sandbox.listener import Listener
from suprsend_async.sandbox.platform.authentication import check_given, complete
from suprsend_async.sandbox.platform.categories import ROOTS
from suprsend_async.sandbox.platform.pipeline import Platform
from suprsend_async.sandbox.platform.schemas import SECONDS, SchemaChecks, Schemas
from suprsend_async.sandbox.provisions import Provisions
from suprsend_async.sandbox.state.ledger import Ledger
from suprsend_async.sandbox.state.store import EntryStore
from suprsend_async.sandbox.state_access import StateAccess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from starlette.types import ASGIApp

    from suprsend_async import AsyncSuprsend, Suprsend
    from suprsend_async.sandbox.faults import Fault


class Sandbox(LedgerAccess, StateAccess):
    """A small copy of the platform: a real HTTP server on this machine, on a port that the system chooses.

    It checks signatures and events as the platform does, and keeps what it accepts for you to look at: from Python, and
    at its URL in a browser. It serves blocking code as well as any event loop.

    Args:
        port: The port to listen on; 0 lets the system choose.
        host: The address to listen on. One beyond this machine also needs `i_know_this_is_not_for_production`.
        allowed_hosts: Names under which the page may be opened beside the sandbox's own, such as that of a service in
            a compose file. Numeric addresses, `localhost` and names below it need none, nor does this host's own name
            where other machines can reach it. A client may use any name.
        store: A file that keeps events, idempotency keys, users and all else that was written, and the random
            credentials, made if it is not there. They are kept in memory if left out. What was answered is in the
            file, also after a SIGKILL; a power cut may take the last of it.
        schemas: A folder of JSON Schemas for the properties of events, each in a file `<event name>.json`.
        schema_seconds: How long a schema may take to check one event; then the event is refused with that reason.
        categories: Slugs of preference categories, beside `system`, `transactional` and `promotional`.
        workflows: A folder of workflows in TOML files: messages are made of what they are for. Or the slugs of those
            that there are. Triggers of others are refused with 404. Every slug is known if left out.
        webhook: The address to which each change of a message's status is posted.
        webhook_headers: What is sent with it, such as a shared token.
        load: What `state` returned, or a file of it: what is there from the beginning.
        render_seconds: How long the template of a message may take; then the message has failed with that reason.
        max_events: How many entries are kept, how many triggers, broadcasts, deliveries, messages, webhooks, other
            requests and changes of records; the oldest are dropped. For all of it but the records there is a bound of
            512 MiB as well.
        i_know_this_is_not_for_production: Everybody who can connect to the port can see and change everything.
        workspace_key: At least 20 characters. Random if left out, like the three below; what is given is not stored.
        workspace_secret: The secret that signs requests.
        workspace_uid: The workspace's name for requests with an API key.
        api_key: The API key.
        clock: Gives the time in seconds. A test can move it to let idempotency keys expire.

    Raises:
        ValueError: A credential is empty or the workspace key too short; the host is not this machine alone; an allowed
            host is no name; the store is no sandbox's file, or damaged; a file of the schemas holds none; an option is
            of another type. The message names the option.
        OSError: The store or the schemas cannot be opened; another sandbox may be using the store.

    Examples:
        >>> with Sandbox() as sandbox, sandbox.blocking_client() as client:
        ...     response = client.track_event(Event("user-1", "product_purchased", {"amount": "$10"}))
        >>> sandbox.events[0]["distinct_id"]
        'user-1'
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        allowed_hosts: Iterable[str] = (),
        store: str | Path | None = None,
        schemas: str | Path | None = None,
        schema_seconds: float = SECONDS,
        categories: Iterable[str] = (),
        workflows: str | Path | Iterable[str] | None = None,
        webhook: str | None = None,
        webhook_headers: Mapping[str, str] | None = None,
        load: str | Path | Mapping[str, Any] | None = None,
        render_seconds: float = RENDER_SECONDS,
        max_events: int = 100_000,
        i_know_this_is_not_for_production: bool = False,
        workspace_key: str | None = None,
        workspace_secret: str | None = None,
        workspace_uid: str | None = None,
        api_key: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        given = {
            "workspace_key": workspace_key,
            "workspace_secret": workspace_secret,
            "workspace_uid": workspace_uid,
            "api_key": api_key,
        }
        check_given(given)
        options.check_whole("port", port, 0, 65_535)
        options.check_seconds("schema_seconds", schema_seconds)
        options.check_seconds("render_seconds", render_seconds)
        options.check_flag("i_know_this_is_not_for_production", i_know_this_is_not_for_production)
        options.check_clock("clock", clock)
        if not (is_loopback(options.text("host", host)) or i_know_this_is_not_for_production):
            raise ValueError(
                f"host {host!r} can be reached from other machines, and the sandbox shows all events to everybody: "
                "set i_know_this_is_not_for_production (--i-know-this-is-not-for-production) as well, or leave host out"
            )
        for option, path, what in (("store", store, "a file"), ("schemas", schemas, "a folder")):
            if path is not None:
                options.check_path(option, path, what)
        self._host = host
        self._allowed = frozenset(map(host_name, options.names("allowed_hosts", allowed_hosts)))
        self._port = port
        self._store = EntryStore(None if store is None else Path(store), max_events)
        try:
            self._credentials = complete(given, self._store.credential)
            self._clock = MovableClock(clock)
            self._ledger = Ledger(self._store, self._clock)
            self._faults = Faults(time.monotonic)
            target = target_of(webhook, webhook_headers)
            uid = self._credentials.workspace_uid
            self._delivery = Delivery(self._ledger, self._faults, self._clock, target, uid, seconds=render_seconds)
            self._provisions = Provisions((*ROOTS, *options.names("categories", categories)), workflows, load)
            self._provide()
            self._schemas = Schemas(schema_seconds)
            if schemas is not None:
                self._schemas.load(Path(schemas))
        except BaseException:
            # Whoever keeps the error keeps this object, and the next one could not have the file.
            self._store.close()
            raise
        self._listener: Listener | None = None
        self._changing = Lock()

    def __repr__(self) -> str:
        return f"<Sandbox {self.url}>" if self._port else "<Sandbox, not started>"

    def _repr_html_(self) -> str:
        from html import escape

        if not self._port:
            return escape(repr(self))
        url = escape(self.url)
        return f'Sandbox <a href="{url}">{url}</a>'

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        # Not in a thread: starting takes milliseconds, and a cancelled wait would leave the server behind.
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A cancelled block must not leave the server behind.
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self.stop)

    def start(self) -> None:
        """Start listening; returns when connections are accepted.

        After a stop it listens on the same port again and still has its events, as a restarted server would.

        Raises:
            RuntimeError: It is already started.
            OSError: The port is in use.
        """
        with self._changing:
            if self._listener is not None:
                raise RuntimeError("The sandbox is already started.")
            self._store.open()
            self._schemas.open()
            checks = SchemaChecks(self._schemas)
            self._delivery.start()
            platform = Platform(self._credentials, self._ledger, self._faults, checks, self._delivery)
            make_inbox = partial(self._create_inbox, checks)
            application = create_application(platform, make_inbox, self._host, self._allowed | self._own_names)
            listener = Listener(application, self._host, self._port, self._ledger.count_connection)
            listener.start()
            self._listener = listener
            self._port = listener.port

    def _create_inbox(self, checks: SchemaChecks) -> ASGIApp:
        # Not on import: a tenth of a start, for what is asked for when somebody looks.
        from suprsend_async.sandbox.inbox.delivery_operations import DeliveryOperations
        from suprsend_async.sandbox.inbox.inbox import create_inbox
        from suprsend_async.sandbox.inbox.operations import Operations
        from suprsend_async.sandbox.inbox.records.operations import RecordOperations

        events = Operations(self._ledger, self._faults, self._schemas, checks, self.environment)
        records = RecordOperations(self._store, self._ledger.find)
        return create_inbox(events, records, DeliveryOperations(self._store, self._delivery, self._clock))

    def stop(self) -> None:
        """Stop listening and close every connection, within 2 seconds. Stopping twice does no harm."""
        with self._changing:
            if self._listener is not None:
                self._listener.stop()
                self._listener = None
                self._schemas.close()
                self._delivery.stop()
                self._store.close()

    @property
    def is_running(self) -> bool:
        """Whether it was started, and not stopped since."""
        return self._listener is not None

    @property
    def url(self) -> str:
        """The base URL for a client, such as ``http://127.0.0.1:49152/``.

        Raises:
            RuntimeError: The system has not chosen a port yet.
        """
        if not self._port:
            raise RuntimeError("The sandbox has no port yet: use it in a `with` block, or call start().")
        return f"http://{reachable(self._host)}:{self._port}/"

    @property
    def network_url(self) -> str | None:
        """The base URL from other machines and containers, by this host's name; None if they cannot reach it.

        Raises:
            RuntimeError: The system has not chosen a port yet.
        """
        port = self.url.rpartition(":")[2]
        return f"http://{socket.gethostname()}:{port}" if self._own_names else None

    @property
    def _own_names(self) -> frozenset[str]:
        # Nobody else can have a page under the name of this host, where that is the one who has the name.
        return frozenset() if is_loopback(self._host) else frozenset({socket.gethostname().lower()})

    @property
    def workspace_key(self) -> str:
        """The workspace key that requests are signed for."""
        return self._credentials.workspace_key

    @property
    def workspace_secret(self) -> str:
        """The workspace secret that signs requests."""
        return self._credentials.workspace_secret

    @property
    def workspace_uid(self) -> str:
        """The workspace's name for requests with the API key."""
        return self._credentials.workspace_uid

    @property
    def api_key(self) -> str:
        """The API key."""
        return self._credentials.api_key

    def clear(self) -> None:
        """Forget events, idempotency keys, counts, planned failures, and users and all else that was written."""
        self._ledger.clear()
        self._provide(cleared=True)
        self._faults.clear()

    def _provide(self, *, cleared: bool = False) -> None:
        """Make what a workspace has from its beginning."""
        with self._store.transaction():
            if cleared:
                self._store.records.clear()
            self._provisions.provide(self._store.records, self._clock(), self._delivery.problem)
        self._delivery.load(self._store.records)

    def fail_next(
        self, count: int = 1, *, status: int = 503, retry_after: int | str | None = None, body: str | None = None
    ) -> None:
        """Refuse the next requests; nothing in them is stored.

        Args:
            count: How many requests.
            status: The HTTP status of the answers, 400 to 599.
            retry_after: The `Retry-After` header: seconds, or any text as it is to be sent.
            body: The answers' body; the platform's JSON for errors if left out.

        Raises:
            ValueError: The count is negative, or the status is not an error's.
        """
        if count < 0:
            raise ValueError(f"count must not be negative, not {count}")
        if not 400 <= status <= 599:
            raise ValueError(f"status must be from 400 to 599, not {status}")
        if count:
            self.provoke(Status(count=count, status=status, retry_after=retry_after, body=body))

    def provoke(self, fault: Fault) -> None:
        """Let requests run into a fault from now on, as often as its `count` says or until it is cleared.

        Args:
            fault: One of `suprsend_async.sandbox.faults`.

        Raises:
            ValueError: A thousand faults are planned already.

        Examples:
            ```python
            from suprsend_async.sandbox import Sandbox, faults

            with Sandbox() as sandbox:
                sandbox.provoke(faults.Latency(seconds=0.2, jitter=0.3))
                sandbox.provoke(faults.Reset(when="after", count=1))
                sandbox.clear_faults()
            ```
        """
        self._faults.plan(fault)

    def clear_faults(self) -> None:
        """Forget the faults that are still to come."""
        self._faults.clear()

    def environment(self) -> dict[str, str]:
        """Return the environment variables that point a client at this sandbox."""
        return {
            "SUPRSEND_WORKSPACE_KEY": self.workspace_key,
            "SUPRSEND_WORKSPACE_SECRET": self.workspace_secret,
            "SUPRSEND_BASE_URL": self.url,
        }

    def client(self, **options: Any) -> AsyncSuprsend:
        """Return an `AsyncSuprsend` for this sandbox; `options` are its own."""
        # Here and below is where the sandbox knows the client.
        from suprsend_async import AsyncSuprsend

        options.setdefault("base_url", self.url)
        return AsyncSuprsend(self.workspace_key, self.workspace_secret, **options)

    def blocking_client(self, **options: Any) -> Suprsend:
        """Return a `Suprsend` for this sandbox; `options` are its own."""
        from suprsend_async import Suprsend

        options.setdefault("base_url", self.url)
        return Suprsend(self.workspace_key, self.workspace_secret, **options)
