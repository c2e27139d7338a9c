"""The sandbox's clock: the time that it is given, and what was let pass beside."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class MovableClock:
    """Gives the time in seconds.

    Args:
        given: The clock below it.

    Examples:
        >>> clock = MovableClock(lambda: 100.0)
        >>> clock.advance(60.0)
        >>> clock()
        160.0
    """

    def __init__(self, given: Callable[[], float]) -> None:
        self._given = given
        self._passed = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self._given() + self._passed

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._passed += seconds
