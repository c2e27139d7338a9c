"""One bulk on its way: senders that pull chunks from the source, and an owner that awaits them all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

import anyio

from suprsend_async.errors import ValidationError
from suprsend_async.events.chunking import Chunker
from suprsend_async.events.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from types import TracebackType

    from suprsend_async.events.chunk import Chunk
    from suprsend_async.events.encoding import Encoder
    from suprsend_async.events.event import Event
    from suprsend_async.transport.transport import Transport

# Seconds that chunks in flight get to end when a job is cancelled.
DRAIN_SECONDS = 5.0


class Job:
    """Sends what a source yields, at most `concurrency` chunks at a time.

    Each sender takes the next chunk from the source when it is free to send it, so the source is read no faster
    than its events go out, and there are never more chunks than senders.

    Use it as an asynchronous context manager: leaving the block early stops reading, awaits the chunks in flight
    and has them reported.
    """

    def __init__(
        self,
        transport: Transport,
        encoder: Encoder,
        source: Iterable[tuple[int, Event]],
        report: Callable[[Chunk], Awaitable[None]],
        concurrency: int,
    ) -> None:
        """Prepare; nothing is read yet."""
        self._transport = transport
        self._encoder = encoder
        self._source = iter(source)
        self._report = report
        self._concurrency = concurrency
        self._chunker = Chunker()
        self._reading = anyio.Lock()
        self._exhausted = False
        self._error: Exception | None = None

    async def __aenter__(self) -> Self:
        """Start the senders."""
        self._task = asyncio.create_task(self._run())
        return self

    async def done(self) -> None:
        """Wait until everything is sent and reported; raises what the source or the report raised."""
        await asyncio.shield(self._task)
        if self._error is not None:
            raise self._error

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop reading, give the chunks in flight a few seconds to end, and see them reported."""
        self._exhausted = True
        with anyio.CancelScope(shield=True):
            with anyio.move_on_after(DRAIN_SECONDS):
                await asyncio.shield(self._task)
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        async with anyio.create_task_group() as senders:
            for _ in range(self._concurrency):
                senders.start_soon(self._send_chunks)

    async def _send_chunks(self) -> None:
        while (chunk := await self._next_chunk()) is not None:
            try:
                if chunk.is_sendable:
                    await self._transport.send(chunk)
            finally:
                with anyio.CancelScope(shield=True):
                    await self._report_chunk(chunk)

    async def _next_chunk(self) -> Chunk | None:
        async with self._reading:
            if self._exhausted:
                return None
            try:
                for index, event in self._source:
                    if chunk := self._take(index, event):
                        return chunk
            except Exception as error:  # noqa: BLE001 - whatever the user's source raises is raised again at the end
                self._error = error
            # What was read before the source ended or failed is sent.
            self._exhausted = True
            return self._chunker.flush()

    def _take(self, index: int, event: Event) -> Chunk | None:
        try:
            body = self._encoder.encode(event)
        except ValidationError as error:
            return self._chunker.refuse(index, event, Verdict("rejected", error=error.message))
        return self._chunker.add(index, event, body)

    async def _report_chunk(self, chunk: Chunk) -> None:
        try:
            await self._report(chunk)
        except Exception as error:  # noqa: BLE001 - whatever the user's callback raises is raised again at the end
            self._error, self._exhausted = self._error or error, True
