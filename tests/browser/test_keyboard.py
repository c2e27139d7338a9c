"""The inbox page, used with a keyboard."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.browser.inbox_page import detail, rows

from suprsend_async import Event, Suprsend


def test_keyboard_alone(page: Page, client: Suprsend) -> None:
    for name in ("first", "second", "third"):
        client.track_event(Event("user-1", name))
    expect(rows(page)).to_have_count(3)
    press = page.keyboard.press
    for key in ("j", "j", "ArrowDown", "k"):
        press(key)
    expect(page.locator('.row[aria-selected="true"]')).to_contain_text("second")
    press("Enter")
    expect(detail(page)).to_contain_text("second")
    press("j")
    expect(detail(page)).to_contain_text("first")
    press("c")
    expect(page.get_by_text("Event(…) call copied")).to_be_visible()
    press("Escape")
    expect(detail(page)).to_be_hidden()
    press("/")
    page.keyboard.type("third")
    expect(rows(page)).to_have_count(1)
    press("Escape")
    press("g")
    expect(page.locator('.row[aria-selected="true"]')).to_contain_text("third")
    press("f")
    press("Tab")
    page.keyboard.type("500")
    press("Enter")
    expect(page.get_by_role("list", name="Faults still to come")).to_contain_text("Status 500")
    press("Escape")
    expect(page.get_by_role("button", name="1 fault")).to_be_focused()
    press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_keys_go_on_after_a_click_on_a_filter(page: Page, client: Suprsend) -> None:
    for name in ("first", "second", "third"):
        client.track_event(Event("user-1", name))
    expect(rows(page)).to_have_count(3)
    selected = page.locator('.row[aria-selected="true"]')
    page.get_by_text("Accepted", exact=True).click()
    for key in ("j", "ArrowDown", "ArrowDown", "k"):
        page.keyboard.press(key)
    expect(selected).to_contain_text("second")
    expect(page.get_by_role("radio", name="Accepted")).to_be_checked()
    page.get_by_label("Event name").fill("third")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Reset").click()
    expect(rows(page)).to_have_count(3)
    page.keyboard.press("g")
    expect(selected).to_contain_text("third")
    page.keyboard.press("Enter")
    expect(detail(page)).to_contain_text("third")
    # Enter opens an event, and does not press once more what was clicked last.
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(rows(page)).to_have_count(0)
    client.track_event(Event("user-1", "fourth"))
    expect(rows(page)).to_have_count(1)
    page.keyboard.press("Enter")
    expect(detail(page)).to_contain_text("fourth")


def test_whoever_comes_by_keyboard_stays_among_the_filters(page: Page) -> None:
    page.get_by_role("radio", name="All").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Accepted")).to_be_checked()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Refused")).to_be_checked()
    expect(page.get_by_role("radio", name="Refused")).to_be_focused()
    page.get_by_role("checkbox", name="Bulks as one").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("checkbox", name="Bulks as one")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Bulks as one")).to_be_focused()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
