"""A loop on which time passes only while all tasks wait: what takes an hour of timers is over at once, in order."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from suprsend_async.transport.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """Moves the loop's clock forward where another selector would wait for it."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            # No timer is left: only a thread can go on with this, and if there is none, the test hangs and is named.
            return super().select(None)
        events = super().select(0)
        if not events:
            self.passed += timeout
        return events


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """The loop; for tests whose work is done by tasks alone, without threads and sockets."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.passed


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run as `asyncio.run` does, its ending included."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main())


def now() -> float:
    """Return the seconds that have passed on the running loop."""
    return asyncio.get_running_loop().time()


def loop_clock() -> Clock:
    """Return a clock that follows the running loop; chance always draws the upper bound."""
    return Clock(monotonic=now, wall=lambda: 1_704_164_645.0 + now(), sleep=anyio.sleep, uniform=lambda low, high: high)


async def until_all_wait() -> None:
    """Let the other tasks go on until none can without a timer or another task."""
    for _ in range(20):
        await asyncio.sleep(0)
