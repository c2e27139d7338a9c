"""Bulk: many events in few requests, and a verdict for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from suprsend_async.api.verdict import verdicts_of_records
from suprsend_async.bulk.kind import RecordKind
from suprsend_async.bulk.sender import BulkSender, GatheredRecords
from suprsend_async.events.encoding import DOCUMENTED_EVENT_BYTES, Encoder
from suprsend_async.events.event import Event
from suprsend_async.released import ReleasedNames

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Iterable

    from suprsend_async.bulk.progress import Progress
    from suprsend_async.bulk.results import BulkResponse, FailedRecord, RecordResult
    from suprsend_async.callbacks import Callback


def event_kind(encoder: Encoder) -> RecordKind[Event]:
    """Return what the bulk engine has to know about events."""
    return RecordKind(
        type=Event,
        noun="events",
        route="v2/bulk/event/",
        encode=encoder.encode,
        read_answer=verdicts_of_records,
        order_keys=lambda event: (event.distinct_id,),
        documented_bytes=DOCUMENTED_EVENT_BYTES,
        names_messages=True,
    )


@dataclass(frozen=True, slots=True)
class BulkEventsResource(ReleasedNames):
    """Many events in few requests: `client.bulk_events`."""

    _sender: BulkSender[Event]

    def new_instance(self) -> BulkEvents:
        """Return an empty bulk to append events to.

        Examples:
            >>> bulk = client.bulk_events.new_instance()
            >>> bulk.append(Event("user-1", "signed_up"), Event("user-2", "signed_up"))
            >>> response = await bulk.trigger()
        """
        return BulkEvents(GatheredRecords(self._sender))

    async def send(
        self,
        source: Iterable[Event] | AsyncIterable[Event],
        *,
        concurrency: int | None = None,
        ordered: bool = False,
        on_progress: Callback[Progress] | None = None,
        on_failure: Callback[FailedRecord[Event]] | None = None,
    ) -> BulkResponse[Event]:
        """Send all that a source yields, however long it is, in flat memory.

        The source is read no faster than its events go out: at most `concurrency + 1` chunks ahead. A plain
        iterable is read on the event loop; make it an asynchronous one if reading it blocks.

        If the call is cancelled, the chunks in flight get a few seconds to end and are reported to `on_failure`.

        Args:
            source: The events. Anything in it that is not an `Event` fails alone.
            concurrency: Chunks in flight at most; the client's if left out.
            ordered: Send the events of one `distinct_id` in the source's order, one chunk after another; different
                users still go side by side. After a failure that might have passed, later events of that user are
                reported, not sent.
            on_progress: Called with the `Progress`, at most 10 times a second and once at the end. A plain
                function or a coroutine function.
            on_failure: Called with each `FailedRecord` as it happens. With it given, the response keeps the first
                1,000 failures only.

        Returns:
            What all of them came to.

        Raises:
            TypeError: The source cannot be iterated.
            Exception: What the source or a callback raised, once everything read before is sent and reported.

        Examples:
            >>> events = (Event(f"user-{number}", "signed_up") for number in range(1000))
            >>> response = await client.bulk_events.send(events)
            >>> response.success
            1000
        """
        return await self._sender.send(
            source,
            operation="bulk_events.send",
            concurrency=concurrency,
            ordered=ordered,
            on_progress=on_progress,
            on_failure=on_failure,
        )

    def stream(
        self,
        source: Iterable[Event] | AsyncIterable[Event],
        *,
        concurrency: int | None = None,
        ordered: bool = False,
        on_progress: Callback[Progress] | None = None,
        on_failure: Callback[FailedRecord[Event]] | None = None,
    ) -> AsyncGenerator[RecordResult]:
        """Send all that a source yields, and yield what each event came to as it is known.

        The results of one chunk come together, those of different chunks as they end. Nothing is sent further ahead
        of what is taken here than `concurrency + 1` chunks. Leaving the loop early stops the sending; to have it
        stopped at once and not when the generator is collected, wrap it in `contextlib.aclosing`.

        Args:
            source: As for `send`, and so are the other arguments.
            concurrency: Chunks in flight at most.
            ordered: Whether the events of one `distinct_id` are sent in order.
            on_progress: Called with the `Progress`.
            on_failure: Called with each `FailedRecord`.

        Yields:
            One `RecordResult` for each event of the source.

        Raises:
            TypeError: The source cannot be iterated.
            Exception: What the source or a callback raised, after the last result.

        Examples:
            >>> events = [Event("user-1", "signed_up"), Event("user-2", "signed_up")]
            >>> async for record in client.bulk_events.stream(events):
            ...     print(record.index, record.outcome)
            0 accepted
            1 accepted
        """
        return self._sender.stream(
            source,
            operation="bulk_events.stream",
            concurrency=concurrency,
            ordered=ordered,
            on_progress=on_progress,
            on_failure=on_failure,
        )


class BulkEvents(ReleasedNames):
    """Events gathered in memory, to be sent together. Made by `client.bulk_events.new_instance()`."""

    def __init__(self, gathered: GatheredRecords[Event]) -> None:
        self._gathered = gathered

    def __len__(self) -> int:
        """Return the number of events appended."""
        return len(self._gathered)

    def append(self, *events: Event) -> None:
        """Add events.

        Raises:
            TypeError: One of them is not an `Event`; nothing of this call is appended.

        Examples:
            >>> bulk = client.bulk_events.new_instance()
            >>> bulk.append(Event("user-1", "signed_up"), Event("user-2", "signed_up"))
            >>> len(bulk)
            2
        """
        self._gathered.append(*events)

    async def trigger(self) -> BulkResponse[Event]:
        """Send what is not accepted yet, at most `concurrency` chunks at a time.

        Called again, it sends only what was not accepted before, with the identity that it had.

        Returns:
            What all events appended so far came to, those of earlier calls included.

        Examples:
            >>> bulk = client.bulk_events.new_instance()
            >>> bulk.append(Event("user-1", "signed_up"), Event("user-2", "signed_up"))
            >>> response = await bulk.trigger()
            >>> response.status, response.total, response.failure
            ('success', 2, 0)
        """
        return await self._gathered.send("bulk_events.trigger")
