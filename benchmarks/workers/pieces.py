"""Single pieces of the work, with no server: encoding, typed events, shared values, and rows of an earlier run."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from benchmarks.clients.floor import SDK_VERSION
from benchmarks.cost import Meter
from benchmarks.credentials import WORKSPACE_KEY
from benchmarks.handshake import arguments, report, wait_for_the_word
from benchmarks.records import EVENT_NAME, read_records
from suprsend_async import Event, EventProperties
from suprsend_async.events.encoding import Encoder
from suprsend_async.ingest.job.checkpoint import SourceProgress
from suprsend_async.ingest.job.in_flight import InFlight

MOST_BYTES = 819_200
DIFFERENT_RECORDS = 1_000
ROWS_PER_SPAN = 10
BATCH_ROWS = 250


def _encoder() -> Encoder:
    return Encoder(WORKSPACE_KEY, SDK_VERSION, max_event_bytes=MOST_BYTES)


def _encode(shape: str, work: int, size: int) -> None:
    """Encode events."""
    encoder = _encoder()
    events = [Event(user, EVENT_NAME, properties) for user, properties in read_records(shape, DIFFERENT_RECORDS)]
    _run(work, [lambda event=event: encoder.encode(event) for event in events])


def _dump(shape: str, work: int, size: int) -> None:
    """Write the same documents with `json.dumps`."""
    encoder = _encoder()
    events = [Event(user, EVENT_NAME, properties) for user, properties in read_records(shape, DIFFERENT_RECORDS)]
    documents = [json.loads(encoder.encode(event)) for event in events]
    _run(work, [lambda document=document: json.dumps(document).encode() for document in documents])


class _OrderPlaced(EventProperties, event_name="order_placed"):
    order_id: str
    amount: Decimal
    currency: str
    lines: int
    is_gift: bool


def _type(shape: str, work: int, size: int) -> None:
    """Make typed events of fields, and encode them."""
    encoder = _encoder()
    _run(work, [lambda fields=fields: encoder.encode(_OrderPlaced(**fields).event("user-1")) for fields in _orders()])


def _make(shape: str, work: int, size: int) -> None:
    """Make the same events of dictionaries, and encode them."""
    encoder, name = _encoder(), _OrderPlaced.event_name
    _run(work, [lambda fields=fields: encoder.encode(Event("user-1", name, fields)) for fields in _orders()])


def _orders() -> list[dict[str, Any]]:
    amount = Decimal("9.50")
    return [
        {"order_id": f"order-{number}", "amount": amount, "currency": "EUR", "lines": number, "is_gift": False}
        for number in range(DIFFERENT_RECORDS)
    ]


def _share(shape: str, work: int, size: int) -> None:
    """Encode a list that stands twice in a list, and so on, so many levels deep."""
    value: list[Any] = [1]
    for _ in range(size):
        value = [value, value]
    encoder, event = _encoder(), Event("user", EVENT_NAME, {"value": value})
    _run(work, [lambda: encoder.encode(event)], each=2**size)


def _spans(shape: str, work: int, size: int) -> None:
    """Ask for rows, and reserve them by the batch, where so many spans are in flight."""
    progress = SourceProgress("flights.jsonl", "1")
    length = ROWS_PER_SPAN * size
    progress.in_flight = [InFlight(start, start + ROWS_PER_SPAN // 2, 1e9) for start in range(0, length, ROWS_PER_SPAN)]

    def batch(start: int) -> None:
        for row in range(start, start + BATCH_ROWS):
            progress.sent_since(row)
        progress.reserve((start, start + BATCH_ROWS), 1.0)
        progress.reserved = []

    starts = range(0, length - BATCH_ROWS, BATCH_ROWS)
    _run(work, [lambda start=start: batch(start) for start in starts], each=BATCH_ROWS)


def _run(work: int, steps: list[Any], each: int = 1) -> None:
    """Take the steps in turn until the work is done; each is so many pieces of it."""
    steps[0]()
    wait_for_the_word()
    meter = Meter()
    for number in range(work // each):
        steps[number % len(steps)]()
    report({**meter.read(), "done": work // each * each})


PIECES = {
    "encoder": _encode,
    "json_dumps": _dump,
    "typed": _type,
    "plain": _make,
    "sharing": _share,
    "spans": _spans,
}


def main() -> None:
    """Run the piece that the arguments name."""
    chosen = arguments("events", "size")
    PIECES[chosen.subject](chosen.shape, int(chosen.events), int(chosen.size))


if __name__ == "__main__":
    main()
