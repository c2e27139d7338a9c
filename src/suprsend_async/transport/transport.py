"""The attempt loop: sign, exchange, let the exchange read the answer, decide, wait, try again."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import anyio

from suprsend_async import logs
from suprsend_async.tasks import Cutoff
from suprsend_async.transport.answer import Failure
from suprsend_async.transport.clock import check_clock
from suprsend_async.transport.retry import RetryPolicy, decide

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from suprsend_async.outcome import Outcome
    from suprsend_async.transport.answer import Answer
    from suprsend_async.transport.loops import LoopState
    from suprsend_async.transport.request import Request
    from suprsend_async.transport.session import Session

_UNOBSERVED = nullcontext()
_GIVEN_UP = Failure("given_up", "cancelled, or the client was closed, before an answer came", sent=True)
_NOT_ADMITTED = Failure("deadline_exceeded", "the server's limit left no room before the deadline", sent=False)
_NO_SLOT = Failure("deadline_exceeded", "no connection became free before the deadline", sent=False)


@dataclass(frozen=True, slots=True)
class Again:
    """What is left after an attempt: something that may succeed if it is sent again.

    Attributes:
        retry_after: Seconds that the server asked to wait, or None.
        at_once: Go on without waiting or counting: the next request is a different, smaller one.
        throttled: The server said "too many requests"; behind a limiter this does not use up a retry.
    """

    retry_after: float | None = None
    at_once: bool = False
    throttled: bool = False


class Exchange(Protocol):
    """One logical call: makes its requests and reads their answers."""

    @property
    def route(self) -> str:
        """Where its requests go, without ids: for the log."""
        ...

    def request(self) -> Request:
        """Return what is to be sent now; asked for once for each attempt."""
        ...

    def read(self, result: Answer | Failure, now: Callable[[], float]) -> Again | None:
        """Note what follows from an attempt; `now` is the server's clock. Return what is left; None if nothing is."""
        ...


class Limiter(Protocol):
    """Admits the attempts of several calls, as many at a time as it sees fit."""

    @property
    def closed(self) -> bool:
        """Whether nothing is admitted any more."""
        ...

    async def acquire(self, *, again: bool) -> float | Failure:
        """Wait to be admitted; returns the permit (the moment), or why the attempt is not to be made."""
        ...

    async def wait(self, seconds: float) -> None:
        """Wait between two attempts, or until nothing is admitted any more."""
        ...

    def release(self, permit: float, result: Answer | Failure | None) -> None:
        """Take in what an admitted attempt came to; None if it was cancelled."""
        ...


def connect_seconds(timeout: float) -> float:
    """Return how long an attempt may take to connect: long enough for TLS far away, short enough to be tried again."""
    return min(5.0, max(0.5, timeout / 6))


@dataclass(slots=True)
class Call:
    """What one logical call came to.

    Attributes:
        deadline: When it must be over, on the monotonic clock.
        began: When the last attempt was begun, on the same clock.
        attempts: Requests made so far.
        retries: Those of them that used up a retry.
        retry_after: Seconds that the server asked to wait, last.
    """

    deadline: float
    began: float = 0.0
    attempts: int = 0
    retries: int = 0
    retry_after: float | None = None


@dataclass(slots=True)
class Transport:
    """Sends exchanges: one deadline for each, retries within it, bounded requests in flight.

    Attributes:
        session: What all views of a client share.
        timeout: Seconds for a whole call, attempts and waits included.
        policy: How often and how patiently to retry.
        is_view: Whether it is another client's, with other options.
    """

    session: Session
    timeout: float
    policy: RetryPolicy
    is_view: bool = False

    async def send(self, exchange: Exchange, limiter: Limiter | None = None) -> Call:
        """Send an exchange until nothing is left of it, its retries are used up or its deadline has come.

        Whatever happens, the exchange has a verdict afterwards: failures are noted in it, not raised.

        Raises:
            ConfigurationError: The running event loop is not asyncio's, or a test has stopped its clock.
        """
        clock = self.session.clock
        if self.session.closed:
            return Call(clock.monotonic())
        # The deadline begins when the engine is there: its import counts against no call.
        state = await self.session.loops.current()
        call = Call(clock.monotonic() + self.timeout)
        may_learn_clock = True
        with Cutoff() as cutoff:
            if not state.enter(cutoff):
                return call
            try:
                while True:
                    result = await self._attempt(exchange, call, state, limiter)
                    if may_learn_clock and self.session.learn_clock(result):
                        may_learn_clock = False
                        continue
                    again = exchange.read(result, self.session.server_now)
                    self.session.outages.note(exchange.route, result, again, call.began, clock.monotonic())
                    seconds = self._wait_before_next(exchange, call, result, again, limiter)
                    if seconds is None:
                        break
                    if seconds:
                        await (clock.sleep(seconds) if limiter is None else limiter.wait(seconds))
            finally:
                state.leave(cutoff)
        return call

    def observed(self, operation: str) -> AbstractContextManager[object]:
        """Return what a logical call runs in."""
        observer = self.session.observer
        return _UNOBSERVED if observer is None else observer.call(operation)

    def report_finished(self, outcomes: Sequence[Outcome]) -> None:
        """Report final verdicts to the observers of the client."""
        if outcomes and self.session.observer is not None:
            self.session.observer.finished(outcomes)

    def _wait_before_next(
        self, exchange: Exchange, call: Call, result: Answer | Failure, again: Again | None, limiter: Limiter | None
    ) -> float | None:
        """Return the seconds until the next attempt; None if there is to be none."""
        call.retry_after = again.retry_after if again is not None else None
        if again is None or (limiter is not None and limiter.closed):
            return None
        if again.at_once:
            return 0.0
        # A job that has to slow down does so behind its limiter; that is no failure of this exchange.
        is_failure = limiter is None or not again.throttled
        seconds = None
        if not result.lasts:
            seconds = decide(
                self.policy,
                attempts=call.retries + 1 if is_failure else 1,
                retry_after=again.retry_after,
                time_left=self._time_left(call),
                uniform=self.session.clock.uniform,
            )
        call.retries += is_failure and seconds is not None
        status_code, error_type = (
            (None, result.error_type) if isinstance(result, Failure) else (result.status_code, None)
        )
        logs.attempt_failed(exchange.route, call.attempts, status_code, error_type, seconds)
        return seconds

    async def _attempt(
        self, exchange: Exchange, call: Call, state: LoopState, limiter: Limiter | None
    ) -> Answer | Failure:
        permit = 0.0
        if limiter is not None:
            # A job holds its chunks back as long as it has to: a chunk's time begins when it is admitted first.
            admitted: float | Failure = _NOT_ADMITTED
            with anyio.move_on_after(self._time_left(call) if call.attempts else None):
                admitted = await limiter.acquire(again=call.attempts > 0)
            if isinstance(admitted, Failure):
                return admitted
            permit = admitted
            if not call.attempts:
                call.deadline = self.session.clock.monotonic() + self.timeout
        result: Answer | Failure | None = None
        try:
            if not await self._take_slot(call, state):
                result = _NO_SLOT
                return result
            try:
                # The call may have waited for its turn, or for the next attempt, while a test stopped the clock.
                check_clock()
                # The wait for a slot may have used up what an attempt needs at the least.
                too_late = self._time_left(call) <= self.policy.least / 2
                result = _NO_SLOT if too_late else await self._begin(exchange, call, state)
            except anyio.get_cancelled_exc_class() as error:
                # The HTTP library's frames hold the signature and the body, and reporters of crashes record them.
                error.__traceback__ = error.__context__ = None
                exchange.read(_GIVEN_UP, self.session.server_now)
                raise
            finally:
                state.slots.release()
            self.session.note_date(result)
            return result
        finally:
            if limiter is not None:
                limiter.release(permit, result)

    async def _take_slot(self, call: Call, state: LoopState) -> bool:
        try:
            # Without a scope around it, which costs more than the slot itself.
            state.slots.acquire_nowait()
        except anyio.WouldBlock:
            with anyio.move_on_after(self._time_left(call)) as waiting:
                await state.slots.acquire()
            return not waiting.cancelled_caught
        return True

    def _begin(self, exchange: Exchange, call: Call, state: LoopState) -> Coroutine[Any, Any, Answer | Failure]:
        """Sign the next request and return what exchanges it: no coroutine of its own stands in between."""
        request = self.session.sign(exchange.request(), state.engine)
        call.attempts += 1
        call.began = self.session.clock.monotonic()
        exchanging = state.engine.exchange(request, call.deadline - call.began, connect_seconds(self.timeout))
        observer = self.session.observer
        return exchanging if observer is None else observer.attempt(request, call.attempts, exchanging)

    def _time_left(self, call: Call) -> float:
        return call.deadline - self.session.clock.monotonic()
