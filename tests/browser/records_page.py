"""The parts of a page of records that tests look at."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from playwright.sync_api import Locator, Page

OpenKind: TypeAlias = Callable[..., Page]


def rows(page: Page) -> Locator:
    return page.locator("#list .space .row:visible")


def detail(page: Page) -> Locator:
    return page.get_by_role("article")


def part(page: Page, title: str) -> Locator:
    heading = page.get_by_role("heading", name=re.compile(rf"^{title}"), level=3)
    return detail(page).locator("section").filter(has=heading)


def clipboard(page: Page) -> str:
    return page.evaluate("navigator.clipboard.readText()")
