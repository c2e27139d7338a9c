"""Definitions of workflows among the kinds of records: all that was given, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from suprsend_async import Event, SubscriberListBroadcast, WorkflowTriggerRequest
from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from suprsend_async import Suprsend

    from .conftest import Wire

pytestmark = pytest.mark.extras("sandbox")

SHOP = """
[order-shipped]
name = "Order shipped"
category = "promotional"
channels = ["sms", "email"]
delay = "1h30m"

[order-shipped.email]
subject = "Order {{ data.order }}"
body = "<b>On its way</b>"

[order-shipped.sms]
body = "It left"

[order_placed.inbox]
body = "Thank you"
"""


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    (tmp_path / "shop.toml").write_text(SHOP)
    with Sandbox(workflows=tmp_path) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Suprsend]:
    with sandbox.blocking_client(max_retries=0) as made:
        made.users.upsert("ada", {"$email": ["ada@example.com"], "$sms": ["+15555550100"]})
        yield made


def listed(wire: Wire) -> list[Any]:
    found: list[Any] = wire.get("/_sandbox/kinds/definitions").json["records"]
    return found


def detail(wire: Wire, slug: str) -> Any:
    [row] = [each for each in listed(wire) if each["name"] == slug]
    return wire.get(f"/_sandbox/kinds/definitions/{row['id']}").json


def test_a_row_says_what_it_does(wire: Wire) -> None:
    placed, shipped = listed(wire)
    assert (shipped["name"], shipped["who"]) == ("order-shipped", "sms, email")
    assert shipped["about"] == "promotional · after 1h30m · It left · Order {{ data.order }} · <b>On its way</b>"
    # Without a delay none is said.
    assert (placed["name"], placed["who"], placed["about"]) == ("order_placed", "inbox", "transactional · Thank you")


def test_all_that_was_given_is_there_and_defines_it_again(wire: Wire, sandbox: Sandbox) -> None:
    found = detail(wire, "order-shipped")
    facts = {each["name"]: each["value"] for each in found["facts"] if each["at"] is None}
    assert facts == {
        "event or workflow": "order-shipped",
        "name": "Order shipped",
        "category": "promotional",
        "channels": "sms, email",
        "delay": "1h30m",
    }
    assert found["preview"] == [
        {"name": "sms body", "text": "It left"},
        {"name": "email subject", "text": "Order {{ data.order }}"},
        {"name": "email body", "text": "<b>On its way</b>"},
    ]
    slug = found["data"].pop("slug")
    before = sandbox.workflows
    assert found["data"] == before[slug]
    sandbox.put_workflow(slug, **found["data"])
    assert sandbox.workflows == before


def test_one_that_came_over_http_is_listed_until_it_is_removed(wire: Wire, sandbox: Sandbox) -> None:
    url = f"{sandbox.url}_sandbox/workflows/late"
    httpx.put(url, json={"delay": 90, "whatsapp": {"body": "Hello"}}, trust_env=False).raise_for_status()
    assert listed(wire)[0]["about"] == "transactional · after 1m30s · Hello"
    httpx.delete(url, trust_env=False).raise_for_status()
    assert [each["name"] for each in listed(wire)] == ["order_placed", "order-shipped"]


def test_what_came_of_it_is_its_own(wire: Wire, client: Suprsend, sandbox: Sandbox) -> None:
    client.track_event(Event("ada", "order_placed"))
    client.workflows.trigger(WorkflowTriggerRequest("order-shipped", ["ada"]))
    sandbox.advance(hours=2)
    client.subscriber_lists.create({"list_id": "beta"})
    client.subscriber_lists.add("beta", ["ada"])
    client.subscriber_lists.broadcast(SubscriberListBroadcast("beta", "order_placed", "promotional"))
    for slug, messages, deliveries in (("order-shipped", 2, 1), ("order_placed", 2, 2)):
        found = detail(wire, slug)
        path = f"/_sandbox/kinds/definitions/{found['record']['id']}"
        assert [each["name"] for each in wire.get(f"{path}/messages").json["records"]] == [slug] * messages
        assert [each["name"] for each in wire.get(f"{path}/deliveries").json["records"]] == [slug] * deliveries


@pytest.mark.parametrize("kind", ["workflows", "deliveries", "messages"])
def test_what_came_of_it_leads_to_it(wire: Wire, client: Suprsend, sandbox: Sandbox, kind: str) -> None:
    client.workflows.trigger(WorkflowTriggerRequest("order-shipped", ["ada"]))
    sandbox.advance(hours=2)
    record = wire.get(f"/_sandbox/kinds/{kind}").json["records"][0]
    facts = wire.get(f"/_sandbox/kinds/{kind}/{record['id']}").json["facts"]
    [link] = [each["link"] for each in facts if each["name"] == "workflow"]
    assert link == detail(wire, "order-shipped")["record"]["link"]


def test_a_state_may_leave_out_what_has_a_default() -> None:
    state = {"version": 1, "records": {"workflow": [{"name": "welcome", "content": {"inbox": {"body": "Hello"}}}]}}
    with Sandbox(load=state) as sandbox:
        assert sandbox.workflows["welcome"]["category"] == "transactional"
        rows = httpx.get(f"{sandbox.url}_sandbox/kinds/definitions", trust_env=False).json()["records"]
        assert [each["about"] for each in rows] == ["transactional · Hello"]
