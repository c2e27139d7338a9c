"""Templates over HTTP; they are put there from Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from suprsend_async.sandbox import Sandbox

    from .conftest import Wire

pytestmark = pytest.mark.extras("sandbox")

TEMPLATES = "/v1/template/"


def found(wire: Wire, query: str = "") -> list[str]:
    reply = wire.call("GET", f"{TEMPLATES}?{query}")
    assert reply.status == 200
    assert reply.json["meta"]["count"] >= len(reply.json["results"])
    return [template["slug"] for template in reply.json["results"]]


def test_a_template_and_its_channel(wire: Wire, sandbox: Sandbox) -> None:
    sandbox.add_template("welcome", {"email": {"subject": "Hello"}, "ms_teams": {}}, tags=["onboarding"])
    template = wire.call("GET", f"{TEMPLATES}welcome/").json
    assert template.items() >= {"slug": "welcome", "name": "Welcome", "description": None, "is_active": True}.items()
    assert template["tags"] == [{"id": "onboarding", "name": "onboarding"}]
    assert [(each["channel"]["slug"], each["versions"]) for each in template["channels"]] == [
        ("email", []),
        ("ms_teams", []),
    ]
    assert len({each["id"] for each in template["channels"]}) == 2
    channel = wire.call("GET", f"{TEMPLATES}welcome/channel/email/").json
    [version] = channel["versions"]
    assert channel["channel"] == {"name": "Email", "slug": "email", "is_template_approval_needed": False}
    assert version["templates"][0]["content"] == {"subject": "Hello"}
    assert wire.call("GET", TEMPLATES).json["results"] == [template]


@pytest.mark.parametrize("path", ["none/", "none/channel/email/", "welcome/channel/sms/"])
def test_what_is_not_there(wire: Wire, sandbox: Sandbox, path: str) -> None:
    sandbox.add_template("welcome", {"email": {}})
    reply = wire.call("GET", f"{TEMPLATES}{path}")
    assert (reply.status, reply.json) == (404, {"code": 404, "type": "DoesNotExist", "message": "no such template"})


def test_filters_and_pages(wire: Wire, sandbox: Sandbox) -> None:
    sandbox.add_template("a", {"email": {}}, tags=["x"], is_active=False)
    sandbox.add_template("b", {"email": {}, "sms": {}}, tags=["x", "y"])
    sandbox.add_template("c", {"slack": {}}, is_archived=True)
    for query, slugs in (
        ("", "abc"),
        ("has_tag_ids_any=y,z", "b"),
        ("has_channels_any=sms,slack", "bc"),
        ("is_active=true", "bc"),
        ("is_active=false", "a"),
        ("is_archived=false&has_channels_any=email", "ab"),
        ("limit=1&offset=1", "b"),
    ):
        assert found(wire, query) == [*slugs], query
    assert wire.call("GET", f"{TEMPLATES}?limit=2").json["meta"] == {"count": 3, "limit": 2, "offset": 0}
    reply = wire.call("GET", f"{TEMPLATES}?is_active=1")
    assert (reply.status, reply.json) == (400, {"code": 400, "message": "is_active must be true or false."})


def test_without_authorization_the_answer_is_a_text(wire: Wire) -> None:
    reply = wire.request("GET", TEMPLATES)
    assert (reply.status, type(reply.json)) == (401, str)


def test_a_template_is_changed_and_forgotten(wire: Wire, sandbox: Sandbox) -> None:
    sandbox.add_template("a", {"email": {}})
    sandbox.add_template("a", {"sms": {}}, name="New")
    template = wire.call("GET", f"{TEMPLATES}a/").json
    assert (template["name"], [each["channel"]["slug"] for each in template["channels"]]) == ("New", ["sms"])
    sandbox.clear()
    assert found(wire) == []


def test_a_wrong_field_or_channel_is_named(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="colour is not a field of a template"):
        sandbox.add_template("a", {}, colour="red")
    with pytest.raises(ValueError, match="fax is not a channel"):
        sandbox.add_template("a", {"fax": {}})
