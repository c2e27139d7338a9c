"""The retry decision: pure, so that it can be read and tested without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

NOT_FOUND = 404
REQUEST_TIMEOUT = 408
PAYLOAD_TOO_LARGE = 413
TOO_EARLY = 425
TOO_MANY_REQUESTS = 429
CLIENT_CLOSED = 499
SERVICE_UNAVAILABLE = 503
REFUSED_CREDENTIALS = frozenset({401, 403})
# A server that failed in one of these ways may have taken the request before it failed, whatever it says.
INDECISIVE_STATUS = frozenset({500, 502, 504})
# What stands in between says so after it has passed the request on: it waited too long, or lost the caller.
GAVE_UP_WAITING = frozenset({REQUEST_TIMEOUT, CLIENT_CLOSED})
RETRYABLE_STATUS = INDECISIVE_STATUS | {REQUEST_TIMEOUT, TOO_EARLY, TOO_MANY_REQUESTS, SERVICE_UNAVAILABLE}


# An attempt with less time left could hardly be answered, and would only turn "not sent" into "unknown".
_LEAST_SECONDS = 0.1
_LEAST_SHARE = 1 / 20
# An outage that ends at half of the deadline leaves four waits of this share to notice it.
_CAP_SHARE = 1 / 8


class RetryPolicy(NamedTuple):
    """How often and how patiently to try again.

    Attributes:
        max_retries: Attempts after the first one; None for as many as the deadline allows.
        base: Seconds; the first wait is at most this long.
        cap: Seconds; no backoff is longer than this.
        least: Seconds that a wait leaves for the attempt behind it.
    """

    max_retries: int | None = None
    base: float = 0.25
    cap: float = 60.0
    least: float = 0.0

    @classmethod
    def within(cls, timeout: float, max_retries: int | None) -> RetryPolicy:
        """Return the policy of calls that may take `timeout` seconds."""
        return cls(max_retries, cap=timeout * _CAP_SHARE, least=min(_LEAST_SECONDS, timeout * _LEAST_SHARE))


def decide(
    policy: RetryPolicy,
    *,
    attempts: int,
    retry_after: float | None,
    time_left: float,
    uniform: Callable[[float, float], float],
) -> float | None:
    """Decide whether and when to try again after an attempt that failed in a way that may pass.

    Full jitter: the wait is drawn evenly between nothing and an exponentially growing bound, so that callers that
    failed together do not come back together. What the server asks for is a floor under it.

    Args:
        policy: The limits.
        attempts: Attempts that failed so far, that one included.
        retry_after: Seconds the server asked to wait, or None.
        time_left: Seconds until the call's deadline.
        uniform: Draws a number between two bounds.

    Returns:
        Seconds to wait until the next attempt; None if there is to be none.
    """
    if policy.max_retries is not None and attempts > policy.max_retries:
        return None
    longest = time_left - policy.least
    floor = retry_after or 0.0
    if floor >= longest:
        return None
    backoff = uniform(0.0, min(policy.cap, policy.base * 2.0 ** min(attempts - 1, 100), longest))
    return max(floor, backoff)
