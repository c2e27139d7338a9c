"""The pictures of docs/images, taken anew with `nox -s browser -- --screenshots`."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from tests.receiver import receiving

from suprsend_async import Event, WorkflowTriggerRequest
from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from suprsend_async import Suprsend

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PHONE = {"width": 390, "height": 844}
MORNING = 1_764_057_600  # 25 November 2025, 08:00 UTC

ORDER = {
    "order_id": "4711",
    "amount": 129.9,
    "currency": "EUR",
    "items": [{"sku": "KETTLE-2", "quantity": 1}, {"sku": "MUG-7", "quantity": 4}],
    "delivery": {"city": "Pune", "express": True},
    "coupon": None,
}
STORY = [
    ("user-1042", "signed_up", {"plan": "team"}),
    ("user-1042", "email_verified", {}),
    ("user-0871", "password_reset_requested", {"device": "phone"}),
    ("user-0312", "cart_abandoned", {"items": 3}),
    ("user-0871", "password_changed", {}),
    ("user-0077", "invoice_ready", {"month": "2025-10"}),
    ("user-1042", "teammate_invited", {"role": "editor"}),
    ("user-0455", "order_placed", {"order_id": "4709"}),
    ("user-0455", "payment_failed", {"code": "card_expired"}),
    ("user-0455", "payment_succeeded", {"method": "card"}),
    ("user-0019", "order_shipped", {"carrier": "DHL"}),
    ("user-0312", "order_placed", {"order_id": "4710"}),
    ("user-0640", "subscription_renewed", {"months": 12}),
    ("user-0019", "order_delivered", {"order_id": "4688"}),
]
PEOPLE = [
    ("Grace", "team"),
    ("Alan", "free"),
    ("Edsger", "pro"),
    ("Barbara", "pro"),
    ("Donald", "free"),
    ("Radia", "team"),
    ("Niklaus", "free"),
    ("Margaret", "pro"),
    ("Katherine", "free"),
    ("Ada", "pro"),
]


@pytest.fixture(scope="module")
def told() -> Iterator[Sandbox]:
    """Run a sandbox that has seen a shop's morning, with faults still to come."""
    ticks = itertools.count(MORNING, 7.341)
    with Sandbox(clock=lambda: next(ticks)) as sandbox, sandbox.blocking_client(max_retries=0) as client:
        for number, (user, name, properties) in enumerate(STORY * 2):
            tenant = ("acme", "globex", None)[number % 3]
            client.track_event(Event(user, name, properties, tenant_id=tenant))
        happened = int(next(ticks) * 1000)
        event = Event("user-0312", "order_placed", ORDER, "order-4711", "acme", time=happened)
        sandbox.fail_next(status=429, retry_after=2)
        client.track_event(event)
        client.track_event(event)
        client.track_event(event)
        client.track_event(Event("user-0640", "invoice_ready", {"month": "2025-11"}, tenant_id="globex"))
        yield sandbox


@pytest.fixture
def look(open_page: Callable[..., Page], told: Sandbox) -> Callable[..., Page]:
    def look(scheme: str, **options: object) -> Page:
        page = open_page(told, color_scheme=scheme, timezone_id="UTC", **options)
        expect(page.locator("#list .space .row:visible").nth(5)).to_be_visible()
        return page

    return look


@pytest.fixture(scope="module")
def lived_in() -> Iterator[Sandbox]:
    """Run a sandbox with a shop's people, and what was sent to them."""
    ticks = itertools.count(MORNING, 7.341)
    with Sandbox(clock=lambda: next(ticks)) as sandbox, sandbox.blocking_client(max_retries=0) as client:
        client.tenants.upsert("acme", {"tenant_name": "Acme", "primary_color": "#17754a"})
        client.subscriber_lists.create({"list_id": "beta-users", "list_name": "Beta users"})
        for number, (name, plan) in enumerate(PEOPLE):
            profile = {"name": name, "plan": plan, "$email": [f"{name.lower()}@example.com"]}
            client.users.upsert(
                f"user-{number:04}", profile | ({"$sms": [f"+4915550{number:04}"]} if number % 2 else {})
            )
            for order in range(3 if number < 4 else 1):
                _order(sandbox, client, f"user-{number:04}", name, 4700 + number * 3 + order)
        client.subscriber_lists.add("beta-users", [f"user-{number:04}" for number in range(3, 9)])
        client.users.upsert("user-0009", {"city": "London"})
        client.users.edit("user-0009", {"operations": [{"$set": {"plan": "team"}, "$add": {"orders": 1}}]})
        client.users.upsert_for_tenant("user-0009", "acme", {"role": "admin"})
        client.users.update_category_preference("user-0009", "promotional", {"preference": "opt_out"})
        client.subscriber_lists.add("beta-users", ["user-0009"])
        yield sandbox


@pytest.fixture
def delivering() -> Iterator[Sandbox]:
    """Run a sandbox that makes messages of orders, and a shop that hears of them."""
    now = [float(MORNING)]
    with (
        receiving() as application,
        Sandbox(webhook=application.url, clock=lambda: now[0]) as sandbox,
        sandbox.blocking_client() as client,
    ):
        body = "Hello {{ recipient.name }},\n\nthank you for your order {{ data.order_id }} of {{ data.total }}."
        sandbox.put_workflow(
            "order_placed",
            email={"subject": "Order {{ data.order_id }} is in", "body": body},
            sms={"body": "We have your order {{ data.order_id }}."},
        )
        for number, (name, _) in enumerate(PEOPLE):
            user = f"user-{number:04}"
            profile = {"name": name, "$email": [f"{name.lower()}@example.com"]}
            client.users.upsert(user, profile | ({"$sms": [f"+4915550{number:04}"]} if number % 2 else {}))
            now[0] += 41.707
            order = {"order_id": 4711 + number, "total": "$10"}
            client.track_event(Event(user, "order_placed", order, idempotency_key=f"order-{4711 + number}"))
            status = ("delivered", "seen", "delivery_failure")[number % 3]
            sandbox.move_message(sandbox.messages[-1]["message_id"], status)
        yield sandbox


def _order(sandbox: Sandbox, client: Suprsend, user: str, name: str, order: int) -> None:
    """Trigger a workflow, and let its message be on the way as far as its number says."""
    data = {"order": order, "carrier": "DHL", "items": [{"sku": "MUG-7", "quantity": 4}]}
    client.workflows.trigger(WorkflowTriggerRequest("order-shipped", [user], data, tenant_id="acme"))
    status = ("delivered", "seen", "delivered", "clicked", "trigger_failed", "delivered", "read")[order % 7]
    sandbox.add_message(
        user,
        status=status,
        channel="email",
        workflow="order-shipped",
        tenant_id="acme",
        failure_reason="The address was refused." if status == "trigger_failed" else None,
        execution_id=sandbox.triggers[-1]["execution_ids"][0],
        content={
            "subject": f"Order {order} is on its way",
            "body": f"Hello {name},\n\nyour order {order} left our house today and comes with DHL.\n\nYour kettle shop",
        },
    )


@pytest.fixture
def look_at(open_page: Callable[..., Page], lived_in: Sandbox) -> Callable[..., Page]:
    def look_at(kind: str, scheme: str, text: str, **options: object) -> Page:
        url = f"{lived_in.url}_sandbox/pages/{kind}"
        page = open_page(lived_in, url=url, color_scheme=scheme, timezone_id="UTC", **options)
        page.locator("#list .space .row:visible", has_text=text).first.click()
        expect(page.get_by_role("button", name="Copy as test")).to_be_visible()
        expect(page.locator("#detail .none", has_text="loading")).to_have_count(0)
        return page

    return look_at


def take(page: Page, name: str) -> None:
    """Take a picture of the whole page: in the scheme that its name says, and with nothing beyond its edge."""
    red, green, blue = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).slice(0, 3)")
    assert ("dark" in name) == (float(red) + float(green) + float(blue) < 384)
    width, height, scale = page.evaluate("[innerWidth, innerHeight, devicePixelRatio]")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    taken = page.screenshot(animations="disabled", path=IMAGES / f"{name}.png")
    # What the head of a PNG says of its size.
    assert struct.unpack(">II", taken[16:24]) == (width * scale, height * scale)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_inbox(look: Callable[..., Page], scheme: str) -> None:
    page = look(scheme)
    # The first row is the columns' names.
    expect(page.locator("#list .row:visible").nth(1)).to_contain_text("invoice_ready")
    expect(page.locator("#list")).to_contain_text("repeated")
    expect(page.locator("#list")).to_contain_text("429")
    take(page, f"inbox-{scheme}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_event(look: Callable[..., Page], scheme: str) -> None:
    page = look(scheme)
    page.locator("#list .row", has_text="repeated").click()
    expect(page.get_by_role("button", name="Copy as test")).to_be_visible()
    take(page, f"event-{scheme}")


def test_the_faults(look: Callable[..., Page], told: Sandbox) -> None:
    told.fail_next(2, status=503)
    page = look("light")
    page.get_by_role("button", name="1 fault").click()
    page.get_by_label("Fault", exact=True).select_option("rate_limit")
    page.get_by_role("button", name="Provoke").click()
    expect(page.get_by_text("At most 10 events a second")).to_be_visible()
    take(page, "faults-light")
    told.clear_faults()


def test_on_a_phone(look: Callable[..., Page]) -> None:
    page = look("light", viewport=PHONE, device_scale_factor=2)
    expect(page.locator("#list .row:visible").first).to_contain_text("invoice_ready")
    take(page, "phone-light")
    page = look("dark", viewport=PHONE, device_scale_factor=2)
    page.locator("#list .row", has_text="repeated").click()
    expect(page.get_by_role("button", name="Copy as test")).to_be_visible()
    take(page, "phone-event-dark")


def test_an_empty_inbox(open_page: Callable[..., Page]) -> None:
    with Sandbox() as sandbox:
        page = open_page(sandbox)
        expect(page.get_by_text("SUPRSEND_BASE_URL")).to_be_visible()
        take(page, "empty-light")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_user(look_at: Callable[..., Page], scheme: str) -> None:
    page = look_at("users", scheme, "user-0009")
    page.locator("#detail").evaluate("detail => { detail.scrollTop = detail.scrollHeight; }")
    expect(page.get_by_text('"free" → "pro"').or_(page.get_by_text('"pro" → "team"'))).to_be_visible()
    take(page, f"user-{scheme}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_message(open_page: Callable[..., Page], delivering: Sandbox, scheme: str) -> None:
    url = f"{delivering.url}_sandbox/pages/messages"
    page = open_page(delivering, url=url, color_scheme=scheme, timezone_id="UTC")
    page.locator("#list .space .row:visible", has_text="user-0009 · email").click()
    page.get_by_role("button", name="Delivered").click()
    webhook = page.locator("[data-part=webhooks]").get_by_role("listitem")
    expect(webhook).to_contain_text("HTTP 204")
    # To where the text and the webhook are both seen.
    webhook.evaluate("line => line.scrollIntoView({ block: 'end' })")
    take(page, f"message-{scheme}")


def test_a_delivery(open_page: Callable[..., Page], delivering: Sandbox) -> None:
    page = open_page(delivering, url=f"{delivering.url}_sandbox/pages/deliveries", timezone_id="UTC")
    page.locator("#list .space .row:visible", has_text="no active sms").last.click()
    expect(page.locator("[data-part=messages]").get_by_role("listitem")).to_have_count(1)
    take(page, "delivery-light")


def test_a_workflow(look_at: Callable[..., Page]) -> None:
    page = look_at("workflows", "light", "user-0005")
    expect(page.get_by_role("heading", name="History")).to_be_attached()
    take(page, "workflow-light")


def test_a_request(look_at: Callable[..., Page]) -> None:
    page = look_at("requests", "light", "PATCH /v1/user/user-0009/")
    take(page, "request-light")


def test_the_search_in_everything(look_at: Callable[..., Page]) -> None:
    page = look_at("tenants", "light", "acme")
    page.keyboard.press("s")
    page.keyboard.type("user-0009")
    expect(page.get_by_role("dialog").get_by_role("heading", name="Requests")).to_be_visible()
    take(page, "search-light")


def test_a_user_on_a_phone(look_at: Callable[..., Page]) -> None:
    page = look_at("users", "dark", "user-0009", viewport=PHONE, device_scale_factor=2)
    take(page, "phone-user-dark")
