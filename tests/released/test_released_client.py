"""The released client against the sandbox: the sandbox speaks as the platform does."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from suprsend import Event, Suprsend

from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Suprsend:
    return Suprsend(sandbox.workspace_key, sandbox.workspace_secret, base_url=sandbox.url)


def test_one_event(client: Suprsend, sandbox: Sandbox) -> None:
    properties = {"amount": 10.5, "name": "Zoë 日本 🎉", "items": [{"sku": None}]}
    response = client.track_event(Event("user-1", "product_purchased", properties, tenant_id="tenant-1"))
    assert (response["success"], response["status"], response["status_code"]) == (True, "success", 202)
    assert response["raw_response"] == {"status": "success", "message_id": response["message"]}
    (event,) = sandbox.events
    assert event["distinct_id"] == "user-1"
    assert event["event"] == "product_purchased"
    assert event["env"] == sandbox.workspace_key
    assert event["tenant_id"] == "tenant-1"
    assert event["properties"] == {**properties, "$ss_sdk_version": client.user_agent}


def test_an_event_with_an_attachment(client: Suprsend, sandbox: Sandbox) -> None:
    event = Event("user-1", "invoice_ready")
    event.add_attachment("https://example.com/invoice.pdf", file_name="invoice.pdf")
    assert client.track_event(event)["status_code"] == 202
    (attachment,) = sandbox.events[0]["properties"]["$attachments"]
    assert attachment["url"] == "https://example.com/invoice.pdf"


@pytest.mark.parametrize(
    "name",
    [
        "$identify",
        "$notification_delivered",
        "$notification_dismiss",
        "$notification_clicked",
        "$app_launched",
        "$user_login",
        "$user_logout",
    ],
)
def test_the_platforms_own_event_names(client: Suprsend, sandbox: Sandbox, name: str) -> None:
    assert client.track_event(Event("user-1", name))["status_code"] == 202
    assert sandbox.events[0]["event"] == name


def test_250_events_in_bulk(client: Suprsend, sandbox: Sandbox) -> None:
    bulk = client.bulk_events.new_instance()
    bulk.append(*(Event(f"user-{n}", "product_purchased", {"n": n}) for n in range(250)))
    response = bulk.trigger()
    assert (response.status, response.total, response.success, response.failure) == ("success", 250, 250, 0)
    assert [event["distinct_id"] for event in sandbox.events] == [f"user-{n}" for n in range(250)]
    assert sandbox.requests == 3


def test_a_bad_record_of_a_bulk_is_reported_alone(client: Suprsend, sandbox: Sandbox) -> None:
    bulk = client.bulk_events.new_instance()
    bulk.append(*(Event(f"user-{n}", "product_purchased", {"ss_n" if n == 7 else "n": n}) for n in range(20)))
    response = bulk.trigger()
    assert (response.status, response.success, response.failure) == ("partial", 19, 1)
    (failed,) = response.failed_records
    assert failed["record"]["distinct_id"] == "user-7"
    assert failed["code"] == 422
    assert "`properties` holds 'ss_n'" in failed["error"]
    assert len(sandbox.events) == 19


def test_an_idempotent_repeat_is_stored_once(client: Suprsend, sandbox: Sandbox) -> None:
    responses = [
        client.track_event(Event("user-1", "product_purchased", {"n": n}, idempotency_key="order-1")) for n in range(2)
    ]
    assert [response["status_code"] for response in responses] == [202, 202]
    assert responses[0]["message"] == responses[1]["message"]
    assert [event["properties"]["n"] for event in sandbox.events] == [0]
    assert sandbox.repeats == 1


def test_without_a_key_of_ones_own_every_send_is_stored(client: Suprsend, sandbox: Sandbox) -> None:
    event = Event("user-1", "product_purchased")
    client.track_event(event)
    client.track_event(event)
    assert Counter(event["distinct_id"] for event in sandbox.events) == {"user-1": 2}


def test_a_wrong_secret_is_reported(sandbox: Sandbox) -> None:
    client = Suprsend(sandbox.workspace_key, "wrong", base_url=sandbox.url)
    response = client.track_event(Event("user-1", "product_purchased"))
    assert (response["success"], response["status"], response["status_code"]) == (False, "fail", 401)
    assert response["message"].startswith("The signature does not match.")
    assert sandbox.events == []


def test_a_wrong_key_is_reported(sandbox: Sandbox) -> None:
    client = Suprsend("another-key-of-many-characters", sandbox.workspace_secret, base_url=sandbox.url)
    response = client.track_event(Event("user-1", "product_purchased"))
    assert (response["status_code"], response["message"]) == (401, "The workspace key is unknown.")


def test_an_event_that_the_client_lets_pass_is_refused(client: Suprsend, sandbox: Sandbox) -> None:
    response = client.track_event(Event("user-1", "product_purchased", {"$mine": 1}))
    assert (response["success"], response["status_code"]) == (False, 422)
    assert "`properties` holds '$mine'" in response["message"]
    assert sandbox.events == []


def test_a_planned_failure_is_reported(client: Suprsend, sandbox: Sandbox) -> None:
    sandbox.fail_next(status=429, retry_after=3)
    assert client.track_event(Event("user-1", "product_purchased"))["status_code"] == 429
    assert client.track_event(Event("user-1", "product_purchased"))["status_code"] == 202


def test_every_call_is_a_new_connection(client: Suprsend, sandbox: Sandbox) -> None:
    for _ in range(5):
        client.track_event(Event("user-1", "product_purchased"))
    assert (sandbox.requests, sandbox.connections) == (5, 5)


@pytest.fixture
def uid() -> str:
    # The released client applies the workspace key's minimum of 20 characters to the uid as well.
    return "workspace-uid-of-31-characters-"


def test_an_api_key(uid: str) -> None:
    with Sandbox(workspace_uid=uid) as sandbox:
        client = Suprsend.with_workspace_api_key(sandbox.workspace_uid, sandbox.api_key, base_url=sandbox.url)
        assert client.track_event(Event("user-1", "product_purchased"))["status_code"] == 202
        bulk = client.bulk_events.new_instance()
        bulk.append(Event("user-2", "product_purchased"))
        assert bulk.trigger().success == 1
        assert [event["env"] for event in sandbox.events] == [uid, uid]


def test_the_sandboxs_own_workspace_uid(sandbox: Sandbox) -> None:
    client = Suprsend.with_workspace_api_key(sandbox.workspace_uid, sandbox.api_key, base_url=sandbox.url)
    assert client.track_event(Event("user-1", "product_purchased"))["status_code"] == 202


def test_a_wrong_api_key_is_reported(uid: str) -> None:
    with Sandbox(workspace_uid=uid) as sandbox:
        client = Suprsend.with_workspace_api_key(sandbox.workspace_uid, "wrong", base_url=sandbox.url)
        response = client.track_event(Event("user-1", "product_purchased"))
        assert (response["status_code"], response["message"]) == (401, "The API key is not the workspace's.")
