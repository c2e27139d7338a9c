"""The pages beside the inbox, used as people use them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import expect
from tests.browser.records_page import KINDS, OpenKind, clipboard, deliver, detail, fill, part, rows

from suprsend_async import Event, SubscriberListBroadcast, Suprsend, SuprsendError, WorkflowTriggerRequest
from suprsend_async.integrations.pytest_sandbox import SandboxFixture
from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.receiver import Application

SCRIPT = "<script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">"
MANY = 100_000
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


def test_a_user(open_kind: OpenKind, filled: Sandbox) -> None:
    page = open_kind(filled, "users")
    expect(page.locator("#match-count")).to_have_text("2 users")
    expect(page.get_by_role("columnheader", name="distinct_id")).to_be_visible()
    rows(page).filter(has_text="ada@example.com").click()
    expect(part(page, "Properties")).to_contain_text('plan"pro"')
    expect(part(page, "Channels")).to_contain_text("ada@example.com")
    expect(part(page, "In tenant acme")).to_contain_text("role")
    expect(part(page, "Lists")).to_contain_text("beta")
    expect(part(page, "Objects")).to_contain_text("kitchen")
    history = part(page, "History")
    expect(history).to_contain_text('properties.plan"free" → "pro"')
    # The request that did it is a click away.
    history.get_by_role("link", name="PATCH /v1/user/user-1/").click()
    expect(detail(page).get_by_role("heading", name="PATCH /v1/user/user-1/")).to_be_visible()
    expect(part(page, "Request")).to_contain_text('"$set":{"plan":"pro"}')


def test_a_workflow(open_kind: OpenKind, filled: Sandbox) -> None:
    page = open_kind(filled, "workflows")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text(re.compile(r"accepted.*order-shipped.*user-1, user-2.*acme.*total", re.DOTALL))
    rows(page).click()
    # Numbers stand as they came.
    expect(part(page, "Data")).to_contain_text("total10.0")
    expect(part(page, "Recipients")).to_contain_text("user-2")
    expect(part(page, "History").get_by_role("listitem").filter(has_text="/trigger/")).to_have_count(2)
    expect(part(page, "History")).to_contain_text("repeated")
    detail(page).get_by_role("link", name="acme").click()
    expect(detail(page).get_by_role("heading", name="acme", level=2)).to_be_visible()


def test_a_list_with_more_members_than_a_page(open_kind: OpenKind, sandbox: Sandbox, client: Suprsend) -> None:
    client.subscriber_lists.create({"list_id": "beta"})
    client.subscriber_lists.add("beta", [f"user-{number}" for number in range(70)])
    client.subscriber_lists.start_sync("beta")
    client.subscriber_lists.broadcast(SubscriberListBroadcast("beta", "news", "promotional"))
    page = open_kind(sandbox, "lists")
    rows(page).click()
    members = part(page, "Members \\(70\\)")
    expect(members.get_by_role("listitem")).to_have_count(50)
    members.get_by_role("button", name="More").click()
    expect(members.get_by_role("listitem")).to_have_count(70)
    expect(members.get_by_role("button", name="More")).to_be_hidden()
    expect(part(page, "Drafts \\(1\\)").get_by_role("listitem")).to_have_count(1)
    part(page, "Broadcasts").get_by_role("link", name="news").click()
    expect(page).to_have_url(re.compile("/broadcasts#open="))
    expect(detail(page).locator(".facts")).to_contain_text("promotional")


def test_a_message_and_its_way(open_kind: OpenKind, sandbox: Sandbox) -> None:
    content = {"subject": "Hello", "body": "Dear Ada,\nyour order is on its way"}
    message_id = sandbox.add_message("user-1", status="triggered", channel="email", content=content)
    page = open_kind(sandbox, "messages")
    rows(page).click()
    expect(page.get_by_label("Preview: body")).to_have_text("Dear Ada,\nyour order is on its way")
    # It moves while it is open.
    sandbox.move_message(message_id, "delivered")
    expect(detail(page).locator(".outcome")).to_have_text("delivered")
    expect(rows(page)).to_contain_text("delivered")
    expect(part(page, "History")).to_contain_text('"triggered" → "delivered"')
    sandbox.add_message("user-2", status="trigger_failed", failure_reason="no address", channel="sms")
    expect(rows(page).first).to_contain_text(re.compile("trigger_failed.*user-2 · sms", re.DOTALL))
    page.keyboard.press("k")
    expect(detail(page).locator(".outcome")).to_contain_text("no address")


def test_a_message_is_delivered_by_a_click_and_the_application_hears_of_it(
    open_kind: OpenKind, sandbox: Sandbox, client: Suprsend, application: Application
) -> None:
    sandbox.put_workflow("order_placed", email={"subject": "Thank you", "body": "<b>Order</b> {{ data.order }}"})
    client.users.upsert("user-1", {"$email": ["ada@example.com"]})
    client.track_event(Event("user-1", "order_placed", {"order": 41}, idempotency_key="order-41"))
    page = open_kind(sandbox, "messages")
    rows(page).click()
    expect(page.get_by_label("Preview: body")).to_have_text("<b>Order</b> 41")
    marks = detail(page).get_by_role("group", name="Mark as")
    marks.get_by_role("button", name="Delivered").click()
    expect(detail(page).locator(".outcome")).to_have_text("delivered")
    expect(marks.get_by_role("button", name="Delivered")).to_be_disabled()
    # What became of it shows while it is open: posted, and taken.
    webhook = part(page, "Webhooks").get_by_role("listitem")
    expect(webhook).to_contain_text(re.compile("delivered.*taken.*HTTP 204", re.DOTALL))
    assert application.bodies[0]["reference"]["idempotency_key"] == "order-41"
    webhook.get_by_role("button", name="Replay").click()
    expect(webhook).to_contain_text("HTTP 204, attempt 2")
    assert application.bodies[1] == application.bodies[0]
    # The keyboard goes on where it was.
    marks.get_by_role("button", name="Seen").press("Enter")
    expect(detail(page).locator(".outcome")).to_have_text("seen")
    expect(marks.get_by_role("button", name="Clicked")).to_be_focused()
    page.keyboard.press("Enter")
    expect(detail(page).locator(".outcome")).to_have_text("clicked")
    expect(part(page, "Webhooks").get_by_role("listitem")).to_have_count(3)
    marks.get_by_role("button", name="Failed").click()
    why = "marked as failed on the sandbox's page"
    expect(detail(page).locator(".outcome")).to_have_text(f"delivery_failure{why}")
    expect(rows(page)).to_contain_text(why)
    assert sandbox.messages[0]["failure_reason"] == why
    expect(marks.get_by_role("button", disabled=True)).to_have_count(4)
    assert [body["suprsend_status"]["status"] for body in application.bodies[2:4]] == ["seen", "clicked"]


def test_a_webhook_that_was_not_taken_is_posted_once_more(open_kind: OpenKind, application: Application) -> None:
    application.answers = [500]
    # On a clock that stands still nothing is posted again by itself.
    with Sandbox(webhook=application.url, clock=lambda: 1_800_000_000.0) as sandbox:
        sandbox.move_message(sandbox.add_message("user-1", status="triggered", channel="sms"), "seen")
        page = open_kind(sandbox, "webhooks")
        expect(rows(page)).to_contain_text(re.compile("waiting.*seen.*user-1 · sms.*HTTP 500", re.DOTALL))
        rows(page).click()
        expect(part(page, "Body")).to_contain_text("suprsend_status")
        detail(page).get_by_role("button", name="Replay").click()
        expect(detail(page).locator(".outcome")).to_have_text("takenHTTP 204, attempt 2")
        expect(part(page, "Attempts")).to_contain_text("status_code500")
        detail(page).locator(".facts").get_by_role("link").click()
        expect(page).to_have_url(re.compile("/messages#open="))
        expect(detail(page).locator(".outcome")).to_have_text("seen")


def test_a_delivery_says_what_was_skipped(open_kind: OpenKind, sandbox: Sandbox, client: Suprsend) -> None:
    deliver(sandbox, client)
    page = open_kind(sandbox, "deliveries")
    expect(page.locator("#match-count")).to_have_text("1 delivery")
    skipped = "user-1, sms: there is no active sms in the profile"
    expect(rows(page)).to_contain_text(re.compile(f"1 message.*order_placed.*event.*{skipped}", re.DOTALL))
    rows(page).click()
    expect(detail(page).locator(".outcome")).to_have_text(f"1 message{skipped}")
    expect(part(page, "Skipped")).to_contain_text("there is no active sms in the profile")
    expect(part(page, "What came")).to_contain_text("order-shipped")
    part(page, "Messages").get_by_role("link", name="order_placed").click()
    expect(page.get_by_label("Preview: body")).to_have_text("order-shipped")


def test_what_a_trigger_makes_later_shows_while_it_is_open(
    open_kind: OpenKind, sandbox: Sandbox, client: Suprsend
) -> None:
    sandbox.put_workflow("order-shipped", delay="10m", inbox={"body": "It is on its way"})
    client.workflows.trigger(WorkflowTriggerRequest("order-shipped", ["user-1"]))
    page = open_kind(sandbox, "workflows")
    rows(page).click()
    expect(part(page, "Messages")).to_contain_text("None.")
    expect(part(page, "Delivery").get_by_role("listitem")).to_contain_text("waiting")
    sandbox.advance(minutes=10)
    expect(part(page, "Messages").get_by_role("listitem")).to_contain_text("It is on its way")
    expect(part(page, "Messages")).not_to_contain_text("None.")
    expect(part(page, "Delivery").get_by_role("listitem")).to_contain_text("1 message")


def test_requests(open_kind: OpenKind, sandbox: Sandbox, client: Suprsend) -> None:
    page = open_kind(sandbox, "requests")
    client.users.upsert("user-1", {"plan": "pro"})
    expect(rows(page)).to_contain_text(re.compile(r"201.*POST /v1/user/user-1/.* ms.*plan", re.DOTALL))
    headers = {"authorization": f"Bearer {sandbox.api_key}"}
    httpx.get(f"{sandbox.url}v1/user/nobody/", headers=headers, trust_env=False)
    expect(rows(page).first).to_contain_text(re.compile("404.*not found", re.DOTALL))
    rows(page).first.click()
    expect(detail(page).locator(".outcome")).to_contain_text("not found")
    expect(part(page, "Request")).to_contain_text("authorization: Bearer ***")
    expect(part(page, "Response")).to_contain_text("HTTP 404")
    assert sandbox.api_key not in page.content()


def test_an_object_and_a_tenant(open_kind: OpenKind, filled: Sandbox) -> None:
    page = open_kind(filled, "objects")
    rows(page).filter(has_text="kitchen").click()
    part(page, "Subscribers").get_by_role("link", name="user-1").click()
    expect(detail(page).get_by_role("heading", name="user-1")).to_be_visible()
    part(page, "Tenants").get_by_role("link", name="acme").click()
    expect(part(page, "Settings")).to_contain_text("order-shipped")
    # What is open stays when the page is loaded again.
    page.reload()
    expect(detail(page).get_by_role("heading", name="acme")).to_be_visible()


def test_what_comes_appears_by_itself_and_what_goes_is_gone(
    open_kind: OpenKind, sandbox: Sandbox, client: Suprsend
) -> None:
    page = open_kind(sandbox, "users")
    expect(page.get_by_role("heading", name="No user so far")).to_be_visible()
    client.users.upsert("user-1", {"plan": "free"})
    client.users.upsert("user-2", {"plan": "free"})
    expect(rows(page)).to_have_count(2)
    client.users.edit("user-1", {"operations": [{"$set": {"plan": "pro"}}]})
    expect(rows(page).last).to_contain_text("plan: pro")
    client.users.delete("user-2")
    expect(rows(page)).to_have_count(1)


def test_search_in_a_kind(open_kind: OpenKind, sandbox: Sandbox, client: Suprsend) -> None:
    for number in range(3):
        client.users.upsert(f"user-{number}", {"note": f"needle-{number}"})
    page = open_kind(sandbox, "users")
    page.get_by_role("searchbox").fill("NEEDLE-1")
    expect(rows(page)).to_have_count(1)
    expect(page.locator("#match-count")).to_have_text("1 user")
    page.reload()
    expect(rows(page)).to_have_count(1)
    page.get_by_role("searchbox").fill("nothing like it")
    page.get_by_role("button", name="Show all users").click()
    expect(rows(page)).to_have_count(3)


def test_the_keyboard_does_everything(open_kind: OpenKind, filled: Sandbox) -> None:
    page = open_kind(filled, "users")
    expect(rows(page)).to_have_count(2)
    for key in ("j", "j", "Enter"):
        page.keyboard.press(key)
    expect(detail(page).get_by_role("heading", name="user-1")).to_be_visible()
    page.keyboard.press("k")
    expect(detail(page).get_by_role("heading", name="user-2")).to_be_visible()
    page.keyboard.press("c")
    expect(page.get_by_text("Python copied")).to_be_visible()
    page.keyboard.press("Escape")
    expect(detail(page)).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_text("search in everything")).to_be_visible()


def test_search_in_everything_from_any_page(open_kind: OpenKind, filled: Sandbox, client: Suprsend) -> None:
    client.track_event(Event("user-1", "order_placed", {"city": "order-shipped"}))
    page = open_kind(filled, "tenants")
    expect(rows(page)).to_have_count(2)
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog", name="Search in everything")
    page.keyboard.type("order-shipped")
    titles = ["Events", *(kind.title() for kind in KINDS)]
    expect(dialog.get_by_role("heading")).to_have_text(titles)
    dialog.get_by_role("link", name=re.compile("^order_placed.*city")).click()
    expect(page.get_by_role("article", name="Event").get_by_role("heading", name="order_placed")).to_be_visible()
    page.get_by_role("button", name="Search all").click()
    page.keyboard.type('"plan":"pro"')
    expect(dialog.get_by_role("link", name=re.compile("^user-1"))).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(detail(page).get_by_role("heading", name="user-1")).to_be_visible()
    # Another one of the same kind is shown without leaving the page.
    page.keyboard.press("s")
    page.keyboard.type("user-2")
    dialog.get_by_role("link", name=re.compile("^user-2")).first.click()
    expect(detail(page).get_by_role("heading", name="user-2")).to_be_visible()
    page.keyboard.press("s")
    page.get_by_label("Search in everything").last.fill("nowhere to be found")
    expect(dialog).to_contain_text("Nothing found.")


@pytest.mark.parametrize("kind", KINDS)
def test_markup_in_data_stays_text(open_kind: OpenKind, sandbox: Sandbox, client: Suprsend, kind: str) -> None:
    fill(sandbox, client, SCRIPT)
    deliver(sandbox, client, SCRIPT)
    page = open_kind(sandbox, kind)
    wanted = {"users": "user-1", "requests": "POST /trigger/"}.get(kind, "")
    rows(page).filter(has_text=wanted).first.click()
    expect(detail(page)).to_contain_text("onerror=")
    expect(detail(page).locator(".none", has_text="loading")).to_have_count(0)
    page.keyboard.press("s")
    page.keyboard.type("onerror=")
    expect(page.get_by_role("dialog").get_by_role("link").first).to_be_visible()
    assert page.locator("img, body script").count() == 0
    assert "pwned" not in page.title()


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_copied_makes_it_again_and_tests_it(open_kind: OpenKind, sandbox: Sandbox, kind: str) -> None:
    with sandbox.blocking_client(max_retries=0) as client:
        fill(sandbox, client)
        if kind in ("deliveries", "definitions", "webhooks"):
            deliver(sandbox, client)
    page = open_kind(sandbox, kind)
    wanted = {"users": "ada@", "tenants": "acme", "requests": "POST /v1/user/user-1/tenant/acme/"}.get(kind, "")
    rows(page).filter(has_text=wanted).first.click()
    page.get_by_role("button", name="Copy as Python").click()
    expect(page.get_by_text("Python copied")).to_be_visible()
    source = clipboard(page)
    page.get_by_role("button", name="Copy as test").click()
    expect(page.get_by_text("Test copied")).to_be_visible()
    test = clipboard(page)
    assert max(map(len, source.splitlines())) <= 120
    with Sandbox() as other, other.blocking_client(max_retries=0) as client:
        if kind == "requests":
            client.users.upsert("user-1", {})
            client.tenants.upsert("acme", {"tenant_name": "Acme"})
        if kind == "deliveries":
            other.put_workflow("order_placed", email={"body": "{{ data.note }}"})
            client.users.upsert("user-1", {"$email": ["ada@example.com"]})
        if kind == "webhooks":
            message_id = sandbox.messages[-1]["message_id"]
            other.add_message("user-1", status="triggered", channel="email", message_id=message_id)
        classes = {each.__name__: each for each in (Event, WorkflowTriggerRequest, SubscriberListBroadcast)}
        names = {**classes, "httpx": httpx, "client": client, "sandbox": other}
        exec(test, names)
        [run] = [value for name, value in names.items() if name.startswith("test_")]
        exec(source, names)
        run(None, SandboxFixture(other))
        other.clear()
        with pytest.raises((AssertionError, SuprsendError)):
            run(None, SandboxFixture(other))


@pytest.fixture(scope="module")
def many_users() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        with sandbox._store.transaction():
            for number in range(MANY):
                profile = {"properties": {"number": number}, "channels": {}}
                sandbox._store.records.put("user", "", f"user-{number}", profile, 1_764_000_000.0 + number)
        yield sandbox


def test_a_hundred_thousand_scroll_with_few_rows(open_kind: OpenKind, many_users: Sandbox) -> None:
    page = open_kind(many_users, "users")
    expect(page.locator("#match-count")).to_have_text("100,000 users")
    assert page.evaluate(SCROLL, MANY) < 100
    expect(rows(page).last).to_contain_text("user-0")


def test_search_among_a_hundred_thousand(open_kind: OpenKind, many_users: Sandbox) -> None:
    page = open_kind(many_users, "users")
    page.get_by_role("searchbox").fill("user-4711")
    # Each number that begins so: itself, and ten with one digit more.
    expect(page.locator("#match-count")).to_have_text("11 users")
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    page.keyboard.type("user-99998")
    expect(page.get_by_role("dialog").get_by_role("link")).to_have_count(1)
