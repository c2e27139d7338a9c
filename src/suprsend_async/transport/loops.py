"""One engine for each event loop of each process, opened on demand and closed with its loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import anyio

from suprsend_async.errors import ConfigurationError
from suprsend_async.forking import forget_after_fork
from suprsend_async.transport.clock import check_clock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine

    from suprsend_async.tasks import Cutoff
    from suprsend_async.transport.engine import Engine

# Seconds that calls in flight have to end by themselves when their client is closed, and then to be given up. With
# one more limit for the connections, closing takes less than the five seconds that are promised.
CLOSE_GRACE = 3.0
CLOSE_LIMIT = 0.75


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the running event loop.

    Raises:
        ConfigurationError: None of asyncio's runs: trio's does, or none.
    """
    try:
        # A task of trio's may be a guest on a loop of asyncio's, and cannot wait for it.
        if asyncio.current_task() is not None:
            return asyncio.get_running_loop()
    except RuntimeError:
        pass
    raise ConfigurationError(
        "the client needs a running asyncio event loop: under trio, call the blocking Suprsend in a thread "
        "(`await trio.to_thread.run_sync(client.track_event, event)`); with anyio, choose the backend asyncio"
    )


class LoopState:
    """What belongs to one event loop: the engine, the slots for requests in flight, and the calls under way.

    Attributes:
        dependents: What works with the client for longer than one call, and ends before it: each is a function that
            is given the seconds that it may take.
    """

    def __init__(self, engine: Engine, max_connections: int) -> None:
        """Take an engine that belongs to the running loop."""
        self.engine = engine
        self.slots: anyio.Semaphore = anyio.Semaphore(
            min(max_connections, engine.max_in_flight or max_connections), fast_acquire=True
        )
        self.dependents: set[Callable[[float], Coroutine[Any, Any, None]]] = set()
        self._calls: set[Cutoff] = set()
        self._idle = anyio.Event()
        self._closed = False
        self._keeper = self._close_with_loop()

    async def open(self) -> None:
        """Tie the engine's end to the loop's."""
        await anext(self._keeper)

    def enter(self, cutoff: Cutoff) -> bool:
        """Count a call as under way, to be cut off if it does not end when the client is closed; False if it is."""
        if self._closed:
            return False
        self._calls.add(cutoff)
        return True

    def leave(self, cutoff: Cutoff) -> None:
        """Count a call as ended."""
        self._calls.discard(cutoff)
        if not self._calls:
            self._idle.set()

    async def end_dependents(self) -> None:
        """Let what works with the client finish."""
        if ending := [asyncio.ensure_future(end(CLOSE_GRACE)) for end in self.dependents]:
            # Callbacks of theirs may take longer than that; they do not hold up the rest.
            await asyncio.wait(ending, timeout=CLOSE_GRACE)

    async def aclose(self, spent: float = 0.0) -> None:
        """Let the calls in flight end, give up those that do not, and close the engine.

        Args:
            spent: Seconds of their time that have been used up.
        """
        if self._closed:
            return
        self._closed = True
        try:
            await self._drain(max(0.0, CLOSE_GRACE - spent))
        finally:
            for cutoff in self._calls:
                cutoff.cut()
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


class LoopStates:
    """Finds the running loop's state, and makes it if there is none yet.

    Args:
        load: Awaited before an engine is made: imports what engines need, without holding the loop up.
        open_engine: Makes an engine; opens no connection.
        max_connections: Requests in flight at most, on each loop.
    """

    def __init__(
        self, load: Callable[[], Awaitable[None]], open_engine: Callable[[], Engine], max_connections: int
    ) -> None:
        self._load = load
        self._open_engine = open_engine
        self._max_connections = max_connections
        self._states: dict[asyncio.AbstractEventLoop, LoopState] = {}
        forget_after_fork(self)

    def __bool__(self) -> bool:
        """Whether there is any state of a loop that still lives."""
        return any(not loop.is_closed() for loop in self._states)

    def forget(self) -> object:
        """Begin anew; returns the states that there were."""
        states, self._states = self._states, {}
        return states

    async def current(self) -> LoopState:
        """Return the running loop's state.

        Raises:
            ConfigurationError: The running event loop is not asyncio's, or a test has stopped its clock.
        """
        loop = running_loop()
        check_clock()
        state = self._states.get(loop)
        if state is not None:
            return state
        await self._load()
        # Another call of this loop may have been faster.
        return self._states.get(loop) or await self._add(loop)

    async def _add(self, loop: asyncio.AbstractEventLoop) -> LoopState:
        for ended in [other for other in list(self._states) if other.is_closed()]:
            # Another thread may have been faster.
            self._states.pop(ended, None)
        state = self._states[loop] = LoopState(self._open_engine(), self._max_connections)
        await state.open()
        return state

    async def end_dependents(self) -> float:
        """Let what works with the client finish, on every loop; returns the seconds that it took."""
        here = running_loop()
        started = here.time()
        states = {loop: state for loop, state in self._states.items() if state.dependents}
        await _on_each(states, LoopState.end_dependents, CLOSE_GRACE)
        return here.time() - started

    async def aclose(self, spent: float = 0.0) -> None:
        """Close the engine of every loop, each on its own loop, all at the same time.

        Args:
            spent: Seconds that have been used up of the time of calls in flight.
        """
        states, self._states = self._states, {}
        seconds = max(0.0, CLOSE_GRACE - spent) + 2 * CLOSE_LIMIT
        await _on_each(states, lambda state: state.aclose(spent), seconds)


async def _on_each(
    states: dict[asyncio.AbstractEventLoop, LoopState],
    work: Callable[[LoopState], Coroutine[Any, Any, None]],
    seconds: float,
) -> None:
    """Do it with each state on its own loop, all at the same time, and wait for so many seconds."""
    here = asyncio.get_running_loop()
    deadline = here.time() + seconds
    own = states.pop(here, None)
    elsewhere = [_start_on(loop, work(state)) for loop, state in states.items() if loop.is_running()]
    if own is not None:
        await work(own)
    if waiting := [working for working in elsewhere if working is not None]:
        # A loop that ends meanwhile closes its engine itself; one that is stuck does so when it goes on.
        await asyncio.wait(waiting, timeout=deadline - here.time())


def _start_on(loop: asyncio.AbstractEventLoop, working: Coroutine[Any, Any, None]) -> asyncio.Future[None] | None:
    try:
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(working, loop))
    except RuntimeError:  # the loop was closed in between
        working.close()
        return None
