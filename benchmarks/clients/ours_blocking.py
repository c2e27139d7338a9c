"""This project's blocking facade: `Suprsend.bulk_events.send` from a generator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.credentials import WORKSPACE_KEY, WORKSPACE_SECRET
from benchmarks.records import EVENT_NAME
from suprsend_async import Event, Suprsend

if TYPE_CHECKING:
    from benchmarks.records import Record


def send(records: list[Record], url: str) -> int:
    """Send the records; returns how many were accepted."""
    with Suprsend(WORKSPACE_KEY, WORKSPACE_SECRET, base_url=url) as client:
        response = client.bulk_events.send(Event(user, EVENT_NAME, properties) for user, properties in records)
        return response.success
