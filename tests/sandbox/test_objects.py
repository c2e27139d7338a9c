"""Objects and subscriptions over HTTP, and pages of collections that change meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from suprsend_async.sandbox import Sandbox, faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Reply, Wire

TEAM = "/v1/object/teams/sre/"
SUBSCRIPTION = f"{TEAM}subscription/"
START = 1_767_225_600.0  # 2026-01-01T00:00:00Z
FIRST, LATER = "2026-01-01T00:00:00.000000+00:00", "2026-01-01T00:01:00.000000+00:00"


@pytest.fixture
def now() -> list[float]:
    return [START]


@pytest.fixture
def sandbox(now: list[float]) -> Iterator[Sandbox]:
    with Sandbox(clock=lambda: now[0]) as running:
        yield running


def assert_refused(reply: Reply, status: int, message: str) -> None:
    assert (reply.status, reply.headers["content-type"]) == (status, "application/json")
    assert reply.json == {"code": status, "message": message}


def test_an_object_as_the_contract_shows_one(wire: Wire, now: list[float]) -> None:
    reply = wire.post(TEAM, {"name": "SRE", "$email": ["sre@example.com"], "nested": {"a": [1]}})
    shown = {
        "object_type": "teams",
        "id": "sre",
        "subscriptions_count": 0,
        "created_at": FIRST,
        "updated_at": FIRST,
        "properties": {"name": "SRE", "nested": {"a": [1]}},
        "$email": [{"value": "sre@example.com", "status": "active", "perma_status": "active"}],
    }
    assert (reply.status, reply.json) == (201, shown)
    now[0] += 60
    edited = wire.patch(TEAM, {"operations": [{"$add": {"members": 1}}, {"$unset": ["$email", "name"]}]})
    assert edited.status == 200
    assert edited.json["properties"] == {"nested": {"a": [1]}, "members": 1}
    assert edited.json["$email"][0]["status"] == "inactive"
    assert edited.json["updated_at"] == LATER
    assert wire.get(TEAM).json == edited.json
    assert wire.get("/v1/object/teams/").json["results"] == [edited.json]
    assert wire.get("/v1/object/users/").json["results"] == []
    assert wire.delete(TEAM).status == 204
    assert_refused(wire.get(TEAM), 404, "object 'teams/sre' not found")
    assert_refused(wire.delete(TEAM), 404, "object 'teams/sre' not found")


@pytest.mark.parametrize("ids", [("my teams", "a/b"), ("zoë", "日本"), ("preference", "subscription"), ("a", "%")])
def test_any_type_and_id_signed(wire: Wire, ids: tuple[str, str]) -> None:
    path = "/v1/object/{}/{}/".format(*(quote(each, safe="") for each in ids))
    assert wire.signed(path, {"a": 1}).status == 201
    reply = wire.signed(path, None, method="GET")
    assert (reply.json["object_type"], reply.json["id"]) == ids
    assert wire.signed(path, None, method="DELETE").status == 204


def test_bodies_that_are_none(wire: Wire) -> None:
    assert_refused(wire.patch(TEAM, {}), 400, "Request body must not be empty")
    assert_refused(wire.call("PATCH", TEAM), 400, "Request body must not be empty")
    assert_refused(wire.delete("/v1/bulk/object/teams/", {"object_ids": []}), 400, "object_ids: must not be empty")
    assert_refused(wire.delete("/v1/bulk/object/teams/"), 400, "Request body must not be empty")
    assert_refused(
        wire.delete("/v1/bulk/object/teams/", {"object_ids": ["a", 1]}), 400, "object_ids[1]: must be a text"
    )
    assert_refused(wire.post("/v1/object/%20/sre/", {}), 400, "object_type and id must not be empty.")
    assert_refused(wire.post("/v1/object/teams/%20/", {}), 400, "object_type and id must not be empty.")
    assert wire.get("/v1/object/teams/").json["meta"]["count"] == 0


def test_a_bulk_delete_takes_any_number_of_one_type(wire: Wire) -> None:
    for path in (TEAM, "/v1/object/teams/ops/", "/v1/object/other/sre/"):
        wire.post(path, {})
    reply = wire.delete("/v1/bulk/object/teams/", {"object_ids": ["sre", "ops", *map(str, range(200))]})
    assert (reply.status, reply.body) == (204, b"")
    assert wire.get("/v1/object/teams/").json["meta"]["count"] == 0
    assert wire.get("/v1/object/other/").json["meta"]["count"] == 1


def test_subscriptions_as_the_contract_shows_them(wire: Wire, now: list[float]) -> None:
    wire.post(TEAM, {})
    now[0] += 60
    recipients = ["user-1", {"distinct_id": "user-2", "$email": ["bo@example.com"], "name": "Bo"}]
    ops = {"object_type": "teams", "id": "ops"}
    reply = wire.post(SUBSCRIPTION, {"recipients": [*recipients, ops], "properties": {"role": "lead"}})
    link = {"properties": {"role": "lead"}, "created_at": LATER, "updated_at": LATER}
    expected = [
        {**link, "user": {"distinct_id": "user-1", "updated_at": LATER}, "object": None},
        {**link, "user": {"distinct_id": "user-2", "updated_at": LATER}, "object": None},
        {**link, "user": None, "object": {**ops, "subscriptions_count": 0, "updated_at": LATER}},
    ]
    assert (reply.status, reply.json) == (200, {"results": expected})
    assert wire.get(SUBSCRIPTION).json["results"] == expected
    assert wire.get(TEAM).json["subscriptions_count"] == 3
    assert wire.get("/v1/user/user-1/").json["properties"] == {}
    bo = wire.get("/v1/user/user-2/").json
    assert (bo["properties"], bo["$email"][0]["value"]) == ({"name": "Bo"}, "bo@example.com")
    parent = {"id": "sre", "object_type": "teams", "subscriptions_count": 3, "updated_at": FIRST, "properties": {}}
    for path in ("/v1/user/user-1/", "/v1/object/teams/ops/"):
        page = wire.get(f"{path}subscribed_to/object/").json
        assert page["results"] == [{**link, "object": parent}]


def test_subscribing_again_overwrites_the_relation_and_leaves_the_user(wire: Wire, now: list[float]) -> None:
    wire.post("/v1/user/user-1/", {"name": "Ada"})
    wire.post(TEAM, {})
    wire.post(SUBSCRIPTION, {"recipients": ["user-1"], "properties": {"role": "lead", "since": 1}})
    now[0] += 60
    reply = wire.post(SUBSCRIPTION, {"recipients": ["user-1", {"distinct_id": "user-1"}], "properties": {"role": "x"}})
    [found] = wire.get(SUBSCRIPTION).json["results"]
    assert reply.json["results"] == [found, found]
    assert (found["properties"], found["created_at"], found["updated_at"]) == ({"role": "x"}, FIRST, LATER)
    assert found["user"]["updated_at"] == FIRST
    assert wire.get("/v1/user/user-1/").json["properties"] == {"name": "Ada"}


def test_the_parent_comes_with_its_properties(wire: Wire) -> None:
    body: dict[str, Any] = {"recipients": ["user-1"]}
    assert_refused(wire.post(SUBSCRIPTION, body), 404, "object 'teams/sre' not found")
    assert wire.get("/v1/user/user-1/").status == 404
    assert wire.post(SUBSCRIPTION, {**body, "parent_object_properties": {"name": "SRE"}}).status == 200
    wire.post(SUBSCRIPTION, {**body, "parent_object_properties": {"size": 3}})
    assert wire.get(TEAM).json["properties"] == {"name": "SRE", "size": 3}


def test_unsubscribing(wire: Wire) -> None:
    ops = {"object_type": "teams", "id": "ops"}
    wire.post(SUBSCRIPTION, {"recipients": ["user-1", "user-2", ops], "parent_object_properties": {}})
    for _ in range(2):
        assert wire.delete(SUBSCRIPTION, {"recipients": ["user-1", ops, "nobody"]}).status == 204
    assert [each["user"]["distinct_id"] for each in wire.get(SUBSCRIPTION).json["results"]] == ["user-2"]
    assert wire.get("/v1/object/teams/ops/").status == wire.get("/v1/user/user-1/").status == 200
    reply = wire.delete("/v1/object/teams/none/subscription/", {"recipients": ["user-1"]})
    assert_refused(reply, 404, "object 'teams/none' not found")


@pytest.mark.parametrize(
    ("recipients", "message"),
    [
        ([], "recipients: must not be empty"),
        (["u"] * 101, "recipients: takes at most 100 items; this one has 101"),
        ([""], "recipients[0]: must not be empty"),
        ([7], "recipients[0]: must be a text or an object"),
        (["u", {"object_type": "teams", "object_id": "x"}], "recipients[1]: must be a distinct_id, an object with "),
        ([{"distinct_id": ""}], "recipients[0].distinct_id: must not be empty"),
        (["u", {"distinct_id": "x" * 256}], "distinct_id must have 1 to 255 characters."),
        (["u", {"distinct_id": "v", "$email": 1}], "$email must be a text."),
        (["u", {"object_type": " ", "id": "x"}], "object_type and id must not be empty."),
    ],
)
def test_one_recipient_that_is_none_leaves_nothing(wire: Wire, recipients: list[Any], message: str) -> None:
    body = {"recipients": recipients, "parent_object_properties": {"name": "SRE"}}
    reply = wire.post(SUBSCRIPTION, body)
    assert_refused(reply, 400, reply.json["message"])
    assert reply.json["message"].startswith(message)
    assert wire.get(TEAM).status == 404
    assert wire.get("/v1/user/").json["meta"]["count"] == 0


def test_with_an_object_goes_all_that_hangs_on_it(wire: Wire) -> None:
    ops = {"object_type": "teams", "id": "ops"}
    for way in (
        ("DELETE", "/v1/object/teams/ops/", None),
        ("DELETE", "/v1/bulk/object/teams/", {"object_ids": ["ops"]}),
    ):
        wire.post(SUBSCRIPTION, {"recipients": [ops], "parent_object_properties": {}})
        wire.post("/v1/object/teams/ops/subscription/", {"recipients": ["user-1"]})
        wire.patch("/v1/object/teams/ops/preference/category/system/", {"preference": "opt_out"})
        assert wire.call(*way).status == 204
        assert wire.get(TEAM).json["subscriptions_count"] == 0
        assert wire.get("/v1/user/user-1/subscribed_to/object/").json["results"] == []
        wire.post("/v1/object/teams/ops/", {})
        preference = wire.get("/v1/object/teams/ops/preference/category/system/").json["preference"]
        assert preference == "opt_in"
        wire.delete("/v1/object/teams/ops/")


def test_a_user_and_an_object_of_one_id_are_two(wire: Wire) -> None:
    wire.post("/v1/object/user/ada/", {})
    wire.post(
        SUBSCRIPTION, {"recipients": ["ada", {"object_type": "user", "id": "ada"}], "parent_object_properties": {}}
    )
    assert wire.get(TEAM).json["subscriptions_count"] == 2
    wire.delete("/v1/object/user/ada/")
    assert [each["user"]["distinct_id"] for each in wire.get(SUBSCRIPTION).json["results"]] == ["ada"]


@pytest.mark.parametrize("path", ["", "subscription/", "subscribed_to/object/", "preference/"])
def test_reading_an_object_that_is_not_there(wire: Wire, path: str) -> None:
    assert_refused(wire.get(f"/v1/object/teams/none/{path}"), 404, "object 'teams/none' not found")


# Pages.


def add_users(sandbox: Sandbox, names: Iterator[str] | list[str]) -> None:
    with sandbox._store.transaction():
        for name in names:
            sandbox._store.records.put("user", "", name, {"properties": {}, "channels": {}}, START)


def ids(reply: Reply) -> list[str]:
    return [user["distinct_id"] for user in reply.json["results"]]


def test_pages_forward_and_back(wire: Wire, sandbox: Sandbox) -> None:
    add_users(sandbox, [f"u{number}" for number in range(12)])
    first = wire.get("/v1/user/")
    assert ids(first) == [f"u{number}" for number in range(10)]
    after = first.json["meta"]["after"]
    expected = {"count": 12, "limit": 10, "has_prev": False, "before": None, "has_next": True, "after": after}
    assert first.json["meta"] == expected
    last = wire.get(f"/v1/user/?limit=10&after={after}")
    before = last.json["meta"]["before"]
    assert ids(last) == ["u10", "u11"]
    expected = {"count": 12, "limit": 10, "has_prev": True, "before": before, "has_next": False, "after": None}
    assert last.json["meta"] == expected
    back = wire.get(f"/v1/user/?limit=3&before={before}")
    assert ids(back) == ["u7", "u8", "u9"]
    assert (back.json["meta"]["has_prev"], back.json["meta"]["has_next"]) == (True, True)
    # `after` wins over `before`.
    assert ids(wire.get(f"/v1/user/?limit=1&after={after}&before={before}")) == ["u10"]
    assert len(ids(wire.get("/v1/user/?limit=1000"))) == 12
    # An empty cursor is none.
    assert ids(wire.get("/v1/user/?limit=1&after=&before=")) == ["u0"]


def test_pages_of_a_collection_that_changes_meanwhile(wire: Wire, sandbox: Sandbox) -> None:
    add_users(sandbox, [f"u{number}" for number in range(9)])
    first = wire.get("/v1/user/?limit=3")
    # The one that the cursor was taken from goes, one that was read and one to come as well; two come.
    for name in ("u2", "u0", "u4"):
        wire.delete(f"/v1/user/{name}/")
    wire.post("/v1/user/u0/", {})
    wire.post("/v1/user/new/", {})
    wire.patch("/v1/user/u1/", {"operations": [{"$set": {"a": 1}}]})
    seen, after = ids(first), first.json["meta"]["after"]
    while after:
        page = wire.get(f"/v1/user/?limit=3&after={after}")
        seen += ids(page)
        assert page.json["meta"]["has_next"] == bool(page.json["meta"]["after"])
        after = page.json["meta"]["after"]
    assert seen == ["u0", "u1", "u2", "u3", "u5", "u6", "u7", "u8", "u0", "new"]
    wire.delete("/v1/bulk/user/", {"distinct_ids": [*seen]})
    beyond = wire.get(f"/v1/user/?limit=3&after={first.json['meta']['after']}").json
    meta = {"count": 0, "limit": 3, "has_prev": False, "before": None, "has_next": False, "after": None}
    assert beyond == {"meta": meta, "results": []}


@pytest.mark.parametrize(
    "cursor",
    [
        "01JQ7Z5C3V9M2K8R4T6W0XEYHB",
        "nonsense",
        "%20",
        "%C3%A9",
        "LTU",  # -5
        "MA",  # 0
        "MDE",  # 01
        "MV8w",  # 1_0
        "IDE",  # 1 after a space
        "TQ!!",
        "MQ==",
        "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5",  # 999999999999999999999999
        "OTIyMzM3MjAzNjg1NDc3NTgwNw",  # 2**63 - 1
        "OQ" * 5_000,
    ],
)
@pytest.mark.parametrize("name", ["after", "before"])
def test_a_cursor_that_is_none(wire: Wire, name: str, cursor: str) -> None:
    message = f"{name} is no cursor of this sandbox; take it from the page before."
    assert_refused(wire.get(f"/v1/user/?{name}={cursor}"), 400, message)


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "1.5", "", "ten", "%D9%A1", "9" * 5000, "+1"])
@pytest.mark.parametrize("path", ["/v1/user/", "/v1/object/teams/", "/v1/tenant/", "/v1/brand/"])
def test_a_limit_that_is_none(wire: Wire, path: str, limit: str) -> None:
    reply = wire.get(f"{path}?limit={limit}")
    assert reply.status == 400
    assert reply.json["message"] == "limit must be a whole number from 1 to 1000."


# Faults.


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", TEAM, None),
        ("POST", TEAM, {"a": 2}),
        ("PATCH", TEAM, {"operations": [{"$set": {"a": 2}}]}),
        ("DELETE", TEAM, None),
        ("POST", SUBSCRIPTION, {"recipients": ["u"]}),
        ("PATCH", f"{TEAM}preference/category/system/", {"preference": "opt_out"}),
    ],
)
def test_faults_strike_here_as_well(wire: Wire, sandbox: Sandbox, method: str, path: str, body: object) -> None:
    wire.post(TEAM, {"a": 1})
    before = wire.get(TEAM).json
    sandbox.fail_next(1, status=503, retry_after=7)
    reply = wire.call(method, path, body)
    assert (reply.status, reply.headers["retry-after"]) == (503, "7")
    sandbox.provoke(faults.Reset(when="before", count=1))
    with pytest.raises(ConnectionError):
        wire.call(method, path, body)
    assert wire.get(TEAM).json == before
    sandbox.provoke(faults.RateLimit(events_per_second=0.001, count=1))
    limited = [wire.call("GET", TEAM) for _ in range(3)][-1]
    assert (limited.status, limited.json["code"]) == (429, 429)
    assert int(limited.headers["retry-after"]) > 0
    sandbox.clear_faults()
    assert wire.call(method, path, body).status < 300


def test_a_reset_after_a_write_leaves_it_written(wire: Wire, sandbox: Sandbox) -> None:
    operations = {"operations": [{"$add": {"a": 1}}]}
    sandbox.provoke(faults.Reset(when="after", count=1))
    with pytest.raises(ConnectionError):
        wire.patch(TEAM, operations)
    assert wire.get(TEAM).json["properties"] == {"a": 1}
    sandbox.provoke(faults.Reset(when="after", count=1))
    with pytest.raises(ConnectionError):
        wire.delete(TEAM)
    assert_refused(wire.delete(TEAM), 404, "object 'teams/sre' not found")
