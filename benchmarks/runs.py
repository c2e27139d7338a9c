"""The runs of one measurement, and what is said of them together."""

from __future__ import annotations

from statistics import median
from typing import Any


class Runs(list[dict[str, Any]]):
    """Reports of the rounds; those that did not end well are missing."""

    def middle(self, name: str) -> float:
        """Return the median of a figure."""
        return float(median(run[name] for run in self))

    def most(self, name: str) -> float:
        """Return the highest of a figure."""
        return float(max(run[name] for run in self))

    def middle_of(self, name: str, divisor: str) -> float:
        """Return the median of one figure by another."""
        return float(median(run[name] / run[divisor] for run in self))
