"""What a piece of work costs this process."""

from __future__ import annotations

import time
from resource import RUSAGE_SELF, getrusage

from benchmarks import memory


class Meter:
    """Measures from when it is made until it is read."""

    def __init__(self) -> None:
        """Begin."""
        memory.forget_peak()
        self._resident = memory.resident()
        self._before = getrusage(RUSAGE_SELF)
        self._started = time.perf_counter()

    def read(self) -> dict[str, float]:
        """Return seconds of the clock and of the CPU (user and system), and how far resident memory grew at most."""
        seconds = time.perf_counter() - self._started
        after = getrusage(RUSAGE_SELF)
        cpu = after.ru_utime - self._before.ru_utime + after.ru_stime - self._before.ru_stime
        return {"seconds": seconds, "cpu": cpu, "memory": max(0, memory.peak() - self._resident)}
