"""The ways into the SDK that a fault is tried on, each brought to one form of result."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from suprsend_async import AsyncSuprsend, BulkResponse, Event, EventResponse, RecordResult, Suprsend
from suprsend_async.errors import SuprsendError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.judge import Judge, Outcome

# So many events go with each bulk call of the matrix: more than one, and all in one chunk.
BULK_EVENTS = 4


@dataclass(slots=True)
class Said:
    """What one call said, in the form that all calls share.

    Attributes:
        outcomes: One for each event, in order.
        statuses: HTTP statuses, or None where no answer came.
        messages: What went wrong; "" where nothing did.
        error: What `raise_for_status` raised; None for a stream, which has none.
        retry_after: What the server asked to wait; None for bulk calls, which do not tell.
        seconds: How long the call took.
        raised: What the call itself raised: nothing, for any fault on the way.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    statuses: list[int | None] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    error: Exception | None = None
    retry_after: float | None = None
    seconds: float = 0.0
    raised: BaseException | None = None


def make_events(count: int, padding: int = 0) -> list[Event]:
    """Make events; `padding` is the number of bytes that all together carry besides."""
    text = "p" * (padding // count)
    return [Event(f"user-{number}", "order_placed", {"number": number, "text": text}) for number in range(count)]


def _note_event(said: Said, event: Event, response: EventResponse, judge: Judge) -> None:
    judge.hear_response(event, response)
    said.outcomes = [response.outcome]
    said.statuses = [response.status_code]
    said.messages = ["" if response.success else response.message]
    said.retry_after = response.retry_after
    said.error = _error(response)


def _note_bulk(said: Said, events: list[Event], response: BulkResponse, judge: Judge) -> None:
    judge.hear_bulk(events, response)
    failed = {record.index: record for record in response.failed_records}
    for index in range(len(events)):
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


def _error(response: EventResponse | BulkResponse) -> Exception | None:
    try:
        response.raise_for_status()
    except SuprsendError as error:
        return error
    return None


async def track_event(client: AsyncSuprsend, events: list[Event], said: Said, judge: Judge) -> None:
    """Send the first event by itself."""
    _note_event(said, events[0], await client.track_event(events[0]), judge)


async def trigger(client: AsyncSuprsend, events: list[Event], said: Said, judge: Judge) -> None:
    """Gather the events and trigger."""
    bulk = client.bulk_events.new_instance()
    bulk.append(*events)
    _note_bulk(said, events, await bulk.trigger(), judge)


async def send(client: AsyncSuprsend, events: list[Event], said: Said, judge: Judge) -> None:
    """Send from a generator."""
    _note_bulk(said, events, await client.bulk_events.send(_yielded(events)), judge)


async def stream(client: AsyncSuprsend, events: list[Event], said: Said, judge: Judge) -> None:
    """Stream from a generator to the end."""
    results = [result async for result in client.bulk_events.stream(_yielded(events))]
    _note_stream(said, events, results, judge)


def blocking_track_event(client: Suprsend, events: list[Event], said: Said, judge: Judge) -> None:
    """Send the first event by itself, blocking."""
    _note_event(said, events[0], client.track_event(events[0]), judge)


def blocking_trigger(client: Suprsend, events: list[Event], said: Said, judge: Judge) -> None:
    """Gather the events and trigger, blocking."""
    bulk = client.bulk_events.new_instance()
    bulk.append(*events)
    _note_bulk(said, events, bulk.trigger(), judge)


def blocking_send(client: Suprsend, events: list[Event], said: Said, judge: Judge) -> None:
    """Send from a generator, blocking."""
    _note_bulk(said, events, client.bulk_events.send(_yielded(events)), judge)


def blocking_stream(client: Suprsend, events: list[Event], said: Said, judge: Judge) -> None:
    """Stream from a generator to the end, blocking."""
    _note_stream(said, events, list(client.bulk_events.stream(_yielded(events))), judge)


def _yielded(events: list[Event]) -> Iterator[Event]:
    yield from events


ASYNC_CALLS = {"track_event": track_event, "trigger": trigger, "send": send, "stream": stream}
BLOCKING_CALLS = {
    "blocking_track_event": blocking_track_event,
    "blocking_trigger": blocking_trigger,
    "blocking_send": blocking_send,
    "blocking_stream": blocking_stream,
}
CALLS = [*ASYNC_CALLS, *BLOCKING_CALLS]


def events_for(call: str, padding: int = 0) -> list[Event]:
    """Make the events that a call takes: one for the calls that take one."""
    return make_events(1 if call.endswith("track_event") else BULK_EVENTS, padding)


async def timed(call: str, client: AsyncSuprsend, events: list[Event], judge: Judge) -> Said:
    """Make an asynchronous call; note how long it took and whether it raised."""
    said = Said()
    begin = time.perf_counter()
    try:
        await ASYNC_CALLS[call](client, events, said, judge)
    except Exception as error:  # noqa: BLE001 - that it raises is what the test is about
        said.raised = error
    said.seconds = time.perf_counter() - begin
    return said


def timed_blocking(call: str, client: Suprsend, events: list[Event], judge: Judge) -> Said:
    """Make a blocking call; note how long it took and whether it raised."""
    said = Said()
    begin = time.perf_counter()
    try:
        BLOCKING_CALLS[call](client, events, said, judge)
    except Exception as error:  # noqa: BLE001 - that it raises is what the test is about
        said.raised = error
    said.seconds = time.perf_counter() - begin
    return said
