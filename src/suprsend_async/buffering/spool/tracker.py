"""The durable tracker: what was enqueued outlives the process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

from suprsend_async.buffering.lifecycle import Tracker

if TYPE_CHECKING:
    from suprsend_async.buffering.spool.letters import DeadLetter
    from suprsend_async.buffering.spool.session import SpoolSession  # noqa: F401 - named in the class's base
    from suprsend_async.events.event import Event
    from suprsend_async.events.results import EventResponse


class DurableTracker(Tracker["SpoolSession"]):
    """Stores events on disk first, and sends them in the background. Made by `client.buffer(spool="directory")`.

    Use it as an asynchronous context manager, on one event loop. What a process leaves behind, because it was
    killed or the platform was down, the next one that opens the same directory sends, with the identity it had.

    An event that the platform refuses, and one that is older than 23 hours, becomes a dead letter: it is kept for
    you to look at, and goes to `on_failure`.

    Examples:
        >>> async with client.buffer(spool="events.spool") as tracker:
        ...     await tracker.enqueue(Event("user-1", "signed_up"))
        >>> tracker.stats().accepted
        1
    """

    async def enqueue(self, event: Event) -> None:
        """Store an event; returns when it is on disk.

        If the call is cancelled, the event may have been stored. Calling again with the same `Event` is safe: the
        platform skips the repeat.

        Args:
            event: The event.

        Raises:
            BufferFull: The spool has no room; nothing was stored.
            SpoolError: The disk is full or fails; nothing was stored.
            TypeError: `event` is not an `Event`.
            ValidationError: The event cannot be encoded, or is larger than the limit or the whole spool.
            ConfigurationError: Called outside of the block, or from another thread.
        """
        session = self._running("enqueue()")
        await session.put(self._encoded(event, "enqueue()"))

    @overload
    async def track_event(self, event: Event, *, wait: Literal[True] = True) -> EventResponse: ...
    @overload
    async def track_event(self, event: Event, *, wait: Literal[False]) -> None: ...
    async def track_event(self, event: Event, *, wait: bool = True) -> EventResponse | None:
        """Store an event, and return what came of it.

        If no final answer comes in time, the outcome is "unknown" and the event stays in the spool, to be sent later.

        Args:
            event: The event.
            wait: Whether to wait for the platform's answer; without it, this is `enqueue`.

        Returns:
            The response, within the client's `timeout` seconds of the storing.

        Raises:
            BufferFull: As for `enqueue`, and so are the others.
        """
        if not wait:
            await self.enqueue(event)
            return None
        session = self._running("track_event()")
        return await session.track(self._encoded(event, "track_event()"))

    async def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """Return the oldest dead letters of this process, and of those whose files it has adopted.

        Args:
            limit: How many at most.

        Examples:
            >>> async with client.buffer(spool="events.spool") as tracker:
            ...     for letter in await tracker.dead_letters():
            ...         print(letter.id, letter.status_code, letter.error, letter.event.event_name)
        """
        return await self._running("dead_letters()").letters(limit)

    async def resend(self, *letters: DeadLetter) -> int:
        """Send dead letters again, with the identity that they have.

        The platform forgets a key after 24 hours: an older event that it has processed would be processed again.

        Returns:
            How many were still there, and are pending now.
        """
        return await self._running("resend()").resend([letter.id for letter in letters])

    async def discard(self, *letters: DeadLetter) -> int:
        """Delete dead letters.

        Returns:
            How many were still there.
        """
        return await self._running("discard()").discard([letter.id for letter in letters])
