"""The clock of deadlines, also where a test has stopped `time.monotonic`."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

# Seconds in which the clock of an event loop moves on every system.
_MOMENT = 0.02


class RealTime(NamedTuple):
    """Keeps a clock where freezegun does not find it: that replaces the attributes of modules.

    Attributes:
        monotonic: Seconds that pass whatever stands in `time.monotonic`.
    """

    monotonic: Callable[[], float]


def _real_monotonic() -> Callable[[], float]:
    # This module may be imported while the clock stands still.
    freezegun = sys.modules.get("freezegun.api")
    return time.monotonic if freezegun is None else freezegun.real_monotonic


REAL_TIME = RealTime(_real_monotonic())


def stands_still(now: Callable[[], float]) -> bool:
    """Return whether a clock was stopped together with `time.monotonic`; looks no further where it was not."""
    if time.monotonic is REAL_TIME.monotonic:
        return False
    before = now()
    if now() != before:
        return False
    time.sleep(_MOMENT)
    return now() == before
