"""An ASGI application on a loopback port, in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import threading
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from suprsend_async.real_time import REAL_TIME
from suprsend_async.sandbox.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

_ANSWERS_UNDER_WAY = 1.0  # seconds that an answer gets to finish when the listener stops
_POLL = 0.005
_TURNS_TO_CONNECT = 5  # turns of asyncio's loop from an accepted socket to its protocol, and some to spare

_logger = logging.getLogger("suprsend_async.sandbox")


class Listener:
    """One run of the server: from `start` to `stop`.

    It works beside blocking code and beside any event loop, and installs no signal handler.

    Args:
        application: The ASGI application to serve. Its requests have a `Connection` in `request.state.connection`.
        host: The address to bind.
        port: The port to bind; 0 lets the system choose.
        on_connection: Called in the server's thread for each accepted TCP connection.
    """

    def __init__(self, application: ASGIApp, host: str, port: int, on_connection: Callable[[], None]) -> None:
        self._socket = _bind(host, port)
        self.port: int = self._socket.getsockname()[1]
        stopping = asyncio.Event()
        config = uvicorn.Config(
            application,
            loop="asyncio",
            http=_protocol(on_connection, stopping),
            ws="none",
            interface="asgi3",
            lifespan="off",
            # None leaves the process's logging alone; so does an access log that only the protocol turns off.
            log_config=None,
            workers=1,
            proxy_headers=False,
            server_header=False,
            # Longer than clients keep an idle connection: none is closed exactly when it is used again.
            timeout_keep_alive=75,
        )
        self._server = _Server(config, stopping)
        self._thread = threading.Thread(target=self._run, name=f"suprsend-sandbox-{self.port}", daemon=True)
        self._error: BaseException | None = None

    def start(self) -> None:
        """Start the thread and wait until connections are accepted."""
        self._thread.start()
        self._server.settled.wait()
        if self._error is not None:
            self._thread.join()
            raise RuntimeError("The sandbox's server did not start.") from self._error

    def stop(self) -> None:
        """Finish the answers under way, close all connections and wait for the thread's end."""
        self._server.ask_to_stop()
        self._thread.join()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=_new_loop) as runner:
                runner.run(self._server.serve(sockets=[self._socket]))
        except BaseException as error:  # noqa: BLE001 - told to the thread that started this one
            self._error = error
        finally:
            self._socket.close()
            self._server.settled.set()


def _new_loop() -> asyncio.AbstractEventLoop:
    # The selector loop on every system: only it can stop accepting before it closes.
    loop = asyncio.SelectorEventLoop()
    # A test may have frozen the clock.
    vars(loop).update(time=REAL_TIME.monotonic)
    return loop


class _Server(uvicorn.Server):
    """uvicorn's server, woken to stop rather than polling, and never waiting long for a connection."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self.settled = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self.settled.set()

    def ask_to_stop(self) -> None:
        """Ask from another thread."""
        if self._loop is not None:
            # A loop that has ended by itself needs no waking.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stopping.set)

    async def main_loop(self) -> None:
        while not self._stopping.is_set():
            # The tick renews the Date header.
            await self.on_tick(0)
            try:
                await asyncio.wait_for(self._stopping.wait(), timeout=1.0)
            except TimeoutError:
                continue

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # A server that closes while a connection is between accept and its protocol leaks that connection:
        # so accept no more, let those through, and only then close.
        for listening in sockets or []:
            asyncio.get_running_loop().remove_reader(listening)
        for _ in range(_TURNS_TO_CONNECT):
            await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await self._drained(_ANSWERS_UNDER_WAY)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await self._drained(_ANSWERS_UNDER_WAY / 2)

    async def _drained(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        # uvicorn tells nobody when a connection ends.
        while (self.server_state.connections or self.server_state.tasks) and loop.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_POLL)


def _bind(host: str, port: int) -> socket.socket:
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    # asyncio turns Nagle's delay off only for sockets that name their protocol; it costs 40 ms a request.
    listening = socket.socket(family, kind, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            # A given port can be used again right after a stop. On Windows this option would share it.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except BaseException:
        listening.close()
        raise
    return listening


def _protocol(on_connection: Callable[[], None], stopping: asyncio.Event) -> type[H11Protocol]:
    # uvicorn makes one protocol object for each accepted connection, and wants a class.
    class CountingProtocol(H11Protocol):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.access_log = False
            self.logger = _logger

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            on_connection()
            # uvicorn copies this into the state of each request.
            self.app_state = {"connection": Connection(transport, stopping)}
            super().connection_made(transport)

    return CountingProtocol
