"""How old a stored event is, whatever was done to the clock meanwhile."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from suprsend_async.api.verdict import Verdict

if TYPE_CHECKING:
    from suprsend_async.transport.session import Session

# The platform forgets a key after 24 hours: what is older than this may have been processed and forgotten.
MAX_AGE = 23 * 60 * 60.0
# Seconds by which an event may seem to have been stored in the time to come: clocks are set by so much all the time.
TOLERATED_SECONDS = 60.0

_TOO_OLD = Verdict(
    "unknown", error="older than 23 hours: it may have been processed, and the key forgotten", error_type="too_old"
)
_AGE_UNKNOWN = Verdict(
    "unknown",
    error="stored at a time in the future: the clock was wrong then or is wrong now; it may have been processed, "
    "and the key forgotten",
    error_type="age_unknown",
)

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def age(stored_at: float, stored_monotonic: float | None, now: float, monotonic: float) -> float | None:
    """Return the seconds since an event was stored, at least; None if nobody can tell. Pure.

    The monotonic clock is not set, but may stop while the machine sleeps; the other one goes on, but may be set. The
    older age counts: an event that is taken for too old is kept for somebody to look at, and one that is taken for too
    young might be processed twice.

    Args:
        stored_at: When it was stored, in seconds since the epoch.
        stored_monotonic: The same on this machine's monotonic clock; None if that has begun anew since then.
        now: The present moment in seconds since the epoch.
        monotonic: The same on the monotonic clock.
    """
    by_date = now - stored_at
    if stored_monotonic is not None:
        return max(by_date, monotonic - stored_monotonic)
    # Stored in the time to come: the clock was wrong then, or is now, by nobody knows how much.
    return None if by_date < -TOLERATED_SECONDS else max(0.0, by_date)


def verdict_of_age(seconds: float | None) -> Verdict | None:
    """Return what is to be said of a record of this age that may not be sent any more; None if it may. Pure."""
    if seconds is None:
        return _AGE_UNKNOWN
    return _TOO_OLD if seconds >= MAX_AGE else None


class Ages:
    """Tells the age of stored events by the clocks of a client.

    Args:
        session: Has the clocks.
        boot: What this start of the machine is called; events of another one have no monotonic time here.
    """

    def __init__(self, session: Session, boot: str) -> None:
        self.boot: str = boot
        self._session = session

    def stamp(self) -> tuple[float, float]:
        """Return the present moment: seconds since the epoch, and on the monotonic clock."""
        return self._session.now(), self._session.clock.monotonic()

    def of(self, stored_at: float, stored_monotonic: float | None) -> float | None:
        """Return the seconds since an event was stored, at least; None if nobody can tell."""
        return age(stored_at, stored_monotonic, *self.stamp())

    def imported(self, stored_at: float, stored_monotonic: float | None, boot: str | None) -> float | None:
        """Return the monotonic time, on this machine since it was started, of an event that another process stored.

        Args:
            stored_at: When it was stored, in seconds since the epoch.
            stored_monotonic: The same on the monotonic clock that it was stored by, or None.
            boot: What the start of the machine was called that it was stored in, or None.
        """
        if boot and boot == self.boot and stored_monotonic is not None:
            return stored_monotonic
        now, monotonic = self.stamp()
        known = age(stored_at, None, now, monotonic)
        return None if known is None else monotonic - known


@cache
def boot_id() -> str:
    """Return what this start of the machine is called; nothing where the system has no name for it."""
    try:
        return _BOOT_ID.read_text("utf-8").strip()
    except (OSError, ValueError):
        return ""
