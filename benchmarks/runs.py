"""The runs of one measurement, and what is said of them together."""

from __future__ import annotations

from statistics import median
from typing import Any


class Runs(list[dict[str, Any]]):
    """Reports of the rounds; those that did not end well are missing."""

    def add(self, number: int, report: dict[str, Any]) -> None:
        """Keep a report, and of which round it is: figures are compared within a round."""
        self.append({**report, "round": number})

    def middle(self, name: str) -> float:
        """Return the median of a figure."""
        return float(median(run[name] for run in self))

    def most(self, name: str) -> float:
        """Return the highest of a figure."""
        return float(max(run[name] for run in self))

    def middle_of(self, name: str, divisor: str) -> float:
        """Return the median of one figure by another."""
        return float(median(run[name] / run[divisor] for run in self))


def paired(runs: Runs, beside: Runs, name: str) -> float | None:
    """Return the median of a figure's ratios, each of two runs of one round; None if no round has both.

    What slows the machine down for a while slows both runs of a round; the ratio of two medians would take one from a
    slow round and the other from a quick one.
    """
    others = {run["round"]: run for run in beside}
    ratios = [run[name] / others[run["round"]][name] for run in runs if others.get(run["round"], {}).get(name)]
    return float(median(ratios)) if ratios else None
