"""The faults that are planned: which of them a request runs into, and how often they still strike."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import count
from random import Random
from threading import Lock
from typing import TYPE_CHECKING, cast

from suprsend_async.sandbox.faults import (
    Html502,
    Latency,
    MessageStatus,
    RandomMix,
    RateLimit,
    RefuseRecords,
    Reset,
    Silence,
    Status,
)
from suprsend_async.sandbox.refusal import Refusal, retry_after

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from suprsend_async.sandbox.faults import Ending, Fault, Simple

MOST_PLANNED = 1_000
LONGEST_WAIT = 1_000_000_000  # seconds that a `Retry-After` names at most


@dataclass(frozen=True, slots=True)
class Strike:
    """What one request runs into.

    Attributes:
        delay: Seconds that its answer is late.
        ending: What it comes to instead of its answer, if anything.
    """

    delay: float = 0.0
    ending: Ending | None = None


@dataclass(slots=True)
class Planned:
    """One fault that is still to strike.

    Attributes:
        id: Its number.
        fault: The fault.
        left: How often it still strikes; None until it is cleared.
        chance: What draws for it.
        allowance: How many events a rate limit lets pass now; below zero there are too many.
        measured_at: When the allowance was that.
    """

    id: int
    fault: Fault
    left: int | None
    chance: Random
    allowance: float = 0.0
    measured_at: float = 0.0


@dataclass(slots=True)
class Faults:
    """The faults still to come, first planned, first served.

    A request runs into at most one delay and one ending. It counts down only what it runs into.

    Attributes:
        clock: Gives the time in seconds, for rate limits.
    """

    clock: Callable[[], float]
    _planned: dict[int, Planned] = field(default_factory=dict[int, Planned])
    _ids: count[int] = field(default_factory=lambda: count(1))
    _lock: Lock = field(default_factory=Lock)

    def plan(self, fault: Fault) -> Planned:
        """Let requests run into this fault from now on.

        Raises:
            ValueError: So many are planned already that every request would take long to look at them.
        """
        with self._lock:
            if len(self._planned) >= MOST_PLANNED:
                raise ValueError(f"{MOST_PLANNED} faults are planned already; clear them first")
            seed = fault.seed if isinstance(fault, RandomMix) else None
            planned = Planned(next(self._ids), fault, fault.count, Random(seed))  # noqa: S311 - no secret
            if isinstance(fault, RateLimit):
                planned.allowance, planned.measured_at = max(fault.events_per_second, 1.0), self.clock()
            self._planned[planned.id] = planned
            return planned

    def planned(self) -> list[Planned]:
        """Return what is planned, in order."""
        with self._lock:
            return list(self._planned.values())

    def remove(self, number: int) -> bool:
        """Forget one fault; False if there is none with this id."""
        with self._lock:
            return self._planned.pop(number, None) is not None

    def clear(self) -> None:
        """Forget what was planned."""
        with self._lock:
            self._planned.clear()

    def strike(self) -> Strike:
        """Return what the present request runs into."""
        delay: float | None = None
        ending: Ending | None = None
        with self._lock:
            for planned in list(self._planned.values()):
                match _draw(planned):
                    case Latency() as fault if delay is None:
                        delay = planned.chance.uniform(fault.seconds, fault.seconds + fault.jitter)
                    case Status() | Html502() | Reset() | Silence() as fault if ending is None:
                        ending = fault
                    case _:
                        continue
                self._count_down(planned)
        return Strike(delay or 0.0, ending)

    def refuse(self, word: str, name: str, recipients: Collection[str]) -> Refusal | None:
        """Say why one event, or whatever the word is for it, is refused, if it runs into a fault."""
        if not self._planned:
            return None
        with self._lock:
            for planned in self._planned.values():
                fault = planned.fault
                if isinstance(fault, RefuseRecords) and _is_meant(fault, name, recipients):
                    self._count_down(planned)
                    return Refusal(fault.status, "planned_fault", f"The sandbox has a planned fault for this {word}.")
        return None

    def message(self, workflow: str, channel: str, distinct_id: str | None) -> MessageStatus | None:
        """Return the fault that a message runs into, if there is one."""
        if not self._planned:
            return None
        with self._lock:
            for planned in self._planned.values():
                fault = planned.fault
                if isinstance(fault, MessageStatus) and (
                    fault.workflow in {None, workflow}
                    and fault.channel in {None, channel}
                    and fault.distinct_id in {None, distinct_id}
                ):
                    self._count_down(planned)
                    return fault
        return None

    def limit(self, events: int) -> Refusal | None:
        """Say why a request with so many events is refused, if it comes too early."""
        if not self._planned:
            return None
        with self._lock:
            limits = [planned for planned in self._planned.values() if isinstance(planned.fault, RateLimit)]
            for planned in limits:
                if wait := _wait(planned, self.clock()):
                    self._count_down(planned)
                    message = "The sandbox has a planned rate limit."
                    return Refusal(429, "rate_limited", message, retry_after(math.ceil(min(wait, LONGEST_WAIT))))
            for planned in limits:
                planned.allowance -= events
        return None

    def _count_down(self, planned: Planned) -> None:
        if planned.left is not None:
            planned.left -= 1
            if not planned.left:
                del self._planned[planned.id]


def _draw(planned: Planned) -> Simple | RefuseRecords | RateLimit | MessageStatus | None:
    fault = planned.fault
    if not isinstance(fault, RandomMix):
        return fault
    return planned.chance.choice(fault.of) if planned.chance.random() < fault.share else None


def _is_meant(fault: RefuseRecords, name: str, recipients: Collection[str]) -> bool:
    return fault.name in {None, name} and (fault.distinct_id is None or fault.distinct_id in recipients)


def _wait(planned: Planned, now: float) -> float:
    """Bring the allowance up to date, and return the seconds until something may come."""
    rate = cast("RateLimit", planned.fault).events_per_second
    most = max(rate, 1.0)
    planned.allowance = min(most, planned.allowance + (now - planned.measured_at) * rate)
    planned.measured_at = now
    # A request may take more than is left, and those after it wait the longer: so each gets through, however large.
    return 0.0 if planned.allowance > 0 else max(-planned.allowance / rate, 1e-9)
