"""Dynamic triggers over HTTP, the older kind that brings its workflow along."""

from __future__ import annotations

from typing import Any

import pytest

from suprsend_async.sandbox import Sandbox

from .conftest import Wire
from .triggers import DYNAMIC, profile

pytestmark = pytest.mark.extras("sandbox")


def test_dynamic_triggers(wire: Wire, sandbox: Sandbox) -> None:
    path = f"/{sandbox.workspace_uid}/trigger/"
    full = DYNAMIC | {
        "users": [{"distinct_id": "user-1", "$channels": ["email"], "$email": ["a@example.com"]}],
        "delay": "1h30m",
        "trigger_at": "2030-01-02T03:04:05Z",
        "delivery": {"smart": True, "success": "seen", "time_to_live": "1h", "mandatory_channels": ["email"]},
        "data": {"x": 1},
        "tenant_id": "acme",
        "brand_id": "acme",
    }
    for body in (DYNAMIC, full, [DYNAMIC, full], DYNAMIC | {"delay": 90}):
        reply = wire.post(path, body)
        assert (reply.status, reply.body) == (202, b"OK")
        assert reply.headers["content-type"].startswith("text/plain")
    assert len(sandbox.triggers) == 5
    assert sandbox.triggers[1].items() >= full.items()
    assert profile(wire, "user/user-1")["$email"][0]["value"] == "a@example.com"


def test_a_dynamic_trigger_repeated_by_its_key(wire: Wire, sandbox: Sandbox) -> None:
    for _ in range(2):
        assert wire.post(f"/{sandbox.workspace_uid}/trigger/", DYNAMIC | {"$idempotency_key": "k"}).status == 202
    assert len(sandbox.triggers) == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({**DYNAMIC, "template": None}, "template: must be a text"),
        ({key: DYNAMIC[key] for key in DYNAMIC if key != "template"}, "template: missing"),
        (DYNAMIC | {"users": []}, "users: must not be empty"),
        (DYNAMIC | {"users": ["user-1"]}, "users[0]: must be an object"),
        (DYNAMIC | {"delay": "soon"}, "delay: breaks the rule pattern"),
        (DYNAMIC | {"delay": ""}, "delay: breaks the rule pattern"),
        (DYNAMIC | {"delay": -1}, "delay: breaks the rule minimum"),
        ([DYNAMIC, {}], "[1] name: missing"),
    ],
)
def test_dynamic_triggers_are_taken_as_a_whole_or_not(wire: Wire, sandbox: Sandbox, body: Any, message: str) -> None:
    reply = wire.post(f"/{sandbox.workspace_uid}/trigger/", body)
    assert (reply.status, reply.json["status"]) == (400, "fail")
    assert message in reply.json["message"]
    assert sandbox.triggers == []
    assert wire.call("GET", "/v1/user/").json["results"] == []


def test_the_workspace_in_the_path_is_the_one_of_the_credentials(wire: Wire, sandbox: Sandbox) -> None:
    assert wire.signed(f"/{sandbox.workspace_key}/trigger/", DYNAMIC).status == 202
    for reply in (
        wire.post(f"/{sandbox.workspace_key}/trigger/", DYNAMIC),
        wire.signed(f"/{sandbox.workspace_uid}/trigger/", DYNAMIC),
        wire.post("/other/trigger/", DYNAMIC),
    ):
        assert (reply.status, reply.json["status"]) == (401, "fail")
        assert reply.json["message"] == "The path does not name the workspace that this request is authorized for."
    assert len(sandbox.triggers) == 1
