"""How long a spool rests when the platform takes nothing. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from suprsend_async.transport.retry import RetryPolicy, decide

if TYPE_CHECKING:
    from collections.abc import Callable

# The transport has tried several times before this; the spool has hours.
_POLICY = RetryPolicy(base=2.0, cap=60.0)


@dataclass(slots=True)
class Backoff:
    """Rests that grow while nothing gets through, and end with the first success.

    Attributes:
        until: Nothing is sent before this moment.
    """

    until: float = -math.inf
    _failures: int = 0
    _failed_at: float = -math.inf

    @property
    def is_failing(self) -> bool:
        """Whether nothing has got through since the last failure."""
        return self._failures > 0

    def failed(
        self, started: float, now: float, retry_after: float | None, uniform: Callable[[float, float], float]
    ) -> None:
        """Take in that a request of which nothing got through has ended.

        Args:
            started: When it was begun.
            now: The present moment.
            retry_after: Seconds that the server asked to wait, or None.
            uniform: Draws a number between two bounds.
        """
        # Requests that were under way at the last failure say nothing new.
        if started >= self._failed_at:
            self._failures += 1
        self._failed_at = now
        seconds = decide(_POLICY, attempts=self._failures, retry_after=retry_after, time_left=math.inf, uniform=uniform)
        self.until = max(self.until, now + (_POLICY.cap if seconds is None else seconds))

    def succeeded(self) -> None:
        """Take in that something got through."""
        self._failures = 0
