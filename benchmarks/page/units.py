"""Numbers as readers see them."""

from __future__ import annotations

NOTHING = "-"


def micros(seconds: float) -> str:
    """Return microseconds."""
    value = seconds * 1e6
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def millis(seconds: float) -> str:
    """Return milliseconds."""
    value = seconds * 1e3
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"


def mebibytes(size: float) -> str:
    """Return MiB."""
    return f"{size / 2**20:,.1f}"


def percent(share: float) -> str:
    """Return a share of one in percent."""
    return f"{share * 100:.0f} %"


def whole(number: float) -> str:
    """Return a number without a fraction."""
    return f"{number:,.0f}"


def times(ratio: float | None) -> str:
    """Return how many times as much."""
    return NOTHING if ratio is None else f"{ratio:.2f}"
