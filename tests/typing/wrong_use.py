"""Wrong use, which a type checker must find: each marked line is an error, and no other one is.

This file is read by mypy and pyright, and never run.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from suprsend_async import AsyncSuprsend, BulkResponse, Event, EventResponse, FailedRecord, Progress, Suprsend
from suprsend_async.integrations.opentelemetry import instrument

Event()  # wrong
Event("user-1")  # wrong
Event(1, "signed_up")  # wrong
Event("user-1", "signed_up", [("name", "value")])  # wrong
Event("user-1", "signed_up", {1: "value"})  # wrong
Event("user-1", "signed_up", None, 5)  # wrong
Event("user-1", "signed_up", user="user-1")  # wrong
Event("user-1", "signed_up", time="2026-01-01")  # wrong
AsyncSuprsend("key", "secret", "https://hub.suprsend.com/")  # wrong
AsyncSuprsend("key", "secret", timeout="30")  # wrong
AsyncSuprsend("key", "secret", max_retries=1.5)  # wrong
AsyncSuprsend("key", "secret", retries=3)  # wrong
AsyncSuprsend("key", "secret", app_info="shop")  # wrong
AsyncSuprsend.with_workspace_api_key("uid")  # wrong


async def asynchronous(client: AsyncSuprsend, event: Event) -> None:
    response: EventResponse = client.track_event(event)  # wrong
    await client.track_event({"distinct_id": "user-1", "event_name": "signed_up"})  # wrong
    await client.track_event("user-1", "signed_up")  # wrong
    await client.track_event([event])  # wrong
    await client.bulk_events.send(event for _ in range(3))
    await client.bulk_events.send(["signed_up"])  # wrong
    await client.bulk_events.send([event], ordered="yes")  # wrong
    await client.bulk_events.send([event], on_progress=on_failure)  # wrong
    await client.bulk_events.send([event], on_failure=on_failure, on_progress=on_progress)
    for record in client.bulk_events.stream([event]):  # wrong
        print(record)
    async for record in client.bulk_events.stream([event]):
        print(record.index, record.outcome)
        print(record.response)  # wrong
    bulk = client.bulk_events.new_instance()
    bulk.append([event])  # wrong
    bulk.append(event, event)
    result: BulkResponse = bulk.trigger()  # wrong
    result = await bulk.trigger()
    response = await client.track_event(event)
    if response.outcome == "accepted":
        print(response.message_id.upper(), result)  # wrong
    client.close()  # wrong
    with client:  # wrong
        pass


def blocking(client: Suprsend, event: Event) -> None:
    print(client.track_event(event).success)
    client.track_event(event)["success"]
    client.track_event("signed_up")  # wrong
    client.bulk_events.send(asynchronous_source(event))  # wrong
    client.aclose()  # wrong
    instrument(client)
    instrument(event)  # wrong


async def asynchronous_source(event: Event) -> AsyncIterator[Event]:
    yield event


def on_failure(record: FailedRecord) -> None:
    print(record.record, record.code)
    print(record.status)  # wrong


def on_progress(progress: Progress) -> None:
    print(progress.finished + 1)
    progress.accepted = 3  # wrong
