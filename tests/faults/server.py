"""The fault server: a real socket on 127.0.0.1, served by a loop in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Self

from tests.faults.exchange import Exchange
from tests.faults.ledger import Ledger
from tests.faults.script import Script
from tests.faults.wire import Connection

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from types import TracebackType

HOST = "127.0.0.1"
# A server that nobody stopped, because its test broke off, ends by itself after this many seconds.
LIFETIME = 3600.0


class FaultServer:
    """Serves events, single users, triggers, broadcasts and lists, and does to each request what the script says.

    It runs in a thread of its own, so that blocking clients and clients on any loop can use it.

    Args:
        seed: What the script's chance begins with.
        tls: Serve https with this context.
        authorization: The `Authorization` to expect; a signature by the bench's workspace secret if left out.
        clock_offset: Seconds by which the server's clock is off.
        bound: A socket that is bound and refuses connections until the server is started; a new one if left out.
        lifetime: Seconds after which the server ends by itself.

    Attributes:
        script: Which fault comes next.
        ledger: What was seen and taken.
        complaints: What was wrong with the requests themselves: no client may ever cause one.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        tls: ssl.SSLContext | None = None,
        authorization: str | None = None,
        clock_offset: float = 0.0,
        bound: socket.socket | None = None,
        lifetime: float = LIFETIME,
    ) -> None:
        self.script = Script(seed)
        self.ledger = Ledger()
        self.complaints: list[str] = []
        self.requests = 0
        self.accepted_connections = 0
        self._tls = tls
        self._authorization = authorization
        self._offset = clock_offset
        self._lifetime = lifetime
        self._news = threading.Condition()
        self._open: set[Connection] = set()
        self._socket = socket.create_server((HOST, 0), backlog=1024) if bound is None else bound
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve_in_thread, name="fault-server", daemon=True)
        self._started = threading.Event()

    @property
    def url(self) -> str:
        """The base URL for a client."""
        return f"{'http' if self._tls is None else 'https'}://{HOST}:{self.port}/"

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return len(self._open)

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Close every connection and end the thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)
        assert not self._thread.is_alive(), "the fault server does not stop"

    def wait_for_requests(self, number: int, seconds: float = 10.0) -> None:
        """Wait until so many requests have begun."""
        with self._news:
            assert self._news.wait_for(lambda: self.requests >= number, seconds), "the requests do not come"

    def refuse_connections(self) -> None:
        """Stop listening: from now on connections are refused. Those that stand are served on."""
        self._loop.call_soon_threadsafe(self._listening.close)

    def close_idle(self) -> None:
        """Close the connections that no request is under way on, as servers do after a while."""
        self._call(self._close_idle)

    def _call(self, function: Callable[[], None]) -> None:
        done = threading.Event()

        def run() -> None:
            try:
                function()
            finally:
                done.set()

        self._loop.call_soon_threadsafe(run)
        done.wait(10)

    def _close_idle(self) -> None:
        for connection in list(self._open):
            if connection.idle:
                connection.end()

    def _serve_in_thread(self) -> None:
        # Always on the same kind of loop, whichever kind the client is tried on.
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(self._run())

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening = await asyncio.start_server(self._connected, sock=self._socket, ssl=self._tls)
        self._started.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._lifetime):
                await self._stopping.wait()
        self._listening.close()
        # A connection that is being accepted gets its handler within these turns, and is closed with the others.
        for _ in range(5):
            await asyncio.sleep(0)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in list(self._open):
            connection.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted_connections += 1
        connection = Connection(reader, writer, self.accepted_connections)
        self._open.add(connection)
        # asyncio complains about handlers that end with an exception; here that is the daily bread.
        task = asyncio.create_task(self._serve(connection))
        self._tasks.add(task)
        try:
            await asyncio.wait([task])
        finally:
            self._tasks.discard(task)
            self._open.discard(connection)

    async def _serve(self, connection: Connection) -> None:
        try:
            while not connection.is_over and await connection.wait_for_bytes():
                connection.requests += 1
                with self._news:
                    self.requests += 1
                    self._news.notify_all()
                fault = self.script.next()
                await fault(Exchange(connection, self.ledger, self.complaints, self._authorization, self._offset))
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away in the middle
        except Exception as error:  # noqa: BLE001 - a broken fault must not pass unnoticed in a thread
            self.complaints.append(f"the bench itself failed: {error!r}")
        finally:
            connection.abort()
