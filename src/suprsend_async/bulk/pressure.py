"""How hard a bulk may press on the server: pure, every moment passed in."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum

from suprsend_async.bulk.pace import Pace

# Overload takes this share of the requests in flight away.
DECREASE = 0.7
# So many failures that look like overload, with no answer that does not between them, count as overload.
STRAIN = 2


class Signal(Enum):
    """What an attempt says about the server's load."""

    SERVED = "served"
    THROTTLED = "throttled"
    STRAINED = "strained"
    NEUTRAL = "neutral"


@dataclass(slots=True)
class Pressure:
    """Two bounds that follow what the server can take: requests in flight, and requests a second.

    Attributes:
        concurrency: Requests in flight at most, ever.
        limit: Requests in flight at most, now: a share less on overload, one more for each round that goes well.
        in_flight: Requests in flight.
        throttled: Answers so far that said "too many requests".
        paused_until: No request goes before this moment.
    """

    concurrency: int
    limit: float = field(init=False)
    in_flight: int = 0
    throttled: int = 0
    paused_until: float = -math.inf
    pace: Pace = field(default_factory=Pace)
    _decreased_at: float = -math.inf
    _next_at: float = -math.inf
    _strain: int = 0

    def __post_init__(self) -> None:
        """Begin with all that is allowed."""
        self.limit = float(self.concurrency)

    def delay(self, now: float) -> float | None:
        """Return the seconds until another request may go; None if one in flight must end first."""
        if self.in_flight >= int(self.limit):
            return None
        return max(0.0, self.paused_until - now, self._next_at - now)

    def admit(self, now: float) -> None:
        """Count a request that goes now."""
        self.in_flight += 1
        self.pace.started(now)
        rate = self.pace.at(now)
        if rate < math.inf:
            self._next_at = max(self._next_at, now) + 1.0 / rate

    def leave(self, signal: Signal, started: float, now: float, retry_after: float | None = None) -> None:
        """Take in what a request came to.

        Args:
            signal: What it says.
            started: When it was let go.
            now: The present moment.
            retry_after: Seconds that the server asked to wait, with a "too many requests".
        """
        self.in_flight -= 1
        if signal is Signal.STRAINED:
            self._strain += 1
            if self._strain >= STRAIN:
                self._decrease(started, now)
            return
        if signal is Signal.NEUTRAL:
            return
        self._strain = 0
        if signal is Signal.SERVED:
            self.pace.served()
            self.limit = min(self.concurrency, self.limit + 1.0 / self.limit)
        else:
            self.throttled += 1
            self.paused_until = max(self.paused_until, now + (retry_after or 0.0))
            self._decrease(started, now)
            goes_on = max(now, self.paused_until)
            is_first = self.throttled == 1
            self.pace.refused(started, now, goes_on)
            if is_first:
                # The burst that was refused is over; what follows is spread out from the start.
                self._next_at = goes_on + 1.0 / self.pace.at(now)

    def _decrease(self, started: float, now: float) -> None:
        # Requests that were under way at the last decrease say nothing new.
        if started > self._decreased_at:
            self.limit = max(1.0, self.limit * DECREASE)
            self._decreased_at = now
