"""What there is of each kind, over HTTP: lists, one record with its history, its parts, and the search in all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from suprsend_async import Event, SubscriberListBroadcast, Suprsend, WorkflowTriggerRequest
from suprsend_async.sandbox import Sandbox

from .kinds import facts, names, only, part, sections

if TYPE_CHECKING:
    from .kinds import Get

KINDS = (
    "messages",
    "deliveries",
    "webhooks",
    "workflows",
    "definitions",
    "users",
    "lists",
    "broadcasts",
    "objects",
    "tenants",
    "requests",
)


def test_all_kinds_are_counted(get: Get, client: Suprsend) -> None:
    client.users.upsert("user-1", {})
    totals = {each["kind"]: each["total"] for each in get("kinds")["kinds"]}
    assert tuple(totals) == KINDS
    assert totals == dict.fromkeys(KINDS, 0) | {"users": 1, "tenants": 1, "requests": 1}


def test_a_user_has_profile_channels_preferences_and_tenants(get: Get, client: Suprsend) -> None:
    client.tenants.upsert("acme", {"tenant_name": "Acme"})
    client.users.upsert("user-1", {"plan": "pro", "$email": ["ada@example.com", "old@example.com"]})
    client.users.edit("user-1", {"operations": [{"$remove": {"$email": "old@example.com"}}]})
    client.users.upsert_for_tenant("user-1", "acme", {"role": "admin"})
    client.users.update_category_preference("user-1", "promotional", {"preference": "opt_out"})
    detail = only(get, "users")
    shown = sections(detail)
    assert shown["Properties"] == {"plan": "pro"}
    assert shown["Channels"]["$email"][0] == "ada@example.com"
    assert shown["Channels"]["$email"][1]["status"] == "inactive"
    assert shown["Preferences, by tenant"]["default"]["categories"] == {"promotional": {"preference": "opt_out"}}
    assert shown["In tenant acme"]["properties"] == {"role": "admin"}
    assert detail["record"]["about"] == "email: ada@example.com · plan: pro"
    assert names(part(get, detail, "tenants")) == ["acme"]


def test_the_history_of_a_user_says_what_each_request_changed(get: Get, client: Suprsend) -> None:
    client.tenants.upsert("acme", {"tenant_name": "Acme"})
    client.users.upsert("user-1", {"plan": "free"})
    client.users.edit("user-1", {"operations": [{"$set": {"plan": "pro"}}]})
    client.users.upsert_for_tenant("user-1", "acme", {"role": "admin"})
    history = only(get, "users")["history"]
    assert [(each["what"], each["where"]) for each in history] == [
        ("made", "in tenant acme"),
        ("changed", ""),
        ("made", ""),
    ]
    assert history[1]["request"] == "PATCH /v1/user/user-1/"
    assert history[1]["differences"] == [{"name": "properties.plan", "before": "free", "after": "pro"}]
    request = get(f"kinds/requests/{history[1]['request_id']}")
    assert "$set" in request["request"]["body"]


def test_the_history_of_one_does_not_hold_that_of_another(get: Get, client: Suprsend) -> None:
    client.users.upsert("user-2", {"n": 1})
    client.users.upsert("user-1", {"n": 1})
    assert len(only(get, "users")["history"]) == 1


def test_who_was_deleted_and_made_again_says_so(get: Get, client: Suprsend) -> None:
    client.users.upsert("user-1", {"plan": "pro"})
    client.users.delete("user-1")
    client.users.upsert("user-1", {"plan": "free"})
    history = only(get, "users")["history"]
    assert [each["what"] for each in history] == ["made", "deleted", "changed"]
    assert history[0]["differences"] == [{"name": "properties.plan", "before": None, "after": "free"}]
    assert history[1]["request"] == "DELETE /v1/user/user-1/"


def test_a_trigger_has_its_idempotency_history(get: Get, client: Suprsend) -> None:
    trigger = WorkflowTriggerRequest(
        "order-shipped",
        ["user-1", {"distinct_id": "user-2", "$email": ["b@example.com"]}],
        {"order": 41},
        actor="user-1",
        tenant_id="acme",
        idempotency_key="key-1",
    )
    client.workflows.trigger(trigger)
    client.workflows.trigger(trigger)
    client.workflows.trigger(WorkflowTriggerRequest("other", ["user-1"]))
    page = get("kinds/workflows")
    assert names(page) == ["other", "order-shipped"]
    row = page["records"][1]
    assert (row["who"], row["tenant_id"], row["about"]) == ("user-1, user-2", "acme", "order: 41")
    detail = get(f"kinds/workflows/{row['id']}")
    assert sections(detail)["Data"] == {"order": 41}
    assert (facts(detail)["actor"], facts(detail)["idempotency key"]) == ("user-1", "key-1")
    assert [each["what"] for each in detail["history"]] == ["repeated", "made"]
    assert {each["request"] for each in detail["history"]} == {"POST /trigger/"}


def test_a_cancelled_run_shows(get: Get, client: Suprsend) -> None:
    client.workflows.trigger(WorkflowTriggerRequest("order-shipped", ["user-1", "user-2"]))
    client.workflows.cancel(recipients=["user-1"])
    assert only(get, "workflows")["record"]["status"] == "1 of 2 cancelled"


def test_a_list_has_members_drafts_and_broadcasts(get: Get, client: Suprsend) -> None:
    client.subscriber_lists.create({"list_id": "beta", "list_name": "Beta"})
    client.subscriber_lists.add("beta", [f"user-{number}" for number in range(5)])
    draft = client.subscriber_lists.start_sync("beta")
    client.subscriber_lists.broadcast(SubscriberListBroadcast("beta", "news", "promotional"))
    client.subscriber_lists.broadcast(SubscriberListBroadcast("other", "news", "promotional"))
    detail = only(get, "lists")
    assert {each["name"]: each["total"] for each in detail["parts"]} == {
        "members": 5,
        "versions": 1,
        "broadcasts": None,
    }
    first = part(get, detail, "members", limit=3)
    rest = part(get, detail, "members", limit=3, cursor=first["next_cursor"])
    assert names(first) + names(rest) == [f"user-{number}" for number in range(4, -1, -1)]
    assert names(part(get, detail, "versions")) == [draft.version_id]
    assert [each["who"] for each in part(get, detail, "broadcasts")["records"]] == ["beta"]
    assert [each["what"] for each in detail["history"]] == ["members", "members", "made"]


def test_a_member_that_is_a_user_leads_to_him(get: Get, client: Suprsend) -> None:
    client.subscriber_lists.create({"list_id": "beta"})
    client.users.upsert("user-1", {})
    client.subscriber_lists.add("beta", ["user-1"])
    [member] = part(get, only(get, "lists"), "members")["records"]
    assert get(f"kinds/users/{member['link']['id']}")["record"]["name"] == "user-1"


def test_an_object_has_subscribers(get: Get, client: Suprsend) -> None:
    client.objects.upsert("team", "kitchen", {"floor": 2})
    client.objects.create_subscriptions("team", "kitchen", {"recipients": ["user-1"]})
    detail = only(get, "objects")
    assert (detail["record"]["name"], detail["record"]["who"]) == ("kitchen", "team")
    assert names(part(get, detail, "subscribers")) == ["user-1"]
    assert [each["what"] for each in detail["history"]] == ["made"]


def test_a_tenant_has_settings_and_users(get: Get, client: Suprsend) -> None:
    client.tenants.upsert("acme", {"tenant_name": "Acme", "properties": {"city": "Pune"}})
    client.users.upsert("user-1", {})
    client.users.upsert_for_tenant("user-1", "acme", {})
    detail = only(get, "tenants")
    assert sections(detail)["Settings"]["properties"] == {"city": "Pune"}
    assert names(part(get, detail, "users")) == ["user-1"]


def test_every_request_is_there_with_what_became_of_it(get: Get, client: Suprsend, sandbox: Sandbox) -> None:
    client.users.upsert("user-1", {"plan": "pro"})
    client.track_event(Event("user-1", "order_placed"))
    httpx.get(f"{sandbox.url}v1/user/nobody/", headers={"authorization": f"Bearer {sandbox.api_key}"}, trust_env=False)
    httpx.post(f"{sandbox.url}v2/event/", json={}, trust_env=False)
    rows = get("kinds/requests")["records"]
    assert [(row["name"], row["status"], row["tone"]) for row in rows] == [
        ("POST /v2/event/", "401", "refused"),
        ("GET /v1/user/nobody/", "404", "refused"),
        ("POST /v2/event/", "202", "accepted"),
        ("POST /v1/user/user-1/", "201", "accepted"),
    ]
    assert all(row["who"].endswith((" ms", " s")) for row in rows)
    assert "not found" in rows[1]["about"]
    refused = get(f"kinds/requests/{rows[1]['id']}")
    assert "not found" in facts(refused)["why"]
    assert refused["response"]["status_code"] == 404
    taken = get(f"kinds/requests/{rows[3]['id']}")
    assert taken["request"]["body"] == '{"plan":"pro"}'
    assert sandbox.workspace_secret not in str(taken)


def test_a_bulk_with_a_refused_record_says_why(get: Get, client: Suprsend, sandbox: Sandbox) -> None:
    from suprsend_async.sandbox import faults

    sandbox.provoke(faults.RefuseRecords(distinct_id="user-2", count=1))
    bulk = client.bulk_events.new_instance()
    bulk.append(*(Event(f"user-{number}", "invoice_ready") for number in range(3)))
    bulk.trigger()
    [row] = get("kinds/requests")["records"]
    assert (row["status"], row["tone"]) == ("207", "refused")
    assert "planned fault" in row["about"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("kinds/nothing", "messages, deliveries, webhooks, workflows, definitions, users"),
        ("kinds/users/999", "no record"),
        ("kinds/users/999/lists", "no record"),
        ("kinds/users/1/nothing", "no such part"),
    ],
)
def test_what_is_not_there_is_said(sandbox: Sandbox, path: str, expected: str) -> None:
    response = httpx.get(f"{sandbox.url}_sandbox/{path}", trust_env=False)
    assert response.status_code == 404
    assert expected in response.json()["error"]["message"]


def test_a_record_is_found_under_its_own_kind_only(get: Get, client: Suprsend, sandbox: Sandbox) -> None:
    client.users.upsert("user-1", {})
    user_id = get("kinds/users")["records"][0]["id"]
    assert httpx.get(f"{sandbox.url}_sandbox/kinds/lists/{user_id}", trust_env=False).status_code == 404


def test_pages_and_search_of_a_kind(get: Get, client: Suprsend) -> None:
    for number in range(7):
        client.users.upsert(f"user-{number}", {"note": f"needle {number % 2}"})
    first = get("kinds/users", limit=4)
    assert (names(first), first["total"]) == (["user-6", "user-5", "user-4", "user-3"], 7)
    assert names(get("kinds/users", limit=4, cursor=first["next_cursor"])) == ["user-2", "user-1", "user-0"]
    found = get("kinds/users", q="NEEDLE 1", limit=2)
    assert (names(found), found["total"]) == (["user-5", "user-3"], None)
    last = get("kinds/users", q="NEEDLE 1", limit=2, cursor=found["next_cursor"])
    assert (names(last), last["next_cursor"]) == (["user-1"], None)
    # An id is found as well as what is in the record; signs of SQL's patterns are none here.
    assert names(get("kinds/users", q="user-3")) == ["user-3"]
    assert names(get("kinds/users", q="user_3")) == []


def test_search_in_all_kinds(get: Get, client: Suprsend, sandbox: Sandbox) -> None:
    client.users.upsert("user-1", {"city": "Pune"})
    client.tenants.upsert("acme", {"tenant_name": "Acme", "properties": {"city": "Pune"}})
    client.track_event(Event("user-1", "order_placed", {"city": "Pune"}))
    for _ in range(7):
        sandbox.add_message("user-1", content={"body": "Pune"})
    found = {each["kind"]: each for each in get("search", q="pune")["found"]}
    assert set(found) == {"events", "messages", "users", "tenants", "requests"}
    assert (len(found["messages"]["records"]), found["messages"]["has_more"]) == (5, True)
    assert found["events"]["records"][0]["name"] == "order_placed"
    assert get("search", q="nowhere")["found"] == []


def test_search_in_all_kinds_wants_a_text(sandbox: Sandbox) -> None:
    assert httpx.get(f"{sandbox.url}_sandbox/search", trust_env=False).status_code == 400


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_a_page_for_each_kind(sandbox: Sandbox, kind: str) -> None:
    response = httpx.get(f"{sandbox.url}_sandbox/pages/{kind}", trust_env=False)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in response.headers["content-security-policy"]


def test_there_is_no_page_for_anything_else(sandbox: Sandbox) -> None:
    assert httpx.get(f"{sandbox.url}_sandbox/pages/nothing", trust_env=False).status_code == 404


def test_clearing_the_events_keeps_a_users_history_but_not_its_requests(
    get: Get, client: Suprsend, sandbox: Sandbox
) -> None:
    client.users.upsert("user-1", {"plan": "pro"})
    httpx.delete(f"{sandbox.url}_sandbox/events", trust_env=False)
    client.users.list()
    [made] = only(get, "users")["history"]
    assert (made["what"], made["request_id"], made["request"]) == ("made", None, None)


def test_a_lists_members_are_in_what_makes_it_again(get: Get, client: Suprsend) -> None:
    client.subscriber_lists.create({"list_id": "beta"})
    client.subscriber_lists.add("beta", [f"user-{number}" for number in range(101)])
    data = only(get, "lists")["data"]
    assert (data["members"][0], len(data["members"]), data["members_count"]) == ("user-0", 100, 101)
