"""What is put into the golden files of sandboxes."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import httpx
from tests.data.golden.events import full_event, insert_id, plain_event, wire_of
from tests.data.golden.reading import NOW

from suprsend_async import Event, NotFound, SubscriberListBroadcast, WorkflowTriggerRequest
from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

RESTRICTED = {"channel": "email", "is_restricted": True}


def write_sandbox(path: Path) -> dict[str, Any]:
    """Give a sandbox events, a repeat, refused records and a refused request."""
    now = NOW
    with Sandbox(store=path, clock=lambda: now) as sandbox, httpx.Client(base_url=sandbox.url, trust_env=False) as http:
        http.headers["Authorization"] = f"Bearer {sandbox.api_key}"

        def wire(event: Event) -> dict[str, Any]:
            return {**wire_of(event), "env": sandbox.workspace_uid}

        without_user = wire(plain_event(4)) | {"distinct_id": ""}
        requests: list[tuple[str, Any]] = [
            ("v2/event/", wire(full_event(1))),
            ("v2/bulk/event/", [wire(plain_event(2)), without_user, wire(plain_event(3))]),
            ("v2/event/", wire(full_event(1))),
            ("v2/event/", {"event": "x"}),
        ]
        answers: list[Any] = []
        for target, content in requests:
            answers.append(http.post(target, json=content).json())
            now += 60.0
        shown = [entry.model_dump() for entry in sandbox.entries()]
        credentials = {
            name: getattr(sandbox, name) for name in ("workspace_key", "workspace_secret", "workspace_uid", "api_key")
        }
    return {
        "credentials": credentials,
        "events": [requests[0][1], requests[1][1][0], requests[1][1][2]],
        "bodies": [content for _, content in requests],
        "answers": answers,
        "entries": shown,
    }


def write_people(path: Path) -> dict[str, Any]:
    """Give a sandbox one or more of each kind of record, and an event beside them."""
    email = {"value": "ada@example.com", "status": "active", "perma_status": "active"}
    first, later = "2026-01-01T00:00:00.000000+00:00", "2026-01-01T00:01:00.000000+00:00"
    identity = {
        "$insert_id": insert_id(1),
        "$time": int(NOW * 1000),
        "distinct_id": "zoë 🎉",
        "$user_operations": [{"$add": {"orders": 2}}, {"$append": {"$sms": "+15555550100"}}, {"$unset": ["$sms"]}],
    }
    writes: list[tuple[str, str, Any]] = [
        ("POST", "v1/tenant/acme/", {"tenant_name": "Acme", "properties": {"plan": "pro"}}),
        ("POST", "v1/user/user-1/", {"name": "Ada", "$email": ["ada@example.com"], "$timezone": "Europe/Berlin"}),
        ("POST", "event/", [identity]),
        ("POST", "v1/object/teams/sre/", {"name": "SRE"}),
        ("POST", "v1/object/teams/sre/subscription/", {"recipients": ["user-1"], "properties": {"role": "lead"}}),
        ("POST", "v1/user/user-1/tenant/acme/", {"role": "admin"}),
        (
            "PATCH",
            "v1/user/user-1/preference/category/newsletter/?tenant_id=acme",
            {"preference": "opt_in", "opt_out_channels": ["sms"]},
        ),
        ("PATCH", "v1/user/user-1/preference/channel_preference/", {"channel_preferences": [RESTRICTED]}),
        ("PATCH", "v1/tenant/acme/preference/category/promotional/", {"preference": "opt_out"}),
        ("POST", "v1/user/gone/", {}),
        ("DELETE", "v1/user/gone/", None),
    ]
    now = NOW
    with (
        Sandbox(store=path, clock=lambda: now, categories=["newsletter"]) as sandbox,
        httpx.Client(base_url=sandbox.url, trust_env=False) as http,
    ):
        http.headers["Authorization"] = f"Bearer {sandbox.api_key}"
        identity["env"] = sandbox.workspace_uid
        event = {**wire_of(full_event(1)), "env": sandbox.workspace_uid}
        for method, target, content in writes:
            http.request(method, target, json=content).raise_for_status()
            # The tenant first, all others a minute later.
            now = NOW + 60
        http.post("v2/event/", json=event).raise_for_status()
        credentials = {
            name: getattr(sandbox, name) for name in ("workspace_key", "workspace_secret", "workspace_uid", "api_key")
        }
    times = {"created_at": later, "updated_at": later}
    own = {"name": "Ada", "$timezone": "Europe/Berlin"}
    return {
        "credentials": credentials,
        "event": event,
        "records": {
            "v1/user/user-1/": {"distinct_id": "user-1", "properties": own, **times, "$email": [email]},
            "v1/user/zo%C3%AB%20%F0%9F%8E%89/": {
                "distinct_id": "zoë 🎉",
                "properties": {"orders": 2},
                **times,
                "$sms": [{**email, "value": "+15555550100", "status": "inactive"}],
            },
            "v1/object/teams/sre/": {
                "object_type": "teams",
                "id": "sre",
                "subscriptions_count": 1,
                "properties": {"name": "SRE"},
                **times,
            },
            "v1/user/user-1/tenant/acme/": {
                "distinct_id": "user-1",
                "properties": {**own, "role": "admin"},
                **times,
                "$email": [email],
                "tenant": {"tenant_id": "acme", "properties": {"role": "admin"}},
            },
        },
        "subscription": {
            "properties": {"role": "lead"},
            "user": {"distinct_id": "user-1", "updated_at": later},
            **times,
        },
        "tenant": {"tenant_name": "Acme", "properties": {"plan": "pro"}, "updated_at": first.replace("+00:00", "Z")},
    }


def write_delivery(path: Path) -> dict[str, Any]:
    """Give a sandbox two workflows, a message that was delivered, one that is due in an hour, and a webhook."""
    now = NOW
    with (
        # Nothing listens there.
        Sandbox(store=path, clock=lambda: now, webhook="http://127.0.0.1:9/") as sandbox,
        sandbox.blocking_client() as client,
    ):
        sandbox.put_workflow("order_placed", email={"subject": "Order {{ data.order }}", "body": "Hello"})
        sandbox.put_workflow("reminder", delay="1h", category="promotional", inbox={"body": "Still there?"})
        client.users.upsert("user-1", {"name": "Ada", "$email": ["ada@example.com"]})
        client.track_event(Event("user-1", "order_placed", {"order": 41}, idempotency_key="order-41"))
        client.track_event(Event("user-1", "reminder"))
        sandbox.move_message(sandbox.messages[0]["message_id"], "delivered")
        while not sandbox.webhooks[0]["attempts"]:
            time.sleep(0.01)
        return {
            "credentials": {name: getattr(sandbox, name) for name in ("workspace_key", "workspace_secret")},
            "state": sandbox.state(),
        }


def write_requests(path: Path) -> dict[str, Any]:
    """Give a sandbox one or more of each kind of record, edits, and requests that were refused."""
    now = NOW
    with (
        # Nothing listens there.
        Sandbox(store=path, clock=lambda: now, webhook="http://127.0.0.1:9/") as sandbox,
        sandbox.blocking_client(max_retries=0) as client,
    ):
        sandbox.add_template("welcome", {"email": {"subject": "Hello"}}, tags=["onboarding"])
        sandbox.put_workflow("order_placed", email={"subject": "Order {{ data.order }}", "body": "Hello"})
        sandbox.put_workflow("total_due", sms={"body": "{{ data.total + 1 }}"})
        sandbox.put_workflow("reminder", delay="1h", category="promotional", inbox={"body": "Still there?"})
        client.users.upsert("user-1", {"plan": "free", "$email": ["ada@example.com"], "$sms": ["+15555550100"]})
        client.tenants.upsert("acme", {"tenant_name": "Acme"})
        client.objects.upsert("teams", "sre", {"name": "SRE"})
        client.subscriber_lists.create({"list_id": "beta"})
        now = NOW + 60
        client.users.edit("user-1", {"operations": [{"$set": {"plan": "pro"}}]})
        client.subscriber_lists.add("beta", ["user-1"])
        order = Event("user-1", "order_placed", {"order": 41}, idempotency_key="order-41")
        for _ in range(2):
            client.track_event(order)
        client.track_event(Event("user-1", "total_due"))
        client.workflows.trigger(WorkflowTriggerRequest("reminder", ["user-1"], tenant_id="acme"))
        client.subscriber_lists.broadcast(SubscriberListBroadcast("beta", "order_placed", "promotional"))
        sandbox.fail_next(status=503)
        client.track_event(order)
        with contextlib.suppress(NotFound):
            client.users.get("nobody")
        sandbox.move_message(sandbox.messages[0]["message_id"], "delivered")
        while not all(each["attempts"] for each in sandbox.webhooks):
            time.sleep(0.01)
        state = sandbox.state()
        credentials = {name: getattr(sandbox, name) for name in ("workspace_key", "workspace_secret")}
    return {
        "credentials": credentials,
        "state": state,
        "messages": [
            ["order_placed", "delivered", None],
            ["total_due", "trigger_failed", "body: 'data.total' is undefined (UndefinedError)"],
            ["order_placed", "triggered", None],
        ],
        "requests": [
            ["POST /v1/user/user-1/", "201"],
            ["POST /v1/tenant/acme/", "201"],
            ["POST /v1/object/teams/sre/", "201"],
            ["POST /v1/subscriber_list/", "201"],
            ["PATCH /v1/user/user-1/", "202"],
            ["POST /v1/subscriber_list/beta/subscriber/add/", "201"],
            ["POST /v2/event/", "202"],
            ["POST /v2/event/", "202"],
            ["POST /v2/event/", "202"],
            ["POST /trigger/", "202"],
            [f"POST /{credentials['workspace_key']}/broadcast/", "202"],
            ["POST /v2/event/", "503"],
            ["GET /v1/user/nobody/", "404"],
        ],
        "edit": {
            "at": NOW + 60,
            "what": "changed",
            "request": "PATCH /v1/user/user-1/",
            "differences": [{"name": "properties.plan", "before": "free", "after": "pro"}],
        },
    }
