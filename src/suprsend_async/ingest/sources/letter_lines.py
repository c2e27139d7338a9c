"""What tells a line of a file of dead letters from a line of anything else."""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json

FIELDS = ("source", "row", "event", "error", "code", "outcome", "at")
"""What every line of a dead-letter file holds."""

MOST_LINE_BYTES = 64 * 1024 * 1024
"""So much of a line is read at most to tell what it is."""

_FIELDS = frozenset(FIELDS)
_BEGINNING = b'{"source":'


def dead_letter_of(line: bytes) -> dict[str, Any] | None:
    """Return the dead letter that a line holds; None if it holds none."""
    try:
        dead_letter: dict[str, Any] = from_json(line)
    except ValueError:
        return None
    return dead_letter if type(dead_letter) is dict and dead_letter.keys() >= _FIELDS else None


def may_be_dead_letter(line: bytes) -> bool:
    """Return whether a line is a dead letter, or the beginning of one that a crash cut short."""
    if line.isspace() or dead_letter_of(line) is not None:
        return True
    is_torn = not line.endswith(b"\n") and (line.startswith(_BEGINNING) or _BEGINNING.startswith(line))
    return is_torn and not is_json(line)


def is_json(line: bytes) -> bool:
    """Return whether a line is JSON."""
    try:
        from_json(line)
    except ValueError:
        return False
    return True
