"""A number and its noun."""

from __future__ import annotations


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number and its noun.

    Examples:
        >>> counted(1, "event"), counted(2000, "event"), counted(2, "try", "tries")
        ('1 event', '2,000 events', '2 tries')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"
