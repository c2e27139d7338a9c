"""Segment's client: a queue in memory and a thread that sends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segment.analytics.client import Client

from benchmarks.contenders import QUEUE_EVENTS
from benchmarks.records import EVENT_NAME

if TYPE_CHECKING:
    from benchmarks.records import Record


def send(records: list[Record], url: str) -> int:
    """Send the records; returns how many were taken into the queue: it does not tell what came of them."""
    client = Client("benchmark-key", host=url)
    taken = 0
    for start in range(0, len(records), QUEUE_EVENTS):
        for user, properties in records[start : start + QUEUE_EVENTS]:
            success, _ = client.track(user, EVENT_NAME, properties)
            taken += success
        client.flush()
    client.shutdown()
    return taken
