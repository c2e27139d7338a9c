"""The golden requests of all resources, sent as they are, and answered as documented.

They owe nothing to the client: what it sends is compared with them elsewhere.
"""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from tests.resources.vectors import VECTORS_FILE, answer_to, expanded

from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Wire

# A cursor and a list's version are the server's own: the golden ones are another server's.
CURSOR = "MQ"
VERSION = "01JQ80D4M6N8P0R2S4T6V8W0XY"
KEY, UID = "test-workspace-key-0123456789", "test-workspace-uid-0123456789"
NOT_ANSWERED = {
    "users.bulk_delete.empty": "the platform needs one id or more, and answers 400",
    "users.bulk_edit.401": "the vector says how many records the requests have, and leaves them out",
    "workflows.bulk.101": "the vector says how many records the requests have, and leaves them out",
    "lists.get.encoded": "a list's id has no slash: there can be no such list, and 404 is the answer",
    "lists.dry_run.rows": "the sandbox has no database that runs a query, and says so with 501",
    "lists.dry_run.count": "as for the rows",
    "tenants.get.encoded": "a tenant's id has no slash: there can be no such tenant, and 404 is the answer",
}


def golden() -> Iterator[dict[str, Any]]:
    """Yield the vectors that are one request."""
    for vector in json.loads(VECTORS_FILE.read_text("utf-8"))["vectors"]:
        if vector["method"] is not None:
            yield vector


VECTORS = list(golden())


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(categories=["newsletter", "alerts"]) as running:
        yield running


def filled(value: Any, env: str) -> Any:
    """Return a body with real values for its placeholders."""
    match value:
        case "<uuid>":
            return str(uuid.uuid4())
        case "<epoch_ms>":
            return int(time.time() * 1000)
        case "<user_agent>":
            return "test/1"
        case _ if value in (KEY, UID):
            return env
        case dict():
            return {key: filled(item, env) for key, item in value.items()}
        case list():
            return [filled(item, env) for item in value]
        case _:
            return value


def provide_from_python(sandbox: Sandbox, vector: dict[str, Any]) -> None:
    """Make what a request needs and no call makes: messages and templates."""
    items = vector["body"]["messages"] if vector["path"] == "/v1/bulk/message/" else []
    actions = {item["message_id"]: item["action"] for item in items}
    if vector["path"].endswith("/content/"):
        actions[vector["path"].split("/")[3]] = "seen"
    for message_id, action in actions.items():
        channel = "webpush" if action == "dismissed" else "inbox"
        sandbox.add_message("user-1", message_id=message_id, channel=channel, content={"header": "Hello"})
    sandbox.add_template("welcome", {"email": {"subject": "Hello"}})


def provide(wire: Wire, vector: dict[str, Any]) -> None:
    """Make what a request needs: what its path and query name, and who is in its body."""
    kind, *parts = vector["path"].strip("/").removeprefix("v1/").split("/")
    body = vector["body"] if isinstance(vector["body"], dict) else {}
    tenant_ids = [dict(vector["query"]).get("tenant_id"), body.get("tenant_id")]
    users = [*body.get("distinct_ids", ()), *([body["from_user_id"]] if "from_user_id" in body else ())]
    if kind == "user":
        users += parts[:1]
        tenant_ids += parts[2:3] if parts[1:2] == ["tenant"] else []
    elif kind == "object" and len(parts) > 1:
        assert wire.post(f"/v1/object/{parts[0]}/{parts[1]}/", {}).status == 201
    elif kind == "subscriber_list" and parts:
        assert wire.post("/v1/subscriber_list/", {"list_id": parts[0]}).status == 201
    elif kind in ("tenant", "brand"):
        tenant_ids += parts[:1]
    for tenant_id in filter(None, tenant_ids):
        assert wire.post(f"/v1/tenant/{tenant_id}/", {"tenant_name": "Acme"}).status == 201
    for user in users:
        assert wire.post(f"/v1/user/{user}/", {}).status == 201
    if kind == "user" and parts[1:2] == ["tenant"] and parts[2:]:
        assert wire.post(f"/v1/user/{parts[0]}/tenant/{parts[2]}/", {}).status == 201


def path_of(wire: Wire, sandbox: Sandbox, vector: dict[str, Any]) -> str:
    """Return the path of a request with what is this server's own."""
    path = str(vector["path"]).replace(KEY, sandbox.workspace_key).replace(UID, sandbox.workspace_uid)
    if VERSION in path:
        started = wire.post("/v1/subscriber_list/beta-users/start_sync/", {})
        path = path.replace(VERSION, started.json["version_id"])
    return path


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_a_golden_request_is_answered_as_documented(wire: Wire, sandbox: Sandbox, vector: dict[str, Any]) -> None:
    if vector["name"] in NOT_ANSWERED:
        pytest.skip(NOT_ANSWERED[vector["name"]])
    body = filled(expanded(vector["body"]), sandbox.workspace_key)
    provide(wire, {**vector, "body": body})
    provide_from_python(sandbox, vector)
    query = [(name, CURSOR if name in ("after", "before") else value) for name, value in vector["query"]]
    target = path_of(wire, sandbox, vector) + (f"?{urlencode(query)}" if query else "")
    if vector["call"].get("auth") == "api_key":
        body = filled(expanded(vector["body"]), sandbox.workspace_uid)
        reply = wire.call(vector["method"], target, body)
    else:
        reply = wire.signed(target, body, method=vector["method"])
    status, _ = answer_to(vector["call"]["op"])
    assert reply.status == status, reply.body
    if reply.body.startswith(b'{"records"'):
        assert {record["status_code"] for record in reply.json["records"]} == {202}


def test_what_is_not_answered_is_a_golden_request() -> None:
    assert NOT_ANSWERED.keys() <= {vector["name"] for vector in VECTORS}
    assert len(VECTORS) > 200


def test_why_a_golden_request_is_not_answered(wire: Wire) -> None:
    assert wire.delete("/v1/bulk/user/", {"distinct_ids": []}).status == 400
    assert wire.post("/v1/tenant/acme%2Feu/", {"tenant_name": "Acme"}).status == 400
    assert wire.get("/v1/tenant/acme%2Feu/").status == 404
    assert wire.post("/v1/subscriber_list/", {"list_id": "beta users/eu"}).status == 400
    assert wire.get("/v1/subscriber_list/beta%20users%2Feu/").status == 404
    assert wire.post("/v1/subscriber_list/~/dry_run/", {"query_text": "SELECT 1"}).status == 501
