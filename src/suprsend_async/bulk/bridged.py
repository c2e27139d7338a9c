"""Sending many records for blocking callers: the source is read on the caller's thread."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, TypeVar

from suprsend_async.bridge import Bridge
from suprsend_async.frames import empty_frames

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Generator

    from suprsend_async.bulk.progress import Progress
    from suprsend_async.bulk.results import BulkResponse, FailedRecord, RecordResult
    from suprsend_async.bulk.sender import BulkSender
    from suprsend_async.callbacks import Callback
    from suprsend_async.loop_thread import LoopThread

R = TypeVar("R")


def send_bridged(
    loop: LoopThread,
    sender: BulkSender[R],
    source: Iterable[R],
    *,
    operation: str,
    concurrency: int | None,
    ordered: bool,
    on_progress: Callback[Progress] | None,
    on_failure: Callback[FailedRecord[R]] | None,
) -> BulkResponse[R]:
    """Send all that a source yields, as `BulkSender.send` does.

    Args:
        loop: The thread with the loop that sends.
        sender: Sends there.
        source: The records, read here.
        operation: The call that it stands for, in telemetry and in the error on the loop's own thread.
        concurrency: Chunks in flight at most.
        ordered: Whether records with a key in common are sent in order.
        on_progress: Called on the loop's thread, and so is the other one.
        on_failure: Called with each `FailedRecord`.
    """
    sender.check_source(source, Iterable)

    async def start(records: AsyncIterable[R], take: Callable[[BulkResponse[R]], Awaitable[None]]) -> None:
        response = await sender.send(
            records,
            operation=operation,
            concurrency=concurrency,
            ordered=ordered,
            on_progress=bridge.guarded(on_progress),
            on_failure=bridge.guarded(on_failure),
        )
        await take(response)

    bridge = Bridge(start)
    (response,) = bridge.run(loop, f"await AsyncSuprsend.{operation}()", source)
    return response


def stream_bridged(
    loop: LoopThread,
    sender: BulkSender[R],
    source: Iterable[R],
    *,
    operation: str,
    concurrency: int | None,
    ordered: bool,
    on_progress: Callback[Progress] | None,
    on_failure: Callback[FailedRecord[R]] | None,
) -> Generator[RecordResult]:
    """Send all that a source yields, and yield what each record came to; the arguments are those of `send_bridged`."""

    async def start(records: AsyncIterable[R], take: Callable[[RecordResult], Awaitable[None]]) -> None:
        results = sender.stream(
            records,
            operation=operation,
            concurrency=concurrency,
            ordered=ordered,
            on_progress=bridge.guarded(on_progress),
            on_failure=bridge.guarded(on_failure),
        )
        async with aclosing(results):
            async for result in results:
                await take(result)

    bridge = Bridge(start)
    try:
        sender.check_source(source, Iterable)
        with closing(bridge.run(loop, f"async for record in AsyncSuprsend.{operation}()", source)) as results:
            yield from results
    except BaseException as error:
        del source
        empty_frames(error)
        raise
