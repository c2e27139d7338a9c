"""Callbacks that may be plain functions or coroutine functions."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

from suprsend_async.checks import only_generates
from suprsend_async.tasks import foreign_cancellation

T = TypeVar("T")

# Seconds that callbacks get to end, or to be called at all, once what they report on has been given up.
REPORT_SECONDS = 3.0

Callback = Callable[[T], Awaitable[None] | None]


class Exits:
    """Keeps what callbacks raise to end the program from the event loop, which it would end with all that runs there.

    Attributes:
        error: The `SystemExit` or `KeyboardInterrupt` that was raised.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.error: BaseException | None = None

    def guarded(self, callback: Callback[T] | None) -> Callback[T] | None:
        """Return a callback whose exits are noted; a `RuntimeError` takes their place."""
        if not callable(callback) or only_generates(callback):
            return callback  # for who would call it to refuse

        async def guarded(argument: T) -> None:
            try:
                await call(callback, argument)
            except (SystemExit, KeyboardInterrupt) as error:
                self.error = error
                raise RuntimeError(f"a callback raised {type(error).__name__}") from None

        return guarded

    def check(self) -> None:
        """Raise the exit that was noted, if one was, in place of the error that it caused."""
        if self.error is not None:
            raise self.error from None


async def call(callback: Callback[T], argument: T) -> None:
    """Call it, and await what it returns if that can be awaited.

    Raises:
        Exception: What it raises; a `RuntimeError` for a cancellation that is not the caller's own.
    """
    with foreign_cancellation("a callback"):
        result = callback(argument)
        if inspect.isawaitable(result):
            await result
