"""What a buffer is configured with; checked when it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from suprsend_async.checks import check_number, check_whole

if TYPE_CHECKING:
    from suprsend_async.bulk.results import FailedRecord
    from suprsend_async.callbacks import Callback

# Records, and their bytes.
MEMORY_BOUNDS = (10_000, 16 * 1024 * 1024)
SPOOL_BOUNDS = (1_000_000, 1024 * 1024 * 1024)


class BufferArguments(TypedDict, total=False):
    """The options of a buffer, for those who pass them on; `AsyncSuprsend.buffer` says what each means."""

    linger: float
    max_pending: int | None
    max_pending_bytes: int | None
    drain_timeout: float
    on_failure: Callback[FailedRecord[Any]] | None


@dataclass(frozen=True, slots=True)
class BufferOptions:
    """Bounds of a buffer.

    Attributes:
        linger: Seconds between two requests that are not full, at least.
        max_pending: Records without a verdict at most.
        max_pending_bytes: Their bytes at most.
        drain_timeout: Seconds that leaving the block may take to send what is left.
    """

    linger: float
    max_pending: int
    max_pending_bytes: int
    drain_timeout: float

    def __post_init__(self) -> None:
        """Refuse values that could not work."""
        check_number("linger", self.linger, "seconds", zero=True)
        check_number("drain_timeout", self.drain_timeout, "seconds", zero=True)
        check_whole("max_pending", self.max_pending)
        check_whole("max_pending_bytes", self.max_pending_bytes)


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
