"""An event alone and 250 in bulk, by whichever version of the released SDK is installed."""

from __future__ import annotations

import json
import os

from suprsend import Event, Suprsend

client = Suprsend(
    os.environ["SUPRSEND_WORKSPACE_KEY"],
    os.environ["SUPRSEND_WORKSPACE_SECRET"],
    base_url=os.environ["SUPRSEND_BASE_URL"],
)
one = client.track_event(Event("user-1", "order_placed", {"amount": 10}, idempotency_key="order-41", tenant_id="acme"))
bulk = client.bulk_events.new_instance()
for number in range(250):
    bulk.append(Event(f"user-{number}", "weekly", {"number": number}))
many = bulk.trigger()
print(json.dumps({"one": one, "many": [many.status, many.total, many.success, many.failure]}))
