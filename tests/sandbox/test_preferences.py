"""Preferences over HTTP: by user and object, by tenant, by category and channel, one by one and in bulk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Reply, Wire

USER, TEAM = "/v1/user/user-1/", "/v1/object/teams/sre/"
HOLDERS = [USER, TEAM]
NEWS = "preference/category/newsletter/"
CHANNELS = ["sms", "email", "androidpush", "iospush", "webpush", "inbox", "whatsapp", "slack", "ms_teams"]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(categories=["newsletter"]) as running:
        yield running


@pytest.fixture
def wire(wire: Wire) -> Wire:
    for path in (USER, TEAM, "/v1/user/user-2/"):
        assert wire.post(path, {}).status == 201
    assert wire.post("/v1/tenant/acme/", {"tenant_name": "Acme"}).status == 201
    return wire


def assert_refused(reply: Reply, status: int, message: str) -> None:
    assert (reply.status, reply.headers["content-type"]) == (status, "application/json")
    assert reply.json == {"code": status, "message": message}


def channels(reply: Reply) -> dict[str, str]:
    return {each["channel"]: each["preference"] for each in reply.json["channels"]}


def closed(reply: Reply) -> list[str]:
    return [channel for channel, preference in channels(reply).items() if preference == "opt_out"]


@pytest.mark.parametrize("who", HOLDERS)
def test_a_category_as_the_contract_shows_one(wire: Wire, who: str) -> None:
    expected = {
        "name": "Newsletter",
        "category": "newsletter",
        "description": None,
        "tags": None,
        "effective_tags": [],
        "original_preference": "opt_in",
        "preference": "opt_in",
        "is_editable": True,
        "channels": [{"channel": channel, "preference": "opt_in", "is_editable": True} for channel in CHANNELS],
        "digest_schedule_options": None,
        "digest_schedule": None,
        "properties": None,
    }
    assert (wire.get(who + NEWS).status, wire.get(who + NEWS).json) == (200, expected)
    choice = {
        "preference": "opt_in",
        "opt_out_channels": ["sms"],
        "digest_schedule": {"id": "daily", "time": "10:00"},
        "properties": [{"key": "threshold", "value": "500"}],
    }
    reply = wire.patch(who + NEWS, choice)
    assert reply.status == 202
    expected["channels"][0]["preference"] = "opt_out"  # type: ignore[index]
    assert reply.json == expected | {key: choice[key] for key in ("digest_schedule", "properties")}
    assert wire.get(who + NEWS).json == reply.json
    # A choice replaces the earlier one.
    again = wire.patch(who + NEWS, {"preference": "opt_in"})
    assert (closed(again), again.json["digest_schedule"], again.json["properties"]) == ([], None, None)


def test_users_objects_and_tenants_choose_apart(wire: Wire) -> None:
    wire.patch(f"{USER}{NEWS}?tenant_id=acme", {"preference": "opt_out"})
    others = [USER, TEAM, "/v1/user/user-2/"]
    assert [wire.get(who + NEWS).json["preference"] for who in others] == ["opt_in"] * 3
    assert wire.get(f"{USER}{NEWS}?tenant_id=acme").json["preference"] == "opt_out"
    # Without a tenant, that is the default one.
    wire.patch(f"{TEAM}{NEWS}?tenant_id=default", {"preference": "opt_out"})
    assert wire.get(TEAM + NEWS).json["preference"] == "opt_out"
    assert wire.get(f"{TEAM}{NEWS}?tenant_id=").json["preference"] == "opt_out"


@pytest.mark.parametrize(
    ("choice", "opted_out"),
    [
        ({}, []),
        ({"opt_out_channels": []}, []),
        ({"opt_out_channels": None, "opt_in_channels": None}, []),
        ({"opt_out_channels": ["sms", "slack"]}, ["sms", "slack"]),
        ({"opt_out_channels": ["sms"], "opt_in_channels": []}, ["sms"]),
        ({"opt_in_channels": ["sms", "inbox"]}, [each for each in CHANNELS if each not in ("sms", "inbox")]),
        ({"opt_in_channels": ["email"], "opt_out_channels": []}, [each for each in CHANNELS if each != "email"]),
        ({"opt_in_channels": []}, CHANNELS),
    ],
)
def test_channels_of_a_choice(wire: Wire, choice: dict[str, Any], opted_out: list[str]) -> None:
    assert closed(wire.patch(USER + NEWS, {"preference": "opt_in", **choice})) == opted_out


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"opt_out_channels": ["sms"]}, "preference: missing"),
        ({"preference": "cant_unsubscribe"}, "preference: must be one of opt_in, opt_out"),
        ({"preference": "opt_out", "opt_out_channels": ["sms"]}, "opt_out_channels: only with the preference opt_in"),
        ({"preference": "opt_out", "opt_in_channels": ["sms"]}, "opt_in_channels: only with the preference opt_in"),
        (
            {"preference": "opt_in", "opt_in_channels": ["sms"], "opt_out_channels": ["email"]},
            "opt_in_channels: not together with opt_out_channels",
        ),
        ({"preference": "opt_in", "opt_out_channels": ["messenger"]}, "opt_out_channels[0]: must be one of sms, email"),
        ({"preference": "opt_in", "properties": [{"key": "a"}]}, "properties[0].value: missing"),
        ({"preference": "opt_in", "digest_schedule": "daily"}, "digest_schedule: must be an object or null"),
    ],
)
def test_a_choice_that_is_none_changes_nothing(wire: Wire, choice: dict[str, Any], message: str) -> None:
    before = wire.get(USER + NEWS).json
    reply = wire.patch(USER + NEWS, choice)
    assert_refused(reply, 400, reply.json["message"])
    assert reply.json["message"].startswith(message)
    assert wire.get(USER + NEWS).json == before
    whole = wire.patch(f"{USER}preference/", {"categories": [{"category": "newsletter", **choice}]})
    assert whole.status == 400
    assert wire.get(USER + NEWS).json == before


def test_channels_of_an_opt_out_are_shown_to_whom_asks(wire: Wire) -> None:
    reply = wire.patch(USER + NEWS, {"preference": "opt_out"})
    assert (reply.json["preference"], reply.json["channels"]) == ("opt_out", [])
    assert closed(wire.get(f"{USER}{NEWS}?show_opt_out_channels=true")) == CHANNELS
    assert channels(wire.get(f"{USER}{NEWS}?show_opt_out_channels=false")) == {}


@pytest.mark.parametrize("by", ["workspace", "tenant"])
def test_nobody_leaves_what_has_no_way_out(wire: Wire, sandbox: Sandbox, by: str) -> None:
    if by == "workspace":
        sandbox.add_category("newsletter", default_preference="cant_unsubscribe", mandatory_channels=["email"])
    else:
        body = {"preference": "cant_unsubscribe", "mandatory_channels": ["email"]}
        assert wire.patch("/v1/tenant/default/preference/category/newsletter/", body).status == 200
    found = wire.get(USER + NEWS).json
    assert (found["original_preference"], found["preference"]) == ("cant_unsubscribe", "opt_in")
    assert found["is_editable"] is False
    assert [each["channel"] for each in found["channels"] if not each["is_editable"]] == ["email"]
    reply = wire.patch(USER + NEWS, {"preference": "opt_out"})
    assert_refused(reply, 400, "preference: newsletter cannot be unsubscribed from")
    reply = wire.patch(USER + NEWS, {"preference": "opt_in", "opt_out_channels": ["email", "sms"]})
    assert_refused(reply, 400, "opt_out_channels: email cannot be unsubscribed from")
    assert closed(wire.patch(USER + NEWS, {"preference": "opt_in", "opt_out_channels": ["sms"]})) == ["sms"]
    assert "email" not in closed(wire.patch(USER + NEWS, {"preference": "opt_in", "opt_in_channels": ["sms"]}))


def test_what_was_chosen_before_there_was_no_way_out_comes_back_with_it(wire: Wire, sandbox: Sandbox) -> None:
    wire.patch(USER + NEWS, {"preference": "opt_out"})
    sandbox.add_category("newsletter", default_preference="cant_unsubscribe", mandatory_channels=["email"])
    assert wire.get(USER + NEWS).json["preference"] == "opt_in"
    sandbox.add_category("newsletter", default_preference="opt_in")
    assert wire.get(USER + NEWS).json["preference"] == "opt_out"


def test_the_user_comes_before_the_tenant_and_the_tenant_before_the_workspace(wire: Wire, sandbox: Sandbox) -> None:
    path = f"{USER}{NEWS}?tenant_id=acme"
    sandbox.add_category("newsletter", default_preference="opt_out")
    assert wire.get(path).json["preference"] == "opt_out"
    tenant = "/v1/tenant/acme/preference/category/newsletter/"
    wire.patch(tenant, {"preference": "opt_in", "opt_in_channels": ["email"]})
    assert (wire.get(path).json["original_preference"], wire.get(path).json["preference"]) == ("opt_in", "opt_in")
    assert closed(wire.get(path)) == [each for each in CHANNELS if each != "email"]
    wire.patch(path, {"preference": "opt_in", "opt_out_channels": ["email"]})
    assert closed(wire.get(path)) == ["email"]
    wire.patch(tenant, {"preference": "opt_out"})
    assert wire.get(path).json["preference"] == "opt_in"


def test_what_the_tenant_blocks_beats_all(wire: Wire) -> None:
    wire.patch(f"{USER}{NEWS}?tenant_id=acme", {"preference": "opt_in", "opt_in_channels": ["email", "sms", "inbox"]})
    wire.patch("/v1/tenant/acme/preference/category/newsletter/", {"blocked_channels": ["email"]})
    wire.post("/v1/tenant/acme/", {"blocked_channels": ["sms"]})
    shown = channels(wire.get(f"{USER}{NEWS}?tenant_id=acme"))
    assert [channel for channel, preference in shown.items() if preference == "opt_in"] == ["inbox"]
    assert not {"email", "sms"} & shown.keys()
    assert len(channels(wire.get(USER + NEWS))) == len(CHANNELS)


@pytest.mark.parametrize("switch", ["visible_to_subscriber", "enabled_for_tenant"])
def test_a_hidden_category_is_not_shown(wire: Wire, switch: str) -> None:
    wire.patch("/v1/tenant/acme/preference/category/newsletter/", {switch: False})
    names = ["system", "transactional", "promotional"]
    page = wire.get(f"{USER}preference/category/?tenant_id=acme").json
    assert [each["category"] for each in page["results"]] == names
    [section] = wire.get(f"{USER}preference/?tenant_id=acme").json["sections"]
    assert [each["category"] for each in section["subcategories"]] == names
    hidden = "category 'newsletter' not found; it is hidden in the tenant 'acme'"
    assert_refused(wire.get(f"{USER}{NEWS}?tenant_id=acme"), 404, hidden)
    assert wire.get(USER + NEWS).status == 200


@pytest.mark.parametrize("who", HOLDERS)
def test_channels_of_all_categories(wire: Wire, who: str) -> None:
    path = f"{who}preference/channel_preference/"
    all_open = [{"channel": channel, "is_restricted": False} for channel in CHANNELS]
    assert wire.get(path).json == {"channel_preferences": all_open}
    body = {"channel_preferences": [{"channel": "email", "is_restricted": True}, {"channel": "inbox"}]}
    reply = wire.patch(f"{path}?tenant_id=acme", body)
    restricted = [{"channel": each, "is_restricted": each == "email"} for each in CHANNELS]
    assert (reply.status, reply.json) == (202, {"channel_preferences": restricted})
    assert wire.get(f"{path}?tenant_id=acme").json == reply.json
    assert wire.get(path).json == {"channel_preferences": all_open}
    assert wire.patch(path, {"channel_preferences": []}).status == 202


@pytest.mark.parametrize("who", HOLDERS)
@pytest.mark.parametrize("path", ["preference/channel_preference/", "preference/"])
def test_an_unknown_channel_is_refused_by_field(wire: Wire, who: str, path: str) -> None:
    bad = [{"channel": "messenger"}, {"channel": "email", "is_restricted": True}]
    reply = wire.patch(who + path, {"channel_preferences": bad})
    assert reply.status == 400
    assert reply.json == {
        "code": 400,
        "detail": {"channel_preferences[0].channel": "unknown channel"},
        "message": '{"channel_preferences[0].channel": "unknown channel"}',
    }
    assert not any(each["is_restricted"] for each in wire.get(f"{who}preference/").json["channel_preferences"])


@pytest.mark.parametrize("who", HOLDERS)
def test_all_at_once(wire: Wire, who: str) -> None:
    body = {
        "channel_preferences": [{"channel": "sms", "is_restricted": True}],
        "categories": [
            {"category": "newsletter", "preference": "opt_in", "opt_out_channels": ["sms"]},
            {"category": "promotional", "preference": "opt_out"},
        ],
    }
    reply = wire.patch(f"{who}preference/?tenant_id=acme", body)
    assert reply.status == 200
    [section] = reply.json["sections"]
    assert {key: section[key] for key in ("name", "slug", "description", "tags")} == dict.fromkeys(
        ("name", "slug", "description", "tags")
    )
    chosen = {each["category"]: each["preference"] for each in section["subcategories"]}
    expected = {"system": "opt_in", "transactional": "opt_in", "promotional": "opt_out", "newsletter": "opt_in"}
    assert chosen == expected
    assert reply.json["channel_preferences"][0] == {"channel": "sms", "is_restricted": True}
    assert wire.get(f"{who}preference/?tenant_id=acme").json == reply.json
    assert wire.get(f"{who}preference/").json != reply.json


def test_one_category_that_is_none_leaves_nothing_of_a_request(wire: Wire) -> None:
    before = wire.get(f"{USER}preference/").json
    choices = [{"category": "newsletter", "preference": "opt_out"}, {"category": "none", "preference": "opt_out"}]
    body = {"channel_preferences": [{"channel": "sms", "is_restricted": True}], "categories": choices}
    reply = wire.patch(f"{USER}preference/", body)
    assert reply.status == 404
    assert reply.json["message"].startswith("category 'none' not found")
    bulk = wire.patch("/v1/bulk/user/preference/", {"distinct_ids": ["user-1", "user-2"], **body})
    assert bulk.status == 404
    assert wire.get(f"{USER}preference/").json == before
    assert_refused(wire.patch(f"{USER}preference/", {}), 400, "Request body must not be empty")


def test_many_users_at_once(wire: Wire) -> None:
    body = {
        "distinct_ids": ["user-1", "user-2", "user-1"],
        "channel_preferences": [{"channel": "email", "is_restricted": True}],
        "categories": [{"category": "newsletter", "preference": "opt_out", "opt_out_channels": []}],
    }
    reply = wire.patch("/v1/bulk/user/preference/?tenant_id=acme", body)
    assert (reply.status, reply.json) == (202, {"success": True})

    def found(who: str) -> tuple[str, bool]:
        full = wire.get(f"{who}preference/?tenant_id=acme").json
        return full["sections"][0]["subcategories"][-1]["preference"], full["channel_preferences"][1]["is_restricted"]

    assert found(USER) == found("/v1/user/user-2/") == ("opt_out", True)
    reset = "/v1/bulk/user/preference/reset/?tenant_id=acme"
    kept = {"distinct_ids": ["user-1"], "reset_channel_preferences": False}
    assert wire.patch(reset, kept).json == {"success": True}
    assert found(USER) == ("opt_in", True)
    assert wire.patch(reset, {"distinct_ids": ["user-2"], "reset_categories": False}).status == 202
    assert found("/v1/user/user-2/") == ("opt_out", False)
    assert wire.patch(reset, {"distinct_ids": ["user-1", "user-2"]}).status == 202
    assert found(USER) == found("/v1/user/user-2/") == ("opt_in", False)


@pytest.mark.parametrize("path", ["/v1/bulk/user/preference/", "/v1/bulk/user/preference/reset/"])
def test_who_is_named_in_bulk_must_be_there(wire: Wire, path: str) -> None:
    everything = {"categories": [{"category": "newsletter", "preference": "opt_out"}]}
    reply = wire.patch(f"{path}?tenant_id=none", {"distinct_ids": ["user-1"], **everything})
    assert_refused(reply, 404, "tenant 'none' not found")
    reply = wire.patch(path, {"distinct_ids": ["user-1", "nobody"], **everything})
    assert_refused(reply, 404, "user [distinct_id: 'nobody'] not found")
    assert wire.get(USER + NEWS).json["preference"] == "opt_in"
    assert_refused(wire.patch(path, {"distinct_ids": []}), 400, "distinct_ids: must not be empty")
    too_many = "distinct_ids: takes at most 100 items; this one has 101"
    assert_refused(wire.patch(path, {"distinct_ids": ["u"] * 101}), 400, too_many)
    assert_refused(wire.patch(path, {"a": 1}), 400, "distinct_ids: missing")


def test_pages_of_categories(wire: Wire, sandbox: Sandbox) -> None:
    for number in range(10):
        sandbox.add_category(f"c{number}", tags=["many"])
    page = wire.get(f"{USER}preference/category/?offset=12&limit=5").json
    assert page["meta"] == {"count": 14, "limit": 5, "offset": 12}
    assert [each["category"] for each in page["results"]] == ["c8", "c9"]
    assert len(wire.get(f"{USER}preference/category/").json["results"]) == 10
    tagged = wire.get(f"{USER}preference/category/?tags=many&limit=3").json
    assert (tagged["meta"]["count"], len(tagged["results"])) == (10, 3)
    [section] = wire.get(f"{USER}preference/?tags=many").json["sections"]
    assert len(section["subcategories"]) == 10


@pytest.mark.parametrize("who", HOLDERS)
def test_what_is_not_there(wire: Wire, who: str) -> None:
    missing = wire.get(f"{who}preference/category/none/")
    assert missing.status == 404
    assert missing.json["message"].startswith("category 'none' not found; the sandbox has system, ")
    choice = {"preference": "opt_in"}
    for reply in (
        wire.get(f"{who}preference/?tenant_id=none"),
        wire.get(f"{who}preference/category/?tenant_id=none"),
        wire.get(f"{who}preference/channel_preference/?tenant_id=none"),
        wire.patch(f"{who}{NEWS}?tenant_id=none", choice),
    ):
        assert_refused(reply, 404, "tenant 'none' not found")
    nobody = wire.patch(f"/v1/user/nobody/{NEWS}", choice)
    assert_refused(nobody, 404, "user [distinct_id: 'nobody'] not found")
    assert wire.get("/v1/user/nobody/").status == 404
