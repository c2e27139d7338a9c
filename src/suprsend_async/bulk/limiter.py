"""The limiter that all chunks of one bulk pass: as many at a time, and as fast, as the server can take."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import anyio

from suprsend_async.bulk.pressure import Pressure, Signal
from suprsend_async.transport.answer import Answer, Failure
from suprsend_async.transport.retry import SERVICE_UNAVAILABLE, TOO_MANY_REQUESTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from suprsend_async.transport.clock import Clock

STOPPED = Failure("given_up", "the bulk was stopped before this was sent", sent=False)


class AdaptiveLimiter:
    """Admits attempts by a `Pressure`, which follows the server.

    Attempts that were refused before go ahead of chunks that have not been sent yet.

    Args:
        concurrency: Requests in flight at most.
        clock: Time.
        timeout: Seconds; a pause that is longer is not waited for.
        longest_pause: Seconds that a pause lasts at most, whatever the server asks for.
        now: Returns the server's time, as far as it is known: a pause may be asked for up to a date.

    Attributes:
        pressure: What follows the server.
        closed: Set when the job stops: nothing is admitted any more.
    """

    def __init__(
        self,
        concurrency: int,
        clock: Clock,
        timeout: float,
        longest_pause: float = math.inf,
        *,
        now: Callable[[], float],
    ) -> None:
        self.pressure: Pressure = Pressure(concurrency)
        self.closed: bool = False
        self._clock = clock
        self._timeout = timeout
        self._longest_pause = longest_pause
        self._now = now
        self._newcomers = anyio.Lock(fast_acquire=True)
        self._turn = anyio.Lock(fast_acquire=True)
        self._changed = anyio.Event()
        # What waits for time to pass waits in these, and no longer than until the limiter is closed.
        self._waits: set[anyio.CancelScope] = set()

    async def acquire(self, *, again: bool) -> float | Failure:
        """Wait to be admitted; returns the permit (the moment), or why the attempt is not made."""
        if again:
            return await self._admit()
        # One newcomer at a time waits beside those that were sent before, so that these are soon admitted.
        async with self._newcomers:
            return await self._admit()

    async def _admit(self) -> float | Failure:
        async with self._turn:
            while not self.closed:
                now = self._clock.monotonic()
                pause = self.pressure.paused_until - now
                if pause > self._timeout:
                    message = f"the server asked for a pause of {pause:.0f} s, longer than the deadline"
                    return Failure("rate_limited", message, sent=False, retry_after=pause)
                delay = self.pressure.delay(now)
                if delay is None:
                    self._changed = anyio.Event()
                    await self._changed.wait()
                elif delay > 0:
                    await self.wait(delay)
                else:
                    self.pressure.admit(now)
                    return now
            return STOPPED

    async def wait(self, seconds: float) -> None:
        """Wait so long, or until the limiter is closed."""
        with anyio.CancelScope() as scope:
            self._waits.add(scope)
            try:
                await self._clock.sleep(seconds)
            finally:
                self._waits.discard(scope)

    def release(self, permit: float, result: Answer | Failure | None) -> None:
        """Take in what an admitted attempt came to; None if it was cancelled."""
        now = self._clock.monotonic()
        retry_after = result.retry_after(self._now) if isinstance(result, Answer) else None
        if retry_after is not None:
            retry_after = min(retry_after, self._longest_pause)
        self.pressure.leave(signal_of(result), permit, now, retry_after)
        self._changed.set()

    def close(self) -> None:
        """Admit nothing any more."""
        self.closed = True
        self._changed.set()
        for scope in self._waits:
            scope.cancel()


def signal_of(result: Answer | Failure | None) -> Signal:
    """Return what the result of an attempt says about the server's load."""
    if isinstance(result, Answer):
        if result.status_code == TOO_MANY_REQUESTS:
            return Signal.THROTTLED
        return Signal.STRAINED if result.status_code == SERVICE_UNAVAILABLE else Signal.SERVED
    if result is not None and result.sent and result.error_type == "deadline_exceeded":
        return Signal.STRAINED
    return Signal.NEUTRAL
