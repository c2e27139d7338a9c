"""The definitions of workflows beside their triggers, on one page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from tests.browser.records_page import detail, part, rows

from suprsend_async import Event

if TYPE_CHECKING:
    from tests.browser.records_page import OpenKind

    from suprsend_async import Suprsend
    from suprsend_async.sandbox import Sandbox

SCRIPT = "<script>document.title='pwned'</script><img src=x>"


@pytest.fixture
def defined(sandbox: Sandbox) -> Sandbox:
    sandbox.put_workflow(
        "order_placed",
        category="promotional",
        delay="10m",
        email={"subject": "Order {{ data.order }}", "body": f"Hello,\n{SCRIPT}"},
        inbox={"body": "Thank you"},
    )
    return sandbox


def test_definitions_are_beside_the_triggers(open_kind: OpenKind, defined: Sandbox) -> None:
    page = open_kind(defined, "workflows")
    pages = page.get_by_role("navigation", name="Pages")
    expect(pages.get_by_role("link", name="Definitions")).to_have_count(0)
    sides = page.get_by_role("navigation", name="Of this page")
    expect(sides.get_by_role("link", name="Triggers")).to_have_attribute("aria-current", "page")
    sides.get_by_role("link", name="Definitions").click()
    expect(page).to_have_title("Definitions · SuprSend sandbox")
    expect(sides.get_by_role("link", name="Definitions")).to_have_attribute("aria-current", "page")
    expect(pages.locator("[aria-current]")).to_have_text("Workflows")
    shown = r"order_placed.*email, inbox.*promotional · after 10m · Order {{ data.order }}"
    expect(rows(page)).to_contain_text(re.compile(shown, re.DOTALL))
    # Other pages are one.
    pages.get_by_role("link", name="Users").click()
    expect(page).to_have_title("Users · SuprSend sandbox")
    expect(sides).to_be_hidden()


def test_a_definition_in_full(open_kind: OpenKind, defined: Sandbox) -> None:
    page = open_kind(defined, "definitions")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    for name, value in (("category", "promotional"), ("channels", "email, inbox"), ("delay", "10m")):
        expect(detail(page).locator(".facts div", has=page.get_by_text(name, exact=True))).to_have_text(name + value)
    expect(page.get_by_label("Templates: email subject")).to_have_text("Order {{ data.order }}")
    # As it was written, and no markup.
    expect(page.get_by_label("Templates: email body")).to_have_text(f"Hello,\n{SCRIPT}")
    assert page.locator("img, body script").count() == 0
    assert "pwned" not in page.title()


def test_a_definition_and_what_came_of_it(open_kind: OpenKind, defined: Sandbox, client: Suprsend) -> None:
    client.users.upsert("ada", {"$email": ["ada@example.com"]})
    client.track_event(Event("ada", "order_placed", {"order": 41}))
    page = open_kind(defined, "definitions")
    rows(page).click()
    expect(part(page, "Deliveries").get_by_role("listitem")).to_contain_text("waiting")
    defined.advance(minutes=10)
    expect(part(page, "Messages").get_by_role("listitem")).to_have_count(2)
    part(page, "Messages").get_by_role("link").first.click()
    detail(page).locator(".facts").get_by_role("link", name="order_placed").click()
    expect(page).to_have_url(re.compile("/definitions#open="))


def test_one_that_is_defined_anew_shows_while_it_is_open(open_kind: OpenKind, defined: Sandbox) -> None:
    page = open_kind(defined, "definitions")
    rows(page).click()
    expect(page.get_by_label("Templates: inbox body")).to_have_text("Thank you")
    defined.put_workflow("order_placed", inbox={"body": "Thanks"})
    expect(page.get_by_label("Templates: inbox body")).to_have_text("Thanks")
    expect(rows(page)).to_contain_text("transactional · Thanks")
    defined.put_workflow("cart_left", sms={"body": "Still there?"})
    expect(rows(page)).to_have_count(2)
