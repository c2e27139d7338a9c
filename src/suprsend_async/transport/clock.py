"""Time and chance, in one place, so that tests can put their own in."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, NamedTuple

import anyio

from suprsend_async.real_time import REAL_TIME

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Clock(NamedTuple):
    """Where the transport gets time and chance from.

    Attributes:
        monotonic: Seconds that never run backwards; deadlines are made of these.
        wall: Seconds since the epoch; the `Date` header is made of these.
        sleep: Waits for the given seconds.
        uniform: A random number between two bounds, for jitter.
    """

    monotonic: Callable[[], float] = REAL_TIME.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    uniform: Callable[[float, float], float] = random.uniform
