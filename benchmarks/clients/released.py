"""The released SDK, `suprsend-py-sdk`: events appended to bulks, each triggered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suprsend import Event, Suprsend

from benchmarks.contenders import LARGEST_BULK
from benchmarks.credentials import WORKSPACE_KEY, WORKSPACE_SECRET
from benchmarks.records import EVENT_NAME

if TYPE_CHECKING:
    from benchmarks.records import Record


def send(records: list[Record], url: str) -> int:
    """Send the records; returns how many were accepted."""
    client = Suprsend(WORKSPACE_KEY, WORKSPACE_SECRET, base_url=url)
    starts = range(0, len(records), LARGEST_BULK)
    return sum(send_bulk(client, records[start : start + LARGEST_BULK]) for start in starts)


def send_bulk(client: Suprsend, records: list[Record]) -> int:
    """Send one bulk; returns how many of it were accepted."""
    bulk = client.bulk_events.new_instance()
    for user, properties in records:
        bulk.append(Event(user, EVENT_NAME, properties))
    return int(bulk.trigger().success)
