"""A hundred thousand events: the list scrolls through all of them without freezing."""

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
LONGEST_FRAME = 250  # milliseconds; measured 33, on a busy machine of two cores

# Jumps down 40 screens in each frame until the oldest event is in sight, and looks at the time between the frames.
SCROLL = """async (count) => {
    const list = document.getElementById("list");
    let longest = 0, most = 0, last = performance.now();
    const oldest = `[aria-rowindex="${count + 1}"]:not([hidden])`;
    while (!list.querySelector(oldest)) {
        list.scrollTop += 40 * list.clientHeight;
        const now = await new Promise(requestAnimationFrame);
        longest = Math.max(longest, now - last);
        last = now;
        most = Math.max(most, list.querySelectorAll(".row").length);
    }
    return { longest, most };
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


def test_it_scrolls_to_the_oldest_event_without_freezing(full_sandbox: Sandbox, open_page: Callable[..., Page]) -> None:
    page = open_page(full_sandbox)
    expect(page.locator("#matches")).to_have_text("100,000 events")
    seen = page.evaluate(SCROLL, COUNT)
    assert seen["longest"] < LONGEST_FRAME
    assert seen["most"] < 100
    expect(page.locator("#list .row:visible").last).to_contain_text("user-0")


def test_search_among_them(full_sandbox: Sandbox, open_page: Callable[..., Page]) -> None:
    page = open_page(full_sandbox)
    page.get_by_label("distinct_id", exact=True).fill("user-4711")
    expect(page.locator("#matches")).to_have_text("1 event", timeout=2000)
    page.get_by_label("distinct_id", exact=True).fill("")
    page.get_by_role("searchbox").fill("user-99999")
    expect(page.locator("#matches")).to_have_text("1 event", timeout=2000)


def test_a_burst_while_reading_further_down_moves_nothing(
    full_sandbox: Sandbox, open_page: Callable[..., Page]
) -> None:
    page = open_page(full_sandbox)
    expect(page.locator("#matches")).not_to_be_empty()
    page.locator("#list").evaluate("list => { list.scrollTop = 3200; }")
    middle = page.locator('[aria-rowindex="115"]:visible')
    before = middle.inner_text()
    with full_sandbox.blocking_client() as client:
        from suprsend_async import Event

        for number in range(5):
            client.track_event(Event("late", f"late_{number}"))
    expect(page.get_by_role("button", name="5 new events")).to_be_visible()
    assert middle.inner_text() == before
    page.get_by_role("button", name="5 new events").click()
    expect(page.locator("#list .row:visible").nth(1)).to_contain_text("late_4")
