"""What a buffer is configured with; checked when it is made."""

from __future__ import annotations

import math
from dataclasses import dataclass

from suprsend_async.errors import ConfigurationError

# Events, and their bytes.
MEMORY_BOUNDS = (10_000, 16 * 1024 * 1024)
SPOOL_BOUNDS = (1_000_000, 1024 * 1024 * 1024)


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


def buffer_options(
    linger: float, max_pending: int | None, max_pending_bytes: int | None, drain_timeout: float, *, is_durable: bool
) -> BufferOptions:
    """Return the options, with the bounds that were left out filled in: a disk holds more than memory should.

    Raises:
        ConfigurationError: A value could not work.
    """
    events, size = SPOOL_BOUNDS if is_durable else MEMORY_BOUNDS
    return BufferOptions(
        linger,
        events if max_pending is None else max_pending,
        size if max_pending_bytes is None else max_pending_bytes,
        drain_timeout,
    )
