"""What the tests of the pages of records share: what is put into a sandbox, and the parts of a page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from playwright.sync_api import Locator, Page

from suprsend_async import Event, SubscriberListBroadcast, WorkflowTriggerRequest

if TYPE_CHECKING:
    from suprsend_async import Suprsend
    from suprsend_async.sandbox import Sandbox

OpenKind: TypeAlias = Callable[..., Page]

KINDS = (
    "messages",
    "deliveries",
    "webhooks",
    "workflows",
    "definitions",
    "users",
    "lists",
    "broadcasts",
    "objects",
    "tenants",
    "requests",
)
PHONE = {"width": 360, "height": 740}


def fill(sandbox: Sandbox, client: Suprsend, text: str = "order-shipped") -> None:
    """Make one of each kind, with a text wherever one may stand."""
    client.users.upsert("user-1", {"note": text, "plan": "free", "$email": ["ada@example.com"]})
    client.users.edit("user-1", {"operations": [{"$set": {"plan": "pro"}}]})
    client.tenants.upsert("acme", {"tenant_name": "Acme", "properties": {"note": text}})
    client.users.upsert_for_tenant("user-1", "acme", {"role": text})
    client.objects.upsert("team", "kitchen", {"note": text})
    client.objects.create_subscriptions("team", "kitchen", {"recipients": ["user-1"]})
    client.subscriber_lists.create({"list_id": "beta", "list_name": text})
    client.subscriber_lists.add("beta", ["user-1"])
    trigger = WorkflowTriggerRequest(
        text, ["user-1", {"distinct_id": "user-2", "note": text}], {"note": text, "total": 10.0}, tenant_id="acme"
    )
    client.workflows.trigger(trigger)
    client.workflows.trigger(trigger)
    client.subscriber_lists.broadcast(SubscriberListBroadcast("beta", text, "promotional", {"note": text}))
    content = {"subject": text, "body": f"Dear Ada,\n{text}"}
    sandbox.add_message("user-1", status="delivered", channel="email", workflow=text, content=content)


def deliver(sandbox: Sandbox, client: Suprsend, text: str = "order-shipped") -> None:
    """Let a message be made of an event, be delivered, and skip a channel."""
    sandbox.put_workflow(
        "order_placed", name=text, channels=["email", "sms"], email={"body": "{{ data.note }}"}, sms={"body": "-"}
    )
    client.users.upsert("user-1", {"$email": ["ada@example.com"]})
    client.track_event(Event("user-1", "order_placed", {"note": text}, idempotency_key=text))
    sandbox.move_message(sandbox.messages[-1]["message_id"], "delivered")


def rows(page: Page) -> Locator:
    return page.locator("#list .space .row:visible")


def detail(page: Page) -> Locator:
    return page.get_by_role("article")


def part(page: Page, title: str) -> Locator:
    heading = page.get_by_role("heading", name=re.compile(rf"^{title}"), level=3)
    return detail(page).locator("section").filter(has=heading)


def clipboard(page: Page) -> str:
    return page.evaluate("navigator.clipboard.readText()")
