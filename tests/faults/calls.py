"""The ways into the SDK that a fault is tried on, each brought to one form of result."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from tests.faults.judge import Judge

from suprsend_async import AsyncSuprsend, BulkResponse, Event, EventResponse, RecordResult, Suprsend
from suprsend_async.errors import SuprsendError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.faults.judge import Notification, Outcome, Record

T = TypeVar("T")

# So many records go with each bulk call of the matrix: more than one, and all in one chunk.
BULK_RECORDS = 4


@dataclass(slots=True)
class Said:
    """What one call said, in the form that all calls share.

    Attributes:
        outcomes: One for each record, in order.
        statuses: HTTP statuses, or None where no answer came.
        messages: What went wrong; "" where nothing did.
        error: What `raise_for_status` raised; None for a stream, which has none.
        retry_after: What the server asked to wait; None for bulk calls, which do not tell.
        begin: When the call began, on the monotonic clock.
        seconds: How long it took.
        raised: What the call itself raised: nothing, for any fault on the way.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    statuses: list[int | None] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    error: Exception | None = None
    retry_after: float | None = None
    begin: float = 0.0
    seconds: float = 0.0
    raised: BaseException | None = None

    def part(self, numbers: list[int]) -> Said:
        """Return the same of some of the records only."""
        return replace(
            self,
            outcomes=[self.outcomes[number] for number in numbers],
            statuses=[self.statuses[number] for number in numbers],
            messages=[self.messages[number] for number in numbers],
        )


def make_events(count: int, padding: int = 0) -> list[Event]:
    """Make events; `padding` is the number of bytes that all together carry besides."""
    text = "p" * (padding // count)
    return [Event(f"user-{number}", "order_placed", {"number": number, "text": text}) for number in range(count)]


def note_response(said: Said, record: Event | Notification, response: EventResponse, judge: Judge) -> None:
    """Note the response to one record."""
    judge.hear_response(record, response)
    said.outcomes = [response.outcome]
    said.statuses = [response.status_code]
    said.messages = ["" if response.success else response.message]
    said.retry_after = response.retry_after
    said.error = _error(response)


def note_bulk(said: Said, records: Sequence[Record], response: BulkResponse[Any], judge: Judge) -> None:
    """Note the response to a bulk."""
    judge.hear_bulk(records, response)
    failed = {record.index: record for record in response.failed_records}
    for index in range(len(records)):
        record = failed.get(index)
        said.outcomes.append("accepted" if record is None else record.outcome)
        said.statuses.append(None if record is None else record.code)
        said.messages.append("" if record is None else record.error)
    said.error = _error(response)


def _note_stream(said: Said, events: list[Event], results: list[RecordResult], judge: Judge) -> None:
    judge.hear_stream(events, results)
    for result in sorted(results, key=lambda result: result.index):
        said.outcomes.append(result.outcome)
        said.statuses.append(None if result.success else result.status_code)
        said.messages.append(result.error or "")


def _error(response: EventResponse | BulkResponse[Any]) -> Exception | None:
    try:
        response.raise_for_status()
    except SuprsendError as error:
        return error
    return None


async def track_event(client: AsyncSuprsend, events: list[Event], said: Said, judge: Judge) -> None:
    """Send the first event by itself."""
    note_response(said, events[0], await client.track_event(events[0]), judge)


async def trigger(client: AsyncSuprsend, events: list[Event], said: Said, judge: Judge) -> None:
    """Gather the events and trigger."""
    bulk = client.bulk_events.new_instance()
    bulk.append(*events)
    note_bulk(said, events, await bulk.trigger(), judge)


async def send(client: AsyncSuprsend, events: list[Event], said: Said, judge: Judge) -> None:
    """Send from a generator."""
    note_bulk(said, events, await client.bulk_events.send(_yielded(events)), judge)


async def stream(client: AsyncSuprsend, events: list[Event], said: Said, judge: Judge) -> None:
    """Stream from a generator to the end."""
    results = [result async for result in client.bulk_events.stream(_yielded(events))]
    _note_stream(said, events, results, judge)


def blocking_track_event(client: Suprsend, events: list[Event], said: Said, judge: Judge) -> None:
    """Send the first event by itself, blocking."""
    note_response(said, events[0], client.track_event(events[0]), judge)


def blocking_trigger(client: Suprsend, events: list[Event], said: Said, judge: Judge) -> None:
    """Gather the events and trigger, blocking."""
    bulk = client.bulk_events.new_instance()
    bulk.append(*events)
    note_bulk(said, events, bulk.trigger(), judge)


def blocking_send(client: Suprsend, events: list[Event], said: Said, judge: Judge) -> None:
    """Send from a generator, blocking."""
    note_bulk(said, events, client.bulk_events.send(_yielded(events)), judge)


def blocking_stream(client: Suprsend, events: list[Event], said: Said, judge: Judge) -> None:
    """Stream from a generator to the end, blocking."""
    _note_stream(said, events, list(client.bulk_events.stream(_yielded(events))), judge)


def _yielded(events: list[Event]) -> Iterator[Event]:
    yield from events


AsyncCall = Callable[[AsyncSuprsend, list[T], Said, Judge], Awaitable[None]]
BlockingCall = Callable[[Suprsend, list[T], Said, Judge], None]

ASYNC_CALLS: dict[str, AsyncCall[Event]] = {
    "track_event": track_event,
    "trigger": trigger,
    "send": send,
    "stream": stream,
}
BLOCKING_CALLS: dict[str, BlockingCall[Event]] = {
    "blocking_track_event": blocking_track_event,
    "blocking_trigger": blocking_trigger,
    "blocking_send": blocking_send,
    "blocking_stream": blocking_stream,
}
CALLS = [*ASYNC_CALLS, *BLOCKING_CALLS]


def events_for(call: str, padding: int = 0) -> list[Event]:
    """Make the events that a call takes: one for the calls that take one."""
    return make_events(1 if call.endswith("track_event") else BULK_RECORDS, padding)


async def timed(call: AsyncCall[T], client: AsyncSuprsend, inputs: list[T], judge: Judge) -> Said:
    """Make an asynchronous call; note how long it took and whether it raised."""
    said = Said(begin=time.monotonic())
    try:
        await call(client, inputs, said, judge)
    except Exception as error:  # noqa: BLE001 - that it raises is what the test is about
        said.raised = error
    said.seconds = time.monotonic() - said.begin
    return said


def timed_blocking(call: BlockingCall[T], client: Suprsend, inputs: list[T], judge: Judge) -> Said:
    """Make a blocking call; note how long it took and whether it raised."""
    said = Said(begin=time.monotonic())
    try:
        call(client, inputs, said, judge)
    except Exception as error:  # noqa: BLE001 - that it raises is what the test is about
        said.raised = error
    said.seconds = time.monotonic() - said.begin
    return said
