"""Resident memory of this process: now, and at its peak since a moment of choice."""

from __future__ import annotations

import resource
from pathlib import Path

_STATM = Path("/proc/self/statm")
_PAGE = resource.getpagesize()
_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def resident() -> int:
    """Return the bytes that are resident now."""
    return _status("VmRSS") or _highest()


def resident_now() -> int:
    """Return the same from a shorter file, to be read often."""
    return int(_STATM.read_text().split()[1]) * _PAGE if _STATM.exists() else _highest()


def forget_peak() -> None:
    """Let the peak begin anew, where the system can do that."""
    if _CLEAR.exists():
        _CLEAR.write_text("5")


def peak() -> int:
    """Return the most bytes that were resident since `forget_peak`."""
    return _status("VmHWM") or _highest()


def _status(name: str) -> int:
    if not _STATUS.exists():
        return 0
    lines = _STATUS.read_text().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name + ":")), 0)


def _highest() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
