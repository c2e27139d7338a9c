"""What a buffer is configured with; checked when it is made."""

from __future__ import annotations

import math
from dataclasses import dataclass

from suprsend_async.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class BufferOptions:
    """Bounds of a buffer.

    Attributes:
        linger: Seconds between two requests that are not full, at least.
        max_pending: Events without a verdict at most.
        max_pending_bytes: Their bytes at most.
        drain_timeout: Seconds that leaving the block may take to send what is left.
    """

    linger: float
    max_pending: int
    max_pending_bytes: int
    drain_timeout: float

    def __post_init__(self) -> None:
        """Refuse values that could not work."""
        for name in ("linger", "drain_timeout"):
            seconds: object = getattr(self, name)
            if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or not 0 <= seconds < math.inf:
                raise ConfigurationError(f"{name} must be a number of seconds, 0 or more")
        for name in ("max_pending", "max_pending_bytes"):
            count: object = getattr(self, name)
            if not isinstance(count, int) or isinstance(count, bool) or count < 1:
                raise ConfigurationError(f"{name} must be a whole number, 1 or more")
