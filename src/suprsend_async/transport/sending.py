"""How far the sending of one request has come: what may have reached the server, and what has not."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx

from suprsend_async.transport.httpx_connection import has_spoken
from suprsend_async.transport.sockets import unsent_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from suprsend_async.transport.sockets import Unsent

# What httpx's own engine reports of a connection that stands, by itself or with TLS on top.
_CONNECTED = ("connect_tcp.complete", "connect_unix_socket.complete", "start_tls.complete")

# And of an answer, of which the first is the proxy's.
_ANSWERED = ("receive_response_headers.complete", "receive_response_headers.failed")

SPOKE_FIRST = "bytes came before the request was sent, so they are no answer to it"


@dataclass(slots=True)
class Sending:
    """How far the sending of a request has come.

    Attributes:
        begun: Whether the HTTP library has been given it.
        watched: Whether the library reports on it at all.
        sent: Whether its first bytes have gone out.
        body_begun: Whether the first bytes of its body have.
        is_spoiled: Whether something came before it went out: what comes then is not taken for its answer.
        abandoned: Whether nobody waits for it any more; what has not been sent by then is not to be sent.
        is_first: Whether it is the first on its connection, as far as that is known.
        is_answered: Whether the whole answer has been read.
        is_closed: Whether the exchange is over: nothing is noted any more.
        unsent: What of it had not reached the server's system when an acceptance came over aiohttp; None for nothing.
        transport: What it is written to; None as long as that is not known.
        connector: What was asked for a connection, where that is aiohttp's.
        peers: The addresses to which aiohttp tried to connect for it, or the one to which it did.
        stream: The connection that was made for it, where that is httpx's own.
        tunnel_seconds: How long a proxy may take to open a tunnel for it.
        tunnel: The limit of the tunnel that aiohttp opens for it; None while it opens none.
    """

    begun: bool = False
    watched: bool = False
    sent: bool = False
    body_begun: bool = False
    is_spoiled: bool = False
    abandoned: bool = False
    is_first: bool = True
    is_answered: bool = False
    is_closed: bool = False
    unsent: Unsent | None = field(default=None, repr=False)
    transport: asyncio.Transport | None = field(default=None, repr=False)
    connector: aiohttp.BaseConnector | None = field(default=None, repr=False)
    peers: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]], repr=False)
    stream: Any = field(default=None, repr=False)
    tunnel_seconds: float | None = None
    tunnel: asyncio.Timeout | None = field(default=None, repr=False)
    _give_time_back: Callable[[], None] | None = field(default=None, repr=False)

    @property
    def may_be_sent(self) -> bool:
        """Whether anything of it may have reached the server."""
        return self.sent or (self.begun and not self.watched)

    @property
    def is_certain(self) -> bool:
        """Whether `may_be_sent` follows from what was seen, not from what could not be seen."""
        return self.watched or not self.begun

    def close(self) -> None:
        """Give back what is held for the look at an answer, at the end of the exchange, whatever that is."""
        self.is_closed = True
        if self.unsent is not None:
            self.unsent.close()

    def note_unsent(self, transport: asyncio.Transport) -> None:
        """Note what of it had not reached the server's system when the head of an acceptance came over aiohttp."""
        if self.unsent is None and not self.is_closed:
            self.unsent = unsent_of(transport)

    def check_unsent(self) -> None:
        """Refuse what has gone out before, and so the connection that it would take.

        Raises:
            ServerDisconnectedError: Its first bytes have gone out. aiohttp sends some methods again by itself, when a
                connection breaks off; that would be an attempt that nobody counts.
        """
        if self.sent:
            raise aiohttp.ServerDisconnectedError

    def begin(self) -> None:
        """Note that its first bytes go out now.

        Raises:
            ServerDisconnectedError: As for `check_unsent`.
        """
        self.check_unsent()
        self.sent = True

    async def httpcore_trace(self, event: str, info: Mapping[str, object]) -> None:
        """Follow httpx's own engine."""
        if not self.watched:
            # Of a connection that is used again nothing is reported before the head of the request.
            self.watched, self.is_first = True, ".connect_" in event
        if event.endswith(_CONNECTED):
            self.stream = info.get("return_value")
        is_tunnel = getattr(info.get("request"), "method", b"") == b"CONNECT"
        if self._give_time_back is not None:
            if event.endswith(_ANSWERED):
                self._give_time_back()
                self._give_time_back = None
        elif is_tunnel and event.endswith("send_request_headers.started"):
            self._limit_tunnel(info["request"])
        if event.endswith("send_request_headers.started") and not is_tunnel:
            if self.abandoned:
                raise httpx.ConnectTimeout("given up before the connection was made")
            if self.stream is not None and await has_spoken(self.stream):
                self.is_spoiled = True
                raise httpx.ReadError(SPOKE_FIRST)
            self.sent = True

    def _limit_tunnel(self, connect: Any) -> None:
        """Let the proxy take no longer to answer than a connection may to be made.

        httpx's own engine waits for that answer as long as for one of the platform. Both requests have one dictionary
        of timeouts, and it is looked up at each step.
        """
        timeouts: dict[str, float | None] | None = connect.extensions.get("timeout")
        if timeouts is None or self.tunnel_seconds is None:
            return
        self._give_time_back = partial(timeouts.update, read=timeouts.get("read"))
        timeouts["read"] = self.tunnel_seconds


current: ContextVar[Sending | None] = ContextVar("suprsend_async_sending", default=None)
"""The request that this task sends, for what is called back from within the HTTP library."""
