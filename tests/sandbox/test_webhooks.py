"""Webhooks: each change of a message's status is posted, retried on the sandbox's clock, and replayed."""

from __future__ import annotations

import json
import re
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.receiver import Application, receiving

from suprsend_async import Event
from suprsend_async.sandbox import Sandbox, faults
from suprsend_async.sandbox.delivery.webhooks import WAITS
from suprsend_async.webhooks import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.extras("sandbox")

NOW = 1_800_000_000.0


@pytest.fixture
def application() -> Iterator[Application]:
    with receiving() as made:
        yield made


def until(is_so: Callable[[], bool]) -> None:
    """Wait for what happens in another thread; the test's own timeout is the bound."""
    while not is_so():
        time.sleep(0.002)


@contextmanager
def running(url: str, now: list[float], **options: Any) -> Iterator[Sandbox]:
    with Sandbox(webhook=url, clock=lambda: now[0], **options) as sandbox:
        sandbox.put_workflow("order_shipped", email={"subject": "Shipped", "body": "x"})
        yield sandbox


def ship(sandbox: Sandbox) -> str:
    """Let a message be made, and return its id."""
    with sandbox.blocking_client() as client:
        client.users.upsert("ada", {"$email": ["ada@example.com"]})
        client.track_event(Event("ada", "order_shipped", idempotency_key="order-41"))
    message_id: str = sandbox.messages[-1]["message_id"]
    return message_id


def states(sandbox: Sandbox) -> list[tuple[str, str, int]]:
    return [(each["status"], each["state"], len(each["attempts"])) for each in sandbox.webhooks]


def test_a_change_is_posted_in_the_documented_shape(application: Application) -> None:
    with running(application.url, [NOW], webhook_headers={"X-Token": "secret-token"}) as sandbox:
        message_id = ship(sandbox)
        sandbox.move_message(message_id, "delivered")
        until(lambda: states(sandbox) == [("delivered", "delivered", 1)])
        (body,) = application.bodies
        execution = sandbox.messages[0]["execution_id"]
        assert body == {
            "channel": "email",
            "channel_value": "ada@example.com",
            "distinct_id": "ada",
            "event_type": "status",
            "reference": {
                "idempotency_key": "order-41",
                "supr_execution_id": execution,
                "supr_ngid": execution,
                "supr_nid": message_id,
                "vendor_ack_id": f"ack-{message_id}",
                "workspace_name": "sandbox",
                "workspace_uid": sandbox.workspace_uid,
            },
            "suprsend_status": {"status": "delivered", "timestamp": int(NOW * 1000)},
            "template": "order_shipped",
            "vendor_name": "sandbox",
            "vendor_response": {"sandbox": {}},
            "version": "1.0",
            "workflow_name": "Order shipped",
        }
        (headers,) = application.headers
        assert (headers["content-type"], headers["x-token"]) == ("application/json", "secret-token")
        # Track, deliver, webhook, and found by the key.
        event = parse(json.dumps(body))
        with sandbox.blocking_client() as client:
            (found,) = client.messages.list(idempotency_key=event.idempotency_key).results
        assert (found.message_id, found.status) == (event.message_id, event.status)


def test_every_way_to_change_a_status_is_posted_once(application: Application) -> None:
    with running(application.url, [NOW]) as sandbox, sandbox.blocking_client() as client:
        message_id = ship(sandbox)
        url = f"{sandbox.url}_sandbox/messages/{message_id}/status"
        assert httpx.post(url, json={"status": "delivered"}, trust_env=False).status_code == 200
        for _ in range(2):
            client.messages.bulk_update([{"message_id": message_id, "action": "seen"}])
        sandbox.move_message(message_id, "clicked")
        sandbox.provoke(faults.MessageStatus(status="delivery_failure"))
        ship(sandbox)
        with sandbox.blocking_client() as other:
            other.track_event(Event("ada", "order_shipped"))
        until(lambda: all(state == "delivered" for _, state, _ in states(sandbox)))
        said = [body["suprsend_status"]["status"] for body in application.bodies]
        assert said == ["delivered", "seen", "clicked", "delivery_failure"]


def test_what_is_not_taken_is_tried_again_and_then_given_up(application: Application) -> None:
    now = [NOW]
    application.answers = [503, 301, 404, 500, 429]
    with running(application.url, now) as sandbox:
        sandbox.move_message(ship(sandbox), "delivered")
        for tries, wait in enumerate(WAITS, 1):
            until(lambda tries=tries: states(sandbox) == [("delivered", "waiting", tries)])
            now[0] += wait - 0.001
            sandbox.advance()
            assert len(application.bodies) == tries
            now[0] += 0.001
            sandbox.advance()
        until(lambda: states(sandbox) == [("delivered", "failed", 5)])
        assert [each["status_code"] for each in sandbox.webhooks[0]["attempts"]] == [503, 301, 404, 500, 429]
        now[0] += 86_400
        sandbox.advance()
        sandbox.replay_webhook("1")
        until(lambda: states(sandbox) == [("delivered", "delivered", 6)])
        assert application.bodies == application.bodies[:1] * 6
        with pytest.raises(ValueError, match="there is no webhook '2'"):
            sandbox.replay_webhook("2")


def test_a_replay_over_http(application: Application) -> None:
    with running(application.url, [NOW]) as sandbox:
        message_id = ship(sandbox)
        sandbox.move_message(message_id, "delivered")
        until(lambda: states(sandbox) == [("delivered", "delivered", 1)])
        base = f"{sandbox.url}_sandbox/webhooks"
        assert httpx.post(f"{base}/1/replay", trust_env=False).status_code == 204
        until(lambda: states(sandbox) == [("delivered", "delivered", 2)])
        (shown,) = httpx.get(f"{base}?message_id={message_id}&state=delivered", trust_env=False).json()["webhooks"]
        assert (shown["id"], shown["body"]) == (1, application.bodies[0])
        assert httpx.get(f"{base}?state=failed", trust_env=False).json()["webhooks"] == []


def test_an_application_that_is_not_there_is_an_attempt_with_its_reason(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    now = [NOW]
    with running(f"http://127.0.0.1:{port}/", now, store=tmp_path / "sandbox.db") as sandbox:
        sandbox.move_message(ship(sandbox), "delivered")
        until(lambda: states(sandbox) == [("delivered", "waiting", 1)])
        assert "ConnectError" in sandbox.webhooks[0]["attempts"][0]["error"]
    # What waits goes on after a restart, to where it is told to go then.
    now[0] += 1.0
    taken = Application()
    taken.thread.start()
    with running(taken.url, now, store=tmp_path / "sandbox.db") as sandbox:
        until(lambda: states(sandbox) == [("delivered", "delivered", 2)])
    taken.server.shutdown()
    taken.server.server_close()


@pytest.mark.parametrize("host", ["xn--a", "\u00ff.\u2602", f"{'a' * 64}.example"])
def test_a_host_that_nobody_can_be_asked_for_is_an_attempt_and_the_next_one_is_posted(host: str) -> None:
    with running(f"http://{host}/", [NOW]) as sandbox:
        message_id = ship(sandbox)
        sandbox.move_message(message_id, "delivered")
        until(lambda: states(sandbox) == [("delivered", "waiting", 1)])
        sandbox.move_message(message_id, "seen")
        until(lambda: states(sandbox)[1:] == [("seen", "waiting", 1)])


def test_a_silent_application_does_not_keep_the_sandbox_from_stopping() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with running(f"http://127.0.0.1:{silent.getsockname()[1]}/", [NOW]) as sandbox:
            sandbox.move_message(ship(sandbox), "delivered")
            connection, _ = silent.accept()
        assert sandbox.webhooks[0]["attempts"] == []
        connection.close()


def test_without_an_address_nothing_is_posted() -> None:
    with Sandbox() as sandbox:
        sandbox.move_message(sandbox.add_message("ada"), "delivered")
        assert sandbox.webhooks == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"webhook": "localhost:80"}, "webhook must be an address such as http://"),
        ({"webhook_headers": {"X-Token": "a"}}, "webhook_headers are for a webhook"),
        ({"webhook": "http://127.0.0.1:99999/"}, "webhook must be an address such as"),
        ({"webhook": "http://127.0.0.1:port/"}, "webhook must be an address such as"),
        ({"webhook": "http://[::1"}, "webhook must be an address such as"),
        ({"webhook": "http://a b/"}, "webhook must be an address such as"),
        ({"webhook": "http://a/\nb"}, "webhook must be an address such as"),
        ({"webhook": "http://a/\udcff"}, "webhook must be an address such as"),
        ({"webhook": "http://a/", "webhook_headers": {"X Token": "a"}}, "webhook_headers: 'X Token' is not a header"),
        (
            {"webhook": "http://a/", "webhook_headers": {"X-Token": "a\nb"}},
            "webhook_headers: 'X-Token' is not a header",
        ),
    ],
)
def test_what_cannot_be_posted_is_refused_at_the_start(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}"):
        Sandbox(**options)
