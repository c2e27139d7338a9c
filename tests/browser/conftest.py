"""A browser, a sandbox with its page open in it, and where pictures of it go."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from tests.browser.records_page import deliver, fill
from tests.receiver import receiving

from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.receiver import Application

    from suprsend_async import Suprsend

pytestmark = pytest.mark.extras("sandbox")

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Busy machines take their time.
expect.set_options(timeout=20_000)
DESK = {"width": 1360, "height": 860}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", action="store_true", help="Write the pictures of docs/images anew.")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    is_wanted = collection_path.name != "test_screenshots.py" or config.getoption("--screenshots")
    return None if is_wanted else True


# Milliseconds until what a test expects has to be there; its own limit comes first on no machine that works.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = shutil.which("chromium")
    assert executable, "there is no Chromium here: apt-get install chromium"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def application() -> Iterator[Application]:
    """Run what takes the sandbox's webhooks."""
    with receiving() as made:
        yield made


@pytest.fixture
def sandbox(application: Application) -> Iterator[Sandbox]:
    with Sandbox(webhook=application.url) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Suprsend]:
    with sandbox.blocking_client(max_retries=0) as made:
        yield made


@pytest.fixture
def filled(sandbox: Sandbox, client: Suprsend) -> Sandbox:
    """Have one of each kind in the sandbox."""
    fill(sandbox, client)
    deliver(sandbox, client)
    return sandbox


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open the page of a sandbox; a script's error, or a word on the console, fails the test."""
    contexts, complaints = [], []

    def hear(message: ConsoleMessage) -> None:
        # The browser says this by itself when a test has stopped the sandbox, or asks for what is not there.
        is_meant = "net::ERR_CONNECTION_REFUSED" in message.text or message.location["url"].endswith("/nowhere.js")
        if not is_meant:
            complaints.append(message.text)

    def open_page(sandbox: Sandbox, *, beside: Page | None = None, url: str | None = None, **options: object) -> Page:
        """Open it in a browser of its own, or in another tab of the same one."""
        if beside is None:
            context = browser.new_context(**{"viewport": DESK, "color_scheme": "light", "locale": "en-GB"} | options)
            context.grant_permissions(["clipboard-read", "clipboard-write"])
            contexts.append(context)
        else:
            context = beside.context
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", hear)
        page.goto(url or sandbox.url)
        expect(page.get_by_text("live", exact=True)).to_be_visible()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(open_page: Callable[..., Page], sandbox: Sandbox) -> Page:
    return open_page(sandbox)


@pytest.fixture
def open_kind(open_page: Callable[..., Page]) -> Callable[..., Page]:
    def open_kind(sandbox: Sandbox, kind: str, **options: object) -> Page:
        return open_page(sandbox, url=f"{sandbox.url}_sandbox/pages/{kind}", **options)

    return open_kind
