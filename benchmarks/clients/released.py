"""The released SDK, `suprsend-py-sdk`: events appended to a bulk, which is triggered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suprsend import Event, Suprsend

from benchmarks.credentials import WORKSPACE_KEY, WORKSPACE_SECRET
from benchmarks.records import EVENT_NAME

if TYPE_CHECKING:
    from benchmarks.records import Record


def send(records: list[Record], url: str) -> int:
    """Send the records; returns how many were accepted."""
    bulk = Suprsend(WORKSPACE_KEY, WORKSPACE_SECRET, base_url=url).bulk_events.new_instance()
    for user, properties in records:
        bulk.append(Event(user, EVENT_NAME, properties))
    return int(bulk.trigger().success)
