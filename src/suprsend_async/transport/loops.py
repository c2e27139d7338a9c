"""One engine for each event loop of each process, opened on demand and closed with its loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import anyio

from suprsend_async.errors import ConfigurationError
from suprsend_async.forking import forget_after_fork

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from suprsend_async.transport.engine import Engine

# Seconds that calls in flight have to end by themselves when their client is closed, and then to be given up. With
# one more limit for the connections, closing takes less than the five seconds that are promised.
CLOSE_GRACE = 3.0
CLOSE_LIMIT = 0.75


class Lane:
    """An engine on its event loop, the slots for requests in flight, and the calls under way."""

    def __init__(self, engine: Engine, max_connections: int) -> None:
        """Take an engine that belongs to the running loop."""
        self.engine = engine
        self.slots: anyio.Semaphore = anyio.Semaphore(
            min(max_connections, engine.max_in_flight or max_connections), fast_acquire=True
        )
        self._calls: set[anyio.CancelScope] = set()
        self._idle = anyio.Event()
        self._closed = False
        self._keeper = self._close_with_loop()

    async def open(self) -> None:
        """Tie the engine's end to the loop's."""
        await anext(self._keeper)

    def enter(self, scope: anyio.CancelScope) -> None:
        """Count a call as under way; `scope` is cancelled if the client is closed before the call ends."""
        if self._closed:
            scope.cancel()
        self._calls.add(scope)

    def leave(self, scope: anyio.CancelScope) -> None:
        """Count a call as ended."""
        self._calls.discard(scope)
        if not self._calls:
            self._idle.set()

    async def aclose(self) -> None:
        """Let the calls in flight end, give up those that do not, and close the engine."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._drain(CLOSE_GRACE)
        finally:
            for scope in self._calls:
                scope.cancel()
            with anyio.CancelScope(shield=True):
                await self._drain(CLOSE_LIMIT)
                with anyio.move_on_after(CLOSE_LIMIT):
                    await self.engine.aclose()
        await self._keeper.aclose()

    async def _drain(self, seconds: float) -> None:
        with anyio.move_on_after(seconds):
            while self._calls:
                self._idle = anyio.Event()
                await self._idle.wait()

    async def _close_with_loop(self) -> AsyncGenerator[None, None]:
        # asyncio closes the asynchronous generators of a loop when the loop ends (`asyncio.run`, test runners,
        # portals): the one moment at which connections that nobody closed can still be closed properly.
        try:
            yield
        finally:
            if not self._closed:
                self._closed = True
                await self.engine.aclose()


class Lanes:
    """Finds the running loop's lane, and opens one if there is none yet."""

    def __init__(self, open_engine: Callable[[], Engine], max_connections: int) -> None:
        """Remember how to open an engine; nothing is opened here."""
        self._open_engine = open_engine
        self._max_connections = max_connections
        self._lanes: dict[asyncio.AbstractEventLoop, Lane] = {}
        forget_after_fork(self)

    def __bool__(self) -> bool:
        """Whether any lane is open on a loop that still lives."""
        return any(not loop.is_closed() for loop in self._lanes)

    def forget(self) -> object:
        """Begin anew; returns the lanes that were open."""
        lanes, self._lanes = self._lanes, {}
        return lanes

    async def current(self) -> Lane:
        """Return the running loop's lane.

        Raises:
            ConfigurationError: The running event loop is not asyncio's.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise ConfigurationError("the client needs a running asyncio event loop") from None
        lane = self._lanes.get(loop)
        if lane is None:
            for ended in [other for other in list(self._lanes) if other.is_closed()]:
                # Another thread may have been faster.
                self._lanes.pop(ended, None)
            lane = self._lanes[loop] = Lane(self._open_engine(), self._max_connections)
            await lane.open()
        return lane

    async def aclose(self) -> None:
        """Close every lane, each on its own loop, all at the same time."""
        here = asyncio.get_running_loop()
        deadline = here.time() + CLOSE_GRACE + 2 * CLOSE_LIMIT
        lanes, self._lanes = self._lanes, {}
        own = lanes.pop(here, None)
        elsewhere = [_close_on(loop, lane) for loop, lane in lanes.items() if loop.is_running()]
        if own is not None:
            await own.aclose()
        if waiting := [closing for closing in elsewhere if closing is not None]:
            # A loop that ends meanwhile closes its lane itself; one that is stuck does so when it goes on.
            await asyncio.wait(waiting, timeout=deadline - here.time())


def _close_on(loop: asyncio.AbstractEventLoop, lane: Lane) -> asyncio.Future[None] | None:
    closing = lane.aclose()
    try:
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(closing, loop))
    except RuntimeError:  # the loop was closed in between
        closing.close()
        return None
