"""The released SDK, `suprsend-py-sdk`: events appended to bulks, each triggered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suprsend import Event, Suprsend

from benchmarks.contenders import LARGEST_BULK
from benchmarks.credentials import WORKSPACE_KEY, WORKSPACE_SECRET
from benchmarks.flights import EVENT_NAME

if TYPE_CHECKING:
    from benchmarks.flights import Flight


def send(flights: list[Flight], url: str) -> int:
    """Send the flights; returns how many were accepted."""
    client = Suprsend(WORKSPACE_KEY, WORKSPACE_SECRET, base_url=url)
    starts = range(0, len(flights), LARGEST_BULK)
    return sum(send_bulk(client, flights[start : start + LARGEST_BULK]) for start in starts)


def send_bulk(client: Suprsend, flights: list[Flight]) -> int:
    """Send one bulk; returns how many of it were accepted."""
    bulk = client.bulk_events.new_instance()
    for user, properties in flights:
        bulk.append(Event(user, EVENT_NAME, properties))
    return int(bulk.trigger().success)
