"""The released SDK with all events in one bulk, however many they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suprsend import Suprsend

from benchmarks.clients.released import send_bulk
from benchmarks.credentials import WORKSPACE_KEY, WORKSPACE_SECRET

if TYPE_CHECKING:
    from benchmarks.records import Record


def send(records: list[Record], url: str) -> int:
    """Send the records; returns how many were accepted."""
    return send_bulk(Suprsend(WORKSPACE_KEY, WORKSPACE_SECRET, base_url=url), records)
