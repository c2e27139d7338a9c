"""Which fault comes next: planned ones first, then what always or by chance goes wrong."""

from __future__ import annotations

import random
from collections import deque
from threading import Lock
from typing import TYPE_CHECKING

from tests.faults.exchange import Fault, no_fault

if TYPE_CHECKING:
    from collections.abc import Sequence


class Script:
    """Gives each request its fault. Any thread may write it.

    Args:
        seed: What chance begins with; the same seed gives the same faults in the same order.
    """

    def __init__(self, seed: int = 0) -> None:
        self._lock = Lock()
        self._random = random.Random(seed)
        self._planned: deque[Fault] = deque()
        self._otherwise: Fault = no_fault
        self._by_chance: Sequence[Fault] = ()
        self._share = 0.0

    def plan(self, *faults: Fault) -> None:
        """Let the next requests run into these, one each."""
        with self._lock:
            self._planned.extend(faults)

    def always(self, fault: Fault) -> None:
        """Let every request that nothing else is planned for run into this."""
        with self._lock:
            self._otherwise = fault

    def by_chance(self, faults: Sequence[Fault], share: float) -> None:
        """Let this share of the requests run into one of these, drawn evenly."""
        with self._lock:
            self._by_chance, self._share = faults, share

    def next(self) -> Fault:
        """Return the fault of the request that begins now."""
        with self._lock:
            if self._planned:
                return self._planned.popleft()
            if self._by_chance and self._random.random() < self._share:
                return self._random.choice(self._by_chance)
            return self._otherwise

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._planned.clear()
            self._otherwise, self._by_chance = no_fault, ()
