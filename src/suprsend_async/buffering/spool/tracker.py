"""The durable tracker: what was enqueued outlives the process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, overload

from suprsend_async.buffering.lifecycle import Tracker
from suprsend_async.checks import check_flag
from suprsend_async.errors import ConfigurationError
from suprsend_async.threads import import_in_thread
from suprsend_async.transport.loops import running_loop
from suprsend_async.wrong_calls import explained

if TYPE_CHECKING:
    import os

    from suprsend_async.api.response import EventResponse
    from suprsend_async.buffering.kinds import AnyRecord
    from suprsend_async.buffering.options import BufferOptions
    from suprsend_async.buffering.spool.dead_letters import DeadLetter
    from suprsend_async.buffering.spool.session import SpoolSession
    from suprsend_async.bulk.results import FailedRecord
    from suprsend_async.bulk.sender import BulkSender
    from suprsend_async.callbacks import Callback
    from suprsend_async.events.event import Event


class DurableTracker(Tracker["SpoolSession"]):
    """Stores records on disk first, and sends them in the background. Made by `client.buffer(spool="directory")`.

    Use it as an asynchronous context manager, on one event loop. What a process leaves behind, because it was
    killed or the platform was down, the next one that opens the same directory sends, with the identity it had.

    A record that the platform refuses, and one that is older than 23 hours, becomes a dead letter: it is kept for you
    to look at, and goes to `on_failure`. So does an edit that increments a number or appends to a list, once it may
    have been processed and nobody knows: it is never sent twice.

    Examples:
        >>> async with client.buffer(spool="events.spool") as tracker:
        ...     await tracker.enqueue(Event("user-1", "signed_up"))
        >>> tracker.stats().accepted
        1
    """

    def __init__(
        self,
        sender: BulkSender[Event],
        options: BufferOptions,
        on_failure: Callback[FailedRecord[Any]] | None,
        spool: str | os.PathLike[str],
    ) -> None:
        super().__init__(sender, options, on_failure)
        try:
            # Once and for all: wherever the program goes later, it is this directory.
            self._directory = Path(spool).absolute()
        except TypeError:
            raise ConfigurationError(f"spool must be the path of a directory, not {type(spool).__name__}") from None
        except OSError as error:
            raise ConfigurationError(
                f"spool is a relative path, and the working directory cannot be read ({error.strerror}): give an "
                "absolute one"
            ) from None

    async def __aenter__(self) -> Self:
        """Start.

        Raises:
            ConfigurationError: It is already entered, the client was closed, the event loop is not asyncio's, or no
                connection can be made with what the environment says.
            SpoolError: The spool cannot be opened.
        """
        running_loop()
        await import_in_thread("suprsend_async.buffering.spool.session")
        return await super().__aenter__()

    def _open_session(self) -> SpoolSession:
        # It brings SQLite along, which who only makes a client does not need.
        from suprsend_async.buffering.spool.session import SpoolSession

        return SpoolSession(self._directory, self._sender, self._kinds, self._options, self._on_failure)

    @explained
    async def enqueue(self, record: AnyRecord) -> None:
        """Store a record; returns when it is on disk.

        If the call is cancelled, the record may have been stored. Calling again with the same `Event` or
        `WorkflowTriggerRequest` is safe: the platform skips the repeat. A `UserEdit` that is not `repeatable` would
        count twice.

        Events, triggers and edits travel in separate requests, so that an event may arrive before an edit that was
        stored earlier. The edits are sent in the order in which they were stored.

        Args:
            record: An `Event`, a `WorkflowTriggerRequest` or a `UserEdit`.

        Raises:
            BufferFull: The spool has no room; nothing was stored.
            SpoolError: The disk is full or fails; nothing was stored.
            TypeError: `record` is none of these.
            ValidationError: The record cannot be encoded, or is larger than the limit or the whole spool.
            ConfigurationError: Called outside of the block, or from another thread.

        Examples:
            >>> async with client.buffer(spool="events.spool") as tracker:
            ...     await tracker.enqueue(WorkflowTriggerRequest("order-shipped", ["user-1"], {"order": 41}))
            ...     await tracker.enqueue(UserEdit("user-1").increment("orders", 1))
            >>> tracker.stats().accepted
            2
        """
        session = self._running("enqueue()")
        name, body = self._encoded(record, "enqueue()")
        await session.put(body, name, repeatable=self._kinds.is_repeatable(name, record))

    @overload
    async def track_event(self, event: Event, *, wait: Literal[True] = True) -> EventResponse: ...
    @overload
    async def track_event(self, event: Event, *, wait: Literal[False]) -> None: ...
    @explained
    async def track_event(self, event: Event, *, wait: bool = True) -> EventResponse | None:
        """Store an event, and return what it came to.

        If no final answer comes in time, the outcome is "unknown" and the event stays in the spool, to be sent later.

        Args:
            event: The event.
            wait: Whether to wait for the platform's answer; without it, this is `enqueue`.

        Returns:
            The response, within the client's `timeout` seconds of the storing.

        Raises:
            BufferFull: As for `enqueue`, and so are the others.
        """
        check_flag("wait", wait)
        session = self._running("track_event()")
        self._check_event(event, "track_event()")
        _, body = self._encoded(event, "track_event()")
        if wait:
            return await session.track(body)
        await session.put(body)
        return None

    @explained
    async def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """Return the oldest dead letters of this process, and of those whose files it has imported.

        Args:
            limit: How many at most.

        Examples:
            >>> async with client.buffer(spool="events.spool") as tracker:
            ...     for dead in await tracker.dead_letters():
            ...         print(dead.id, dead.kind, dead.status_code, dead.error)
        """
        return await self._running("dead_letters()").dead_letters(limit)

    @explained
    async def resend(self, *dead_letters: DeadLetter) -> int:
        """Send dead letters again, with the identity that they have.

        The platform forgets a key after 24 hours: an older record that it has processed would be processed again. An
        edit whose outcome is "unknown" may count twice, unless it is `repeatable`.

        Returns:
            How many were still there, and are pending now.
        """
        return await self._running("resend()").resend([each.id for each in dead_letters])

    @explained
    async def discard(self, *dead_letters: DeadLetter) -> int:
        """Delete dead letters.

        Returns:
            How many were still there.
        """
        return await self._running("discard()").discard([each.id for each in dead_letters])
