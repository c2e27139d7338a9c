"""The two promises in real time, and the lateness of the machine that they are measured on.

A call exceeds its deadline by 250 ms at most, and closing takes 5 seconds at most. Tests of these are marked
`promises`, and run by `nox -s promises` (`pytest -m promises`) only. A process that gets no CPU is late through no
fault of its own: a thread that does nothing but sleep measures how late that is, and what it finds is allowed besides.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, Self

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from contextlib import AbstractContextManager
    from typing import TypeAlias

    Promised: TypeAlias = Callable[[float, float], AbstractContextManager[None]]

TOLERANCE = 0.25
"""Seconds that a call may take beyond its deadline."""

CLOSING = 5.0
"""Seconds that closing may take."""


class Delay(NamedTuple):
    """A time in which a thread wanted to run and could not."""

    begin: float
    end: float


class Lateness:
    """Measures how late a thread of this process is woken: because of other processes, or of other threads here.

    It is a thread and not a task of the loop under test: what blocks that loop is to be found, and not to be excused.
    """

    TICK = 0.005
    # Less is what any system takes for waking a thread.
    LEAST = 0.001

    def __init__(self) -> None:
        self._delays: deque[Delay] = deque(maxlen=100_000)
        self._is_over = threading.Event()
        self._measured_until = 0.0
        self._thread = threading.Thread(target=self._measure, name="lateness", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _measure(self) -> None:
        while not self._is_over.is_set():
            due = time.monotonic() + self.TICK
            time.sleep(self.TICK)
            woken = time.monotonic()
            if woken - due > self.LEAST:
                self._delays.append(Delay(due, woken))
            self._measured_until = woken

    def within(self, begin: float, end: float) -> float:
        """Return the seconds between two moments of the monotonic clock in which this process was kept from running."""
        # What goes on at the end is noted only when it is over, and on a busy machine the thread has to come to that.
        while self._thread.is_alive() and self._measured_until < end:
            time.sleep(self.TICK)
        return overlap(list(self._delays), begin, end)

    def overrun(self, due: float, end: float) -> float:
        """Return how long after it was due something ended, as far as this process could run meanwhile."""
        return end - due - self.within(due, end) if end > due else 0.0


def overlap(delays: Iterable[Delay], begin: float, end: float) -> float:
    """Return how much of the time between two moments is in delays."""
    return sum(max(0.0, min(delay.end, end) - max(delay.begin, begin)) for delay in delays)


@pytest.fixture(scope="session")
def lateness() -> Iterator[Lateness]:
    with Lateness() as measuring:
        yield measuring


@pytest.fixture
def promised(lateness: Lateness) -> Promised:
    """Fail if a block takes more than `tolerance` longer than `seconds`, as far as this process can run after these."""

    @contextmanager
    def promised(seconds: float, tolerance: float) -> Generator[None]:
        due = time.monotonic() + seconds
        yield
        overrun = lateness.overrun(due, time.monotonic())
        assert overrun <= tolerance, f"{overrun:.3f} s longer than {seconds} s"

    return promised
