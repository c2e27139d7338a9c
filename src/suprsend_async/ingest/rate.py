"""How fast events may go, if a rate is asked for. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

MOST_AT_ONCE = 100
"""Events let go together: a full chunk, so that a slow rate does not make many small requests."""


@dataclass(slots=True)
class Rate:
    """Lets groups of events go, so that there are no more than so many a second.

    A time in which nothing went is not made up for.

    Attributes:
        events_per_second: The rate; infinite for no limit.
        group: Events in a group.
    """

    events_per_second: float
    group: int = field(init=False)
    _next: float = field(default=-math.inf, init=False)

    def __post_init__(self) -> None:
        """Choose the group: a second's events at most."""
        self.group = max(1, int(min(MOST_AT_ONCE, self.events_per_second)))

    def delay(self, now: float) -> float:
        """Return the seconds to wait until the next group may go, and count that group."""
        start = max(self._next, now)
        self._next = start + self.group / self.events_per_second
        return start - now
