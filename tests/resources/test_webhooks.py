"""`suprsend_async.webhooks.parse`: typed, and lenient."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest

from suprsend_async import ValidationError
from suprsend_async.webhooks import parse

# As platform-contract's section on webhooks has it.
STATUS: dict[str, Any] = {
    "channel": "email",
    "channel_value": "ada@example.com",
    "distinct_id": "user-1",
    "event_type": "status",
    "reference": {
        "idempotency_key": "order-41-shipped",
        "supr_execution_id": "01J0EXEC0000000000000000AA",
        "supr_ngid": "01J0NGID0000000000000000AA",
        "supr_nid": "01J0NID00000000000000000AA",
        "vendor_ack_id": "ack-1",
        "workspace_name": "staging",
        "workspace_uid": "workspace-uid-000001",
    },
    "suprsend_status": {"status": "delivered", "timestamp": 1764300000000},
    "template": "order-shipped",
    "vendor_name": "smtp",
    "vendor_response": {"smtp": {}},
    "version": "1.0",
    "workflow_name": "Order shipped",
}


@pytest.mark.parametrize("body", [STATUS, json.dumps(STATUS), json.dumps(STATUS).encode()])
def test_what_is_documented_is_typed(body: Any) -> None:
    event = parse(body)
    assert (event.status, event.message_id, event.idempotency_key) == (
        "delivered",
        "01J0NID00000000000000000AA",
        "order-41-shipped",
    )
    assert event.occurred_at == datetime(2025, 11, 28, 3, 20, tzinfo=UTC)
    assert (event.channel, event.distinct_id, event.vendor_response) == ("email", "user-1", {"smtp": {}})
    assert event.to_dict() == STATUS
    assert pickle.loads(pickle.dumps(event)) == event


def test_an_inbound_message() -> None:
    inbound = {"from": "+1", "message_type": "text", "text": {"body": "Hi"}, "timestamp": 1764300000000}
    event = parse({"event_type": "inbound_message", "channel": "whatsapp", "suprsend_inbound_message": inbound})
    assert event.suprsend_inbound_message is not None
    assert event.suprsend_inbound_message.text == {"body": "Hi"}
    assert event.suprsend_inbound_message["from"] == "+1"
    assert event.occurred_at == datetime(2025, 11, 28, 3, 20, tzinfo=UTC)
    assert event.status is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"suprsend_status": None, "reference": None},
        {"suprsend_status": "delivered", "reference": 7, "channel": 5, "vendor_response": []},
        {"suprsend_status": {"status": 5, "timestamp": "soon"}},
        {"suprsend_status": {"timestamp": 1e300}},
        {"new": {"a": 1}},
    ],
)
def test_what_is_missing_new_or_of_another_type_is_kept(body: dict[str, Any]) -> None:
    event = parse(body)
    assert event.to_dict() == body
    assert event.occurred_at is None
    assert (event.message_id, event.idempotency_key) == (None, None)


@pytest.mark.parametrize("body", [b"", "{", b"\xff", "[]", "null", 7, None, [STATUS]])
def test_what_is_no_webhook_is_refused_in_plain_words(body: Any) -> None:
    with pytest.raises(ValidationError, match="body: a webhook is a JSON object"):
        parse(body)


def test_nothing_shows_values() -> None:
    assert "ada@example.com" not in repr(parse(STATUS))
    assert "order-41" not in str(parse(STATUS))
