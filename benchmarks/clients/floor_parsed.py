"""The floor that also parses the answers, as whoever wants to know what came of each event must."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import from_json

from benchmarks.clients.floor import send_chunks

if TYPE_CHECKING:
    from benchmarks.records import Record


def send(records: list[Record], url: str) -> int:
    """Send the records; an answer is parsed, and the records that say success are counted."""
    return send_chunks(records, url, _accepted)


def _accepted(answer: bytes, events: int) -> int:
    records = from_json(answer[answer.index(b"\r\n\r\n") + 4 :])["records"]
    return min(events, [record["status"] for record in records].count("success"))
