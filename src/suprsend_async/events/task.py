"""Tasks and their cancellation: ending one that has an owner, and telling whose cancellation it is."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Generator


async def end(task: Task[Any]) -> None:
    """Cancel a task of the caller's own and see it end, however often the caller itself is cancelled."""
    task.cancel()
    cancelled = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


@contextmanager
def foreign_cancellation(whose: str) -> Generator[None]:
    """Make an error of a `CancelledError` that is not this task's own.

    Code of the user's raises one when it awaits something that was cancelled. Left as it is, it would pass for the
    cancellation of the task that it runs in, and end that silently with all that depends on it.

    Args:
        whose: What runs inside, for the error.

    Raises:
        RuntimeError: It was cancelled, and this task is not.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise RuntimeError(f"{whose} awaited something that was cancelled") from error
