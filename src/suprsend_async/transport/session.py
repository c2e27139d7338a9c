"""What all views of one client share: where requests go, how they are authorized, and the connections of each loop."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from importlib import import_module
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from suprsend_async import logs
from suprsend_async.errors import ConfigurationError
from suprsend_async.threads import has_green_threads, run_in_thread
from suprsend_async.transport.answer import Answer, Failure, http_time
from suprsend_async.transport.clock import Clock
from suprsend_async.transport.loops import LoopStates, running_loop
from suprsend_async.transport.outages import OutageLog
from suprsend_async.transport.request import Request, SignedRequest
from suprsend_async.transport.retry import REFUSED_CREDENTIALS

if TYPE_CHECKING:
    import httpx

    from suprsend_async.outcome import Outcome
    from suprsend_async.transport.authentication import Credentials
    from suprsend_async.transport.engine import Engine
    from suprsend_async.transport.observer import Observer
    from suprsend_async.transport.origin import Origin

# A clock that differs from the server's by less than this is not what a signature is refused for.
TOLERATED_SKEW = 60.0
# The years 2020 to 2100. What a server says beyond these is no clock to sign by.
_IN_THE_PRESENT = (1_577_836_800.0, 4_102_444_800.0)


@dataclass(slots=True)
class Session:
    """Signs requests, and opens and closes what they go through.

    Attributes:
        origin: Where requests go.
        credentials: What they are authorized with.
        headers: What every request carries besides.
        max_connections: Requests in flight at most, on each event loop.
        http_client: The user's own client, or None for the engine that comes with the package.
        clock: Time and chance.
        observer: Watches the calls, for telemetry; None costs nothing.
        loops: What belongs to each event loop.
        outages: Logs what goes wrong for longer, whichever calls it hits.
        learned: What calls found out about this server, for all that follow.
        closed: Whether the client was closed.
    """

    origin: Origin
    credentials: Credentials
    headers: dict[str, str]
    max_connections: int
    http_client: httpx.AsyncClient | None = None
    clock: Clock = field(default_factory=Clock)
    observer: Observer | None = None
    loops: LoopStates = field(init=False)
    outages: OutageLog = field(default_factory=OutageLog, init=False, repr=False)
    learned: set[str] = field(default_factory=set[str], init=False)
    closed: bool = field(default=False, init=False)
    _clock_offset: float = field(default=0.0, init=False)
    _last_date: tuple[str, float] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Prepare; nothing is opened."""
        if has_green_threads():
            # Here, not in a thread: the locks of imports are gevent's, on which real threads wait for ever.
            _import_engine()
        self.loops = LoopStates(_load_engine, self._open_engine, self.max_connections)

    def now(self) -> float:
        """Return the seconds since the epoch to sign with: by the server's clock where ours was found wrong."""
        return self.clock.wall() + self._clock_offset

    def note_date(self, result: Answer | Failure) -> None:
        """Note an answer's `Date`, and when it came; it is read only when the server's clock is asked for."""
        if isinstance(result, Answer) and (date := result.headers.get("date")):
            self._last_date = date, self.clock.wall()

    def server_now(self) -> float:
        """Return the seconds since the epoch by the server's clock, as its last answer with a `Date` told it."""
        if self._last_date is not None:
            date, came_at = self._last_date
            server_time = http_time(date)
            if server_time is not None and _IN_THE_PRESENT[0] < server_time < _IN_THE_PRESENT[1]:
                return self.clock.wall() + server_time - came_at
        return self.now()

    def workspace(self) -> str:
        """Return what stands for the workspace, without naming it."""
        return _fingerprint(self.credentials.workspace)

    def target(self) -> str:
        """Return what stands for where requests go, the address and the workspace, without naming either."""
        return _fingerprint(f"{self.origin.url('')}\n{self.credentials.workspace}")

    def sign(self, request: Request, engine: Engine) -> SignedRequest:
        """Return the request with its URL and the headers that authorize it now."""
        uri = engine.uri_as_sent(self.origin.uri(request.target))
        authorization = self.credentials.headers(request.method, uri, request.body, self.now())
        return SignedRequest(request, self.origin.url(request.target), {**self.headers, **authorization})

    def learn_clock(self, result: Answer | Failure) -> bool:
        """Take over the server's clock if a signature was refused and the clocks differ; returns whether it did."""
        if not isinstance(result, Answer) or result.status_code not in REFUSED_CREDENTIALS:
            return False
        server_time = result.server_time
        if server_time is None or not _IN_THE_PRESENT[0] < server_time < _IN_THE_PRESENT[1]:
            return False
        offset = server_time - self.clock.wall()
        if abs(offset - self._clock_offset) <= TOLERATED_SKEW:
            return False
        logs.clock_differs(offset)
        self._clock_offset = offset
        return True

    def count_lost(self, outcome: Outcome, status_code: int | None, count: int = 1) -> bool:
        """Count records that were not accepted in the lines of an outage.

        Args:
            outcome: Their outcome.
            status_code: The status that they ended with, or None.
            count: How many there are.

        Returns:
            False if they need separate lines: no outage is to blame, or none was said to cost any.
        """
        return self.outages.count_lost(outcome, status_code, count, self.clock.monotonic())

    def check_open(self) -> None:
        """Refuse to begin anything on a closed client.

        Raises:
            ConfigurationError: The client was closed.
        """
        if self.closed:
            raise ConfigurationError("the client was closed; make a new one, or enter it again with `async with`")

    async def open(self) -> None:
        """Open the running loop's engine ahead of the first request, and a closed client again.

        Raises:
            ConfigurationError: The environment names certificates or a proxy that cannot be used.
        """
        self.closed = False
        await self.loops.current()

    async def aclose(self) -> None:
        """Close every engine; buffers, and then the calls in flight, get a few seconds to end.

        Raises:
            ConfigurationError: No event loop of asyncio's runs; nothing is closed.
        """
        running_loop()
        spent = await self.loops.end_dependents()
        self.closed = True
        await self.loops.aclose(spent)
        self.outages.close(self.clock.monotonic())

    def _open_engine(self) -> Engine:
        from suprsend_async.transport.engine import AiohttpEngine
        from suprsend_async.transport.given_engine import GivenEngine

        try:
            return AiohttpEngine(self.origin) if self.http_client is None else GivenEngine(self.http_client)
        except ConfigurationError:
            raise
        except Exception as error:  # noqa: BLE001 - certificates and proxies from the environment may be anything
            # Not its text: a proxy's address may hold a password.
            reason = type(error).__name__
        raise ConfigurationError(
            f"no connection can be made ({reason}): check SSL_CERT_FILE, SSL_CERT_DIR and the proxy variables "
            "HTTPS_PROXY, HTTP_PROXY and ALL_PROXY"
        )


def _fingerprint(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]


async def _load_engine() -> None:
    """Import the HTTP libraries in a thread: they take longer to import than all the rest, and the loop goes on."""
    if not _loaded:
        await run_in_thread(_import_engine)


def _import_engine() -> None:
    # What is wrong here, with the environment's certificates for example, is raised where the engine is made.
    with suppress(Exception):
        from suprsend_async.transport.engine import tls_context

        tls_context()
        # anyio's own part for asyncio comes with the first lock that is made on a loop, and would be imported there.
        import_module("anyio._backends._asyncio")
        # The first schema that Pydantic builds makes it search all installed packages for plugins of its own.
        TypeAdapter(int)
        _loaded.append(True)


# Filled once the engine's module is imported; before that it may be in sys.modules, but only in part.
_loaded: list[bool] = []
