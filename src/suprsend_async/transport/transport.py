"""The attempt loop: sign, exchange, let the shipment read the answer, decide, wait, go again."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

import anyio

from suprsend_async import logs
from suprsend_async.errors import ConfigurationError
from suprsend_async.transport.answer import Answer, Failure
from suprsend_async.transport.clock import Clock
from suprsend_async.transport.loops import Lane, Lanes
from suprsend_async.transport.retry import RetryPolicy, Stop, decide

if TYPE_CHECKING:
    import httpx

    from suprsend_async.transport.authentication import Credentials
    from suprsend_async.transport.engine import Engine
    from suprsend_async.transport.observer import Observer
    from suprsend_async.transport.origin import Origin

# A clock that differs from the server's by less than this is not what a signature is refused for.
TOLERATED_SKEW = 60.0
# The years 2020 to 2100. What a server tells beyond these is no clock to sign by.
_IN_THE_PRESENT = (1_577_836_800.0, 4_102_444_800.0)

_UNOBSERVED = nullcontext()
_GIVEN_UP = Failure("given_up", "cancelled, or the client was closed, before an answer came", sent=True)
_NOT_LET_THROUGH = Failure("deadline_exceeded", "the server's limit left no room before the deadline", sent=False)
_NO_SLOT = Failure("deadline_exceeded", "no connection became free before the deadline", sent=False)


@dataclass(frozen=True, slots=True)
class Unsettled:
    """What is left after an attempt: something that may succeed if it is sent again.

    Attributes:
        retry_after: Seconds that the server asked to wait, or None.
        at_once: Go again without waiting or counting: the next request is a different, smaller one.
        throttled: The server said "too many requests"; behind a gate this does not use up a retry.
    """

    retry_after: float | None = None
    at_once: bool = False
    throttled: bool = False


class Shipment(Protocol):
    """What one logical call sends: it makes its own body and reads its own answers."""

    path: ClassVar[str]
    max_answer_bytes: ClassVar[int]

    @property
    def carried(self) -> int:
        """How many events the next request carries."""
        ...

    def body(self) -> bytes:
        """Return the bytes that are still to be sent."""
        ...

    def settle(self, result: Answer | Failure, now: float) -> Unsettled | None:
        """Note the verdicts that follow from an attempt; return what is left, or None if nothing is."""
        ...


class Gate(Protocol):
    """Lets the attempts of one job through, as many at a time as it sees fit."""

    @property
    def closed(self) -> bool:
        """Whether nothing is let through any more."""
        ...

    async def enter(self, *, again: bool) -> Failure | None:
        """Wait to be let through; returns why the attempt is not to be made, if so."""
        ...

    def leave(self, result: Answer | Failure | None) -> None:
        """Tell what came of the attempt; None if it was cancelled."""
        ...


@dataclass(slots=True)
class Call:
    """What one logical call came to.

    Attributes:
        deadline: When it must be over, on the monotonic clock.
        attempts: Requests made so far.
        retries: Those of them that used up a retry.
        retry_after: Seconds that the server asked to wait, last.
    """

    deadline: float
    attempts: int = 0
    retries: int = 0
    retry_after: float | None = None


@dataclass(slots=True)
class Transport:
    """Sends shipments: one deadline for each, retries within it, bounded requests in flight.

    Attributes:
        origin: Where requests go.
        credentials: What they are authorized with.
        headers: What every request carries besides.
        timeout: Seconds for a whole call, attempts and waits included.
        policy: How often and how patiently to retry.
        max_connections: Requests in flight at most, on each event loop.
        http_client: The user's own client, or None for the engine that comes with the package.
        clock: Time and chance.
        observer: Watches the calls, for telemetry; None costs nothing.
    """

    origin: Origin
    credentials: Credentials
    headers: dict[str, str]
    timeout: float
    policy: RetryPolicy
    max_connections: int
    http_client: httpx.AsyncClient | None = None
    clock: Clock = field(default_factory=Clock)
    observer: Observer | None = None
    lanes: Lanes = field(init=False)
    _clock_offset: float = field(default=0.0, init=False)
    _closed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        """Prepare; nothing is opened."""
        self.lanes = Lanes(self._open_engine, self.max_connections)

    def _open_engine(self) -> Engine:
        # Imported when the first request needs it: the HTTP libraries take longer to import than all the rest.
        from suprsend_async.transport.engine import AiohttpEngine, GivenEngine

        try:
            return AiohttpEngine(self.origin) if self.http_client is None else GivenEngine(self.http_client)
        except Exception as error:  # noqa: BLE001 - certificates and proxies from the environment may be anything
            # Not its text: a proxy's address may hold a password.
            reason = type(error).__name__
        raise ConfigurationError(
            f"no connection can be made ({reason}): look at SSL_CERT_FILE, SSL_CERT_DIR and the proxy variables "
            "HTTPS_PROXY, HTTP_PROXY and ALL_PROXY"
        )

    async def send(self, shipment: Shipment, gate: Gate | None = None) -> Call:
        """Send a shipment until it is settled, its retries are used up or its deadline has come.

        Whatever happens, the shipment has a verdict afterwards: failures are noted in it, not raised.
        """
        call = Call(self.clock.monotonic() + self.timeout)
        if self._closed:
            return call
        lane = await self.lanes.current()
        with anyio.CancelScope() as scope:
            lane.enter(scope)
            try:
                await self._attempt_until_settled(shipment, call, lane, gate)
            finally:
                lane.leave(scope)
        return call

    def observed(self, operation: str) -> AbstractContextManager[object]:
        """Return what a logical call runs in."""
        return _UNOBSERVED if self.observer is None else self.observer.call(operation)

    def check_open(self) -> None:
        """Refuse to begin anything on a closed client.

        Raises:
            ConfigurationError: The client was closed.
        """
        if self._closed:
            raise ConfigurationError("the client was closed; make a new one, or enter it again with `async with`")

    async def open(self) -> None:
        """Open the running loop's engine ahead of the first request, and a closed client again.

        Raises:
            ConfigurationError: The environment names certificates or a proxy that cannot be used.
        """
        self._closed = False
        await self.prepare()

    async def prepare(self) -> None:
        """Open the running loop's engine ahead of the first request, so that what fails there fails here.

        Raises:
            ConfigurationError: The environment names certificates or a proxy that cannot be used.
        """
        await self.lanes.current()

    async def aclose(self) -> None:
        """Close every engine; calls in flight get a few seconds to end."""
        self._closed = True
        await self.lanes.aclose()

    async def _attempt_until_settled(self, shipment: Shipment, call: Call, lane: Lane, gate: Gate | None) -> None:
        may_learn_clock = True
        while True:
            result = await self._attempt(shipment, call, lane, gate)
            if may_learn_clock and self._learn_clock(result):
                may_learn_clock = False
                continue
            unsettled = shipment.settle(result, self.clock.wall())
            call.retry_after = unsettled.retry_after if unsettled is not None else None
            if unsettled is None or (gate is not None and gate.closed):
                return
            if unsettled.at_once:
                continue
            # A job that is told to slow down does so behind its gate; that is no failure of this shipment.
            is_failure = gate is None or not unsettled.throttled
            decision = decide(
                self.policy,
                attempts=call.retries + 1 if is_failure else 1,
                retry_after=unsettled.retry_after,
                time_left=self._time_left(call),
                uniform=self.clock.uniform,
            )
            if isinstance(decision, Stop):
                logs.giving_up(shipment.path, call.attempts, result)
                return
            logs.retrying(shipment.path, call.attempts, result, decision.seconds)
            call.retries += is_failure
            await self.clock.sleep(decision.seconds)

    async def _attempt(self, shipment: Shipment, call: Call, lane: Lane, gate: Gate | None) -> Answer | Failure:
        if gate is None:
            return await self._exchange(shipment, call, lane)
        # A job holds its chunks back as long as it has to: a chunk's time begins when it is let through first.
        with anyio.move_on_after(self._time_left(call) if call.attempts else None) as waiting:
            refusal = await gate.enter(again=call.attempts > 0)
            if refusal is not None:
                return refusal
        if waiting.cancelled_caught:
            return _NOT_LET_THROUGH
        if not call.attempts:
            call.deadline = self.clock.monotonic() + self.timeout
        result: Answer | Failure | None = None
        try:
            return (result := await self._exchange(shipment, call, lane))
        finally:
            gate.leave(result)

    async def _exchange(self, shipment: Shipment, call: Call, lane: Lane) -> Answer | Failure:
        from suprsend_async.transport.engine import Request

        if not await self._take_slot(call, lane):
            return _NO_SLOT
        try:
            if self._time_left(call) <= 0:
                return _NO_SLOT
            body = shipment.body()
            now = self.clock.wall() + self._clock_offset
            authorization = self.credentials.headers("POST", self.origin.uri(shipment.path), body, now)
            request = Request(
                self.origin.url(shipment.path),
                {**self.headers, **authorization},
                body,
                shipment.max_answer_bytes,
            )
            call.attempts += 1
            exchange = lane.engine.exchange(request, self._time_left(call))
            if self.observer is None:
                return await exchange
            return await self.observer.attempt(
                request, number=call.attempts, carried=shipment.carried, exchange=exchange
            )
        except anyio.get_cancelled_exc_class():
            shipment.settle(_GIVEN_UP, self.clock.wall())
            raise
        finally:
            lane.slots.release()

    async def _take_slot(self, call: Call, lane: Lane) -> bool:
        try:
            # Without a scope around it, which costs more than the slot itself.
            lane.slots.acquire_nowait()
        except anyio.WouldBlock:
            with anyio.move_on_after(self._time_left(call)) as waiting:
                await lane.slots.acquire()
            return not waiting.cancelled_caught
        return True

    def _time_left(self, call: Call) -> float:
        return call.deadline - self.clock.monotonic()

    def _learn_clock(self, result: Answer | Failure) -> bool:
        """Take over the server's clock if a signature was refused and the clocks differ; tells whether it did."""
        if not isinstance(result, Answer) or result.status_code not in (401, 403):
            return False
        server_time = result.server_time
        if server_time is None or not _IN_THE_PRESENT[0] < server_time < _IN_THE_PRESENT[1]:
            return False
        offset = server_time - self.clock.wall()
        if abs(offset - self._clock_offset) <= TOLERATED_SKEW:
            return False
        logs.clock_differs(offset)
        self._clock_offset = offset
        return True
