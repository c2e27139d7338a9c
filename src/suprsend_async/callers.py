"""The code outside this package that is calling in: where warnings belong."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


def caller_depth() -> int:
    """Return the `stacklevel` with which the function that asks warns at the line that called this package."""
    frame, depth = inspect.currentframe(), 0
    while frame is not None and (depth < 1 or is_ours(frame)):
        frame, depth = frame.f_back, depth + 1
    return depth


def caller_place() -> str:
    """Return file and line that called this package."""
    frame = inspect.currentframe()
    while frame is not None and is_ours(frame):
        frame = frame.f_back
    return "an unknown place" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


def is_ours(frame: FrameType) -> bool:
    """Whether a frame is of this package's code."""
    return str(frame.f_globals.get("__name__", "")).startswith("suprsend_async.")
