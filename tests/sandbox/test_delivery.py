"""What is accepted and has a workflow becomes messages: when it is due, once, and with the status it is given."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from suprsend_async import (
    Event,
    ObjectRecipient,
    Recipient,
    SubscriberListBroadcast,
    WorkflowTriggerRequest,
)
from suprsend_async.sandbox import Sandbox, faults

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from suprsend_async import Suprsend

pytestmark = pytest.mark.extras("sandbox")

SHIPPED = """
[order-shipped]
delay = "10m"
[order-shipped.email]
subject = "Order {{ data.order }} for {{ recipient.name }}"
body = "{{ actor.name }} of {{ tenant.tenant_name }}, {{ data.nope }}"

[order_paid.inbox]
body = "Paid: {{ data.amount }}"

[news]
category = "promotional"
email = { body = "News" }
"""
ADA = {"name": "Ada", "$email": ["ada@example.com"]}


@pytest.fixture
def workflows(tmp_path: Path) -> Path:
    (tmp_path / "shop.toml").write_text(SHIPPED)
    return tmp_path


@pytest.fixture
def sandbox(workflows: Path) -> Iterator[Sandbox]:
    with Sandbox(workflows=workflows, render_seconds=0.5) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Suprsend]:
    with sandbox.blocking_client(max_retries=0) as made:
        made.users.upsert("ada", ADA)
        yield made


def trigger(workflow: str = "order-shipped", recipients: Any = ("ada",), **options: Any) -> WorkflowTriggerRequest:
    return WorkflowTriggerRequest(workflow, list(recipients), {"order": 41}, **options)


def sent(sandbox: Sandbox) -> list[tuple[str, str, str]]:
    return [(each["recipient"]["distinct_id"], each["channel"], each["status"]) for each in sandbox.messages]


def test_an_event_is_a_message_when_it_is_answered(sandbox: Sandbox, client: Suprsend) -> None:
    event = Event("ada", "order_paid", {"amount": 10}, idempotency_key="order-41")
    for _ in range(2):
        assert client.track_event(event).outcome == "accepted"
    (message,) = client.messages.list(idempotency_key="order-41", include_content=True).results
    assert (message.content, message.status) == ({"body": "Paid: 10"}, "triggered")
    client.track_event(Event("ada", "unknown"))
    assert len(sandbox.messages) == 1


def test_each_event_of_a_bulk_is_one(sandbox: Sandbox, client: Suprsend) -> None:
    client.bulk_events.send(Event("ada", "order_paid", {"amount": number}) for number in range(120))
    assert [each["content"]["body"] for each in sandbox.messages] == [f"Paid: {number}" for number in range(120)]


def test_a_trigger_waits_for_its_delay(sandbox: Sandbox, client: Suprsend) -> None:
    client.users.upsert("bob", {"name": "Bob"})
    client.workflows.trigger(trigger(actor="bob", idempotency_key="k"))
    sandbox.advance(minutes=9)
    assert sandbox.messages == []
    sandbox.advance(minutes=1)
    (message,) = sandbox.messages
    assert message["content"] == {
        "subject": "Order 41 for Ada",
        "body": "Bob of Default, [missing: data.nope]",
    }
    assert message["execution_id"] == sandbox.triggers[0]["execution_ids"][0]
    assert message["workflow"]["slug"] == "order-shipped"
    assert message["channel_identity"] == {"email": "ada@example.com"}
    sandbox.advance(days=1)
    assert len(sandbox.messages) == 1


def test_what_is_known_counts_when_it_is_due(sandbox: Sandbox, client: Suprsend) -> None:
    client.workflows.trigger(trigger(recipients=["ada", "eve"]))
    client.users.upsert("eve", {"name": "Eve", "$email": ["eve@example.com"]})
    client.users.update_category_preference("ada", "transactional", {"preference": "opt_out"})
    sandbox.advance(minutes=10)
    assert sent(sandbox) == [("ada", "email", "not_to_be_triggered"), ("eve", "email", "triggered")]
    assert sandbox.messages[0]["failure_reason"] == "opted out of transactional"


def test_a_cancelled_run_makes_none(sandbox: Sandbox, client: Suprsend) -> None:
    client.users.upsert("eve", ADA)
    client.workflows.trigger(trigger(recipients=["ada", "eve"], idempotency_key="k"))
    client.workflows.cancel(recipients=["ada"])
    sandbox.advance(minutes=10)
    assert [each[0] for each in sent(sandbox)] == ["eve"]
    (delivery,) = sandbox.deliveries
    assert delivery["skipped"] == [{"recipient": "ada", "channel": None, "reason": "the run was cancelled"}]


def test_a_tenants_values_stand_on_top(sandbox: Sandbox, client: Suprsend) -> None:
    client.tenants.upsert("acme", {"tenant_name": "Acme"})
    client.users.upsert_for_tenant("ada", "acme", {"name": "Dr. Ada"})
    client.workflows.trigger(trigger(tenant_id="acme"))
    sandbox.advance(minutes=10)
    (message,) = sandbox.messages
    assert message["content"]["subject"] == "Order 41 for Dr. Ada"
    assert " of Acme" in message["content"]["body"]


def test_transient_recipients_and_subscribers_of_objects(sandbox: Sandbox, client: Suprsend) -> None:
    client.objects.upsert("teams", "sre", {"name": "SRE", "$email": ["sre@example.com"]})
    client.objects.create_subscriptions("teams", "sre", {"recipients": ["ada"]})
    passer_by = Recipient(is_transient=True, email="x@example.com", name="X")
    client.workflows.trigger(trigger(recipients=[passer_by, ObjectRecipient("teams", "sre")]))
    sandbox.advance(minutes=10)
    found = [(each["channel_identity"]["email"], each["content"]["subject"]) for each in sandbox.messages]
    assert found == [
        ("x@example.com", "Order 41 for X"),
        ("sre@example.com", "Order 41 for SRE"),
        ("ada@example.com", "Order 41 for Ada"),
    ]
    assert sandbox.messages[-1]["parent_entity_id"] == "sre"


def test_a_broadcast_goes_to_all_of_its_list(sandbox: Sandbox, client: Suprsend) -> None:
    client.users.upsert("eve", {"$email": ["eve@example.com"]})
    client.subscriber_lists.create({"list_id": "vip"})
    client.subscriber_lists.add("vip", ["ada", "eve", "nobody"])
    client.subscriber_lists.broadcast(SubscriberListBroadcast("vip", "news", "promotional", delay="1h"))
    sandbox.advance(hours=1)
    assert sorted(each[0] for each in sent(sandbox)) == ["ada", "eve"]
    assert all(each["is_campaign"] for each in sandbox.messages)


def test_a_slug_with_a_slip_is_refused(client: Suprsend) -> None:
    refused = client.workflows.trigger(trigger("order-shiped"))
    assert (refused.status_code, refused.message) == (
        404,
        "workflow 'order-shiped' not found; did you mean order-shipped or order_paid?",
    )


def test_a_template_that_fails_is_a_failed_message(sandbox: Sandbox, client: Suprsend) -> None:
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    sandbox.put_workflow("slow", email={"body": loop})
    sandbox.put_workflow("wrong", email={"body": "{{ data.total + 1 }}"})
    for name in ("slow", "wrong"):
        assert client.track_event(Event("ada", name)).success
    assert [(each["status"], each["failure_reason"]) for each in sandbox.messages] == [
        ("trigger_failed", "rendering took longer than 0.5 s"),
        ("trigger_failed", "body: 'data.total' is undefined (UndefinedError)"),
    ]


def test_a_fault_gives_a_status(sandbox: Sandbox, client: Suprsend) -> None:
    sandbox.provoke(faults.MessageStatus(status="delivery_failure", reason="mailbox full", channel="inbox", count=1))
    sandbox.provoke(faults.MessageStatus(status="seen", workflow="order_paid", distinct_id="ada"))
    sandbox.provoke(faults.MessageStatus(status="clicked", channel="sms"))
    for _ in range(2):
        client.track_event(Event("ada", "order_paid"))
    first, second = sandbox.messages
    assert (first["status"], first["failure_reason"]) == ("delivery_failure", "mailbox full")
    assert (second["status"], second["delivered_at"] is None) == ("seen", True)


def test_a_message_that_fails_without_a_reason_says_so(sandbox: Sandbox, client: Suprsend) -> None:
    sandbox.provoke(faults.MessageStatus(status="delivery_failure", count=1))
    for _ in range(2):
        client.track_event(Event("ada", "order_paid"))
    sandbox.move_message(sandbox.messages[1]["message_id"], "delivery_failure")
    reasons = [each.failure_reason for each in client.messages.list().results]
    assert reasons == ["no reason was given", "The sandbox has a planned fault for this message."]


def test_a_reason_that_is_there_stays(sandbox: Sandbox) -> None:
    message_id = sandbox.add_message("ada", failure_reason="mailbox full")
    sandbox.move_message(message_id, "delivery_failure")
    assert sandbox.messages[0]["failure_reason"] == "mailbox full"


def test_without_a_workflow_nothing_of_it_happens() -> None:
    before = threading.active_count()
    with Sandbox() as sandbox, sandbox.blocking_client() as client:
        client.users.upsert("ada", ADA)
        client.track_event(Event("ada", "order_paid"))
        client.workflows.trigger(trigger())
        assert (sandbox.messages, sandbox.deliveries) == ([], [])
        names = {thread.name for thread in threading.enumerate()}
        assert not {"suprsend-sandbox-deliveries", "suprsend-sandbox-webhooks"} & names
    assert threading.active_count() <= before + 1


def test_what_is_due_later_survives_a_restart(tmp_path: Path, workflows: Path) -> None:
    now = [1_800_000_000.0]
    store = tmp_path / "store" / "sandbox.db"
    store.parent.mkdir()
    with (
        Sandbox(store=store, workflows=workflows, clock=lambda: now[0]) as sandbox,
        sandbox.blocking_client() as client,
    ):
        client.users.upsert("ada", ADA)
        client.workflows.trigger(trigger())
        sandbox.put_workflow("later", sms={"body": "x"})
    # Without the folder the workflows are those of the file.
    with Sandbox(store=store, clock=lambda: now[0]) as sandbox:
        now[0] += 600.0
        sandbox.advance()
        assert [each[0] for each in sent(sandbox)] == ["ada"]
        assert "later" in http(sandbox, "GET", "workflows").json()["workflows"]
    # The folder's are those of the folder.
    with Sandbox(store=store, workflows=workflows, clock=lambda: now[0]) as sandbox:
        assert set(http(sandbox, "GET", "workflows").json()["workflows"]) == {"order-shipped", "order_paid", "news"}
        assert len(sandbox.messages) == 1
        sandbox.clear()
        assert sandbox.messages == []
        assert set(http(sandbox, "GET", "workflows").json()["workflows"]) == {"order-shipped", "order_paid", "news"}


def test_the_oldest_make_room(workflows: Path) -> None:
    with Sandbox(workflows=workflows, max_events=3) as sandbox, sandbox.blocking_client() as client:
        client.users.upsert("ada", ADA)
        for number in range(5):
            client.track_event(Event("ada", "order_paid", {"amount": number}))
        assert [each["content"]["body"] for each in sandbox.messages] == ["Paid: 2", "Paid: 3", "Paid: 4"]
        assert len(sandbox.deliveries) == 3


def test_a_removed_workflow_delivers_no_more(sandbox: Sandbox, client: Suprsend) -> None:
    client.workflows.trigger(trigger())
    assert http(sandbox, "DELETE", "workflows/order-shipped").status_code == 204
    assert http(sandbox, "DELETE", "workflows/order-shipped").status_code == 404
    sandbox.advance(minutes=10)
    assert sandbox.messages == []
    assert sandbox.deliveries[0]["skipped"][0]["reason"] == "the workflow was removed meanwhile"
    assert client.workflows.trigger(trigger()).status_code == 404


def test_time_does_not_go_back(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="time only moves forward"):
        sandbox.advance(hours=-1)


def http(sandbox: Sandbox, method: str, path: str, content: object = None) -> httpx.Response:
    return httpx.request(method, f"{sandbox.url}_sandbox/{path}", json=content, trust_env=False)


def test_messages_over_http(sandbox: Sandbox, client: Suprsend) -> None:
    for number in range(3):
        client.track_event(Event("ada", "order_paid", {"amount": number}, idempotency_key=f"k{number}"))
    page = http(sandbox, "GET", "messages?limit=2").json()
    assert [each["content"]["body"] for each in page["messages"]] == ["Paid: 2", "Paid: 1"]
    rest = http(sandbox, "GET", f"messages?limit=2&cursor={page['next_cursor']}").json()
    assert ([each["content"]["body"] for each in rest["messages"]], rest["next_cursor"]) == (["Paid: 0"], None)
    (message,) = http(sandbox, "GET", "messages?idempotency_key=k1").json()["messages"]
    assert http(sandbox, "GET", f"messages/{message['message_id']}").json() == message
    moved = http(sandbox, "POST", f"messages/{message['message_id']}/status", {"status": "delivered"})
    assert (moved.status_code, moved.json()["status"]) == (200, "delivered")
    (found,) = http(sandbox, "GET", "messages?status=delivered&channel=inbox&workflow=order_paid").json()["messages"]
    assert found == moved.json()
    again = http(sandbox, "POST", f"messages/{message['message_id']}/status", {"status": "delivered"})
    assert (again.status_code, "only moves forward" in again.text) == (409, True)
    failed = http(
        sandbox, "POST", f"messages/{message['message_id']}/status", {"status": "delivery_failure", "reason": "full"}
    )
    assert failed.json()["failure_reason"] == "full"
    assert http(sandbox, "POST", f"messages/{message['message_id']}/status", {"status": "deliverd"}).status_code == 400
    for path in ("messages/nothing", "webhooks/7/replay"):
        method = "GET" if path.startswith("messages") else "POST"
        assert http(sandbox, method, path).status_code == 404
    assert http(sandbox, "POST", "messages/nothing/status", {"status": "seen"}).status_code == 404


def test_workflows_the_clock_and_deliveries_over_http(sandbox: Sandbox, client: Suprsend) -> None:
    definition = {"delay": "2h", "sms": {"body": "{{ data.a }}"}}
    assert http(sandbox, "PUT", "workflows/a/b", definition).status_code == 204
    refused = http(sandbox, "PUT", "workflows/x", {"smss": {}})
    assert (refused.status_code, refused.json()["error"]["message"]) == (
        422,
        "Not taken: [x] has an unknown key 'smss'; did you mean sms?",
    )
    assert http(sandbox, "PUT", "workflows/x", {"sms": {"body": "{{"}}).status_code == 422
    client.users.upsert("ada", {"$sms": ["+15550100"]})
    client.workflows.trigger(WorkflowTriggerRequest("a/b", ["ada"], {"a": 1}))
    (delivery,) = http(sandbox, "GET", "deliveries").json()["deliveries"]
    assert (delivery["workflow"], delivery["done_at"]) == ("a/b", None)
    assert http(sandbox, "POST", "clock", {"seconds": -1}).status_code == 400
    now = http(sandbox, "POST", "clock", {"seconds": 7200}).json()["now"]
    assert now >= delivery["due_at"]
    (delivery,) = http(sandbox, "GET", "deliveries").json()["deliveries"]
    assert delivery["messages"] == [sandbox.messages[0]["message_id"]]


def test_a_state_is_plain_data_and_taken_again(sandbox: Sandbox, client: Suprsend, tmp_path: Path) -> None:
    client.subscriber_lists.create({"list_id": "vip"})
    client.subscriber_lists.add("vip", ["ada"])
    before = sandbox.state()
    assert json.loads(json.dumps(before)) == before
    assert http(sandbox, "GET", "state").json() == before
    client.track_event(Event("ada", "order_paid"))
    assert sandbox.state() != before
    file = tmp_path / "state.json"
    file.write_text(json.dumps(sandbox.state()))
    with Sandbox(load=file) as other, other.blocking_client() as other_client:
        assert other.state() == sandbox.state()
        assert other_client.users.get("ada")["$email"][0]["value"] == "ada@example.com"
        assert other.list_members("vip") == ["ada"]
        other_client.track_event(Event("ada", "order_paid"))
        assert len(other.messages) == 2
        other.clear()
        assert len(other.messages) == 1
    without = sandbox.state(times=False)["records"]["user"][0]
    assert without.keys() == {"name", "content"}


def test_what_is_there_stays_when_a_state_is_loaded(sandbox: Sandbox, client: Suprsend) -> None:
    state = sandbox.state()
    client.users.upsert("ada", {"name": "Countess"})
    sandbox.load_state(state)
    assert client.users.get("ada").properties == {"name": "Countess"}


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ([], "a state is an object with version and records"),
        ({"version": 2, "records": {}}, "version must be 1, not 2"),
        ({"version": 1, "records": []}, "records must be an object"),
        ({"version": 1, "records": {"users": []}}, "records has an unknown kind 'users'; did you mean user?"),
        ({"version": 1, "records": {"user": {}}}, "records.user must be a list"),
        ({"version": 1, "records": {"user": [1]}}, "records.user[0] must be an object"),
        ({"version": 1, "records": {"user": [{"content": {}}]}}, "records.user[0]: name, and scope"),
        ({"version": 1, "records": {"user": [{"name": "a"}]}}, "records.user[0].content must be an object"),
        (
            {"version": 1, "records": {"user": [{"name": "a", "content": {}, "created_at": "x"}]}},
            "records.user[0].created_at must be a number",
        ),
    ],
)
def test_what_is_no_state_is_refused(state: Any, said: str, tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.write_text(json.dumps(state))
    with pytest.raises(ValueError, match=f"^{re.escape(f'{file}: {said}')}"):
        Sandbox(load=file)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_a_pipe_is_no_state_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "state.json")
    with pytest.raises(ValueError, match=r"state\.json is no file"):
        Sandbox(load=tmp_path / "state.json")


def test_the_file_of_a_state_may_begin_with_a_mark_of_its_encoding(tmp_path: Path) -> None:
    with Sandbox() as sandbox, sandbox.blocking_client() as client:
        client.users.upsert("ada", {"plan": "pro"})
        (tmp_path / "state.json").write_text(json.dumps(sandbox.state()), encoding="utf-8-sig")
    with Sandbox(load=tmp_path / "state.json") as sandbox:
        assert sandbox.user("ada") is not None


@pytest.mark.parametrize("at", [-1, 1e300, 253_402_300_800])
def test_a_time_beyond_all_dates_is_in_no_state(at: float) -> None:
    state: dict[str, Any] = {"version": 1, "records": {"user": [{"name": "ada", "content": {}, "created_at": at}]}}
    with pytest.raises(ValueError, match=r"records\.user\[0\]\.created_at must be a number of seconds since 1970"):
        Sandbox(load=state)
