"""Tasks that have an owner: started, drained, cancelled and awaited; and whose cancellation a `CancelledError` is."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVarTuple, cast

import anyio

from suprsend_async.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator
    from types import TracebackType


Ts = TypeVarTuple("Ts")


class OwnedTask:
    """Work that goes on beside its owner, who sees it end whatever happens.

    Args:
        work: The work; it starts on the running loop, at the loop's next turn.
    """

    def __init__(self, work: Coroutine[Any, Any, None]) -> None:
        self._task: asyncio.Task[None] = asyncio.create_task(_ungrouped(work))
        # Cancelled before its first turn, as by the end of the loop, it has not begun the work.
        self.when_over(work.close)

    def when_over(self, callback: Callable[[], None]) -> None:
        """Call back once the work has ended, however it ended."""
        self._task.add_done_callback(lambda _: callback())

    async def ready(self, ready: anyio.Event) -> None:
        """Wait until the work sets the event.

        Raises:
            Exception: What the work raised instead.
        """
        self.when_over(ready.set)
        try:
            await ready.wait()
        except BaseException:
            await self._end()
            raise
        if self._task.done():
            await self._task

    async def join(self) -> None:
        """Wait until the work has ended; cancelling the owner does not cancel it.

        Raises:
            Exception: What the work raised.
        """
        await asyncio.shield(self._task)

    async def finish(
        self,
        seconds: float,
        *,
        drain: Callable[[], Awaitable[None]] | None = None,
        before_cancel: Callable[[], None] | None = None,
    ) -> BaseException | None:
        """Give the work some seconds to end by itself, or to be drained; then cancel it and see it end.

        Cancelling the owner does not cut the seconds short; cancelling its task a second time, inside here, does.

        Args:
            seconds: How long to wait before the work is cancelled.
            drain: Awaited beside the work; when it returns, nothing is left to wait for.
            before_cancel: Called before the work is cancelled.

        Returns:
            What the work raised by itself, if it did.

        Raises:
            Exception: What `drain` raised.
        """
        with anyio.CancelScope(shield=True):
            try:
                await self._drain(seconds, drain)
            finally:
                if before_cancel is not None:
                    before_cancel()
                await self._end()
        return None if self._task.cancelled() else self._task.exception()

    async def _drain(self, seconds: float, drain: Callable[[], Awaitable[None]] | None) -> None:
        if seconds <= 0:
            # Not by a timer: on a clock that a test has stopped, none goes off.
            await asyncio.sleep(0)
            return
        if drain is None:
            await asyncio.wait([self._task], timeout=seconds)
            return
        draining = asyncio.ensure_future(drain())
        try:
            # The work may also have ended before its time: then nothing more will be drained.
            await asyncio.wait([draining, self._task], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if draining.done():
                draining.result()
        finally:
            draining.cancel()

    async def _end(self) -> None:
        """Cancel the work and see it end, however often the owner itself is cancelled."""
        self._task.cancel()
        cancelled = None
        while not self._task.done():
            try:
                await asyncio.wait([self._task])
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled


class Group:
    """anyio's task group, without its warning of a coroutine that was never awaited.

    A task that the end of the loop cancels before its first turn has not begun the coroutine that it was given. The
    program's own error would be shown with a warning that tells of nothing.

    Attributes:
        cancel_scope: What cancels all of it.
    """

    def __init__(self) -> None:
        """Begin without tasks."""
        self._group = anyio.create_task_group()
        self.cancel_scope: anyio.CancelScope = self._group.cancel_scope
        self._waiting: set[Coroutine[Any, Any, None]] = set()

    def start_soon(self, work: Callable[[*Ts], Awaitable[object]], *args: *Ts) -> None:
        """Start a task, at the loop's next turn."""

        async def begin() -> None:
            self._waiting.discard(begun)
            await work(*args)

        begun = begin()
        self._waiting.add(begun)
        self._group.start_soon(lambda: begun, name=work)

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        """Wait for the tasks, which an error cancels."""
        try:
            return await self._group.__aexit__(kind, error, traceback)
        finally:
            for begun in self._waiting:
                begun.close()


async def _ungrouped(work: Coroutine[Any, Any, None]) -> None:
    """Do the work; what its task groups make of a `ConfigurationError` is raised as a call of its own raises it."""
    try:
        await work
    except BaseExceptionGroup as group:
        _, others = group.split(ConfigurationError)
        if others is not None:
            raise
        error = first_error(group)
    else:
        return
    raise error


def first_error(error: BaseException) -> BaseException:
    """Return the first of the errors that a task group has raised together; any other error as it is."""
    if isinstance(error, BaseExceptionGroup):
        return first_error(cast("BaseExceptionGroup[BaseException]", error).exceptions[0])
    return error


class Cutoff:
    """Cuts off what the current task does inside of it: after some seconds, or when told to; the task goes on behind.

    What anyio's cancel scopes do, at a quarter of their cost, and `asyncio.timeout`, at half of it: every request has
    two. Unlike those of anyio it cancels once: what swallows that goes on.

    Args:
        seconds: How long it may take; as long as it likes if left out.
    """

    __slots__ = ("_cancelled_before", "_task", "_timer", "is_cut")

    def __init__(self, seconds: float | None = None) -> None:
        self._task: asyncio.Task[Any] = cast("asyncio.Task[Any]", asyncio.current_task())
        self._cancelled_before = self._task.cancelling()
        self._timer = None if seconds is None else asyncio.get_running_loop().call_later(seconds, self.cut)
        self.is_cut: bool = False

    def cut(self) -> None:
        """Cut it off; not from within."""
        if not self.is_cut:
            self.is_cut = True
            self._task.cancel()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        """End; only its own cancellation ends here, not one of the task's that came at the same time."""
        if self._timer is not None:
            self._timer.cancel()
        if not self.is_cut:
            return False
        return self._task.uncancel() <= self._cancelled_before and kind is asyncio.CancelledError


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
