"""The released Node SDK against a sandbox: the sandbox speaks with clients that are not of Python as well."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.extras("sandbox"),
    pytest.mark.skipif(
        shutil.which("node") is None or "NODE_PATH" not in os.environ,
        reason="node is not here, or NODE_PATH does not say where @suprsend/node-sdk is; `nox -s node` installs it",
    ),
]

PROGRAM = Path(__file__).parent / "program.js"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def results(sandbox: Sandbox) -> dict[str, Any]:
    done = subprocess.run(
        ["node", PROGRAM], env={**os.environ, **sandbox.environment()}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_an_event_is_tracked(sandbox: Sandbox, results: dict[str, Any]) -> None:
    assert (results["track"]["success"], results["track"]["status_code"]) == (True, 202)
    event = sandbox.events[0]
    assert (event["distinct_id"], event["event"], event["tenant_id"]) == ("user-1", "order_placed", "acme")
    assert event["$idempotency_key"] == "order-41"
    assert (event["properties"]["amount"], event["properties"]["name"]) == (10, "Zoë 日本")


def test_250_events_are_tracked_in_bulk(sandbox: Sandbox, results: dict[str, Any]) -> None:
    bulk = results["bulk"]
    assert (bulk["status"], bulk["total"], bulk["success"], bulk["failure"]) == ("success", 250, 250, 0)
    assert [event["properties"]["number"] for event in sandbox.events[1:]] == [*range(250)]


def test_a_workflow_is_triggered(sandbox: Sandbox, results: dict[str, Any]) -> None:
    assert (results["trigger"]["success"], results["trigger"]["status_code"]) == (True, 202)
    (trigger,) = sandbox.triggers
    assert (trigger["workflow"], trigger["data"]) == ("order-shipped", {"order": 41})
    assert (trigger["$idempotency_key"], len(trigger["execution_ids"])) == ("order-41-shipped", 1)


def test_a_user_is_written_and_read(sandbox: Sandbox, results: dict[str, Any]) -> None:
    for result in (results["upsert"], results["get"]):
        assert result["distinct_id"] == "user 1/ä"
        assert result["properties"] == {"plan": "pro"}
        assert [channel["value"] for channel in result["$email"]] == ["ada@example.com"]
    with sandbox.blocking_client() as client:
        assert client.users.get("user 1/ä").to_dict() == results["get"]


def test_a_list_is_made_and_filled(sandbox: Sandbox, results: dict[str, Any]) -> None:
    assert results["create"]["list_id"] == "beta"
    assert results["add"] == {"success": True, "affected_count": 2}
    with sandbox.blocking_client() as client:
        page = client.subscriber_lists.list_subscribers("beta", sort="id")
    assert [subscriber.distinct_id for subscriber in page.results] == ["user-1", "user-2"]
