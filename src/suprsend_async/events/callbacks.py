"""Callbacks that may be plain functions or coroutine functions."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

Callback = Callable[[T], Awaitable[None] | None]


async def call(callback: Callback[T], argument: T) -> None:
    """Call it, and await what it returns if that can be awaited."""
    result = callback(argument)
    if inspect.isawaitable(result):
        await result
