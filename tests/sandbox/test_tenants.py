"""Tenants, brands and the categories of a tenant over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Reply, Wire

ACME = "/v1/tenant/acme/"
ALERTS = f"{ACME}preference/category/alerts/"
START = 1_767_225_600.0  # 2026-01-01T00:00:00Z
FIRST = "2026-01-01T00:00:00.000000Z"
NETWORKS = ("website", "facebook", "linkedin", "x", "instagram", "medium", "discord", "telegram", "youtube", "tiktok")


@pytest.fixture
def now() -> list[float]:
    return [START]


@pytest.fixture
def sandbox(now: list[float]) -> Iterator[Sandbox]:
    with Sandbox(clock=lambda: now[0], categories=["alerts"]) as running:
        yield running


def assert_refused(reply: Reply, status: int, message: str) -> None:
    assert (reply.status, reply.headers["content-type"]) == (status, "application/json")
    assert reply.json == {"code": status, "message": message}


def shown(**changes: Any) -> dict[str, Any]:
    empty = dict.fromkeys(
        ("logo", "timezone", "blocked_channels", "embedded_preference_url", "hosted_preference_domain")
    ) | dict.fromkeys(("primary_color", "secondary_color", "tertiary_color"))
    links = dict.fromkeys(NETWORKS, "")
    return {**empty, "social_links": links, "properties": {}, "updated_at": FIRST, **changes}


def test_a_tenant_as_the_contract_shows_one(wire: Wire, now: list[float]) -> None:
    payload = {
        "tenant_name": "Acme",
        "logo": "https://acme.example/l.png",
        "timezone": "Europe/Berlin",
        "blocked_channels": ["sms"],
        "primary_color": "#112233",
        "social_links": {"website": "https://acme.example"},
        "properties": {"plan": "pro"},
    }
    reply = wire.post(ACME, payload)
    links = {**dict.fromkeys(NETWORKS, ""), "website": "https://acme.example"}
    expected = shown(**{**payload, "tenant_id": "acme", "social_links": links})
    assert (reply.status, reply.json) == (201, expected)
    assert wire.get(ACME).json == expected
    now[0] += 60
    change = {"properties": {"size": 3}, "social_links": {"website": "", "x": "https://x.com/acme"}, "logo": None}
    changed = wire.post(ACME, change).json
    assert changed["properties"] == {"plan": "pro", "size": 3}
    assert changed["social_links"] == {**dict.fromkeys(NETWORKS, ""), "x": "https://x.com/acme"}
    assert (changed["tenant_name"], changed["logo"], changed["timezone"]) == ("Acme", None, "Europe/Berlin")
    assert changed["updated_at"] == "2026-01-01T00:01:00.000000Z"
    assert wire.delete(ACME).status == 204


def test_every_workspace_has_a_default(wire: Wire, sandbox: Sandbox) -> None:
    expected = shown(tenant_id="default", tenant_name="Default")
    assert wire.get("/v1/tenant/default/").json == expected
    wire.post(ACME, {"tenant_name": "Acme"})
    page = wire.get("/v1/tenant/").json
    assert page["meta"] == {"count": 2, "limit": 20, "offset": 0}
    assert [each["tenant_id"] for each in page["results"]] == ["default", "acme"]
    reply = wire.delete("/v1/tenant/default/")
    assert (reply.status, reply.json["message"]) == (400, "The tenant default cannot be deleted.")
    assert wire.post("/v1/tenant/default/", {"primary_color": "#000000"}).json["tenant_name"] == "Default"
    sandbox.clear()
    assert wire.get("/v1/tenant/").json["results"] == [expected]


def test_pages_by_offset(wire: Wire) -> None:
    for number in range(25):
        wire.post(f"/v1/tenant/t{number}/", {"tenant_name": "T"})
    page = wire.get("/v1/tenant/?limit=2&offset=25").json
    assert page["meta"] == {"count": 26, "limit": 2, "offset": 25}
    assert [each["tenant_id"] for each in page["results"]] == ["t24"]
    assert len(wire.get("/v1/tenant/").json["results"]) == 20
    assert wire.get("/v1/tenant/?offset=100").json["results"] == []
    for offset in ("-1", "x", "99999999999"):
        assert wire.get(f"/v1/tenant/?offset={offset}").json["message"].startswith("offset must be a whole number")


@pytest.mark.parametrize(
    ("payload", "detail"),
    [
        ({}, {"tenant_name": ["required"]}),
        ({"tenant_name": " "}, {"tenant_name": ["required"]}),
        ({"tenant_name": "<b>"}, {"tenant_name": ["no markup, please"]}),
        ({"tenant_name": 1}, {"tenant_name": ["must be a text"]}),
        (
            {"tenant_name": "A", "primary_color": "red"},
            {"primary_color": ['breaks the rule pattern of "^(#[0-9A-Fa-f]{6})?$"']},
        ),
        ({"tenant_name": "A", "logo": "x" * 2049}, {"logo": ["takes at most 2048 characters; this one has 2049"]}),
        ({"tenant_name": "A", "social_links": {"x": None}}, {"social_links.x": ["must be a text"]}),
        ({"tenant_name": "A", "blocked_channels": "sms"}, {"blocked_channels": ["must be a list or null"]}),
    ],
)
def test_a_refusal_has_the_long_shape(wire: Wire, payload: dict[str, Any], detail: dict[str, list[str]]) -> None:
    reply = wire.post(ACME, payload)
    message = reply.json.pop("message")
    assert reply.status == 400
    assert {**reply.json, "message": None} == {
        "code": 400,
        "error_code": "error",
        "type": "ValidationError",
        "detail": detail,
        "message": None,
    }
    assert message.startswith('{"')
    assert wire.get(ACME).status == 404


@pytest.mark.parametrize("tenant_id", ["a%2Fb", "a%20b", "x" * 65, "%C3%A9", "a."])
def test_an_id_that_is_none(wire: Wire, tenant_id: str) -> None:
    reply = wire.post(f"/v1/tenant/{tenant_id}/", {"tenant_name": "A"})
    assert reply.json["detail"] == {"tenant_id": ["1 to 64 letters, digits, - and _"]}


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_tenant_that_is_not_there(wire: Wire, method: str) -> None:
    reply = wire.call(method, "/v1/tenant/none/")
    message = "No tenant found for tenant_id none"
    words = {"error_code": "not_found", "type": "NotFound", "message": message, "detail": message}
    assert (reply.status, reply.json) == (404, {"code": 404, **words})


def test_brands_are_tenants_by_another_name(wire: Wire) -> None:
    reply = wire.post("/v1/brand/acme/", {"brand_name": "Acme", "properties": {"a": 1}})
    expected = shown(brand_id="acme", brand_name="Acme", properties={"a": 1})
    del expected["timezone"]
    assert (reply.status, reply.json) == (201, expected)
    assert wire.get("/v1/brand/acme/").json == expected
    assert wire.get("/v1/brand/").json["results"][1] == expected
    assert wire.get(ACME).json["tenant_name"] == "Acme"
    message = "No brand found for brand_id none"
    assert wire.get("/v1/brand/none/").json["detail"] == message
    missing = wire.post("/v1/brand/none/", {})
    assert missing.json == {
        "code": 400,
        "error_code": "error",
        "type": "ValidationError",
        "message": '{"brand_name": ["required"]}',
        "detail": {"brand_name": ["required"]},
    }
    assert wire.delete("/v1/brand/acme/").status == 405


def test_with_a_tenant_goes_what_hangs_on_it(wire: Wire) -> None:
    for _ in range(2):
        wire.post(ACME, {"tenant_name": "Acme"})
        wire.post("/v1/user/u/", {})
        assert wire.get("/v1/user/u/tenant/").json["results"] == []
        path = "/v1/user/u/preference/category/alerts/?tenant_id=acme"
        assert wire.get(path).json["preference"] == "opt_in"
        assert wire.get(ALERTS).json["preference"] is None
        wire.post("/v1/user/u/tenant/acme/", {"a": 1})
        wire.patch(path, {"preference": "opt_out"})
        wire.patch(ALERTS, {"preference": "opt_out"})
        assert wire.delete(ACME).status == 204
        assert_refused(wire.get(path), 404, "tenant 'acme' not found")


def test_a_category_as_the_contract_shows_one(wire: Wire, sandbox: Sandbox, now: list[float]) -> None:
    sandbox.add_category("alerts", tags=["ops"], description="What wakes you", mandatory_channels=["email"])
    wire.post(ACME, {"tenant_name": "Acme"})
    expected = {
        "name": "Alerts",
        "category": "alerts",
        "description": "What wakes you",
        "tags": ["ops"],
        "effective_tags": ["ops"],
        "root_category": "transactional",
        "default_preference": "opt_in",
        "default_mandatory_channels": ["email"],
        "default_opt_in_channels": None,
        "enabled_for_tenant": True,
        "visible_to_subscriber": True,
        "preference": None,
        "mandatory_channels": None,
        "opt_in_channels": None,
        "blocked_channels": None,
        "digest_schedule": None,
        "properties": None,
        "updated_at": FIRST,
    }
    assert wire.get(ALERTS).json == expected
    now[0] += 60
    reply = wire.patch(ALERTS, {"preference": "opt_out", "blocked_channels": ["sms"], "visible_to_subscriber": None})
    expected |= {"preference": "opt_out", "blocked_channels": ["sms"], "updated_at": "2026-01-01T00:01:00.000000Z"}
    assert (reply.status, reply.json) == (200, expected)
    older = wire.patch(f"{ACME}category/alerts/", {"preference": "opt_out"})
    assert (older.status, older.json) == (202, expected)
    assert wire.get("/v1/tenant/default/preference/category/alerts/").json["preference"] is None
    for path in (f"{ACME}preference/category/", f"{ACME}category/"):
        page = wire.get(path).json
        assert page["meta"] == {"count": 4, "limit": 10, "offset": 0}
        assert page["results"][3] == expected
    roots = wire.get(f"{ACME}preference/").json["root_categories"]
    assert [root["root_category"] for root in roots] == ["system", "transactional", "promotional"]
    [section] = roots[1]["sections"]
    assert (section["name"], section["slug"]) == (None, None)
    assert [each["category"] for each in section["categories"]] == ["transactional", "alerts"]


def test_channels_are_those_of_a_preference(wire: Wire) -> None:
    wire.post(ACME, {"tenant_name": "Acme"})
    only = "only with the preference"
    assert_refused(
        wire.patch(ALERTS, {"mandatory_channels": ["email"]}), 400, f"mandatory_channels: {only} cant_unsubscribe"
    )
    body = {"preference": "opt_out", "opt_in_channels": ["email"]}
    assert_refused(wire.patch(ALERTS, body), 400, f"opt_in_channels: {only} opt_in")
    assert wire.patch(ALERTS, {"preference": "cant_unsubscribe", "mandatory_channels": ["email"]}).status == 200
    # What an earlier call named is no reason to refuse this one.
    for preference in ("opt_out", "opt_in", "cant_unsubscribe"):
        assert wire.patch(ALERTS, {"preference": preference}).status == 200
    assert wire.patch(ALERTS, {"mandatory_channels": ["sms"]}).json["mandatory_channels"] == ["sms"]
    assert_refused(
        wire.patch(ALERTS, {"blocked_channels": ["pigeon"]}),
        400,
        "blocked_channels[0]: must be one of sms, email, androidpush, iospush, webpush, inbox, whatsapp, slack, "
        "ms_teams",
    )
    assert_refused(
        wire.patch(ALERTS, {"preference": "x"}), 400, "preference: must be one of opt_in, opt_out, cant_unsubscribe"
    )


def test_a_category_by_default_without_a_way_out_may_name_its_channels(wire: Wire, sandbox: Sandbox) -> None:
    sandbox.add_category("alerts", default_preference="cant_unsubscribe")
    wire.post(ACME, {"tenant_name": "Acme"})
    assert wire.patch(ALERTS, {"mandatory_channels": ["email"]}).status == 200


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("ops", ["alerts", "news"]),
        ("nothing", []),
        ('{"and": ["ops", "mail"]}', ["news"]),
        ('{"or": ["mail", "night"]}', ["alerts", "news"]),
        ('{"not": "mail"}', ["system", "transactional", "promotional", "alerts"]),
        ('{"exists": true}', ["alerts", "news"]),
        ('{"exists": false}', ["system", "transactional", "promotional"]),
        (
            '{"or": [{"and": ["ops", "mail"]}, {"not": {"exists": true}}]}',
            ["system", "transactional", "promotional", "news"],
        ),
        ('{"and": []}', ["system", "transactional", "promotional", "alerts", "news"]),
        ("", ["system", "transactional", "promotional", "alerts", "news"]),
    ],
)
def test_tags_are_a_tag_or_a_condition(wire: Wire, sandbox: Sandbox, tags: str, found: list[str]) -> None:
    sandbox.add_category("alerts", tags=["ops", "night"])
    sandbox.add_category("news", tags=["ops", "mail"])
    wire.post("/v1/user/u/", {})
    query = urlencode({"tags": tags})
    for path in ("/v1/tenant/default/preference/category/", "/v1/user/u/preference/category/"):
        assert [each["category"] for each in wire.get(f"{path}?{query}").json["results"]] == found


@pytest.mark.parametrize(
    "tags",
    [
        '{"and": "a"}',
        '{"exists": "yes"}',
        '{"nor": []}',
        '{"and": [], "or": []}',
        "{}",
        '{"and": [1]}',
        '{"or": ["ops", {}]}',
    ],
)
def test_a_condition_that_is_none(wire: Wire, sandbox: Sandbox, tags: str) -> None:
    path = f"/v1/tenant/default/preference/category/?{urlencode({'tags': tags})}"
    assert_refused(wire.get(path), 400, "tags: a condition has one of and, or, not, exists")
    reply = wire.get("/v1/tenant/default/preference/category/?tags=%7B")
    assert_refused(reply, 400, "tags: must be a tag, or a condition as JSON")


def test_a_disabled_category_is_shown_to_whom_asks(wire: Wire) -> None:
    wire.post(ACME, {"tenant_name": "Acme"})
    wire.patch(ALERTS, {"enabled_for_tenant": False})
    assert wire.get(f"{ACME}preference/category/").json["meta"]["count"] == 3
    assert wire.get(f"{ACME}preference/category/?include_disabled=true").json["meta"]["count"] == 4
    assert wire.get(ALERTS).json["enabled_for_tenant"] is False
    assert wire.patch(ALERTS, {"enabled_for_tenant": None}).json["enabled_for_tenant"] is True


def test_what_is_not_there(wire: Wire) -> None:
    for path in ("preference/", "preference/category/", "preference/category/alerts/", "category/"):
        assert_refused(wire.get(f"/v1/tenant/none/{path}"), 404, "tenant 'none' not found")
    known = "category 'none' not found; the sandbox has system, transactional, promotional, alerts"
    assert_refused(wire.get("/v1/tenant/default/preference/category/none/"), 404, known)
    assert_refused(wire.patch("/v1/tenant/default/preference/category/none/", {}), 404, known)


def test_categories_from_python(sandbox: Sandbox, wire: Wire) -> None:
    sandbox.add_category("promotional", default_preference="opt_out")
    found = wire.get("/v1/tenant/default/preference/category/promotional/").json
    assert (found["root_category"], found["default_preference"]) == ("promotional", "opt_out")
    sandbox.add_category("alerts", tags=["ops"])
    sandbox.add_category("alerts", name="Alarms")
    found = wire.get("/v1/tenant/default/preference/category/alerts/").json
    assert (found["name"], found["tags"]) == ("Alarms", ["ops"])
    sandbox.clear()
    assert wire.get("/v1/tenant/default/preference/category/alerts/").json["name"] == "Alerts"


@pytest.mark.parametrize(
    ("slug", "fields", "message"),
    [
        (" ", {}, "a category's slug must be a name such as newsletter"),
        ("a/b", {}, "a category's slug must be a name such as newsletter"),
        ("a", {"default_prefernce": "opt_in"}, "a category has no default_prefernce; it has name, description"),
        ("a", {"default_preference": "never"}, "default_preference must be one of opt_in, opt_out, cant_unsubscribe"),
        ("a", {"root_category": "a"}, "root_category must be one of system, transactional, promotional, not 'a'"),
        ("a", {"mandatory_channels": "email"}, "mandatory_channels must be a list of some of sms, email"),
        ("a", {"opt_in_channels": ["pigeon"]}, "opt_in_channels must be a list of some of sms, email"),
        ("a", {"tags": "ops"}, "tags must be a list of texts, not 'ops'"),
    ],
)
def test_a_category_that_cannot_be(sandbox: Sandbox, slug: str, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sandbox.add_category(slug, **fields)


def test_a_slug_that_cannot_be_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match=r"categories\[0\] is empty: give the name alone, or leave it out"):
        Sandbox(categories=[""])
