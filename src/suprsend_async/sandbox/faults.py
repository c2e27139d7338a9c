"""Planned failures: what the sandbox is told to do wrong next."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Lock


@dataclass(frozen=True, slots=True)
class Fault:
    """One request that is to be refused.

    Attributes:
        status: The HTTP status of the answer, 400 to 599.
        retry_after: The `Retry-After` header, as it goes out; None for no such header.
    """

    status: int
    retry_after: str | None = None

    def __post_init__(self) -> None:
        if not 400 <= self.status <= 599:
            raise ValueError(f"status must be from 400 to 599, not {self.status}")


class Faults:
    """The faults still to come, first planned, first served."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._planned: deque[Fault] = deque()

    def plan(self, count: int, fault: Fault) -> None:
        """Let each of the next `count` requests run into this fault."""
        if count < 0:
            raise ValueError(f"count must not be negative, not {count}")
        with self._lock:
            self._planned.extend([fault] * count)

    def take(self) -> Fault | None:
        """Take the fault that the present request runs into, if there is one."""
        with self._lock:
            return self._planned.popleft() if self._planned else None

    def clear(self) -> None:
        """Forget what was planned."""
        with self._lock:
            self._planned.clear()
