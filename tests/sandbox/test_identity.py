"""The older endpoint `event/` over HTTP: events and edits of users, one or many."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async.sandbox import Sandbox, faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Reply, Wire

    Make = Callable[..., dict[str, Any]]

EVENT = "/event/"


@pytest.fixture
def make_edit(sandbox: Sandbox) -> Make:
    """Make an edit as an event for the API key's workspace; `changes` overrides keys."""

    def make(*operations: object, **changes: Any) -> dict[str, Any]:
        edit = {
            "$schema": "2",
            "$insert_id": str(uuid.uuid4()),
            "$time": 1_704_164_645_000,
            "env": sandbox.workspace_uid,
            "distinct_id": "user-1",
            "$user_operations": list(operations) or [{"$add": {"n": 1}}],
            "properties": {"$ss_sdk_version": "test/1"},
        }
        return edit | changes

    return make


def assert_ok(reply: Reply) -> None:
    assert (reply.status, reply.body, reply.headers["content-type"]) == (202, b"OK", "text/plain; charset=utf-8")


def assert_refused(reply: Reply, message: str, status: int = 400) -> None:
    assert (reply.status, reply.json["status"]) == (status, "fail")
    assert reply.json == {"status": "fail", "message": reply.json["message"]}
    assert reply.json["message"].startswith(message)


def properties(wire: Wire, distinct_id: str = "user-1") -> dict[str, Any]:
    return dict(wire.get(f"/v1/user/{distinct_id}/").json["properties"])


def test_an_edit_makes_and_changes_the_user(wire: Wire, sandbox: Sandbox, make_edit: Make) -> None:
    assert_ok(wire.post(EVENT, make_edit({"$set": {"plan": "pro"}}, {"$append": {"$email": "ada@example.com"}})))
    assert_ok(wire.post(EVENT, make_edit({"$add": {"n": 2}}, {"$unset": ["$email"]})))
    user = wire.get("/v1/user/user-1/").json
    assert user["properties"] == {"plan": "pro", "n": 2}
    assert user["$email"] == [{"value": "ada@example.com", "status": "inactive", "perma_status": "active"}]
    assert (sandbox.events, sandbox.accepted) == ([], 0)


def test_a_signed_edit(wire: Wire, sandbox: Sandbox, make_edit: Make) -> None:
    assert_ok(wire.signed(EVENT, make_edit(env=sandbox.workspace_key)))
    assert_refused(wire.signed(EVENT, make_edit()), "env: not the workspace that the request is authorized for")
    assert properties(wire) == {"n": 1}


def test_many_are_applied_in_their_order(wire: Wire, sandbox: Sandbox, make_edit: Make, make_event: Make) -> None:
    event = make_event(event="signed_up")
    items = [
        make_edit({"$set": {"n": 1}}),
        event,
        make_edit({"$set": {"n": 5}}),
        make_edit({"$set": {"n": 7}}, distinct_id="user-2"),
        make_edit({"$add": {"n": 1}}),
    ]
    assert_ok(wire.post(EVENT, items))
    assert (properties(wire), properties(wire, "user-2")) == ({"n": 6}, {"n": 7})
    assert sandbox.events == [event]
    assert_ok(wire.post(EVENT, make_event()))
    assert sandbox.accepted == 2


def test_an_edit_in_a_tenant_is_one_of_the_profile_there(wire: Wire, make_edit: Make) -> None:
    edit = make_edit({"$set": {"role": "admin"}}, tenant_id="acme")
    assert_refused(wire.post(EVENT, edit), "tenant 'acme' not found", 404)
    assert wire.get("/v1/user/user-1/").status == 404
    wire.post("/v1/tenant/acme/", {"tenant_name": "Acme"})
    assert_ok(wire.post(EVENT, edit))
    assert properties(wire) == {}
    assert wire.get("/v1/user/user-1/tenant/acme/").json["tenant"]["properties"] == {"role": "admin"}


def test_an_idempotency_key_of_an_event_is_known_here_too(
    wire: Wire, sandbox: Sandbox, make_edit: Make, make_event: Make
) -> None:
    event = make_event(**{"$idempotency_key": "order-1"})
    assert_ok(wire.post(EVENT, [event, make_edit()]))
    assert_ok(wire.post(EVENT, [event, make_edit()]))
    assert (sandbox.accepted, sandbox.repeats, properties(wire)) == (1, 1, {"n": 2})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"distinct_id": ""}, "distinct_id: must not be empty"),
        ({"distinct_id": 7}, "distinct_id: must be a text"),
        ({"distinct_id": "x" * 256}, "distinct_id must have 1 to 255 characters."),
        ({"$user_operations": []}, "$user_operations: must not be empty"),
        ({"$user_operations": {}}, "$user_operations: must be a list"),
        ({"$user_operations": [{"$rename": {}}]}, "operations[0]: $rename is no operation"),
        ({"$user_operations": [{"$set": {"a": "é" * 5_120}}]}, "An item has at most 10240 bytes; this one has 104"),
        ({"$insert_id": "short"}, "$insert_id: "),
        ({"$time": "now"}, "$time: must be "),
        ({"env": "other"}, "env: not the workspace that the request is authorized for"),
        ({"tenant_id": "t" * 65}, "tenant_id: takes at most 64 characters"),
    ],
)
def test_one_item_that_is_refused_leaves_nothing_of_a_request(
    wire: Wire, sandbox: Sandbox, make_edit: Make, make_event: Make, changes: dict[str, Any], message: str
) -> None:
    bad = make_edit(**changes)
    assert_refused(wire.post(EVENT, bad), message)
    key = {"$idempotency_key": "order-1"}
    assert_refused(wire.post(EVENT, [make_event(**key), make_edit(), bad, make_edit()]), f"[2] {message}")
    assert wire.get("/v1/user/user-1/").status == 404
    assert sandbox.events == []
    # Not even the key is known.
    assert_ok(wire.post(EVENT, make_event(**key)))
    assert (sandbox.accepted, sandbox.repeats) == (1, 0)


@pytest.mark.parametrize("name", ["distinct_id", "$insert_id", "$time", "env"])
def test_what_an_edit_needs(wire: Wire, make_edit: Make, name: str) -> None:
    edit = make_edit()
    del edit[name]
    assert wire.post(EVENT, edit).json == {"status": "fail", "message": f"{name}: missing"}


def test_a_number_beyond_json_is_refused(wire: Wire, make_edit: Make) -> None:
    body = json.dumps(make_edit({"$set": {"a": "HERE"}})).replace('"HERE"', "1e999").encode()
    assert_refused(wire.post(EVENT, body), "$user_operations[0].$set.a: a number that JSON readers cannot read")


def test_a_refused_event_takes_the_edits_beside_it_along(
    wire: Wire, sandbox: Sandbox, make_edit: Make, make_event: Make
) -> None:
    reply = wire.post(EVENT, [make_edit(), make_event(distinct_id=7)])
    assert_refused(reply, "[1] ")
    assert wire.get("/v1/user/user-1/").status == 404
    sandbox.provoke(faults.RefuseRecords(name="order_placed", status=422))
    assert_refused(wire.post(EVENT, [make_edit(), make_event()]), "[1] The sandbox has a planned", 422)
    assert wire.get("/v1/user/user-1/").status == 404


def test_how_many_and_how_much(wire: Wire, make_edit: Make) -> None:
    assert_ok(wire.post(EVENT, [make_edit() for _ in range(400)]))
    assert properties(wire) == {"n": 400}
    reply = wire.post(EVENT, [make_edit() for _ in range(401)])
    assert_refused(reply, "A request takes 1 to 400 items; this one has 401.")
    assert_refused(wire.post(EVENT, []), "A request takes 1 to 400 items; this one has 0.")
    assert properties(wire) == {"n": 400}


def test_an_item_of_exactly_the_size(wire: Wire, make_edit: Make) -> None:
    edit = make_edit({"$set": {"a": ""}})
    room = 10_240 - len(json.dumps(edit, separators=(",", ":")))
    edit["$user_operations"] = [{"$set": {"a": "x" * room}}]
    # The spaces that somebody writes do not count.
    assert_ok(wire.post(EVENT, json.dumps(edit, indent=4).encode()))
    edit["$user_operations"] = [{"$set": {"a": "x" * (room + 1)}}]
    assert_refused(wire.post(EVENT, edit), "An item has at most 10240 bytes; this one has 10241.")


def test_a_request_beyond_the_limit(wire: Wire, make_edit: Make) -> None:
    items = [make_edit({"$set": {"a": "x" * 9_000}}) for _ in range(91)]
    assert_refused(wire.post(EVENT, items), "The body is larger than 819200 bytes.", 413)
    assert wire.get("/v1/user/user-1/").status == 404


@pytest.mark.parametrize("content", [None, 7, "text", [None], [[]], [7]])
def test_what_is_neither_edit_nor_event(wire: Wire, content: object) -> None:
    reply = wire.post(EVENT, json.dumps(content).encode())
    assert (reply.status, reply.json["status"]) == (400, "fail")
    assert "must be an object" in reply.json["message"]


def test_other_bodies_and_methods(wire: Wire) -> None:
    assert_refused(wire.post(EVENT, b""), "The body is not valid JSON")
    assert_refused(wire.post(EVENT, {}, content_type="text/plain"), "The Content-Type header", 415)
    assert_refused(wire.post(EVENT, {}, authorization="Bearer wrong"), "The API key is not the workspace's.", 401)
    assert wire.get(EVENT).status == 405


def test_each_edit_counts_for_a_rate(wire: Wire, sandbox: Sandbox, make_edit: Make) -> None:
    sandbox.provoke(faults.RateLimit(events_per_second=0.1))
    assert_ok(wire.post(EVENT, [make_edit() for _ in range(11)]))
    reply = wire.post(EVENT, make_edit())
    assert_refused(reply, "The sandbox has a planned rate limit.", 429)
    assert int(reply.headers["retry-after"]) > 0
    sandbox.clear_faults()
    assert properties(wire) == {"n": 11}


def test_faults_strike_here_as_well(wire: Wire, sandbox: Sandbox, make_edit: Make) -> None:
    sandbox.fail_next(1, status=503)
    assert wire.post(EVENT, make_edit()).status == 503
    sandbox.provoke(faults.Reset(when="before", count=1))
    with pytest.raises(ConnectionError):
        wire.post(EVENT, make_edit())
    assert wire.get("/v1/user/user-1/").status == 404
    sandbox.provoke(faults.Reset(when="after", count=1))
    with pytest.raises(ConnectionError):
        wire.post(EVENT, [make_edit(), make_edit()])
    assert properties(wire) == {"n": 2}
