"""A hundred thousand events: the list scrolls through all of them, and never holds more than a few."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

COUNT = 100_000
CHUNK = 100

# Jumps down 40 screens in each frame until the oldest event is in sight; returns how many rows there were at most.
SCROLL = """async (count) => {
    const list = document.getElementById("list");
    let most = 0;
    const oldest = `[aria-rowindex="${count + 1}"]:not([hidden])`;
    while (!list.querySelector(oldest)) {
        list.scrollTop += 40 * list.clientHeight;
        await new Promise(requestAnimationFrame);
        most = Math.max(most, list.querySelectorAll(".row").length);
    }
    return most;
}"""


@pytest.fixture(scope="module")
def full_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        connection = http.client.HTTPConnection("127.0.0.1", int(sandbox.url.rstrip("/").rpartition(":")[2]))
        headers = {"Authorization": f"Bearer {sandbox.api_key}", "Content-Type": "application/json"}
        for first in range(0, COUNT, CHUNK):
            body = json.dumps([event(number, sandbox.workspace_uid) for number in range(first, first + CHUNK)])
            connection.request("POST", "/v2/bulk/event/", body, headers)
            assert connection.getresponse().read().count(b'"success"') == CHUNK + 1
        connection.close()
        yield sandbox


def event(number: int, env: str) -> dict[str, object]:
    return {
        "$insert_id": f"00000000-0000-4000-8000-{number:012}",
        "$time": 1_764_000_000_000 + number,
        "event": "order_placed",
        "env": env,
        "distinct_id": f"user-{number}",
        "properties": {"amount": number},
    }


def test_it_scrolls_to_the_oldest_event_with_few_rows(full_sandbox: Sandbox, open_page: Callable[..., Page]) -> None:
    page = open_page(full_sandbox)
    expect(page.locator("#match-count")).to_have_text("100,000 events")
    # A frame is as quick with a hundred thousand events as with a hundred: no more rows than these are made.
    assert page.evaluate(SCROLL, COUNT) < 100
    expect(page.locator("#list .row:visible").last).to_contain_text("user-0")


def test_search_among_them(full_sandbox: Sandbox, open_page: Callable[..., Page]) -> None:
    page = open_page(full_sandbox)
    page.get_by_label("distinct_id", exact=True).fill("user-4711")
    expect(page.locator("#match-count")).to_have_text("1 event")
    page.get_by_label("distinct_id", exact=True).fill("")
    page.get_by_role("searchbox").fill("user-99999")
    expect(page.locator("#match-count")).to_have_text("1 event")


def test_a_burst_while_reading_further_down_moves_nothing(
    full_sandbox: Sandbox, open_page: Callable[..., Page]
) -> None:
    page = open_page(full_sandbox)
    expect(page.locator("#match-count")).not_to_be_empty()
    page.locator("#list").evaluate("list => { list.scrollTop = 3200; }")
    middle = page.locator('[aria-rowindex="115"]:visible')
    before = middle.inner_text()
    with full_sandbox.blocking_client() as client:
        from suprsend_async import Event

        for number in range(5):
            client.track_event(Event("late", f"late_{number}"))
    expect(page.get_by_role("button", name="5 new")).to_be_visible()
    assert middle.inner_text() == before
    page.get_by_role("button", name="5 new").click()
    expect(page.locator("#list .row:visible").nth(1)).to_contain_text("late_4")
