"""A task with an owner: started, given time to end, and awaited whatever happens."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import anyio

from suprsend_async.events import task

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine


class Background:
    """Work that goes on beside the block that owns it."""

    def __init__(self, work: Callable[[anyio.Event], Coroutine[Any, Any, None]]) -> None:
        """Start it on the running loop; it is given an event to set when it is ready."""
        self._started = anyio.Event()
        self._task = asyncio.create_task(work(self._started))
        self._task.add_done_callback(lambda _: self._started.set())

    async def ready(self) -> None:
        """Wait until the work is ready.

        Raises:
            Exception: What the work raised instead.
        """
        try:
            await self._started.wait()
        except BaseException:
            await task.end(self._task)
            raise
        if self._task.done():
            await self._task

    async def end(self, drained: Callable[[], Awaitable[None]], seconds: float) -> None:
        """Give the work some seconds to be `drained`, then stop it and see it end.

        Cancelling the owner does not cut the seconds short; cancelling its task a second time, inside here, does.

        Raises:
            Exception: What the work or `drained` raised.
        """
        with anyio.CancelScope(shield=True):
            try:
                await self._drain(drained, seconds)
            finally:
                await task.end(self._task)
        if not self._task.cancelled() and (error := self._task.exception()) is not None:
            raise error

    async def _drain(self, drained: Callable[[], Awaitable[None]], seconds: float) -> None:
        draining = asyncio.ensure_future(drained())
        try:
            # The work may also have ended before its time: then nothing more will be drained.
            await asyncio.wait([draining, self._task], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if draining.done():
                draining.result()
        finally:
            draining.cancel()
