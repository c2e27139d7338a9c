"""Triggers of workflows over HTTP: one, many, their recipients, and their keys."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async.sandbox import Sandbox, faults

from .conftest import Wire
from .triggers import CANCEL, DYNAMIC, TRIGGER, profile, trigger

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.extras("sandbox")

LIMIT = 819_200


def test_one_trigger(wire: Wire, sandbox: Sandbox) -> None:
    body = trigger(
        "user-1",
        {"distinct_id": "user-2", "$channels": ["email"]},
        actor="user-9",
        data={"order": {"total": 12.5}},
        metadata={"trace": "t"},
        tenant_id="acme",
        cancellation_key="order-41",
        **{"$idempotency_key": "k"},
    )
    reply = wire.post(TRIGGER, body)
    assert reply.status == 202
    assert reply.json == {"status": "success", "message_id": reply.json["message_id"]}
    assert uuid.UUID(reply.json["message_id"])
    [kept] = sandbox.triggers
    assert kept.items() >= body.items()
    assert (kept["message_id"], kept["cancelled"], len(kept["execution_ids"])) == (reply.json["message_id"], [], 2)
    assert (sandbox.events, sandbox.accepted) == ([], 0)


def test_a_signed_trigger(wire: Wire, sandbox: Sandbox) -> None:
    assert wire.signed(TRIGGER, trigger()).status == 202
    reply = wire.signed(TRIGGER, trigger(), target="/elsewhere/")
    assert (reply.status, reply.json["error"]["type"]) == (401, "authentication_error")
    assert len(sandbox.triggers) == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"recipients": ["u"]}, "workflow: missing"),
        (trigger(workflow=""), "workflow: must not be empty"),
        ({"workflow": "w", "recipients": []}, "recipients: must not be empty"),
        ({"workflow": "w", "recipients": ["u"] * 101}, "recipients: takes at most 100 items; this one has 101"),
        (trigger(7), "recipients[0]: must be a text or an object"),
        (trigger(" "), "recipients[0]: breaks the rule pattern"),
        (trigger("u" * 256), "recipients[0]: takes at most 255 characters"),
        (trigger({"id": "x"}), "recipients[0]: needs distinct_id, or is_transient, or object_type and id"),
        (trigger({"is_transient": False}), "recipients[0]: needs distinct_id"),
        (trigger({"distinct_id": "u", "$channels": ["fax"]}), "recipients[0].$channels[0]: must be one of"),
        (trigger({"distinct_id": "u", "$email": []}), "recipients[0].$email: must not be empty"),
        (trigger({"distinct_id": "u", "$sms": ["+15550100"] * 11}), "recipients[0].$sms: takes at most 10 items"),
        (trigger({"distinct_id": "u", "$sms": ["555"]}), "$sms must be a phone number"),
        (trigger({"is_transient": True, "$email": "no"}), "$email must be an e-mail address"),
        (trigger({"distinct_id": "u", "ss_x": 1}), "reserved for the platform"),
        (trigger(actor={"name": "x"}), "actor: needs distinct_id, or is_transient"),
        (trigger(actor=1), "actor: must be a text or an object or null"),
        (trigger(data=[]), "data: must be an object"),
        (trigger(tenant_id="t" * 65), "tenant_id: takes at most 64 characters"),
        (trigger(cancellation_key="c" * 256), "cancellation_key: takes at most 255 characters"),
        (trigger(**{"$idempotency_key": "k" * 256}), "$idempotency_key: takes at most 255 characters"),
        (trigger(data={"$attachments": [{"filename": "x"}]}), "data.$attachments[0]: needs url, or data"),
        (
            trigger({"object_type": "t", "id": "i", "$object_subscriptions_query": {"depth": 3}}),
            "recipients[0].$object_subscriptions_query.depth: must be one of 0, 1, 2",
        ),
        (
            trigger({"distinct_id": "u", "$context": {"tenant_id": "a"}}, tenant_id="b"),
            "$context.tenant_id: of a recipient or the actor, must be the trigger's tenant_id",
        ),
        ("text", "Request body must be an object"),
        ([], "takes 1 to 100 records; this one has 0"),
        ([trigger()] * 101, "takes 1 to 100 records; this one has 101"),
    ],
)
def test_what_is_wrong_is_named(wire: Wire, sandbox: Sandbox, body: Any, message: str) -> None:
    reply = wire.post(TRIGGER, body)
    assert (reply.status, reply.json["status"]) == (400, "fail")
    assert message in reply.json["message"]
    assert sandbox.triggers == []
    assert wire.call("GET", "/v1/user/").json["results"] == []


def test_a_body_of_just_the_limit_and_one_beyond(wire: Wire, sandbox: Sandbox) -> None:
    body = trigger(data={"$attachments": [{"filename": "a", "contentType": "text/plain", "data": "", "url": None}]})
    body["data"]["$attachments"][0]["data"] = "x" * (LIMIT - len(json.dumps(body)))
    assert wire.post(TRIGGER, body).status == 202
    body["data"]["$attachments"][0]["data"] += "x"
    reply = wire.post(TRIGGER, body)
    assert (reply.status, reply.json["status"]) == (413, "fail")
    assert len(sandbox.triggers) == 1


def test_many_have_a_verdict_each(wire: Wire, sandbox: Sandbox) -> None:
    bodies = [trigger(f"user-{n}", data={"n": n}) for n in range(100)]
    bodies[3] = {"workflow": "w"}
    bodies[5] = trigger({"distinct_id": "user-5", "$email": "wrong"}, {"distinct_id": "user-new"})
    reply = wire.post(TRIGGER, bodies)
    assert (reply.status, reply.json["status"], len(reply.json["records"])) == (207, "success", 100)
    records = reply.json["records"]
    assert [record["status_code"] for record in records] == [400 if n in {3, 5} else 202 for n in range(100)]
    assert records[3] == {
        "status": "error",
        "status_code": 400,
        "error": {"message": "recipients: missing", "type": "invalid_request"},
    }
    assert records[4] == {"status": "success", "status_code": 202, "message_id": records[4]["message_id"]}
    assert [each["data"]["n"] for each in sandbox.triggers] == [n for n in range(100) if n not in {3, 5}]
    assert wire.call("GET", "/v1/user/user-new/").status == 404, "nothing is written of what is refused"


def test_one_record_in_an_array_is_answered_207(wire: Wire) -> None:
    reply = wire.post(TRIGGER, [trigger()])
    assert (reply.status, len(reply.json["records"])) == (207, 1)


def test_an_unknown_workflow() -> None:
    with Sandbox(workflows=["order-shipped"]) as sandbox:
        wire = Wire(sandbox)
        no = {"message": "workflow 'none' not found", "type": "not_found"}
        reply = wire.post(TRIGGER, trigger(workflow="none"))
        assert (reply.status, reply.json) == (404, {"status": "error", "error": no})
        records = wire.post(TRIGGER, [trigger(), trigger(workflow="none"), trigger(workflow="Order-shipped")]).json
        assert [record["status_code"] for record in records["records"]] == [202, 404, 404]
        assert records["records"][1] == {"status": "error", "status_code": 404, "error": no}
        sandbox.clear()
        assert wire.post(TRIGGER, trigger(workflow="none")).status == 404
        assert wire.post(f"/{sandbox.workspace_uid}/trigger/", DYNAMIC).status == 202, "it needs no workflow"
        wire.close()


def test_which_workflows_there_are_is_no_matter_of_the_file(tmp_path: Path) -> None:
    for workflows, status in ((["a"], 404), (None, 202), ([], 404)):
        with Sandbox(store=tmp_path / "s.db", workflows=workflows) as sandbox:
            wire = Wire(sandbox)
            assert wire.post(TRIGGER, trigger()).status == status
            wire.close()


def test_a_number_that_no_reader_can_hold_is_refused_alone(wire: Wire, sandbox: Sandbox) -> None:
    body = json.dumps([trigger(), trigger(data={"a": ["N"]})]).replace('"N"', "1e999").encode()
    records = wire.post(TRIGGER, body).json["records"]
    assert [record["status_code"] for record in records] == [202, 422]
    assert records[1]["error"]["message"] == "`data.a[0]` is a number that JSON readers cannot read."
    assert len(sandbox.triggers) == 1


def test_recipients_are_made_and_what_they_bring_is_kept(wire: Wire) -> None:
    user = {"distinct_id": "user-1", "$email": ["a@example.com"], "$timezone": "Europe/Paris", "plan": {"tier": "pro"}}
    team = {"object_type": "teams", "id": "sre", "name": "SRE", "$object_subscriptions_query": {"depth": 0}}
    actor = {"distinct_id": "user-9", "name": "Ana"}
    assert wire.post(TRIGGER, trigger(user, team, "user-2", actor=actor)).status == 202
    found = profile(wire, "user/user-1")
    assert found["properties"] == {"$timezone": "Europe/Paris", "plan": {"tier": "pro"}}
    assert [entry["value"] for entry in found["$email"]] == ["a@example.com"]
    assert profile(wire, "object/teams/sre")["properties"] == {"name": "SRE"}
    assert profile(wire, "user/user-2")["properties"] == {}
    assert profile(wire, "user/user-9")["properties"] == {"name": "Ana"}


def test_one_who_is_named_twice_keeps_all(wire: Wire, sandbox: Sandbox) -> None:
    again = [{"distinct_id": "u", "$email": f"{n}@example.com", "n": n} for n in range(2)]
    wire.post(TRIGGER, trigger("u", *again, actor={"distinct_id": "u", "m": 3}))
    assert profile(wire, "user/u")["properties"] == {"n": 1, "m": 3}
    assert [entry["value"] for entry in profile(wire, "user/u")["$email"]] == ["0@example.com", "1@example.com"]
    assert len(sandbox.triggers[0]["execution_ids"]) == 1


def test_who_is_transient_has_no_profile(wire: Wire, sandbox: Sandbox) -> None:
    guest = {"is_transient": True, "$email": ["guest@example.com"]}
    assert wire.post(TRIGGER, trigger(guest, guest, actor={"is_transient": True, "name": "G"})).status == 202
    assert wire.call("GET", "/v1/user/").json["results"] == []
    assert len(sandbox.triggers[0]["execution_ids"]) == 1


def test_skip_create_makes_no_profile_and_changes_one_that_is_there(wire: Wire) -> None:
    wire.post("/v1/user/known/", {"plan": "free"})
    people = [{"distinct_id": name, "$skip_create": True, "plan": "pro"} for name in ("known", "stranger")]
    team = {"object_type": "teams", "id": "sre", "$skip_create": True}
    assert wire.post(TRIGGER, trigger(*people, team, actor=people[1])).status == 202
    assert profile(wire, "user/known")["properties"] == {"plan": "pro"}
    assert wire.call("GET", "/v1/user/stranger/").status == 404
    assert wire.call("GET", "/v1/object/teams/sre/").status == 404


def test_a_context_writes_to_the_tenant(wire: Wire) -> None:
    wire.post("/v1/tenant/acme/", {"tenant_name": "Acme"})
    person = {"distinct_id": "u", "$email": "a@acme.example", "$context": {"tenant_id": "acme"}}
    assert wire.post(TRIGGER, trigger(person, tenant_id="acme")).status == 202
    assert "$email" not in profile(wire, "user/u")
    assert profile(wire, "user/u/tenant/acme")["tenant"]["$email"][0]["value"] == "a@acme.example"
    stray = {**person, "distinct_id": "v", "$context": {"tenant_id": "nobody"}}
    assert wire.post(TRIGGER, trigger(stray, tenant_id="nobody")).status == 202
    assert "$email" not in profile(wire, "user/v")


def test_an_idempotency_key_stands_for_one_trigger(wire: Wire, sandbox: Sandbox) -> None:
    body = trigger({"distinct_id": "u", "n": 1}, **{"$idempotency_key": " once "})
    first = wire.post(TRIGGER, body)
    again = trigger({"distinct_id": "u", "n": 2}, **{"$idempotency_key": "once"})
    assert wire.post(TRIGGER, again).json == first.json
    records = wire.post(TRIGGER, [again, trigger(), again]).json["records"]
    assert records[0] == records[2] == {**first.json, "status_code": 202}
    assert len(sandbox.triggers) == 2
    assert profile(wire, "user/u")["properties"] == {"n": 1}, "a repeat writes nothing"


def test_a_refused_trigger_does_not_use_up_its_key(wire: Wire, sandbox: Sandbox) -> None:
    key = {"$idempotency_key": "once"}
    assert wire.post(TRIGGER, trigger({"distinct_id": "u", "$sms": "1"}, **key)).status == 400
    assert wire.post(TRIGGER, trigger(**key)).status == 202
    assert len(sandbox.triggers) == 1


def test_keys_of_events_triggers_dynamic_ones_and_broadcasts_never_meet(wire: Wire, sandbox: Sandbox) -> None:
    event = {
        "$insert_id": str(uuid.uuid4()),
        "$time": 1_704_164_645_000,
        "event": "order_placed",
        "env": sandbox.workspace_uid,
        "distinct_id": "user-1",
        "properties": {},
    }
    broadcast = {"list_id": "l", "template": "news", "notification_category": "promotional"}
    workspace = sandbox.workspace_uid
    for key in ("k", "trigger k", "dynamic_trigger k", "broadcast k"):
        keyed = {"$idempotency_key": key}
        assert wire.post("/v2/event/", event | keyed).status == 202
        assert wire.post(TRIGGER, trigger(**keyed)).status == 202
        assert wire.post(f"/{workspace}/trigger/", DYNAMIC | keyed).status == 202
        assert wire.post(f"/{workspace}/broadcast/", broadcast | keyed).status == 202
    assert (len(sandbox.events), len(sandbox.triggers), len(sandbox.broadcasts)) == (4, 8, 4)


def test_a_key_is_forgotten_after_24_hours() -> None:
    now = [1_700_000_000.0]
    with Sandbox(clock=lambda: now[0]) as sandbox:
        wire = Wire(sandbox)
        body = trigger(**{"$idempotency_key": "k"})
        first = wire.post(TRIGGER, body).json
        now[0] += 24 * 3600 - 1
        assert wire.post(TRIGGER, body).json == first
        now[0] += 1
        assert wire.post(TRIGGER, body).json != first
        assert len(sandbox.triggers) == 2
        wire.close()


def test_no_more_are_kept_than_asked_for(tmp_path: Path) -> None:
    for most in (5, 3):
        with Sandbox(max_events=most, store=tmp_path / "s.db") as sandbox:
            wire = Wire(sandbox)
            for n in range(7):
                wire.post(TRIGGER, trigger(data={"n": n}))
            assert [each["data"]["n"] for each in sandbox.triggers] == [*range(7)][-most:]
            wire.close()


def test_records_that_are_told_to_be_refused(wire: Wire, sandbox: Sandbox) -> None:
    sandbox.provoke(faults.RefuseRecords(name="other", status=404, count=1))
    sandbox.provoke(faults.RefuseRecords(distinct_id="user-2"))
    bodies = [trigger(), trigger("a", {"distinct_id": "user-2"}), trigger(workflow="other"), trigger(workflow="other")]
    records = wire.post(TRIGGER, bodies).json["records"]
    assert [record["status_code"] for record in records] == [202, 422, 404, 202]
    assert records[1]["error"]["message"] == "The sandbox has a planned fault for this trigger."
    assert len(sandbox.triggers) == 2
    assert wire.post(TRIGGER, trigger("user-2")).status == 422


def test_a_rate_limit_counts_records(wire: Wire, sandbox: Sandbox) -> None:
    sandbox.provoke(faults.RateLimit(events_per_second=1))
    assert wire.post(TRIGGER, [trigger()] * 50).status == 207
    reply = wire.post(TRIGGER, trigger())
    assert (reply.status, reply.json["error"]["type"]) == (429, "rate_limited")
    assert int(reply.headers["retry-after"]) > 40
    assert len(sandbox.triggers) == 50


def test_a_reset_after_has_taken_the_trigger(wire: Wire, sandbox: Sandbox) -> None:
    sandbox.provoke(faults.Reset(when="before", count=1))
    body = trigger(**{"$idempotency_key": "k"})
    with pytest.raises(ConnectionError):
        wire.post(TRIGGER, body)
    wire.close()
    assert sandbox.triggers == []
    sandbox.provoke(faults.Reset(when="after", count=1))
    with pytest.raises(ConnectionError):
        wire.post(TRIGGER, body)
    wire.close()
    [kept] = sandbox.triggers
    assert wire.post(TRIGGER, body).json["message_id"] == kept["message_id"]
    assert len(sandbox.triggers) == 1


def test_a_refused_request_can_be_looked_at(wire: Wire, sandbox: Sandbox) -> None:
    wire.post(TRIGGER, {})
    [entry] = sandbox.entries(verdict="refused")
    assert (entry.status_code, entry.preview, entry.records) == (400, "POST /trigger/", 0)
    assert entry.reason == "workflow: missing"


@pytest.mark.parametrize("path", [TRIGGER, CANCEL, "/w/trigger/", "/w/broadcast/"])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_other_methods(wire: Wire, method: str, path: str) -> None:
    assert (wire.request(method, path).status, wire.request(method, path).headers["allow"]) == (405, "POST")
