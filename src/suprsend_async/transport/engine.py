"""Engines: signed requests in, an `Answer` or a `Failure` out. And the one that comes with the package."""

from __future__ import annotations

import inspect
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Protocol, cast

import aiohttp
import httpx
import yarl
from httpx_aiohttp import AiohttpTransport

from suprsend_async.tasks import Cutoff
from suprsend_async.transport.connector import (
    SOCKETS_ARE_MADE_HERE,
    Connector,
    WatchedRequest,
    drop_address,
    make_socket,
)
from suprsend_async.transport.copies import Copies
from suprsend_async.transport.incoming import AiohttpIncoming, HttpxIncoming
from suprsend_async.transport.proxies import proxy_for
from suprsend_async.transport.resolver import FailedLast, Resolver
from suprsend_async.transport.round_trip import failure_of, read_answer, timed_out, url_of
from suprsend_async.transport.sending import Sending, current

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence

    from suprsend_async.transport.answer import Answer, Failure
    from suprsend_async.transport.incoming import Incoming
    from suprsend_async.transport.origin import Origin
    from suprsend_async.transport.request import SignedRequest

    _Headers = Mapping[str, str] | Sequence[tuple[str, str]]

# An answer's head is read up to these. Gateways add what they like to it; aiohttp's own 8,190 bytes and 128 headers are
# passed by a cookie of a login page, or by a trace of all stations.
_MAX_HEADER_BYTES = 256 * 1024
_MAX_HEADERS = 2000
_HEADERS_ARE_COUNTED = "max_headers" in inspect.signature(aiohttp.ClientSession).parameters
"""Whether aiohttp has a limit of their number; older versions have none."""


class Engine(Protocol):
    """Exchanges requests for answers on one event loop."""

    max_in_flight: int | None

    def uri_as_sent(self, uri: str) -> str:
        """Return the path and query in the spelling in which this engine sends them: what is to be signed."""
        ...

    async def exchange(self, signed: SignedRequest, timeout: float, connect_timeout: float) -> Answer | Failure:
        """Send the request; return the answer, or why there is none.

        Args:
            signed: The request.
            timeout: Seconds until there is a result, whatever happens.
            connect_timeout: Seconds that a new connection may take to stand. The request was not sent if it does not.
        """
        ...

    async def aclose(self) -> None:
        """Give back what the engine holds."""
        ...


class _BareClient(httpx.AsyncClient):
    """httpx's client without its auth flows, redirects, cookies and hooks: it only finds the transport."""

    def transport_for(self, url: httpx.URL) -> httpx.AsyncBaseTransport:
        """Return what requests go through, found the client's own way: respx, for one, puts another in its place."""
        return self._transport_for_url(url)


class _Body(httpx.AsyncByteStream):
    """The body of an answer as it comes."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._incoming = AiohttpIncoming(response)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._incoming.pieces():
            yield piece

    async def aclose(self) -> None:
        await self._incoming.aclose()


class _ExactTransport(AiohttpTransport):
    """httpx-aiohttp's transport, which leaves URLs, headers and errors as they are.

    Given as text, aiohttp spells a URL anew (`%40` becomes `@`), and the signature covers the spelling.
    """

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request in httpx's form."""
        response = await self.send(
            request.method,
            str(request.url),
            [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw],
            request.content,
            request.extensions["timeout"]["connect"],
        )
        return httpx.Response(response.status, headers=response.raw_headers, stream=_Body(response), request=request)

    def send(
        self, method: str, url: str, headers: _Headers, body: bytes, connect_timeout: float
    ) -> Awaitable[aiohttp.ClientResponse]:
        """Send a request that is not in httpx's form: making that, and an answer in it, costs as much as aiohttp."""
        if sending := current.get():
            # Whatever is raised from here on, it is seen whether the request went out.
            sending.watched = True
        return cast("aiohttp.ClientSession", self.client).request(
            method,
            yarl.URL(url, encoded=True),
            headers=headers,
            data=body or None,
            allow_redirects=False,
            auto_decompress=False,
            compress=False,
            timeout=_timeout(connect_timeout),
            proxy=str(self.proxy.url) if self.proxy else None,
            proxy_headers=self.proxy.headers if self.proxy else None,
        )


class AiohttpEngine:
    """The default: aiohttp's connections, through httpx's interface where somebody stands in between."""

    max_in_flight: int | None = None

    def __init__(self, origin: Origin) -> None:
        """Prepare for one origin, on the loop that it is for; no connection is made until the first request."""
        self._transport = _ExactTransport(
            verify=tls_context(), proxy=proxy_for(origin), client=_open_session(), trust_env=False
        )
        self._client = _BareClient(transport=self._transport, trust_env=False)
        # httpx looks a transport up by scheme, host and port only, and writes a host in other letters in ASCII.
        self._base = httpx.URL(origin.url(""))
        self._address = str(self._base)
        self._copies = Copies()

    def uri_as_sent(self, uri: str) -> str:
        """Return the path and query as they are."""
        return uri

    async def exchange(self, signed: SignedRequest, timeout: float, connect_timeout: float) -> Answer | Failure:
        """Send the request; return the answer, or why there is none, within `timeout` seconds."""
        sending = Sending()
        token = current.set(sending)
        try:
            with Cutoff(timeout):
                came = await self._send(signed, connect_timeout, sending)
                return await read_answer(came, signed.request, sending, self._copies)
            failure = timed_out(sent=sending.may_be_sent)
        except Exception as error:  # noqa: BLE001 - whatever the libraries raise becomes a failure
            failure = failure_of(error, sending, signed.request)
        finally:
            current.reset(token)
            sending.close()
        drop_address(sending)
        return failure

    async def _send(self, signed: SignedRequest, connect_timeout: float, sending: Sending) -> Incoming:
        """Send the request and return what comes.

        Nobody sees a request in httpx's form where the transport that httpx finds is this engine's own, so it is not
        made. Where it is another one, a mock, that is given one; what it lets pass ends in the same `send`.
        """
        request = signed.request
        found = self._client.transport_for(self._base)
        if found is self._transport:
            sending.begun = True
            url = self._address + request.target
            return AiohttpIncoming(
                await self._transport.send(request.method, url, signed.headers, request.body, connect_timeout)
            )
        message = httpx.Request(
            request.method,
            url_of(signed),
            headers=signed.headers,
            content=request.body,
            extensions={"timeout": {"connect": connect_timeout}},
        )
        sending.begun = True
        return HttpxIncoming(await found.handle_async_request(message))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


@lru_cache(maxsize=64)
def _timeout(connect: float) -> aiohttp.ClientTimeout:
    # For connections alone: how long an exchange takes as a whole, the engine sees to.
    return aiohttp.ClientTimeout(connect=connect, sock_connect=connect)


def _open_session() -> aiohttp.ClientSession:
    options: dict[str, Any] = {"max_line_size": _MAX_HEADER_BYTES, "max_field_size": _MAX_HEADER_BYTES}
    if _HEADERS_ARE_COUNTED:
        options["max_headers"] = _MAX_HEADERS
    connecting: dict[str, Any] = {"socket_factory": make_socket} if SOCKETS_ARE_MADE_HERE else {}
    # limit=0: callers wait for a slot in order, outside the pool, where the wait counts against their deadline.
    return aiohttp.ClientSession(
        connector=Connector(limit=0, ssl=tls_context(), resolver=FailedLast(Resolver()), **connecting),
        cookie_jar=aiohttp.DummyCookieJar(),
        request_class=WatchedRequest,
        trust_env=False,
        **options,
    )


@cache
def tls_context() -> ssl.SSLContext:
    """Return the TLS context of all connections."""
    # Loading the certificates takes tens of milliseconds: once for the process is enough.
    return httpx.create_ssl_context()
