"""The frames that an error has passed: reporters of crashes record their variables, so none of ours keeps a value."""

from __future__ import annotations

import gc
import inspect
import traceback
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from suprsend_async.callers import is_ours

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

F = TypeVar("F", bound="Callable[..., Any]")

_RESUMED = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def empty_frames(error: BaseException) -> None:
    """Take the variables from all frames of this package that an error, and what it came of, has left behind.

    Its traceback keeps every line. The frame that asks still runs, and deletes its own variables.
    """
    met: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        looked_at = waiting.pop()
        if looked_at is None or id(looked_at) in met:
            continue
        met.add(id(looked_at))
        for frame, _ in traceback.walk_tb(looked_at.__traceback__):
            if is_ours(frame) and not _is_suspended(frame):
                with suppress(RuntimeError):  # it still runs
                    frame.clear()
        waiting += [looked_at.__cause__, looked_at.__context__]


def leaves_no_values(function: F) -> F:
    """Return a function that leaves no value behind, in its own frame and in those below, when an error leaves it."""

    @wraps(function)
    def call(*args: object, **options: object) -> Any:
        try:
            return function(*args, **options)
        except BaseException as error:
            del args, options
            empty_frames(error)
            raise

    return cast("F", call)


def _is_suspended(frame: FrameType) -> bool:
    """Whether it is of a coroutine or generator that goes on later: clearing it would end that, before Python 3.13.

    An error that one task caught and gave to another one has such a frame. The frame of what is over owns its
    variables, and so refers to them and to its function; that of what is suspended refers to nothing but its tracer.
    """
    if not frame.f_code.co_flags & _RESUMED:
        return False
    return all(item is frame.f_trace for item in gc.get_referents(frame))
