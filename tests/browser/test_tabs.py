"""Many tabs of one browser: it allows six connections to a server, and each page must be live all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from suprsend_async import Event, Suprsend

if TYPE_CHECKING:
    from collections.abc import Callable

    from suprsend_async.sandbox import Sandbox

TABS = 8

# Headless pages are always in sight; this says otherwise, as a browser does when another tab is chosen.
TURN_AWAY = """
    window.isAway = false;
    Object.defineProperty(document, "visibilityState", { get: () => (window.isAway ? "hidden" : "visible") });
"""
NO_SHARED_WORKER = "delete window.SharedWorker;"
# One that another tab has made and that answers nobody, as a frozen process.
SILENT_WORKER = """
    window.made = 0;
    window.SharedWorker = class {
        constructor() { window.made += 1; this.port = new MessageChannel().port1; }
        addEventListener() {}
    };
"""


def turn(page: Page, *, away: bool) -> None:
    page.evaluate("(away) => { window.isAway = away; document.dispatchEvent(new Event('visibilitychange')); }", away)


def end_worker(browser: Browser) -> None:
    """End the shared worker, of which no tab is told."""
    session = browser.new_browser_cdp_session()

    def workers() -> list[str]:
        targets = session.send("Target.getTargets")["targetInfos"]
        return [target["targetId"] for target in targets if target["type"] == "shared_worker"]

    (worker,) = workers()
    session.send("Target.closeTarget", {"targetId": worker})
    while worker in workers():
        pass
    session.detach()


def first_row(page: Page) -> str:
    return page.locator("#list .space .row:visible").first.inner_text()


def test_eight_tabs_are_live_at_the_same_time(
    page: Page, open_page: Callable[..., Page], sandbox: Sandbox, client: Suprsend
) -> None:
    tabs = [page, *(open_page(sandbox, beside=page) for _ in range(TABS - 1))]
    client.track_event(Event("user-1", "order_placed"))
    for tab in tabs:
        expect(tab.locator("#list .row", has_text="order_placed")).to_be_visible()
        tab.get_by_label("Event name").fill("nothing")
        expect(tab.get_by_role("heading", name="No event matches")).to_be_visible()
    for tab in tabs[:4]:
        tab.close()
    client.track_event(Event("user-1", "nothing"))
    for tab in tabs[4:]:
        expect(tab.locator("#list .row", has_text="nothing")).to_be_visible()


def test_all_of_them_come_back_after_a_restart(page: Page, open_page: Callable[..., Page], sandbox: Sandbox) -> None:
    tabs = [page, *(open_page(sandbox, beside=page) for _ in range(TABS - 1))]
    sandbox.stop()
    for tab in tabs:
        expect(tab.get_by_text("connection lost")).to_be_visible()
    sandbox.start()
    for tab in tabs:
        expect(tab.get_by_text("live", exact=True)).to_be_visible(timeout=10_000)


@pytest.mark.parametrize("script", ["", NO_SHARED_WORKER])
def test_a_hidden_tab_rests_and_is_up_to_date_when_it_is_seen_again(
    page: Page, open_page: Callable[..., Page], sandbox: Sandbox, client: Suprsend, script: str
) -> None:
    page.context.add_init_script(TURN_AWAY + script)
    hidden, seen = open_page(sandbox, beside=page), open_page(sandbox, beside=page)
    client.track_event(Event("user-1", "before"))
    for tab in (hidden, seen):
        expect(tab.locator("#list .row", has_text="before")).to_be_visible()
    turn(hidden, away=True)
    client.track_event(Event("user-1", "meanwhile"))
    expect(seen.locator("#list .row", has_text="meanwhile")).to_be_visible()
    assert "before" in first_row(hidden)
    turn(hidden, away=False)
    expect(hidden.locator("#list .row", has_text="meanwhile")).to_be_visible()
    client.track_event(Event("user-1", "afterwards"))
    for tab in (hidden, seen):
        expect(tab.locator("#list .row", has_text="afterwards")).to_be_visible()


def test_without_a_shared_worker_the_hidden_ones_leave_their_connections_to_the_others(
    page: Page, open_page: Callable[..., Page], sandbox: Sandbox, client: Suprsend
) -> None:
    page.context.add_init_script(TURN_AWAY + NO_SHARED_WORKER)
    tabs: list[Page] = []
    for _ in range(TABS):
        for tab in tabs:
            turn(tab, away=True)
        tabs.append(open_page(sandbox, beside=page))
    client.track_event(Event("user-1", "order_placed"))
    for tab in tabs:
        turn(tab, away=False)
        expect(tab.locator("#list .row", has_text="order_placed")).to_be_visible()
        turn(tab, away=True)


def test_a_worker_that_cannot_be_loaded_is_done_without(
    page: Page, open_page: Callable[..., Page], sandbox: Sandbox, client: Suprsend
) -> None:
    page.context.add_init_script(
        "const Real = SharedWorker;"
        "window.SharedWorker = function (url, options) { return new Real('/_sandbox/static/nowhere.js', options); };"
    )
    broken = open_page(sandbox, beside=page)
    client.track_event(Event("user-1", "order_placed"))
    expect(broken.locator("#list .row", has_text="order_placed")).to_be_visible()


def test_the_other_tabs_stay_live_when_the_one_with_the_worker_crashes(
    page: Page, open_page: Callable[..., Page], sandbox: Sandbox, client: Suprsend
) -> None:
    others = [open_page(sandbox, beside=page) for _ in range(TABS - 1)]
    with page.expect_event("crash"), pytest.raises(Error):
        page.goto("chrome://crash")
    client.track_event(Event("user-1", "order_placed"))
    for tab in others:
        expect(tab.locator("#list .row", has_text="order_placed")).to_be_visible()
        expect(tab.get_by_text("live", exact=True)).to_be_visible()
    client.track_event(Event("user-1", "afterwards"))
    for tab in others:
        expect(tab.locator("#list .row", has_text="afterwards")).to_be_visible()


def test_a_tab_whose_worker_has_ended_says_so_and_shows_what_it_missed(
    page: Page, browser: Browser, open_page: Callable[..., Page], sandbox: Sandbox, client: Suprsend
) -> None:
    page.context.add_init_script(TURN_AWAY)
    hidden, seen = open_page(sandbox, beside=page), open_page(sandbox, beside=page)
    turn(hidden, away=True)
    states = seen.evaluate_handle("""() => {
        const states = [], shown = document.getElementById("connection");
        new MutationObserver(() => states.push(shown.textContent)).observe(shown, { childList: true, subtree: true });
        return states;
    }""")
    end_worker(browser)
    client.track_event(Event("user-1", "missed"))
    expect(seen.locator("#list .row", has_text="missed")).to_be_visible()
    seen.wait_for_function("(states) => states.at(-1) === 'live'", arg=states)
    assert set(states.json_value()) == {"connection lost, trying again", "live"}
    end_worker(browser)
    turn(hidden, away=False)
    expect(hidden.locator("#list .row", has_text="missed")).to_be_visible()
    client.track_event(Event("user-1", "afterwards"))
    for tab in (page, hidden, seen):
        expect(tab.locator("#list .row", has_text="afterwards")).to_be_visible()


def test_workers_that_never_answer_are_done_without(
    page: Page, open_page: Callable[..., Page], sandbox: Sandbox, client: Suprsend
) -> None:
    page.context.add_init_script(SILENT_WORKER)
    alone = open_page(sandbox, beside=page)
    client.track_event(Event("user-1", "order_placed"))
    expect(alone.locator("#list .row", has_text="order_placed")).to_be_visible()
    assert alone.evaluate("window.made") == 3
