"""Callbacks that may be plain functions or coroutine functions."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

from suprsend_async.events.task import foreign_cancellation

T = TypeVar("T")

Callback = Callable[[T], Awaitable[None] | None]


async def call(callback: Callback[T], argument: T) -> None:
    """Call it, and await what it returns if that can be awaited.

    Raises:
        Exception: What it raises; a `RuntimeError` for a cancellation that is not the caller's own.
    """
    with foreign_cancellation("a callback"):
        result = callback(argument)
        if inspect.isawaitable(result):
            await result
