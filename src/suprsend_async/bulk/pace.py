"""Requests a second: how a bulk finds out what a server that refuses the rest will serve. Pure.

There is no pace until the first "too many requests". From then on:

- While no pace has been refused, it grows fast (slow start).
- A refused pace is the ceiling. For a moment it is kept, to count what is served of it, and the pace goes on at that
  rate; if the server asked for a pause, it goes on after the pause at a share of the ceiling that is the smaller, the
  sooner the refusal came.
- The pace then approaches the ceiling, and after a while without refusals grows beyond it.

Bounds on the requests in flight alone do not do it: in the simulation of tests/bulk/test_pressure.py, without a pace,
a token bucket that serves 2 to 200 requests a second refuses 20 to 92 % of them, with one 1 to 5 %, and serves as many.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# Requests a second.
FIRST = 4.0
SLOWEST = 0.1
# In slow start, the growth by the second; later, how fast the pace approaches its ceiling, how fast it probes what
# lies beyond, and how much faster it probes with each second after PATIENCE that no refusal comes.
SLOW_START_GROWTH = 4.0
APPROACH = 0.5
PROBE = 0.01
IMPATIENCE = 0.02
PATIENCE = 10.0
# Seconds for which a refused pace is kept to count what is served of it.
MEASURE = 0.5
# Shares of a refused pace to go on with after a pause, by the seconds for which the pace had been served before.
CUTS = ((1.5, 0.6), (5.0, 0.9), (math.inf, 0.95))
DEEPEST_CUT = 0.4
# The shortest time, in seconds, that says anything about a rate.
SHORTEST = 0.25
# No growth is reckoned over more seconds than this at a time.
LONGEST = 30.0


@dataclass(slots=True)
class Pace:
    """The pace, and what it was learned from."""

    _rate: float = math.inf
    _ceiling: float = math.inf
    _since: float = math.inf
    _grown_at: float = math.inf
    _served: int = 0
    _measured_at: float = math.inf

    def at(self, now: float) -> float:
        """Return the requests a second that may go now; infinite until one was refused."""
        if self._rate < math.inf:
            self._advance(now)
        return self._rate

    def started(self, now: float) -> None:
        """Note that a request goes."""
        self._since = min(self._since, now)

    def served(self) -> None:
        """Note that a request was served."""
        self._served += 1

    def refused(self, started: float, now: float, paused_until: float) -> None:
        """Note that a request was refused as one too many.

        Args:
            started: When it went.
            now: The present moment.
            paused_until: When the next one goes; now, or later if the server asked for a pause.
        """
        if self._rate == math.inf:
            self._go_on(max(FIRST, self._served / max(now - self._since, SHORTEST)), paused_until)
            return
        self._advance(now)
        # Requests of an earlier pace say nothing about this one, nor do further refusals while it is measured.
        if started < self._since or self._measured_at < math.inf:
            return
        self._ceiling = self._rate
        age = now - self._since
        if paused_until > now:
            cut = next(cut for until, cut in CUTS if age < until)
            served = self._served / (paused_until - self._since)
            self._go_on(min(cut * self._rate, max(served, DEEPEST_CUT * self._rate)), paused_until)
            return
        if age > 2 * MEASURE:
            self._served = int(self._served * MEASURE / age)
            self._since = now - MEASURE
        self._measured_at = now + MEASURE

    def _advance(self, now: float) -> None:
        if self._measured_at < math.inf:
            if now >= self._measured_at:
                served = self._served / (now - self._since)
                self._go_on(max(served, self._rate / 2), now)
            return
        seconds = min(now - self._grown_at, LONGEST)
        if seconds <= 0:
            return
        self._grown_at = now
        if self._ceiling == math.inf:
            self._rate *= SLOW_START_GROWTH**seconds
            return
        below = max(0.0, 1.0 - self._rate / self._ceiling)
        impatience = IMPATIENCE * max(0.0, now - self._since - PATIENCE)
        self._rate *= math.exp(seconds * (APPROACH * below + PROBE + impatience))

    def _go_on(self, rate: float, now: float) -> None:
        self._rate = max(SLOWEST, rate)
        self._since = self._grown_at = now
        self._served = 0
        self._measured_at = math.inf
