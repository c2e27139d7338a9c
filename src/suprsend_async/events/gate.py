"""The gate that all chunks of one bulk pass: as many at a time, and as fast, as the server can take."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import anyio

from suprsend_async.events.pressure import Pressure, Signal
from suprsend_async.transport.answer import Answer, Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from suprsend_async.transport.clock import Clock

TOO_MANY_REQUESTS = 429
SERVICE_UNAVAILABLE = 503

STOPPED = Failure("given_up", "the bulk was stopped before this was sent", sent=False)


class JobGate:
    """Lets a job's attempts through by its `Pressure`.

    Attempts that were refused before go ahead of chunks that have not been sent yet.

    Attributes:
        closed: Set when the job stops: nothing goes through any more.
    """

    def __init__(self, pressure: Pressure, clock: Clock, timeout: float, longest_pause: float = math.inf) -> None:
        """Use the pressure's bounds.

        Args:
            pressure: What follows the server.
            clock: Time.
            timeout: Seconds; a pause that is longer is not waited for.
            longest_pause: Seconds that the server may ask for; what is more is taken for so many.
        """
        self.closed: bool = False
        self._pressure = pressure
        self._clock = clock
        self._timeout = timeout
        self._longest_pause = longest_pause
        self._newcomers = anyio.Lock(fast_acquire=True)
        self._turn = anyio.Lock(fast_acquire=True)
        self._changed = anyio.Event()

    async def enter(self, *, again: bool) -> float | Failure:
        """Wait to be let through; returns the moment, or why the attempt is not made."""
        if again:
            return await self._pass()
        # One newcomer at a time waits beside those that go again, so that these are soon through.
        async with self._newcomers:
            return await self._pass()

    async def _pass(self) -> float | Failure:
        async with self._turn:
            while not self.closed:
                now = self._clock.monotonic()
                pause = self._pressure.paused_until - now
                if pause > self._timeout:
                    message = f"the server asked for a pause of {pause:.0f} s, longer than the deadline"
                    return Failure("rate_limited", message, sent=False, retry_after=pause)
                delay = self._pressure.delay(now)
                if delay is None:
                    self._changed = anyio.Event()
                    await self._changed.wait()
                elif delay > 0:
                    await self._clock.sleep(delay)
                else:
                    self._pressure.admit(now)
                    return now
            return STOPPED

    def leave(self, entered: float, result: Answer | Failure | None) -> None:
        """Take in what came of an attempt that was let through; None if it was cancelled."""
        now = self._clock.monotonic()
        retry_after = result.retry_after(self._clock.wall()) if isinstance(result, Answer) else None
        if retry_after is not None:
            retry_after = min(retry_after, self._longest_pause)
        self._pressure.leave(signal_of(result), entered, now, retry_after)
        self._changed.set()

    def close(self) -> None:
        """Let nothing through any more."""
        self.closed = True
        self._changed.set()


class Passage:
    """One shipment's way through the gate.

    Args:
        gate: The gate.
        on_entered: Called each time that it was let through.
    """

    def __init__(self, gate: JobGate, on_entered: Callable[[], None] | None = None) -> None:
        self._gate = gate
        self._on_entered = on_entered
        self._entered = 0.0

    @property
    def closed(self) -> bool:
        """Whether nothing is let through any more."""
        return self._gate.closed

    async def enter(self, *, again: bool) -> Failure | None:
        """Wait to be let through; returns why the attempt is not to be made, if so."""
        entered = await self._gate.enter(again=again)
        if isinstance(entered, Failure):
            return entered
        self._entered = entered
        if self._on_entered is not None:
            self._on_entered()
        return None

    def leave(self, result: Answer | Failure | None) -> None:
        """Tell what came of the attempt; None if it was cancelled."""
        self._gate.leave(self._entered, result)


def signal_of(result: Answer | Failure | None) -> Signal:
    """Tell what the result of an attempt says about the server's load."""
    if isinstance(result, Answer):
        if result.status_code == TOO_MANY_REQUESTS:
            return Signal.THROTTLED
        return Signal.STRAINED if result.status_code == SERVICE_UNAVAILABLE else Signal.SERVED
    if result is not None and result.error_type == "deadline_exceeded":
        return Signal.STRAINED
    return Signal.NEUTRAL
