"""What the tests of the inbox page share: the parts of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


def rows(page: Page) -> Locator:
    """Return the rows of events in sight."""
    return page.locator("#list .space .row:visible")


def row(page: Page, text: str) -> Locator:
    return rows(page).filter(has_text=text)


def detail(page: Page) -> Locator:
    return page.get_by_role("article", name="Event")
