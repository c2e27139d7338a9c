"""aiohttp's connections, of which only those are used again on which nothing has come since the last answer.

A second copy of an answer, or whatever else a server or a proxy sends unasked, would be read as the answer to the next
request on its connection: aiohttp looks only whether the connection still stands. Here it is looked at in three places:
what aiohttp has read and kept, what stands half-read in its parser, and what waits in the system. That is done when a
connection is taken, and again at the moment in which the request is written.
"""

from __future__ import annotations

import asyncio
import inspect
import socket
import sys
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import aiohttp
from aiohttp.http_writer import StreamWriter
from aiohttp.resolver import ThreadedResolver

from suprsend_async.transport.attended import TAKEN_FOR, attend
from suprsend_async.transport.resolver import FailedLast, Resolver
from suprsend_async.transport.sending import SPOKE_FIRST, Sending, current
from suprsend_async.transport.sockets import has_unread
from suprsend_async.transport.whole_answers import Parser

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import SimpleNamespace

    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

# No server answers this. A parser that stands between two answers makes one message of it, and of nothing else.
_PROBE = b"HTTP/1.1 150 -\r\n\r\n"

# The head waits for the body, so that both go out at once. Before aiohttp 3.12 it was written by itself.
HEAD_WAITS = hasattr(StreamWriter, "send_headers")

# Before 3.12 aiohttp makes the sockets by itself.
SOCKETS_ARE_MADE_HERE = "socket_factory" in inspect.signature(aiohttp.TCPConnector).parameters

# So many rounds of the loop does it take until what waits in the system is read, by asyncio's loop and by uvloop's.
_ROUNDS = 3

# aiohttp has no public name for the resolver that a connector was given.
_RESOLVER = "_resolver"


class SpokeUnasked(aiohttp.ClientConnectionError):
    """Bytes came before the request went out: whatever they are, they are no answer to it."""

    def __init__(self) -> None:
        super().__init__(SPOKE_FIRST)


def make_socket(address: Any) -> socket.socket:
    """Return a socket to connect from, and note where to: nobody says so of a connection that does not come about."""
    if sending := current.get():
        sending.peers.append(address[4])
    return socket.socket(*address[:3])


class Connector(aiohttp.TCPConnector):
    """Gives connections on which nothing waits.

    It also cuts TLS connections off that are of no more use, where aiohttp says goodbye and forgets them. A server
    that is silent does not answer the goodbye: its connections would stay open, and outlive their loop.
    """

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        """Return a connection of the pool, or a new one, on which nothing waits to be read."""
        return await _connect_quietly(self, super().connect, req, traces, timeout)

    def _release(self, key: Any, protocol: Any, *, should_close: bool = False) -> None:
        if (should_close or protocol.should_close) and key.is_ssl and protocol.transport is not None:
            protocol.transport.abort()
        super()._release(key, protocol, should_close=should_close)


class WatchedRequest(aiohttp.ClientRequest):
    """Reports to the current `Sending`: what aiohttp's tracing says as well, at a fifth of its cost."""

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Write the head, and let the body be written."""
        if sending := current.get():
            sending.begin()
        return await super().send(conn)

    if sys.version_info < (3, 12):
        # From there on the body, and the head with it, is written before the loop runs again.
        async def write_bytes(self, writer: AbstractStreamWriter, conn: Connection, *more: Any, **named: Any) -> None:
            """Write the body, and the head that waited for it."""
            sending = current.get()
            if sending is None or await _is_still_quiet(sending):
                await super().write_bytes(writer, conn, *more, **named)


async def _connect_quietly(
    connector: aiohttp.BaseConnector, connect: Callable[..., Awaitable[Connection]], *arguments: Any, **named: Any
) -> Connection:
    sending = current.get()
    if sending is not None:
        sending.connector = connector
        sending.check_unsent()
    while True:
        connection = await connect(*arguments, **named)
        protocol: Any = connection.protocol
        is_new = protocol._parser is None  # it gets one with its first request
        opened = connection.transport
        if is_new:
            attend(protocol)
        if is_new and sending is not None and opened is not None:
            # Now, for a transport of TLS that is closed cannot be asked any more.
            peer = opened.get_extra_info("peername")
            sending.peers = [peer] if peer else []
        try:
            last: Sending | None = getattr(protocol, TAKEN_FOR, None)
            is_quiet = last is None or last.is_answered or await _is_answered_now(last)
            is_quiet = is_quiet and _is_between_answers(protocol)
            if is_quiet and has_unread(protocol.transport):
                is_quiet = await _has_only_tickets(protocol)
        except BaseException:
            connection.close()
            raise
        if is_quiet:
            setattr(protocol, TAKEN_FOR, sending)
            if sending is not None:
                sending.transport, sending.is_first = protocol.transport, is_new
            return connection
        connection.close()
        if is_new:
            raise SpokeUnasked


async def _open_tunnel(
    make: Callable[..., Awaitable[Any]], req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
) -> Any:
    """Make a connection through a proxy; its tunnel takes no longer than a connection may: httpx-aiohttp sets no limit.

    The connection to the proxy itself has aiohttp's limits, one for each of the proxy's addresses.
    """
    sending = current.get()
    if sending is None:  # a request of the user's own
        return await make(req, traces, timeout)
    try:
        async with asyncio.timeout(None) as sending.tunnel:
            return await make(req, traces, timeout)
    except TimeoutError as error:
        if isinstance(error, aiohttp.ClientError):
            raise
        raise aiohttp.ConnectionTimeoutError(f"Connection timeout to host {req.url}") from error
    finally:
        sending.tunnel = None


async def _connect_directly(
    connect: Callable[..., Awaitable[Any]],
    req: aiohttp.ClientRequest,
    traces: list[Trace],
    timeout: aiohttp.ClientTimeout,
    **named: Any,
) -> Any:
    """Make a connection, and let the time for a tunnel begin, if it is to a proxy."""
    made = await connect(req, traces, timeout, **named)
    sending = current.get()
    if sending is not None and sending.tunnel is not None and timeout.sock_connect is not None:
        sending.tunnel.reschedule(asyncio.get_running_loop().time() + timeout.sock_connect)
    return made


def drop_address(sending: Sending) -> None:
    """Have names looked up anew, for no answer came by the address that is known: it may have moved to another.

    aiohttp keeps an address for ten seconds, also while each connection to it fails. Where the name has several, as it
    may still have the one that failed, the others go first. A connection that was used before says nothing of its
    address: servers close those that rest, and the next request may meet the end.
    """
    connector = sending.connector
    if not isinstance(connector, aiohttp.TCPConnector):
        return
    connector.clear_dns_cache()
    resolver: Any = getattr(connector, _RESOLVER)
    if isinstance(resolver, FailedLast):
        for peer in sending.peers:
            resolver.note(peer)


async def _is_still_quiet(sending: Sending) -> bool:
    """Whether nothing came after the connection was taken; if anything did, nothing goes out on it."""
    transport = sending.transport
    if not HEAD_WAITS or transport is None or sending.body_begun:
        return True
    sending.body_begun = True
    protocol: Any = transport.get_protocol()
    if _is_between_answers(protocol) and (not has_unread(transport) or await _has_only_tickets(protocol)):
        return True
    sending.is_spoiled, sending.sent = True, False
    protocol.set_exception(SpokeUnasked())
    transport.abort()
    return False


async def _is_answered_now(last: Sending) -> bool:
    """Whether the answer to the last request on a connection has been read, and left the connection standing.

    aiohttp gives a connection back with the last byte, a turn of the loop before the answer is looked at.
    """
    for _ in range(_ROUNDS):
        await asyncio.sleep(0)
        if last.is_answered:
            return True
    return False


def _is_between_answers(protocol: Any) -> bool:
    """Whether all that was read from a connection belonged to whole answers, and these were taken."""
    if protocol.should_close or not protocol.is_connected() or not protocol.transport.is_reading():
        return False
    parser = protocol._parser  # nobody else knows of half an answer
    if parser is None or (isinstance(parser, Parser) and parser.is_between_answers):
        return True
    try:
        messages, _, _ = parser.feed_data(_PROBE)
    except Exception:  # noqa: BLE001 - whatever the parser says of what was left in it
        return False
    return len(messages) == 1 and messages[0][0].code == 150 and not messages[0][0].raw_headers


async def _has_only_tickets(protocol: Any) -> bool:
    """Whether what waits in the system is nothing that could be an answer: over TLS it may be a session ticket."""
    transport = protocol.transport
    if transport.get_extra_info("sslcontext") is None:
        return False
    # The loop is given the time to read it; an answer would show afterwards.
    for _ in range(_ROUNDS):
        await asyncio.sleep(0)
    return _is_between_answers(protocol) and not has_unread(transport)


async def _on_start(session: aiohttp.ClientSession, context: SimpleNamespace, params: object) -> None:
    if sending := current.get():
        sending.watched = True


async def _on_headers_sent(session: aiohttp.ClientSession, context: SimpleNamespace, params: object) -> None:
    if sending := current.get():
        sending.begin()


async def _on_chunk_sent(session: aiohttp.ClientSession, context: SimpleNamespace, params: object) -> None:
    sending = current.get()
    if sending is not None and not await _is_still_quiet(sending):
        raise SpokeUnasked


def _trace() -> aiohttp.TraceConfig:
    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(_on_start)
    trace.on_request_headers_sent.append(_on_headers_sent)
    trace.on_request_chunk_sent.append(_on_chunk_sent)
    trace.freeze()
    return trace


_TRACE = _trace()
_watched: WeakSet[object] = WeakSet()


def watch(session: aiohttp.ClientSession) -> None:
    """Let a session that is not ours report to the current `Sending`, and use quiet connections only."""
    if session in _watched:
        return
    _watched.add(session)
    if _TRACE not in session.trace_configs:
        session.trace_configs.append(_TRACE)
    connector = session.connector
    if connector is not None and connector not in _watched:
        _watched.add(connector)
        connector.connect = partial(_connect_quietly, connector, connector.connect)  # type: ignore[method-assign]
        if isinstance(connector, aiohttp.TCPConnector):
            making: Any = connector
            making._create_proxy_connection = partial(_open_tunnel, making._create_proxy_connection)
            making._create_direct_connection = partial(_connect_directly, making._create_direct_connection)
            resolver: Any = getattr(connector, _RESOLVER)
            # One of the user's own is the user's; aiohttp's would hold up the end of the loop.
            own = Resolver() if type(resolver) is ThreadedResolver else resolver
            setattr(connector, _RESOLVER, FailedLast(own))
