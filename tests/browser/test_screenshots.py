"""The pictures of docs/images, taken anew with `nox -s browser -- --screenshots`."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from suprsend_async import Event
from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

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
