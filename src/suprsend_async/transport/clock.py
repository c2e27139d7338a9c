"""Time and chance, in one place, so that tests can put their own in."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, NamedTuple

import anyio

from suprsend_async.errors import ConfigurationError
from suprsend_async.real_time import REAL_TIME, stands_still

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


# What a loop does not do once a test has stopped its clock: a timer that is set then never goes off.
STANDS_STILL = (
    "the event loop's clock stands still, so no deadline and no retry can happen: with freezegun "
    "write freeze_time(..., real_asyncio=True)"
)


def check_clock() -> None:
    """Refuse to wait for anything on a loop whose clock does not go on.

    Raises:
        ConfigurationError: A test has stopped it.
    """
    if is_stopped():
        raise ConfigurationError(STANDS_STILL)


def is_stopped() -> bool:
    """Return whether a test has stopped the running loop's clock."""
    return stands_still(_loop_time)


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


async def sleep(seconds: float) -> None:
    """Wait for the given seconds.

    Raises:
        ConfigurationError: A test has stopped the loop's clock.
    """
    check_clock()
    await anyio.sleep(seconds)


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
    sleep: Callable[[float], Awaitable[None]] = sleep
    uniform: Callable[[float, float], float] = random.uniform
