"""Bulk: many events in few requests, and a verdict for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from suprsend_async.events.event import Event
from suprsend_async.events.job import Job
from suprsend_async.events.tally import Tally

if TYPE_CHECKING:
    from suprsend_async.events.chunk import Chunk
    from suprsend_async.events.encoding import Encoder
    from suprsend_async.events.results import BulkResponse
    from suprsend_async.transport.transport import Transport


@dataclass(frozen=True, slots=True)
class BulkEventsResource:
    """What hangs on `client.bulk_events`."""

    _transport: Transport
    _encoder: Encoder
    _concurrency: int

    def new_instance(self) -> BulkEvents:
        """Return an empty bulk to append events to.

        Example:
            >>> bulk = client.bulk_events.new_instance()
            >>> bulk.append(Event("user-1", "signed_up"), Event("user-2", "signed_up"))
            >>> response = await bulk.trigger()
        """
        return BulkEvents(self._transport, self._encoder, self._concurrency)


class BulkEvents:
    """Events gathered in memory, to be sent together. Made by `client.bulk_events.new_instance()`."""

    def __init__(self, transport: Transport, encoder: Encoder, concurrency: int) -> None:
        self._transport = transport
        self._encoder = encoder
        self._concurrency = concurrency
        self._events: list[Event] = []
        self._accepted: set[int] = set()
        self._triggering = anyio.Lock()

    def __len__(self) -> int:
        """Return the number of events appended."""
        return len(self._events)

    def append(self, *events: Event) -> None:
        """Add events.

        Raises:
            TypeError: One of them is not an `Event`; nothing of this call is appended.
        """
        for position, event in enumerate(events):
            if not isinstance(event, Event):
                raise TypeError(
                    f"append() takes Event objects; argument {position} is of type {type(event).__name__}; "
                    "nothing of this call was appended"
                )
        self._events.extend(events)

    async def trigger(self) -> BulkResponse:
        """Send what is not accepted yet, at most `concurrency` chunks at a time.

        Called again, it sends only what was not accepted before, with the identity that it had.

        Returns:
            What came of all events appended so far, those of earlier calls included.

        Example:
            >>> response = await bulk.trigger()
            >>> response.status, response.total, response.failure
            ('success', 2, 0)
        """
        async with self._triggering:
            tally = Tally(accepted=len(self._accepted))

            async def report(chunk: Chunk) -> None:
                tally.add(chunk)
                self._accepted.update(chunk.accepted_indexes())

            pending = ((i, event) for i, event in enumerate(self._events) if i not in self._accepted)
            async with Job(self._transport, self._encoder, pending, report, self._concurrency) as job:
                await job.done()
            return tally.response()
