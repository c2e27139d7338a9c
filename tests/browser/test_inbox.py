"""The inbox page, used as people use it."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import Page, expect
from tests.browser.inbox_page import detail, row, rows

from suprsend_async import Attachment, Event, Suprsend
from suprsend_async.sandbox import faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from suprsend_async.sandbox import Sandbox

PHONE = {"width": 390, "height": 844}
SCRIPT = "<script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">"


def clipboard(page: Page) -> str:
    return page.evaluate("navigator.clipboard.readText()")


def test_an_event_appears_by_itself(page: Page, client: Suprsend) -> None:
    expect(page.get_by_role("heading", name="Waiting for the first event")).to_be_visible()
    client.track_event(Event("user-1", "order_placed", tenant_id="acme"))
    expect(row(page, "order_placed")).to_be_visible()
    expect(row(page, "order_placed")).to_contain_text(re.compile(r"accepted 202.*user-1.*acme", re.DOTALL))
    expect(page.get_by_role("heading", name="Waiting")).to_be_hidden()
    client.track_event(Event("user-2", "order_paid"))
    expect(rows(page).first).to_contain_text("order_paid")
    expect(page.locator("#counters")).to_contain_text("2")


def test_the_empty_inbox_tells_how_to_begin(page: Page, sandbox: Sandbox) -> None:
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_text("Variables copied")).to_be_visible()
    expected = [f"export {name}={value}" for name, value in sandbox.environment().items()]
    assert clipboard(page).splitlines() == expected


def test_what_came_before_the_page_is_there(client: Suprsend, sandbox: Sandbox, open_page: Callable[..., Page]) -> None:
    client.track_event(Event("user-1", "order_placed"))
    expect(row(open_page(sandbox), "order_placed")).to_be_visible()


def test_search(page: Page, client: Suprsend) -> None:
    for number in range(3):
        client.track_event(Event(f"user-{number}", "order_placed", {"note": f"needle-{number}"}))
    expect(rows(page)).to_have_count(3)
    page.get_by_role("searchbox").fill("NEEDLE-1")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("user-1")
    expect(page.locator("#match-count")).to_have_text("1 event")
    page.get_by_role("searchbox").fill("nothing like it")
    page.get_by_role("button", name="Show all events").click()
    expect(rows(page)).to_have_count(3)
    expect(page.get_by_role("searchbox")).to_have_value("")


def test_filters(page: Page, client: Suprsend) -> None:
    first = Event("user-1", "order_placed", tenant_id="acme")
    client.track_event(first)
    client.track_event(first)
    client.track_event(Event("user-2", "order_placed", tenant_id="globex"))
    client.track_event(Event("user-2", "signed_up"))
    expect(rows(page)).to_have_count(4)
    for label, value, count in (("Event name", "order_placed", 3), ("distinct_id", "user-2", 2), ("Tenant", "acme", 2)):
        page.get_by_label(label, exact=True).fill(value)
        expect(rows(page)).to_have_count(count)
        page.get_by_role("button", name="Reset").click()
        expect(rows(page)).to_have_count(4)
    page.get_by_text("Repeated", exact=True).click()
    expect(rows(page)).to_have_count(1)
    page.reload()
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_role("radio", name="Repeated")).to_be_checked()


def test_new_events_keep_to_the_filter(page: Page, client: Suprsend) -> None:
    page.get_by_label("Event name").fill("order_placed")
    client.track_event(Event("user-1", "signed_up"))
    client.track_event(Event("user-1", "order_placed"))
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("order_placed")


def test_detail(page: Page, client: Suprsend, sandbox: Sandbox) -> None:
    event = Event("user-1", "order_placed", {"address": {"city": "Pune", "lines": ["a", "b"]}}, idempotency_key="key-1")
    client.track_event(event)
    client.track_event(event)
    row(page, "repeated").click()
    expect(detail(page)).to_contain_text("idempotency key was used before")
    for text in ("Pune", "key-1", event.insert_id, "POST /v2/event/", f"authorization: {sandbox.workspace_key}:***"):
        expect(detail(page)).to_contain_text(text)
    assert sandbox.workspace_secret not in page.content()
    page.locator("summary", has_text="address").click()
    expect(detail(page).get_by_text('"Pune"', exact=True)).to_be_hidden()
    history = detail(page).locator(".history li")
    expect(history).to_have_count(2)
    history.get_by_role("button").last.click()
    expect(detail(page).locator(".outcome")).to_contain_text("accepted 202")
    detail(page).get_by_role("button", name="show only these").first.click()
    expect(page.get_by_label("distinct_id", exact=True)).to_have_value("user-1")


def post(sandbox: Sandbox, path: str, content: object, **headers: str) -> None:
    wanted = {"authorization": f"Bearer {sandbox.api_key}"} | headers
    httpx.post(sandbox.url + path, json=content, headers=wanted, trust_env=False)


def test_a_failed_whole_request_shows_what_was_asked_and_answered(page: Page, sandbox: Sandbox) -> None:
    post(sandbox, "v2/bulk/event/", [{"event": "needle"}], authorization="Bearer wrong")
    expect(row(page, "POST /v2/bulk/event/")).to_contain_text("The API key is not the workspace's.")
    row(page, "refused 401").click()
    expect(detail(page).get_by_role("heading", name="POST /v2/bulk/event/")).to_be_visible()
    request, response = (detail(page).locator("section", has_text=title) for title in ("Request", "Response"))
    for text in ("POST /v2/bulk/event/", "authorization: Bearer ***", '[{"event":"needle"}]'):
        expect(request).to_contain_text(text)
    for text in ("HTTP 401", "content-type: application/json", '"type":"authentication_error"'):
        expect(response).to_contain_text(text)
    expect(detail(page)).not_to_contain_text("Properties")
    expect(detail(page).get_by_role("button", name="Copy")).to_have_count(0)


def test_an_answer_that_was_not_given_is_said_to_be_none(page: Page, sandbox: Sandbox) -> None:
    sandbox.provoke(faults.Reset(when="before", count=1))
    with contextlib.suppress(httpx.TransportError):
        post(sandbox, "v2/nowhere/", {})
    row(page, "no answer").click()
    expect(detail(page).locator("section", has_text="Response")).to_contain_text("None was given.")


def test_a_body_that_is_no_text_says_how_much_of_it_is_not_shown(page: Page, sandbox: Sandbox) -> None:
    httpx.post(f"{sandbox.url}v2/nowhere/", content=b"\xff" * 20_000, trust_env=False)
    row(page, "refused").click()
    expect(detail(page).get_by_text("and 3,616 bytes more")).to_be_visible()


def test_events_are_counted_apart_from_whole_requests(page: Page, sandbox: Sandbox, client: Suprsend) -> None:
    client.track_event(Event("user-1", "order_placed"))
    expect(page.locator("#match-count")).to_have_text("1 event")
    post(sandbox, "v2/nowhere/", {})
    expect(page.locator("#match-count")).to_have_text("1 event, 1 whole request")
    page.get_by_text("Refused", exact=True).click()
    expect(page.locator("#match-count")).to_have_text("0 events, 1 whole request")


def test_a_row_shows_the_first_properties_or_why_not(page: Page, sandbox: Sandbox, client: Suprsend) -> None:
    client.track_event(Event("user-1", "order_placed", {"amount": 10, "items": ["a", "b"]}))
    expect(row(page, "order_placed")).to_contain_text("amount: 10 · items: [2]")
    expect(page.get_by_role("columnheader", name="Tenant")).to_be_hidden()
    sandbox.fail_next(status=429)
    client.track_event(Event("user-1", "order_paid", {"amount": 11}, tenant_id="acme"))
    expect(row(page, "order_paid")).to_contain_text("planned fault")
    expect(row(page, "order_paid")).not_to_contain_text("amount")
    expect(page.get_by_role("columnheader", name="Tenant")).to_be_visible()


def test_a_bulk_as_one(page: Page, sandbox: Sandbox, client: Suprsend) -> None:
    sandbox.provoke(faults.RefuseRecords(distinct_id="user-2", count=1))
    bulk = client.bulk_events.new_instance()
    bulk.append(*(Event(f"user-{number}", "invoice_ready", {"number": number}) for number in range(5)))
    bulk.trigger()
    client.track_event(Event("user-9", "signed_up"))
    expect(rows(page)).to_have_count(6)
    page.get_by_text("Bulks as one").click()
    expect(rows(page)).to_have_count(2)
    for text in ("1 of 5 refused", "invoice_ready", "planned fault"):
        expect(rows(page).nth(1)).to_contain_text(text)
    expect(page.locator("#match-count")).to_have_text("6 events")
    # The keys go on after the click, and open the bulk.
    for key in ("j", "j", "Enter"):
        page.keyboard.press(key)
    expect(detail(page).get_by_role("heading", name="Bulk of 5 events")).to_be_visible()
    expect(detail(page).locator(".outcome")).to_have_text("1 refused, 4 accepted")
    records = detail(page).locator(".records li")
    expect(records).to_have_count(5)
    expect(records.first).to_contain_text(re.compile(r"2.*422.*user-2.*planned fault", re.DOTALL))
    expect(detail(page).locator("section", has_text="Response")).to_contain_text("HTTP 207")
    records.nth(4).get_by_role("button").click()
    expect(detail(page).locator(".facts")).to_contain_text("user-4")
    detail(page).get_by_role("button", name="show the bulk").click()
    expect(detail(page).get_by_role("heading", name="Bulk of 5 events")).to_be_visible()
    page.reload()
    expect(rows(page)).to_have_count(2)
    page.keyboard.press("b")
    expect(rows(page)).to_have_count(6)


def test_bulks_that_arrive_are_one_row_each(page: Page, client: Suprsend) -> None:
    page.keyboard.press("b")
    for count in (3, 4):
        bulk = client.bulk_events.new_instance()
        bulk.append(*(Event(f"user-{number}", f"kind_{number % 2}") for number in range(count)))
        bulk.trigger()
        expect(rows(page).first).to_contain_text(f"{count} events, mixed")
        expect(rows(page).first).to_contain_text("all accepted")
    expect(rows(page)).to_have_count(2)


@pytest.mark.parametrize("moment", [9_000_000_000_000_000, 10**30])
def test_a_time_beyond_all_dates_can_be_looked_at(page: Page, sandbox: Sandbox, moment: int) -> None:
    event = {
        "$insert_id": "00000000-0000-4000-8000-000000000000",
        "$time": moment,
        "event": "order_placed",
        "env": sandbox.workspace_uid,
        "distinct_id": "user-1",
        "properties": {"city": "Pune"},
    }
    post(sandbox, "v2/event/", event)
    row(page, "accepted 202").click()
    expect(detail(page)).to_contain_text("Pune")


def test_a_refusal_tells_why(page: Page, sandbox: Sandbox, client: Suprsend) -> None:
    sandbox.fail_next(status=429, retry_after=5)
    client.track_event(Event("user-1", "order_placed"))
    row(page, "refused 429").click()
    expect(detail(page)).to_contain_text("planned fault")


def test_copy_as_python_makes_the_same_event(page: Page, client: Suprsend) -> None:
    event = Event(
        "user-1",
        "order_placed",
        {
            "text": "quote \" backslash \\ new\nline tab\t nul\0 \u2028 \u202e hidden ${x} é 漢 🎉 'single'",
            "numbers": [0, -1, 10.0, 1e300, 2**53 + 1, -0.5, 1e-7],
            "words": {"yes": True, "no": False, "nothing": None},
            "empty": [{}, [], ""],
            "long": [{"sku": f"article-{number}", "quantity": number} for number in range(10)],
            "10": "keys like numbers",
            "__proto__": {"x": 1},
        },
        idempotency_key="key-1",
        tenant_id="acme",
        brand_id="old",
    )
    event.add_attachment("https://example.com/a.pdf", "a.pdf")
    event.add_attachment("https://example.com/b.pdf", ignore_if_error=True)
    client.track_event(event)
    rows(page).first.click()
    page.get_by_role("button", name="Copy as Python").click()
    expect(page.get_by_text("Event(…) call copied")).to_be_visible()
    copied = eval(clipboard(page), {"Event": Event, "Attachment": Attachment})  # what it is for
    assert copied == event
    assert repr(copied.properties["numbers"]) == repr(event.properties["numbers"])
    client.track_event(copied)
    expect(rows(page).first).to_contain_text("repeated 202")


def test_copy_as_test_passes_on_what_it_was_made_of(page: Page, client: Suprsend, sandbox: Sandbox) -> None:
    client.track_event(Event("user-1", "Order placed!", {"amount": 10.0, "gift": False}, tenant_id="acme"))
    rows(page).first.click()
    page.get_by_role("button", name="Copy as test").click()
    expect(page.get_by_text("Test copied")).to_be_visible()
    from suprsend_async.integrations.pytest_sandbox import SandboxFixture

    names: dict[str, Callable[..., None]] = {}
    exec(clipboard(page), names)  # what it is for
    names["test_order_placed_is_tracked"]({}, SandboxFixture(sandbox))


def test_a_fault_from_the_page_hits_the_next_request(page: Page, client: Suprsend) -> None:
    page.get_by_role("button", name="Faults").click()
    page.get_by_label("HTTP status").fill("429")
    page.get_by_label("Retry-After").fill("7")
    page.get_by_role("button", name="Provoke").click()
    expect(page.get_by_role("list", name="Faults still to come")).to_contain_text("Status 429, Retry-After 7")
    response = client.track_event(Event("user-1", "order_placed"))
    assert (response.status_code, response.retry_after) == (429, 7)
    expect(page.get_by_role("list", name="Faults still to come").get_by_role("listitem")).to_have_count(0)
    assert client.track_event(Event("user-1", "order_placed")).success


def test_every_kind_of_fault_can_be_planned_and_cleared(page: Page) -> None:
    page.get_by_role("button", name="Faults").click()
    pending = page.get_by_role("list", name="Faults still to come").get_by_role("listitem")
    options = page.get_by_label("Fault", exact=True).locator("option")
    kinds = [option.get_attribute("value") for option in options.all()]
    assert len(kinds) == 9
    for number, kind in enumerate(kinds, 1):
        page.get_by_label("Fault", exact=True).select_option(kind)
        page.get_by_role("button", name="Provoke").click()
        expect(pending.filter(has=page.get_by_role("button", name=re.compile("^Clear: ")))).to_have_count(number)
    page.get_by_role("button", name="Clear all").click()
    expect(pending).to_have_count(0)


def test_clear(page: Page, client: Suprsend, sandbox: Sandbox) -> None:
    client.track_event(Event("user-1", "order_placed"))
    rows(page).first.click()
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(rows(page)).to_have_count(0)
    expect(detail(page)).to_be_hidden()
    assert sandbox.events == []
    client.track_event(Event("user-1", "order_paid"))
    expect(row(page, "order_paid")).to_be_visible()


def test_what_events_hold_stays_text(page: Page, client: Suprsend) -> None:
    client.track_event(Event(SCRIPT, SCRIPT, {SCRIPT: SCRIPT}, tenant_id=SCRIPT[:60], idempotency_key=SCRIPT))
    rows(page).first.click()
    expect(detail(page).get_by_role("heading", name=SCRIPT)).to_be_visible()
    expect(detail(page).locator(".tree")).to_contain_text("<script>")
    assert page.locator("#list script, #list img, #detail script, #detail img").count() == 0
    assert page.title() == "SuprSend sandbox"


def test_a_name_below_localhost_is_this_machine(open_page: Callable[..., Page], sandbox: Sandbox) -> None:
    url = sandbox.url.replace("127.0.0.1", "shop.localhost")
    page = open_page(sandbox, url=url)
    expect(page.get_by_text(f"export SUPRSEND_BASE_URL={url}")).to_be_visible()


def test_a_phone(open_page: Callable[..., Page], sandbox: Sandbox, client: Suprsend) -> None:
    page = open_page(sandbox, viewport=PHONE, has_touch=True, is_mobile=True)
    client.track_event(Event("user-1", "order_placed", {"text": "x" * 500}))
    rows(page).first.tap()
    expect(detail(page)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert detail(page).bounding_box() == {"x": 0, "y": 0, **PHONE}
    detail(page).get_by_role("button", name="Close").tap()
    page.get_by_role("button", name="Faults").tap()
    expect(page.get_by_role("button", name="Provoke")).to_be_in_viewport()


def test_it_comes_back_after_a_restart_of_the_sandbox(page: Page, sandbox: Sandbox) -> None:
    sandbox.stop()
    expect(page.get_by_text("connection lost")).to_be_visible()
    sandbox.start()
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    with sandbox.blocking_client() as client:
        client.track_event(Event("user-1", "order_placed"))
    expect(row(page, "order_placed")).to_be_visible()
