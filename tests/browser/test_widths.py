"""How the pages look and read: on a phone, on a tablet, in the dark, and by what axe-core knows of accessibility."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect
from tests.browser.records_page import KINDS, PHONE, deliver, detail, fill, rows

from suprsend_async import Event
from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page
    from tests.browser.records_page import OpenKind

    from suprsend_async import Suprsend

TABLET = {"width": 768, "height": 800}
LOOKS = (
    {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    {"viewport": PHONE, "color_scheme": "dark"},
)
CUT_OFF = """(within) => [...document.querySelectorAll(within)].filter((each) => each.checkVisibility()
    && each.getBoundingClientRect().right > each.closest("#list, #detail").getBoundingClientRect().right
).map((each) => each.textContent)"""


@pytest.mark.parametrize("kind", KINDS)
def test_on_a_phone_nothing_is_beyond_the_edge(
    open_kind: OpenKind, sandbox: Sandbox, client: Suprsend, kind: str
) -> None:
    fill(sandbox, client, "a-long-name-without-any-space-" * 4)
    deliver(sandbox, client, "a-long-name-without-any-space-" * 4)
    page = open_kind(sandbox, kind, viewport=PHONE)
    expect(rows(page).first).to_be_visible()
    width = "document.documentElement.scrollWidth"
    assert page.evaluate(width) == PHONE["width"]
    current = page.locator("#pages [aria-current]").bounding_box()
    assert current is not None
    assert 0 <= current["x"] <= PHONE["width"] - current["width"]
    rows(page).last.click()
    expect(detail(page).get_by_role("button", name="Copy as test")).to_be_visible()
    expect(detail(page).locator(".none", has_text="loading")).to_have_count(0)
    assert page.evaluate("document.querySelector('#detail').scrollWidth") <= PHONE["width"]
    detail(page).get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Search all").click()
    page.keyboard.type("a-long")
    expect(page.get_by_role("dialog").get_by_role("link").first).to_be_visible()
    assert page.evaluate(width) == PHONE["width"]


@pytest.mark.parametrize("kind", KINDS)
def test_in_the_dark_every_word_can_be_read(open_kind: OpenKind, filled: Sandbox, kind: str) -> None:
    page = open_kind(filled, kind, color_scheme="dark")
    rows(page).last.click()
    expect(detail(page).get_by_role("button", name="Copy as test")).to_be_visible()
    expect(detail(page).locator(".none", has_text="loading")).to_have_count(0)
    dim = """() => [...document.querySelectorAll("body *")].filter((each) => {
        const words = [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        const light = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);
        return words && each.checkVisibility() && light(getComputedStyle(each).color) < 300;
    }).map((each) => each.outerHTML)"""
    assert page.evaluate(dim) == []


def test_on_a_tablet_rows_and_titles_have_room_beside_what_is_open(open_kind: OpenKind, filled: Sandbox) -> None:
    page = open_kind(filled, "messages", viewport=TABLET)
    rows(page).first.click()
    expect(page.get_by_role("button", name="Copy as test")).to_be_visible()
    assert page.evaluate(CUT_OFF, "#list .row > *") == []
    expect(rows(page).first).to_contain_text("user-1 · email")
    title = detail(page).get_by_role("heading", level=2).bounding_box()
    assert title is not None
    # A word is in one piece.
    assert title["height"] < 30


def test_on_a_phone_the_status_of_what_belongs_to_a_record_is_whole(
    open_kind: OpenKind, sandbox: Sandbox, client: Suprsend
) -> None:
    client.users.upsert("user-1", {})
    sandbox.add_message("user-1", status="not_to_be_triggered", workflow="order-shipped", failure_reason="opted out")
    page = open_kind(sandbox, "users", viewport=PHONE)
    rows(page).click()
    message = detail(page).locator("[data-part=messages] li")
    for part in ("order-shipped", "not_to_be_triggered", "opted out"):
        word = message.get_by_text(part, exact=True)
        assert word.evaluate("each => each.scrollWidth <= each.clientWidth || each.tagName === 'A'")
        box = word.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= PHONE["width"]


def test_keys_scroll_a_long_text_that_has_the_focus(open_kind: OpenKind, sandbox: Sandbox) -> None:
    for body in ("short", "a line\n" * 200):
        sandbox.add_message("user-1", channel="email", content={"body": body})
    page = open_kind(sandbox, "messages")
    rows(page).first.click()
    text = page.get_by_label("Preview: body")
    text.focus()
    page.keyboard.press("PageDown")
    expect(text).not_to_have_js_property("scrollTop", 0)
    expect(rows(page).first).to_have_attribute("aria-selected", "true")
    # In one that is all in sight the keys move through the list.
    page.keyboard.press("j")
    expect(text).to_have_text("short")
    text.focus()
    page.keyboard.press("ArrowUp")
    expect(text).to_contain_text("a line")


@pytest.fixture(scope="module")
def axe() -> str:
    path = os.environ.get("AXE_CORE")
    if path is None:
        pytest.skip("`nox -s browser` installs axe-core, where npm is")
    return Path(path).read_text("utf-8")


def faults_of(page: Page, axe: str) -> list[Any]:
    """Return what axe-core finds wrong, each with the elements."""
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    assert found["passes"]
    return [[each["id"], *(node["html"] for node in each["nodes"])] for each in found["violations"]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("look", LOOKS, ids=["desk-light", "phone-dark"])
def test_axe_finds_no_fault_in_a_page_of_records(
    open_kind: OpenKind, filled: Sandbox, axe: str, kind: str, look: dict[str, Any]
) -> None:
    page = open_kind(filled, kind, **look)
    expect(rows(page).first).to_be_visible()
    assert faults_of(page, axe) == []
    rows(page).last.click()
    expect(page.get_by_role("button", name="Copy as test")).to_be_visible()
    expect(detail(page).locator(".none", has_text="loading")).to_have_count(0)
    assert faults_of(page, axe) == []


@pytest.mark.parametrize("look", LOOKS, ids=["desk-light", "phone-dark"])
def test_axe_finds_no_fault_in_the_inbox_and_its_panels(
    open_page: Callable[..., Page], sandbox: Sandbox, client: Suprsend, axe: str, look: dict[str, Any]
) -> None:
    page = open_page(sandbox, **look)
    expect(page.get_by_role("heading", name="Waiting for the first event")).to_be_visible()
    assert faults_of(page, axe) == []
    sandbox.fail_next()
    for _ in range(3):
        client.track_event(Event("user-1", "order_placed", {"items": [{"sku": "MUG-7"}]}, idempotency_key="order-41"))
    expect(rows(page)).to_have_count(3)
    rows(page).first.click()
    expect(page.get_by_role("button", name="Copy as test")).to_be_visible()
    assert faults_of(page, axe) == []
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    expect(page.get_by_role("button", name="Provoke")).to_be_visible()
    assert faults_of(page, axe) == []
    page.keyboard.press("Escape")
    for key, name in (("s", "Search in everything"), ("?", "Keyboard shortcuts")):
        page.locator("#list").focus()
        page.keyboard.press(key)
        expect(page.get_by_role("dialog", name=name)).to_be_visible()
        assert faults_of(page, axe) == []
        page.keyboard.press("Escape")


def test_axe_finds_no_fault_where_nothing_is(open_kind: OpenKind, axe: str) -> None:
    with Sandbox() as sandbox:
        page = open_kind(sandbox, "definitions", viewport=PHONE)
        expect(page.get_by_role("heading", name="No definition so far")).to_be_visible()
        assert faults_of(page, axe) == []
