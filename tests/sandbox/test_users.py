"""Users over HTTP, against a sandbox that really runs: profiles, channels, edits, merges, deletes and tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Reply, Wire

USER = "/v1/user/user-1/"
ADA, BEA = "ada@example.com", "bea@example.com"
START = 1_767_225_600.0  # 2026-01-01T00:00:00Z


@pytest.fixture
def now() -> list[float]:
    return [START]


@pytest.fixture
def sandbox(now: list[float]) -> Iterator[Sandbox]:
    with Sandbox(clock=lambda: now[0]) as running:
        yield running


def entry(value: Any, **changes: str) -> dict[str, Any]:
    return {"value": value, "status": "active", "perma_status": "active"} | changes


def assert_refused(reply: Reply, status: int, message: str) -> None:
    assert (reply.status, reply.headers["content-type"]) == (status, "application/json")
    assert reply.json == {"code": status, "message": message}


def edited(wire: Wire, *operations: object) -> dict[str, Any]:
    reply = wire.patch(USER, {"operations": operations})
    assert reply.status == 202, reply.body
    return dict(reply.json)


def test_a_new_user_as_the_contract_shows_one(wire: Wire) -> None:
    slack = {"user_id": "U0TEST0001", "access_token": "xoxb-test"}
    payload = {
        "name": "Ada",
        "$timezone": "Europe/Berlin",
        "$locale": "de_DE",
        "$email": [ADA],
        "$sms": ["+15555550100"],
        "$slack": [slack],
        "$androidpush": [],
    }
    reply = wire.post(USER, payload)
    assert reply.status == 201
    assert reply.json == {
        "distinct_id": "user-1",
        "properties": {"name": "Ada", "$timezone": "Europe/Berlin", "$locale": "de_DE"},
        "created_at": "2026-01-01T00:00:00.000000+00:00",
        "updated_at": "2026-01-01T00:00:00.000000+00:00",
        "$email": [entry(ADA)],
        "$sms": [entry("+15555550100")],
        "$slack": [entry(slack)],
    }
    got = wire.get(USER)
    assert (got.status, got.json) == (200, reply.json)


def test_an_upsert_keeps_what_it_does_not_name(wire: Wire, now: list[float]) -> None:
    wire.post(USER, {"name": "Ada", "plan": "pro", "$email": [ADA]})
    now[0] += 90
    reply = wire.post(USER, {"plan": "free", "none": None, "$email": [ADA, BEA]})
    assert reply.json["properties"] == {"name": "Ada", "plan": "free", "none": None}
    assert reply.json["$email"] == [entry(ADA), entry(BEA)]
    assert reply.json["created_at"] == "2026-01-01T00:00:00.000000+00:00"
    assert reply.json["updated_at"] == "2026-01-01T00:01:30.000000+00:00"
    assert wire.post(USER, {}).json["properties"] == reply.json["properties"]


@pytest.mark.parametrize("payload", [{" plan ": 1}, {"plan": 1}])
def test_keys_are_trimmed(wire: Wire, payload: dict[str, Any]) -> None:
    assert wire.post(USER, payload).json["properties"] == {"plan": 1}
    assert wire.post(USER, {" $email ": [ADA]}).json["$email"] == [entry(ADA)]
    assert edited(wire, {"$unset": [" $email ", " plan "]})["$email"] == [entry(ADA, status="inactive")]
    assert wire.get(USER).json["properties"] == {}


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({"$email": ["a@b"]}, "$email"),
        ({"$email": ["x" * 311 + "@example.com"]}, "$email"),
        ({"$email": [7]}, "$email"),
        ({"$email": None}, "$email"),
        ({"$sms": ["0155 50100"]}, "$sms"),
        ({"$whatsapp": ["+1 5555550100"]}, "$whatsapp"),
        ({"$slack": ["C0TEST0001"]}, "$slack"),
        ({"$ms_teams": ["x"]}, "$ms_teams"),
        ({"$iospush": [7]}, "$iospush"),
        ({"$timezone": "EST"}, "$timezone"),
        ({"$timezone": 2}, "$timezone"),
        ({"$locale": "German!"}, "$locale"),
        ({"$preferred_language": []}, "$preferred_language"),
        ({"$mine": 1}, "$mine"),
        ({"ss_mine": 1}, "ss_mine"),
        ({"SS_mine": 1}, "SS_mine"),
        ({"  ": 1}, "empty name"),
    ],
)
def test_a_payload_that_breaks_a_rule_changes_nothing(wire: Wire, payload: dict[str, Any], field: str) -> None:
    reply = wire.post(USER, {"name": "Ada", **payload})
    assert_refused(reply, 400, reply.json["message"])
    assert field in reply.json["message"]
    assert wire.get(USER).status == 404


@pytest.mark.parametrize("number", ["1e400", "-1e999", '[{"a": 1e400}]'])
@pytest.mark.parametrize("template", ['{"a": %s}', '{"operations": [{"$set": {"a": %s}}]}'])
def test_a_number_beyond_json_is_no_property(wire: Wire, template: str, number: str) -> None:
    method = "PATCH" if "operations" in template else "POST"
    reply = wire.call(method, USER, (template % number).encode())
    assert_refused(reply, 400, reply.json["message"])
    assert reply.json["message"].endswith("a number that JSON readers cannot read")
    assert wire.get(USER).status == 404


@pytest.mark.parametrize(
    ("operations", "properties"),
    [
        ([{"$set": {"a": 1, "b": None}}, {"$set": {"a": 2}}], {"a": 2, "b": None}),
        ([{"$set_once": {"a": 1}}, {"$set_once": {"a": 2}}], {"a": 1}),
        ([{"$set": {"a": None}}, {"$set_once": {"a": 2}}], {"a": None}),
        ([{"$add": {"a": 2}}, {"$add": {"a": -0.5}}, {"$increment": {"a": 1}}], {"a": 2.5}),
        ([{"$append": {"a": "x"}}, {"$append": {"a": "x"}}, {"$append": {"a": ["y"]}}], {"a": ["x", "x", ["y"]]}),
        ([{"$set": {"a": "x"}}, {"$append": {"a": "y"}}], {"a": ["x", "y"]}),
        ([{"$set": {"a": [1, 2, 1]}}, {"$remove": {"a": 1}}], {"a": [2]}),
        ([{"$set": {"a": [True, 1]}}, {"$remove": {"a": True}}], {"a": [1]}),
        ([{"$set": {"a": "x"}}, {"$remove": {"a": "x", "b": "y"}}], {"a": "x"}),
        ([{"$set": {"a": 1, "b": 2}}, {"$unset": ["a", "none"]}], {"b": 2}),
        ([{"$set": {"a": 1}}, {"$unset": ["a"]}, {"$add": {"a": 5}}], {"a": 5}),
        ([{"$unset": ["a"]}, {"$set": {"a": 1}}], {"a": 1}),
        ([{"$set": {" a ": 1}, "$add": {"a": 1}}], {"a": 2}),
        ([{"$set": {"$timezone": "UTC", "$locale": "en-GB"}}, {"$unset": ["$locale"]}], {"$timezone": "UTC"}),
    ],
)
def test_operations_are_applied_in_their_order(
    wire: Wire, operations: list[dict[str, Any]], properties: dict[str, Any]
) -> None:
    assert edited(wire, *operations)["properties"] == properties
    assert wire.get(USER).json["properties"] == properties


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ({"$add": {"a": "1"}}, "a: only a number can be added, and only to a number."),
        ({"$add": {"a": True}}, "a: only a number can be added, and only to a number."),
        ({"$add": {"text": 1}}, "text: only a number can be added, and only to a number."),
        ({"$add": {"$email": ADA}}, "$email: a channel takes no $add."),
        ({"$increment": {"$sms": 1}}, "$sms: a channel takes no $increment."),
        ({"$set": {"$email": "x"}}, "$email must be an e-mail address of 6 to 320 characters."),
        ({"$set": 1}, "operations[1].$set must be an object."),
        ({"$unset": {"a": 1}}, "$unset must be a list of keys."),
        ({"$unset": [1]}, "$unset must be a list of keys, which are texts."),
        ({"$rename": {}}, "operations[1]: $rename is no operation; there are $set, $set_once, $add, $increment, "),
        ({}, "operations[1]: must not be empty"),
        (7, "operations[1]: must be an object"),
    ],
)
def test_a_refused_operation_leaves_none_of_the_edit(wire: Wire, operation: object, message: str) -> None:
    wire.post(USER, {"text": "x"})
    reply = wire.patch(USER, {"operations": [{"$set": {"text": "y", "new": 1}}, operation]})
    assert_refused(reply, 400, reply.json["message"])
    assert reply.json["message"].startswith(message)
    assert wire.get(USER).json["properties"] == {"text": "x"}


@pytest.mark.parametrize("numbers", [(1e308, 1e308), (10**400, 1.5), (1.5, 10**400), (10**4299 * 9, 10**4299 * 9)])
def test_a_sum_that_could_not_be_read_again_is_refused(wire: Wire, numbers: tuple[float, float]) -> None:
    wire.post(USER, {"a": numbers[0]})
    reply = wire.patch(USER, {"operations": [{"$add": {"a": numbers[1]}}]})
    assert_refused(reply, 400, "a: the sum is beyond what JSON readers take.")
    assert wire.get(USER).json["properties"] == {"a": numbers[0]}


def test_a_channel_value_comes_goes_and_comes_back(wire: Wire) -> None:
    assert edited(wire, {"$append": {"$email": ADA}}, {"$append": {"$email": [BEA]}})["$email"] == [
        entry(ADA),
        entry(BEA),
    ]
    inactive = entry(ADA, status="inactive")
    assert edited(wire, {"$remove": {"$email": ADA}})["$email"] == [inactive, entry(BEA)]
    assert edited(wire, {"$remove": {"$email": "nobody@example.com", "$sms": "+15555550100"}})["$email"][0] == inactive
    assert edited(wire, {"$unset": ["$email", "$sms"]})["$email"] == [inactive, entry(BEA, status="inactive")]
    assert edited(wire, {"$append": {"$email": ADA}})["$email"][0] == entry(ADA)
    assert edited(wire, {"$unset": ["$email"]}, {"$set": {"$email": BEA}})["$email"] == [inactive, entry(BEA)]
    assert edited(wire, {"$set_once": {"$email": "new@example.com", "$sms": "+15555550100"}})["$sms"] == [
        entry("+15555550100")
    ]
    assert len(wire.get(USER).json["$email"]) == 2


def test_a_push_token_keeps_its_provider(wire: Wire) -> None:
    android = {"$androidpush": "tok-1", "$id_provider": "fcm", "$bundle_id": "com.acme.app"}
    webpush = {"endpoint": "https://push.example.com/send/abc", "keys": {"p256dh": "BPk", "auth": "a1"}}
    user = edited(
        wire,
        {"$append": android},
        {"$append": {"$iospush": "tok-2", "$id_provider": None}},
        {"$append": {"$webpush": webpush, "$id_provider": "vapid"}},
    )
    assert user["$androidpush"] == [entry("tok-1", id_provider="fcm")]
    assert user["$iospush"] == [entry("tok-2")]
    assert user["$webpush"] == [entry(webpush, id_provider="vapid")]
    assert user["properties"] == {}
    assert edited(wire, {"$remove": android})["$androidpush"] == [entry("tok-1", id_provider="fcm", status="inactive")]


def test_a_push_token_may_come_in_an_object_with_its_provider(wire: Wire) -> None:
    token = {"token": "tok-1", "provider": "xiaomi", "device_id": "d-1"}
    reply = wire.post(USER, {"$androidpush": [token, "tok-2"], "$iospush": [{"token": "tok-3"}]})
    assert reply.json["$androidpush"] == [entry("tok-1", id_provider="xiaomi"), entry("tok-2")]
    assert reply.json["$iospush"] == [entry("tok-3")]
    assert edited(wire, {"$remove": {"$androidpush": "tok-1"}})["$androidpush"][0]["status"] == "inactive"
    assert edited(wire, {"$append": {"$androidpush": token}})["$androidpush"][0]["status"] == "active"
    assert edited(wire, {"$remove": {"$androidpush": token}})["$androidpush"][0]["status"] == "inactive"


def test_a_merge_moves_channels_and_subscriptions_and_ends_the_other(wire: Wire) -> None:
    wire.post(USER, {"name": "Ada", "$email": [ADA]})
    wire.post("/v1/user/old/", {"name": "Old", "plan": "pro", "$email": [ADA, BEA]})
    for team, recipients in (("a", ["old"]), ("b", ["old", "user-1"]), ("c", ["user-1"])):
        wire.post(f"/v1/object/teams/{team}/", {})
        body = {"recipients": recipients, "properties": {"from": team}}
        assert wire.post(f"/v1/object/teams/{team}/subscription/", body).status == 200
    reply = wire.post(f"{USER}merge/", {"from_user_id": "old"})
    assert reply.status == 201
    assert reply.json["properties"] == {"name": "Ada", "plan": "pro"}
    assert reply.json["$email"] == [entry(ADA), entry(BEA)]
    assert_refused(wire.get("/v1/user/old/"), 404, "user [distinct_id: 'old'] not found")
    found = wire.get(f"{USER}subscribed_to/object/").json["results"]
    assert sorted(each["object"]["id"] for each in found) == ["a", "b", "c"]
    assert [each["object"]["subscriptions_count"] for each in found] == [1, 1, 1]
    again = wire.post(f"{USER}merge/", {"from_user_id": "old"})
    assert_refused(again, 404, "from_user_id: [distinct_id: 'old'] not found")
    assert_refused(wire.post(f"{USER}merge/", {"from_user_id": "user-1"}), 400, "from_user_id must be another user.")
    assert_refused(wire.post(f"{USER}merge/", {}), 400, "from_user_id: missing")


def test_a_merge_moves_members_of_lists(wire: Wire) -> None:
    wire.post(USER, {})
    wire.post("/v1/user/old/", {})
    for list_id in ("beta-users", "all-users"):
        wire.post("/v1/subscriber_list/", {"list_id": list_id, "list_name": "Beta users"})
        wire.post(f"/v1/subscriber_list/{list_id}/subscriber/add/", {"distinct_ids": ["old"]})
    wire.post(f"{USER}merge/", {"from_user_id": "old"})
    reply = wire.get(f"{USER}subscribed_to/list/?limit=1")
    assert reply.json["meta"]["count"] == 2
    assert reply.json["results"][0] == {
        "list": {
            "list_id": "beta-users",
            "list_name": "Beta users",
            "list_description": "",
            "list_type": "static_list",
            "source": None,
            "subscribers_count": 1,
            "updated_at": "2026-01-01T00:00:00.000000+00:00",
        },
        "created_at": "2026-01-01T00:00:00.000000+00:00",
    }


def test_with_a_user_goes_all_that_hangs_on_him(wire: Wire) -> None:
    wire.post("/v1/tenant/acme/", {"tenant_name": "Acme"})
    wire.post("/v1/object/teams/sre/", {})

    def write() -> None:
        wire.post(USER, {"name": "Ada"})
        wire.post("/v1/object/teams/sre/subscription/", {"recipients": ["user-1"]})
        wire.post(f"{USER}tenant/acme/", {"role": "admin"})
        wire.patch(f"{USER}preference/category/promotional/", {"preference": "opt_out"})

    def hangs() -> list[Any]:
        return [
            wire.get("/v1/object/teams/sre/").json["subscriptions_count"],
            wire.get("/v1/user/?tenant_id=acme").json["meta"]["count"],
        ]

    for way in (("DELETE", USER, None), ("DELETE", "/v1/bulk/user/", {"distinct_ids": ["user-1", "nobody"]})):
        write()
        assert hangs() == [1, 1]
        reply = wire.call(*way)
        assert (reply.status, reply.body) == (204, b"")
        assert hangs() == [0, 0]
        assert_refused(wire.get(USER), 404, "user [distinct_id: 'user-1'] not found")
        wire.post(USER, {})
        assert wire.get(f"{USER}preference/category/promotional/").json["preference"] == "opt_in"
        wire.delete(USER)
    assert_refused(wire.delete(USER), 404, "user [distinct_id: 'user-1'] not found")


@pytest.mark.parametrize("bulk", [{"distinct_ids": []}, {"distinct_ids": [""]}, {"distinct_ids": ["u"] * 101}])
def test_a_bulk_delete_that_is_refused_deletes_nobody(wire: Wire, bulk: dict[str, Any]) -> None:
    wire.post("/v1/user/u/", {})
    reply = wire.delete("/v1/bulk/user/", bulk)
    assert reply.status == 400
    assert reply.json["message"].startswith("distinct_ids")
    assert wire.get("/v1/user/u/").status == 200


def test_what_a_user_is_in_a_tenant(wire: Wire, now: list[float]) -> None:
    wire.post("/v1/tenant/acme/", {"tenant_name": "Acme"})
    wire.post(USER, {"name": "Ada", "role": "user", "$email": [ADA], "$sms": ["+15555550100"]})
    path = f"{USER}tenant/acme/"
    assert_refused(wire.get(path), 404, "no per-tenant profile for user in tenant 'acme'")
    assert_refused(wire.delete(path), 404, "no per-tenant profile for user in tenant 'acme'")
    reply = wire.post(path, {"role": "admin", "$email": [BEA]})
    assert reply.status == 201
    times = dict.fromkeys(("created_at", "updated_at"), "2026-01-01T00:00:00.000000+00:00")
    own = {"tenant_id": "acme", "properties": {"role": "admin"}, "$email": [entry(BEA)]}
    profile = {
        "distinct_id": "user-1",
        "properties": {"name": "Ada", "role": "admin"},
        "$email": [entry(BEA)],
        "$sms": [entry("+15555550100")],
        "tenant": own,
    }
    assert reply.json == {**profile, **times}
    assert wire.get(path).json == {**profile, **times}
    assert wire.get(f"{USER}associated_tenant/").json["results"] == [{**profile, **times}]
    assert wire.get(f"{USER}tenant/").json["results"] == [profile]
    assert wire.get("/v1/user/?tenant_id=acme").json["results"] == [{**profile, **times}]
    assert wire.get("/v1/user/?tenant_id=").json["meta"]["count"] == 1
    assert "tenant" not in wire.get(USER).json
    changed = wire.patch(path, {"operations": [{"$unset": ["role"]}, {"$remove": {"$email": BEA}}]})
    assert changed.status == 202
    assert changed.json["properties"] == {"name": "Ada", "role": "user"}
    assert changed.json["tenant"] == {
        "tenant_id": "acme",
        "properties": {},
        "$email": [entry(BEA, status="inactive")],
    }
    assert wire.get(USER).json["$email"] == [entry(ADA)]
    assert wire.delete(path).status == 204
    assert wire.get(path).status == 404
    assert wire.get(USER).status == 200


def test_a_profile_needs_its_user_and_its_tenant(wire: Wire) -> None:
    edit = {"operations": [{"$set": {"a": 1}}]}
    for method, body in (("GET", None), ("POST", {}), ("PATCH", edit), ("DELETE", None)):
        reply = wire.call(method, f"{USER}tenant/default/", body)
        assert_refused(reply, 404, "user [distinct_id: 'user-1'] not found")
    wire.post(USER, {})
    for method, body in (("GET", None), ("POST", {}), ("PATCH", edit), ("DELETE", None)):
        assert_refused(wire.call(method, f"{USER}tenant/none/", body), 404, "tenant 'none' not found")
    assert_refused(wire.get("/v1/user/?tenant_id=none"), 404, "tenant 'none' not found")
    assert wire.patch(f"{USER}tenant/default/", edit).json["tenant"]["properties"] == {"a": 1}
    assert_refused(wire.get(f"{USER}tenant/?limit=101"), 400, "limit must be a whole number from 1 to 100.")


@pytest.mark.parametrize(
    "path",
    ["", "subscribed_to/object/", "subscribed_to/list/", "associated_tenant/", "tenant/", "preference/"],
)
def test_reading_a_user_who_is_not_there(wire: Wire, path: str) -> None:
    assert_refused(wire.get(f"/v1/user/user-404/{path}"), 404, "user [distinct_id: 'user-404'] not found")
