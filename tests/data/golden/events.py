"""The events of the golden files, and what they are on the wire."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from tests.data.golden.reading import NOW

from suprsend_async import Event


def full_event(number: int) -> Event:
    """Return an event with all that an event can have."""
    event = Event(
        f"user-{number}",
        "order_placed",
        {"amount": 10.5, "at": datetime(2026, 1, 2, tzinfo=UTC), "lines": [{"sku": "ß-1", "count": 2}], "note": None},
        f"order-{number}",
        "tenant-1",
        "brand-1",
        insert_id=insert_id(number),
        time=int(NOW * 1000) + number,
    )
    event.add_attachment("https://example.com/invoice.pdf", "invoice.pdf", ignore_if_error=True)
    event.add_attachment("https://example.com/terms.pdf")
    return event


def plain_event(number: int) -> Event:
    return Event(
        f"user-{number}",
        "signed_up",
        {"n": number},
        insert_id=insert_id(number),
        time=int(NOW * 1000) + number,
    )


def insert_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def wire_of(event: Event) -> dict[str, Any]:
    """Return what the platform gets of an event, but for the versions and the workspace; by hand, not by the SDK."""
    properties = json.loads(
        json.dumps(event.properties, default=lambda moment: moment.isoformat().replace("+00:00", "Z"))
    )
    if event.attachments:
        properties["$attachments"] = [
            {"filename": each.filename, "contentType": None, "data": None, "url": each.url}
            | {"ignore_if_error": each.ignore_if_error}
            for each in event.attachments
        ]
    document = {
        "$insert_id": event.insert_id,
        "$time": event.time,
        "$idempotency_key": event.idempotency_key,
        "event": event.event_name,
        "distinct_id": event.distinct_id,
        "properties": properties,
    }
    tenants = {"tenant_id": event.tenant_id, "brand_id": event.brand_id}
    return document | {name: value for name, value in tenants.items() if value is not None}
