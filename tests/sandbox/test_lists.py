"""Subscriber lists over HTTP: who is in them, the drafts that replace them, and what is sent to them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async.sandbox import Sandbox

from .conftest import Wire

if TYPE_CHECKING:
    from .conftest import Reply

pytestmark = pytest.mark.extras("sandbox")

LISTS = "/v1/subscriber_list/"
BETA = f"{LISTS}beta/"
BROADCAST = {"list_id": "beta", "template": "news", "notification_category": "promotional"}


@pytest.fixture
def beta(wire: Wire) -> dict[str, Any]:
    reply = wire.post(LISTS, {"list_id": "beta", "list_name": "Beta users"})
    assert reply.status == 201
    return reply.json


def members(wire: Wire, path: str = BETA) -> list[str]:
    return [each["distinct_id"] for each in wire.call("GET", f"{path}subscriber/?sort=id&limit=1000").json["results"]]


def add(wire: Wire, *ids: str, path: str = BETA) -> int:
    reply = wire.post(f"{path}subscriber/add/", {"distinct_ids": ids})
    assert (reply.status, reply.json["success"]) == (201, True)
    return int(reply.json["affected_count"])


def start_sync(wire: Wire) -> str:
    reply = wire.post(f"{BETA}start_sync/", {})
    assert (reply.status, reply.json["status"], reply.json["subscribers_count"]) == (201, "draft", 0)
    return f"{BETA}version/{reply.json['version_id']}/"


def assert_long(reply: Reply, status: int, detail: Any) -> None:
    """Check the long shape of refusals."""
    code, kind = ("not_found", "NotFound") if status == 404 else ("error", "ValidationError")
    assert (reply.status, reply.json["code"], reply.json["error_code"], reply.json["type"]) == (
        status,
        status,
        code,
        kind,
    )
    assert reply.json["detail"] == detail


def test_create_get_and_change(wire: Wire, beta: dict[str, Any]) -> None:
    assert beta == {
        "list_id": "beta",
        "list_name": "Beta users",
        "list_description": "",
        "list_type": "static_list",
        "subscribers_count": 0,
        "source": None,
        "is_readonly": False,
        "status": "active",
        "track_user_entry": False,
        "track_user_exit": False,
        "requested_for_delete": False,
        "created_at": beta["created_at"],
        "updated_at": beta["updated_at"],
        "drafts": None,
    }
    assert wire.call("GET", BETA).json == beta
    changed = wire.post(LISTS, {"list_id": "BETA", "list_description": "Opted in", "track_user_entry": True})
    assert changed.json.items() >= {"list_id": "beta", "list_name": "Beta users", "track_user_entry": True}.items()
    assert changed.json["list_description"] == "Opted in"
    assert changed.json["created_at"] == beta["created_at"]


def test_pages_of_lists(wire: Wire) -> None:
    for n in range(25):
        wire.post(LISTS, {"list_id": f"list-{n}"})
    first = wire.call("GET", LISTS).json
    assert first["meta"] == {"count": 25, "limit": 20, "offset": 0}
    assert (len(first["results"]), first["results"][0]["version_id"]) == (20, None)
    last = wire.call("GET", f"{LISTS}?limit=10&offset=20").json
    assert [each["list_id"] for each in last["results"]] == [f"list-{n}" for n in range(20, 25)]


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        ({}, "list_id", "missing"),
        ({"list_id": ""}, "list_id", "must not be empty"),
        ({"list_id": "a b"}, "list_id", "must be 1 to 64 letters, digits, - and _"),
        ({"list_id": "x" * 65}, "list_id", "must be 1 to 64 letters, digits, - and _"),
        ({"list_id": "x", "list_type": "heap"}, "list_type", "must be one of"),
        ({"list_id": "x", "track_user_exit": 1}, "track_user_exit", "must be true or false"),
        ({"list_id": "x", "list_type": "dynamic_list"}, "query", "missing"),
    ],
)
def test_a_wrong_field_is_named_in_the_long_shape(wire: Wire, body: Any, field: str, reason: str) -> None:
    reply = wire.post(LISTS, body)
    [[name, [said]]] = reply.json["detail"].items()
    assert (name, reason in said) == (field, True)
    assert_long(reply, 400, {name: [said]})
    assert json.loads(reply.json["message"]) == reply.json["detail"]


def test_without_authorization_the_answer_is_a_text(wire: Wire) -> None:
    reply = wire.request("GET", LISTS)
    assert (reply.status, type(reply.json)) == (401, str)


def test_a_dynamic_list(wire: Wire) -> None:
    body = {"list_id": "rich", "list_type": "dynamic_list", "query": "SELECT distinct_id FROM users"}
    assert wire.post(LISTS, body).json.items() >= {**body, "is_enabled": True}.items()
    assert wire.post(LISTS, {"list_id": "rich", "is_enabled": False}).json["is_enabled"] is False


def test_add_and_remove_count_what_changed(wire: Wire, beta: dict[str, Any]) -> None:
    assert add(wire, "a", "b", "a") == 2
    assert add(wire, "b", "c") == 1
    assert add(wire) == 0
    removed = wire.post(f"{BETA}subscriber/remove/", {"distinct_ids": ["a", "x", "a"]})
    assert (removed.status, removed.json) == (201, {"success": True, "affected_count": 1})
    assert members(wire) == ["b", "c"]
    assert wire.call("GET", BETA).json["subscribers_count"] == 2
    assert add(wire, *(f"user-{n}" for n in range(1_000))) == 1_000


def test_ids_must_be_texts(wire: Wire, beta: dict[str, Any]) -> None:
    for ids in ("a", [1], [""], ["x" * 256], None):
        assert wire.post(f"{BETA}subscriber/add/", {"distinct_ids": ids}).status == 400
    assert members(wire) == []


def test_subscribers_by_page_and_order(wire: Wire, beta: dict[str, Any]) -> None:
    add(wire, *(f"user-{n}" for n in range(25)))
    path = f"{BETA}subscriber/"
    seen: list[str] = []
    query = "limit=10"
    while True:
        page = wire.call("GET", f"{path}?{query}").json
        assert page["meta"]["count"] == 25
        seen += [each["distinct_id"] for each in page["results"]]
        if not page["meta"]["has_next"]:
            break
        query = f"limit=10&after={page['meta']['after']}"
    assert seen == [f"user-{n}" for n in reversed(range(25))], "the newest first"
    back = wire.call("GET", f"{path}?limit=10&before={page['meta']['before']}").json
    assert [each["distinct_id"] for each in back["results"]] == seen[10:20]
    assert len(wire.call("GET", path).json["results"]) == 20
    assert members(wire) == seen[::-1]
    [first] = wire.call("GET", f"{path}?limit=1&sort=id").json["results"]
    assert first.keys() == {"id", "distinct_id", "created_at"}
    assert wire.call("GET", f"{path}?sort=name").status == 400


@pytest.mark.parametrize(
    ("method", "rest"),
    [
        ("GET", ""),
        ("DELETE", ""),
        ("PATCH", "delete/"),
        ("GET", "subscriber/"),
        ("POST", "subscriber/add/"),
        ("POST", "subscriber/remove/"),
        ("POST", "start_sync/"),
        ("GET", "version/v/"),
    ],
)
def test_an_unknown_list(wire: Wire, method: str, rest: str) -> None:
    body = None if method in {"GET", "DELETE"} else {"distinct_ids": ["a"]}
    reply = wire.call(method, f"{LISTS}none/{rest}", body)
    assert_long(reply, 404, "list_id: none not found")
    assert reply.json["message"] == "list_id: none not found"


@pytest.mark.parametrize(
    ("method", "rest"),
    [
        ("GET", ""),
        ("DELETE", ""),
        ("PATCH", "delete/"),
        ("POST", "subscriber/add/"),
        ("POST", "subscriber/remove/"),
        ("PATCH", "finish_sync/"),
    ],
)
def test_an_unknown_version(wire: Wire, beta: dict[str, Any], method: str, rest: str) -> None:
    body = None if method in {"GET", "DELETE"} else {"distinct_ids": ["a"]}
    assert_long(wire.call(method, f"{BETA}version/v1/{rest}", body), 404, "version_id v1 not found for list_id beta")


@pytest.mark.parametrize("way", ["delete", "patch"])
def test_deleting_a_list_deletes_all_of_it(wire: Wire, beta: dict[str, Any], way: str) -> None:
    add(wire, "a")
    add(wire, "b", path=start_sync(wire))
    if way == "delete":
        reply = wire.call("DELETE", BETA)
        assert (reply.status, reply.body) == (204, b"")
    else:
        reply = wire.call("PATCH", f"{BETA}delete/", {})
        assert (reply.status, reply.json) == (200, {"success": True})
    assert wire.call("DELETE", BETA).status == wire.call("PATCH", f"{BETA}delete/", {}).status == 404
    made = wire.post(LISTS, {"list_id": "beta"}).json
    assert (made["subscribers_count"], made["drafts"], made["list_name"]) == (0, None, "")


def test_a_draft_is_never_live_before_it_is_finished(wire: Wire, beta: dict[str, Any]) -> None:
    add(wire, "old", "both")
    draft = start_sync(wire)
    assert add(wire, "both", "new", "mistake", path=draft) == 3
    assert wire.post(f"{draft}subscriber/remove/", {"distinct_ids": ["mistake"]}).json["affected_count"] == 1
    assert add(wire, "late") == 1, "the live list goes on meanwhile"
    assert members(wire) == ["old", "both", "late"]
    shown = wire.call("GET", BETA).json
    assert (shown["status"], shown["subscribers_count"]) == ("active", 3)
    [noted] = shown["drafts"]
    assert (noted["subscribers_count"], draft) == (2, f"{BETA}version/{noted['version_id']}/")
    version = wire.call("GET", draft).json
    assert (version["status"], version["subscribers_count"]) == ("draft", 2)

    finished = wire.call("PATCH", f"{draft}finish_sync/", {})
    assert (finished.status, finished.json["version_id"], finished.json["subscribers_count"]) == (201, None, 2)
    assert members(wire) == ["both", "new"]
    assert wire.call("GET", BETA).json["drafts"] is None
    assert wire.call("PATCH", f"{draft}finish_sync/", {}).status == 404
    assert wire.post(f"{draft}subscriber/add/", {"distinct_ids": ["x"]}).status == 404


@pytest.mark.parametrize("way", ["delete", "patch"])
def test_a_draft_that_is_discarded_leaves_the_list_as_it_is(wire: Wire, beta: dict[str, Any], way: str) -> None:
    add(wire, "a")
    draft, other = start_sync(wire), start_sync(wire)
    add(wire, "x", path=draft)
    add(wire, "y", path=other)
    if way == "delete":
        assert wire.call("DELETE", draft).status == 204
    else:
        reply = wire.call("PATCH", f"{draft}delete/", {})
        assert (reply.status, reply.json) == (200, {"success": True})
    assert wire.call("GET", draft).status == 404
    assert members(wire) == ["a"]
    assert wire.call("GET", other).json["subscribers_count"] == 1


def test_a_version_belongs_to_its_list(wire: Wire, beta: dict[str, Any]) -> None:
    wire.post(LISTS, {"list_id": "other"})
    assert wire.call("GET", start_sync(wire).replace("beta", "other")).status == 404


def test_the_list_of_all_users_is_there(wire: Wire) -> None:
    for name in ("a", "b"):
        wire.post(f"/v1/user/{name}/", {})
    path = f"{LISTS}all_users/"
    assert wire.call("GET", path).json.items() >= {"subscribers_count": 2, "is_readonly": True}.items()
    assert members(wire, path) == ["a", "b"]
    for reply in (
        wire.post(f"{path}subscriber/add/", {"distinct_ids": ["c"]}),
        wire.post(f"{path}start_sync/", {}),
        wire.post(LISTS, {"list_id": "all_users"}),
        wire.call("DELETE", path),
    ):
        assert reply.status == 400


def test_what_a_user_is_in(wire: Wire, beta: dict[str, Any]) -> None:
    wire.post("/v1/user/a/", {})
    add(wire, "a")
    [entry] = wire.call("GET", "/v1/user/a/subscribed_to/list/").json["results"]
    assert entry["list"].keys() == {
        "list_id",
        "list_name",
        "list_description",
        "list_type",
        "source",
        "subscribers_count",
        "updated_at",
    }
    draft = start_sync(wire)
    add(wire, "a", "b", path=draft)
    wire.call("DELETE", "/v1/user/a/")
    assert members(wire) == []
    assert wire.call("GET", draft).json["subscribers_count"] == 1, "he is gone from the draft as well"
    wire.call("PATCH", f"{draft}finish_sync/", {})
    assert members(wire) == ["b"]


def test_a_merged_user_stays_in_a_draft(wire: Wire, beta: dict[str, Any]) -> None:
    for name in ("a", "b"):
        wire.post(f"/v1/user/{name}/", {})
    draft = start_sync(wire)
    add(wire, "a", path=draft)
    assert wire.post("/v1/user/b/merge/", {"from_user_id": "a"}).status == 201
    wire.call("PATCH", f"{draft}finish_sync/", {})
    assert members(wire) == ["b"]


@pytest.mark.parametrize("rest", ["dry_run/", "dry_run/count/"])
def test_queries_are_not_simulated(wire: Wire, rest: str) -> None:
    reply = wire.post(f"{LISTS}~/{rest}", {"query_text": "SELECT distinct_id FROM users"})
    assert (reply.status, reply.json["error"]["type"]) == (501, "not_simulated")


def test_a_broadcast(wire: Wire, sandbox: Sandbox, beta: dict[str, Any]) -> None:
    add(wire, "a", "b")
    body = BROADCAST | {
        "channels": ["email", "inbox"],
        "delay": "30m",
        "trigger_at": "2030-01-02T03:04:05Z",
        "data": {"n": 1},
        "$insert_id": "00000000-0000-4000-8000-000000000000",
        "$time": 1_704_164_645_000,
        "tenant_id": "acme",
    }
    reply = wire.post(f"/{sandbox.workspace_uid}/broadcast/", body)
    assert (reply.status, reply.body) == (202, b"OK")
    assert reply.headers["content-type"].startswith("text/plain")
    assert wire.signed(f"/{sandbox.workspace_key}/broadcast/", BROADCAST | {"list_id": "unknown"}).status == 202
    first, second = sandbox.broadcasts
    assert first.items() >= {**body, "subscribers_count": 2, "cancelled": []}.items()
    assert second["subscribers_count"] == 0
    assert first["message_id"] != second["message_id"]


def test_a_broadcast_repeated_by_its_key(wire: Wire, sandbox: Sandbox) -> None:
    for _ in range(2):
        assert wire.post(f"/{sandbox.workspace_uid}/broadcast/", BROADCAST | {"$idempotency_key": "k"}).status == 202
    assert len(sandbox.broadcasts) == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"list_id": "beta", "notification_category": "promotional"}, "template: missing"),
        (BROADCAST | {"template": "x"}, "template: breaks the rule minLength"),
        (BROADCAST | {"channels": ["fax"]}, "channels[0]: must be one of"),
        (BROADCAST | {"tenant_id": "t" * 65}, "tenant_id: takes at most 64 characters"),
        ([BROADCAST], "Request body must be an object"),
    ],
)
def test_a_broadcast_is_refused_in_plain_text(wire: Wire, sandbox: Sandbox, body: Any, message: str) -> None:
    reply = wire.post(f"/{sandbox.workspace_uid}/broadcast/", body)
    assert (reply.status, reply.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert message in reply.body.decode()
    assert sandbox.broadcasts == []


def test_a_broadcast_to_another_workspace(wire: Wire, sandbox: Sandbox) -> None:
    reply = wire.post(f"/{sandbox.workspace_key}/broadcast/", BROADCAST)
    assert (reply.status, b"does not name the workspace" in reply.body) == (401, True)
    assert sandbox.broadcasts == []


def test_cancelling_broadcasts(wire: Wire, sandbox: Sandbox) -> None:
    path, cancel = f"/{sandbox.workspace_uid}/broadcast/", "/v1/broadcast_run/cancel/"
    for list_id, key in (("a", "k-1"), ("a", "k-2"), ("b", "k-3")):
        wire.post(path, BROADCAST | {"list_id": list_id, "$idempotency_key": key})
    one, two, three = (each["execution_ids"][0] for each in sandbox.broadcasts)
    for filters, ended in (
        ({"list_id": "b", "idempotency_key": "k-1"}, []),
        ({"list_id": "a", "idempotency_key": "k-1"}, [one]),
        ({"list_id": "a"}, [two]),
        ({"execution_id": three}, [three]),
        ({"execution_id": three}, []),
    ):
        reply = wire.post(cancel, filters)
        assert (reply.status, reply.json) == (200, {"execution_ids": ended})
    assert wire.post(cancel, {}).json == {"code": 400, "message": "give execution_id, list_id or idempotency_key"}
    assert wire.post(cancel, {"idempotency_key": " "}).status == 400
    assert [each["cancelled"] for each in sandbox.broadcasts] == [[one], [two], [three]]
