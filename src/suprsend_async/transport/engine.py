"""The one module that knows the HTTP library: bytes in, an `Answer` or a `Failure` out."""

from __future__ import annotations

import asyncio
import base64
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Protocol
from urllib.request import getproxies, proxy_bypass

import aiohttp
import anyio
import httpx
from httpx_aiohttp import AiohttpTransport, HttpxAiohttpClient

from suprsend_async.transport.answer import Answer, Failure, limited
from suprsend_async.transport.body import BoundedBody

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from types import SimpleNamespace

    from suprsend_async.transport.origin import Origin

# httpx's own engine slows down steeply with more than this many requests in flight.
HTTPX_MAX_IN_FLIGHT = 20


@dataclass(frozen=True, slots=True)
class Request:
    """A signed request, ready to be sent."""

    url: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    max_answer_bytes: int


class Engine(Protocol):
    """Exchanges requests for answers on one event loop."""

    max_in_flight: int | None

    async def exchange(self, request: Request, timeout: float) -> Answer | Failure:
        """Send the request; return the answer, or why there is none, within `timeout` seconds."""
        ...

    async def aclose(self) -> None:
        """Give back what the engine holds."""
        ...


@dataclass(slots=True)
class _Flight:
    """How far a request has come.

    Attributes:
        begun: Whether the HTTP library has been given it.
        watched: Whether the library reports on it at all.
        sent: Whether its first bytes have gone out.
        abandoned: Whether nobody waits for it any more; what has not been sent by then is not to be sent.
    """

    begun: bool = False
    watched: bool = False
    sent: bool = False
    abandoned: bool = False

    @property
    def may_be_sent(self) -> bool:
        """Whether anything of it may have reached the server."""
        return self.sent or (self.begun and not self.watched)

    async def httpcore_trace(self, event: str, info: Mapping[str, object]) -> None:
        """Follow httpx's own engine."""
        self.watched = True
        is_tunnel = getattr(info.get("request"), "method", b"") == b"CONNECT"
        if event.endswith("send_request_headers.started") and not is_tunnel:
            if self.abandoned:
                raise httpx.ConnectTimeout("given up before the connection stood")
            self.sent = True


_flight: ContextVar[_Flight | None] = ContextVar("suprsend_async_flight", default=None)


async def _on_start(session: aiohttp.ClientSession, context: SimpleNamespace, params: object) -> None:
    if flight := _flight.get():
        flight.watched = True


async def _on_headers_sent(session: aiohttp.ClientSession, context: SimpleNamespace, params: object) -> None:
    if flight := _flight.get():
        flight.sent = True


class _BareClient(httpx.AsyncClient):
    """httpx's client without its auth flows, redirects, cookies and hooks: a third of what a small request costs."""

    async def send(self, request: httpx.Request, **_: Any) -> httpx.Response:
        # The client's own way to a transport, so that what is put in its place (as respx does) is found here, too.
        return await self._transport_for_url(request.url).handle_async_request(request)


class AiohttpEngine:
    """The default: aiohttp's connections under httpx's interface."""

    max_in_flight: int | None = None

    def __init__(self, origin: Origin) -> None:
        """Prepare for one origin; nothing is opened until the first request."""
        transport = AiohttpTransport(
            verify=_tls_context(), proxy=_proxy_for(origin), client=_open_session, trust_env=False
        )
        self._client = _BareClient(transport=transport, trust_env=False)

    async def exchange(self, request: Request, timeout: float) -> Answer | Failure:
        """Send the request; return the answer, or why there is none, within `timeout` seconds."""
        flight = _Flight(begun=True)
        token = _flight.set(flight)
        try:
            with anyio.move_on_after(timeout):
                return await _round_trip(self._client, _message(request, timeout), request.max_answer_bytes)
            return _timed_out(sent=flight.may_be_sent)
        except Exception as error:  # noqa: BLE001 - whatever the libraries raise becomes a failure
            return _failure(error, sent=flight.sent if flight.watched else None)
        finally:
            _flight.reset(token)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class GivenEngine:
    """The user's own `httpx.AsyncClient`, with the user's proxies, hooks and certificates; never closed here.

    httpx's own connection pool does not survive cancellation well, so each exchange runs in a task of its own that
    a cancelled caller leaves alone; `aclose` waits for these.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        """Take the user's client."""
        self._client = client
        self._shielded = not isinstance(client, HttpxAiohttpClient)
        self._tasks: set[asyncio.Task[Answer | Failure]] = set()
        self.max_in_flight: int | None = HTTPX_MAX_IN_FLIGHT if self._shielded else None

    async def exchange(self, request: Request, timeout: float) -> Answer | Failure:
        """Send the request; return the answer, or why there is none, within `timeout` seconds."""
        flight = _Flight()
        try:
            with anyio.move_on_after(timeout):
                if not self._shielded:
                    return await self._attempt(request, timeout, flight)
                task = asyncio.create_task(self._attempt_alone(request, timeout, flight))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                return await asyncio.shield(task)
            return _timed_out(sent=flight.may_be_sent)
        finally:
            flight.abandoned = True

    async def _attempt_alone(self, request: Request, timeout: float, flight: _Flight) -> Answer | Failure:
        # The caller has gone by then; this only keeps a server that drips for hours from holding the task.
        with anyio.move_on_after(2 * timeout + 1):
            return await self._attempt(request, timeout, flight)
        return _timed_out(sent=flight.may_be_sent)

    async def _attempt(self, request: Request, timeout: float, flight: _Flight) -> Answer | Failure:
        if flight.abandoned:
            return _timed_out(sent=False)
        if self._client.is_closed:
            return Failure("connection_failed", "the http_client that was given has been closed", sent=False)
        flight.begun = True
        try:
            # Made by the user's client, with the headers that the user gave it; parameters would break the signature.
            message = self._client.build_request(
                "POST",
                request.url,
                headers=request.headers,
                content=request.body,
                timeout=timeout,
                extensions={"trace": flight.httpcore_trace},
            )
            message.url = _url(request.url)
            return await _round_trip(self._client, message, request.max_answer_bytes)
        except Exception as error:  # noqa: BLE001 - whatever the libraries raise becomes a failure
            return _failure(error, sent=flight.sent if flight.watched else None)

    async def aclose(self) -> None:
        """Wait for the exchanges whose callers have gone."""
        if self._tasks:
            await asyncio.wait(self._tasks)


def is_http_client(candidate: object) -> bool:
    """Tell whether this is a client that `GivenEngine` takes."""
    return isinstance(candidate, httpx.AsyncClient)


def _message(request: Request, timeout: float) -> httpx.Request:
    """Return the request in httpx's form, made without a client: less than half of the time."""
    return httpx.Request(
        "POST",
        _url(request.url),
        headers=request.headers,
        content=request.body,
        extensions={"timeout": httpx.Timeout(timeout).as_dict()},
    )


async def _round_trip(client: httpx.AsyncClient, message: httpx.Request, max_answer_bytes: int) -> Answer:
    # auth=None: neither the client's own auth nor credentials in a URL may replace the signature.
    response = await client.send(message, stream=True, auth=None, follow_redirects=False)
    # Read from the raw ones: httpx's own look-up decodes all of them anew each time.
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers.raw}
    try:
        if response.is_closed:  # an event hook of the user's has read it
            body = BoundedBody(max_answer_bytes)
            body.feed(response.content)
        else:
            body = BoundedBody(max_answer_bytes, headers.get("content-encoding", ""))
            async for piece in response.aiter_raw():
                if not body.feed(piece):
                    break
    finally:
        await response.aclose()
    return Answer(response.status_code, headers, body.collected(), body.complete)


def _open_session() -> aiohttp.ClientSession:
    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(_on_start)
    trace.on_request_headers_sent.append(_on_headers_sent)
    # limit=0: callers wait for a slot in order, outside the pool, where the wait counts against their deadline.
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=_tls_context()),
        cookie_jar=aiohttp.DummyCookieJar(),
        trace_configs=[trace],
        trust_env=False,
    )


# There are as many URLs as there are paths below one base URL.
_url = lru_cache(maxsize=64)(httpx.URL)


@cache
def _tls_context() -> ssl.SSLContext:
    # Loading the certificates takes tens of milliseconds: once for the process is enough.
    return httpx.create_ssl_context()


def _proxy_for(origin: Origin) -> httpx.Proxy | None:
    """Return the environment's proxy for this origin; none for a server on this machine."""
    if origin.is_loopback or proxy_bypass(origin.host):
        return None
    proxies = getproxies()
    address = proxies.get(origin.scheme) or proxies.get("all")
    if not address:
        return None
    url = httpx.URL(address)
    if not url.userinfo:
        return httpx.Proxy(url)
    # As a header, which aiohttp passes on to the proxy alone; its type for credentials is deprecated.
    credentials = base64.b64encode(f"{url.username}:{url.password}".encode()).decode("ascii")
    return httpx.Proxy(url.copy_with(userinfo=b""), headers={"Authorization": f"Basic {credentials}"})


# Errors that come up before a connection stands: the request cannot have been sent.
_NOT_CONNECTED = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
_TIMEOUTS = (httpx.TimeoutException, TimeoutError)


def _failure(error: Exception, *, sent: bool | None = None) -> Failure:
    """Tell what an exception of the library's means.

    Where it was not seen whether the request went out (`sent` is None), the kind of the error decides, and
    aiohttp's own error where there is one: httpx-aiohttp reports a dropped connection as ConnectTimeout.
    """
    cause: Any = error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError) else error
    if sent is None:
        sent = not isinstance(cause, _NOT_CONNECTED)
    error_type = "deadline_exceeded" if isinstance(cause, _TIMEOUTS) else "connection_failed"
    message = limited(f"{type(cause).__name__}: {cause}")
    return Failure(error_type, message, sent=sent)


def _timed_out(*, sent: bool) -> Failure:
    where = "no answer came" if sent else "the request could not be sent"
    return Failure("deadline_exceeded", f"{where} before the deadline", sent=sent)
