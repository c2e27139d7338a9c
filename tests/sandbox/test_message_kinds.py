"""Messages, deliveries and webhooks among the kinds of records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.receiver import receiving

from suprsend_async import Event, Suprsend, WorkflowTriggerRequest
from suprsend_async.sandbox import Sandbox

from .kinds import facts, names, only, part, sections

if TYPE_CHECKING:
    from .kinds import Get


def test_a_message_has_a_preview_and_its_way(get: Get, sandbox: Sandbox) -> None:
    content = {"subject": "Hello", "body": "Your order is on its way", "buttons": [1]}
    message_id = sandbox.add_message("user-1", status="delivered", channel="email", content=content)
    sandbox.move_message(message_id, "seen")
    detail = only(get, "messages")
    assert (detail["record"]["status"], detail["record"]["tone"]) == ("seen", "accepted")
    assert detail["preview"] == [
        {"name": "subject", "text": "Hello"},
        {"name": "body", "text": "Your order is on its way"},
    ]
    changed = detail["history"][0]
    assert changed["differences"] == [{"name": "status", "before": "delivered", "after": "seen"}]
    assert changed["request"] is None


def test_a_users_messages_are_his_own(get: Get, client: Suprsend, sandbox: Sandbox) -> None:
    client.users.upsert("user-1", {})
    for number in range(3):
        sandbox.add_message(f"user-{number}", channel="email", workflow=f"flow-{number}")
    assert names(part(get, only(get, "users"), "messages")) == ["flow-1"]


def test_the_stream_has_another_number_when_a_message_moves(sandbox: Sandbox) -> None:
    ledger = sandbox._ledger
    before = ledger.version
    message_id = sandbox.add_message("user-1")
    between = ledger.version
    sandbox.move_message(message_id, "delivered")
    assert before < between < ledger.version


def test_a_message_leads_to_the_trigger_that_it_is_of(get: Get, client: Suprsend, sandbox: Sandbox) -> None:
    for number in range(2):
        client.workflows.trigger(WorkflowTriggerRequest(f"flow-{number}", ["user-1", "user-2"]))
    sandbox.add_message("user-2", workflow="flow-0", execution_id=sandbox.triggers[0]["execution_ids"][1])
    sandbox.add_message("user-2", workflow="none", execution_id="other_1_0")
    row = get("kinds/messages")["records"][1]
    execution = next(each for each in get(f"kinds/messages/{row['id']}")["facts"] if each["name"] == "execution")
    trigger = get(f"kinds/workflows/{execution['link']['id']}")
    assert trigger["record"]["name"] == "flow-0"
    assert names(part(get, trigger, "messages")) == ["flow-0"]
    other = next(each for each in only(get, "messages")["facts"] if each["name"] == "execution")
    assert other["link"] is None


def test_a_delivery_has_its_messages_and_what_was_skipped(get: Get, client: Suprsend, sandbox: Sandbox) -> None:
    sandbox.put_workflow("order_placed", channels=["email", "sms"], email={"body": "Hello"}, sms={"body": "Hello"})
    client.users.upsert("user-1", {"$email": ["ada@example.com", "a@example.com"]})
    client.track_event(Event("user-1", "order_placed", idempotency_key="order-41"))
    # Not of this delivery.
    sandbox.add_message("user-1", status="triggered", channel="email")
    row = get("kinds/deliveries")["records"][0]
    why = "user-1, sms: there is no active sms in the profile"
    assert (row["status"], row["tone"], row["who"], row["about"]) == ("2 messages", "repeated", "event", why)
    detail = get(f"kinds/deliveries/{row['id']}")
    assert sections(detail)["Skipped (1)"] == [
        {"recipient": "user-1", "channel": "sms", "reason": "there is no active sms in the profile"}
    ]
    assert sections(detail)["What came"]["event"] == "order_placed"
    assert facts(detail)["idempotency key"] == "order-41"
    assert detail["parts"] == [{"name": "messages", "title": "Messages", "total": 2}]
    assert [each["who"] for each in part(get, detail, "messages")["records"]] == ["user-1 · email"] * 2
    [first] = part(get, detail, "messages", limit=1)["records"]
    assert get(f"kinds/messages/{first['id']}")["data"]["idempotency_key"] == "order-41"


def test_a_delivery_that_waits_says_so_and_its_trigger_leads_to_it(
    get: Get, client: Suprsend, sandbox: Sandbox
) -> None:
    sandbox.put_workflow("order-shipped", delay="10m", email={"body": "Hello"})
    client.users.upsert("user-1", {"$email": ["ada@example.com"]})
    client.workflows.trigger(WorkflowTriggerRequest("order-shipped", ["user-1"]))
    client.workflows.trigger(WorkflowTriggerRequest("order-shipped", ["nobody"]))
    page = get("kinds/deliveries")
    assert [each["status"] for each in page["records"]] == ["waiting", "waiting"]
    sandbox.advance(minutes=10)
    page = get("kinds/deliveries")
    assert [each["status"] for each in page["records"]] == ["no message", "1 message"]
    assert [each["tone"] for each in page["records"]] == ["repeated", "accepted"]
    trigger = get("kinds/workflows")["records"][1]
    detail = get(f"kinds/workflows/{trigger['id']}")
    [delivery] = part(get, detail, "deliveries")["records"]
    assert delivery["link"] == page["records"][1]["link"]
    started = get(f"kinds/deliveries/{delivery['id']}")["facts"][1]
    assert (started["value"], started["link"]) == ("a trigger", {"kind": "workflows", "id": trigger["id"]})


def test_a_webhook_has_its_attempts_and_belongs_to_its_message() -> None:
    with receiving() as application, Sandbox(webhook=application.url) as sandbox:
        message_id = sandbox.add_message("user-1", status="triggered", channel="email")
        sandbox.move_message(sandbox.add_message("user-2", status="triggered"), "delivered")
        sandbox.move_message(message_id, "delivered")
        url = f"{sandbox.url}_sandbox/kinds"
        with httpx.Client(trust_env=False) as http:
            message = http.get(f"{url}/messages").json()["records"][1]
            row: dict[str, Any] = {"status": ""}
            while row["status"] != "taken":
                [row] = http.get(f"{url}/messages/{message['id']}/webhooks").json()["records"]
            assert (row["name"], row["who"], row["about"]) == ("delivered", "user-1 · email", "HTTP 204")
            detail = http.get(f"{url}/webhooks/{row['id']}").json()
        assert detail["can"] == ["replay"]
        assert sections(detail)["Attempts"][0]["status_code"] == 204
        assert sections(detail)["Body"] in application.bodies
        assert facts(detail)["message"] == message_id
        assert row["key"] == detail["data"]["webhook_id"] == sandbox.webhooks[1]["webhook_id"]


@pytest.mark.parametrize(
    ("status", "can"),
    [
        ("triggered", ["delivered", "seen", "clicked", "delivery_failure"]),
        ("seen", ["clicked", "delivery_failure"]),
        ("trigger_failed", []),
    ],
)
def test_what_a_message_can_become(get: Get, sandbox: Sandbox, status: str, can: list[str]) -> None:
    sandbox.add_message("user-1", status=status)
    assert only(get, "messages")["can"] == can
    for each in can:
        other = sandbox.add_message("user-2", status=status)
        sandbox.move_message(other, each)
