"""The retry decision: pure, so that it can be read and tested without a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

RETRYABLE_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently to try again.

    Attributes:
        max_retries: Attempts after the first one.
        base: Seconds; the first wait is at most this long.
        cap: Seconds; no backoff is longer than this.
    """

    max_retries: int = 4
    base: float = 0.25
    cap: float = 8.0


@dataclass(frozen=True, slots=True)
class Wait:
    """Go again after this many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Stop:
    """Do not go again, and why."""

    reason: str


def decide(
    policy: RetryPolicy,
    *,
    attempts: int,
    retry_after: float | None,
    time_left: float,
    uniform: Callable[[float, float], float],
) -> Wait | Stop:
    """Decide what follows an attempt that failed in a way that may pass.

    Full jitter: the wait is drawn evenly between nothing and an exponentially growing bound, so that callers that
    failed together do not come back together. What the server asks for is a floor under it.

    Args:
        policy: The limits.
        attempts: Attempts that failed so far, that one included.
        retry_after: Seconds the server asked to wait, or None.
        time_left: Seconds until the call's deadline.
        uniform: Draws a number between two bounds.
    """
    if attempts > policy.max_retries:
        return Stop("no retries left")
    floor = retry_after or 0.0
    if floor >= time_left:
        return Stop("the server asked for a longer wait than the deadline leaves")
    backoff = uniform(0.0, min(policy.cap, policy.base * 2.0 ** min(attempts - 1, 100)))
    seconds = max(floor, backoff)
    if seconds >= time_left:
        return Stop("the deadline leaves no time for another attempt")
    return Wait(seconds)
