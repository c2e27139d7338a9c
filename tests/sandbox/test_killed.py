"""What was answered is in the store's file, whenever the sandbox is killed."""

from __future__ import annotations

import subprocess
import sys
import threading
from itertools import count
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.extras("sandbox")

CREDENTIALS = {
    "workspace_key": "k" * 20,
    "workspace_secret": "secret",
    "workspace_uid": "uid",
    "api_key": "api-key",
}
HEADERS = {"Authorization": f"Bearer {CREDENTIALS['api_key']}"}
LISTS = "v1/subscriber_list/"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    code = (
        "import sys\n"
        "from suprsend_async.sandbox import Sandbox\n"
        f"with Sandbox(store={str(tmp_path / 's.db')!r}, **{CREDENTIALS!r}) as sandbox:\n"
        "    sandbox.add_message('u', message_id='m')\n"
        "    sandbox.add_template('welcome', {'email': {}})\n"
        "    print(sandbox.url, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.communicate()


def trigger(key: str) -> dict[str, Any]:
    person = {"distinct_id": key, "plan": "pro"}
    return {"workflow": "w", "recipients": [person], "data": {}, "$idempotency_key": key}


def test_triggers_and_members_of_lists_survive(tmp_path: Path, served: subprocess.Popen[str]) -> None:
    assert served.stdout is not None
    answered: dict[str, str] = {}
    added: list[str] = []
    # At some moment of the requests that follow, not between two of them.
    killer = threading.Timer(0.05, served.kill)
    with httpx.Client(base_url=served.stdout.readline().strip(), headers=HEADERS, trust_env=False) as client:
        client.post(LISTS, json={"list_id": "beta"})
        for chunk in count():
            keys = [f"k-{chunk}-{n}" for n in range(20)]
            try:
                records = client.post("trigger/", json=[trigger(key) for key in keys]).json()["records"]
                answered |= {key: record["message_id"] for key, record in zip(keys, records, strict=True)}
                client.post(f"{LISTS}beta/subscriber/add/", json={"distinct_ids": keys})
                added += keys
            except httpx.TransportError:
                break
            if chunk == 10:
                killer.start()
    killer.join()
    served.wait()
    assert len(answered) >= 200
    with Sandbox(store=tmp_path / "s.db", **CREDENTIALS) as sandbox:
        kept = {each["$idempotency_key"]: each["message_id"] for each in sandbox.triggers}
        assert answered.items() <= kept.items()
        with httpx.Client(base_url=sandbox.url, headers=HEADERS, trust_env=False) as client:
            for key in list(answered)[::20]:
                assert client.post("trigger/", json=trigger(key)).json()["message_id"] == answered[key]
                assert client.get(f"v1/user/{key}/").json()["properties"] == {"plan": "pro"}
            assert client.get(f"{LISTS}beta/").json()["subscribers_count"] >= len(added)
        assert len(sandbox.triggers) == len(kept)


def test_all_else_survives_as_well(tmp_path: Path, served: subprocess.Popen[str]) -> None:
    assert served.stdout is not None
    dynamic = {"name": "n", "template": "t", "notification_category": "system", "users": [{"distinct_id": "u"}]}
    broadcast = {"list_id": "beta", "template": "news", "notification_category": "system", "$idempotency_key": "b"}
    with httpx.Client(base_url=served.stdout.readline().strip(), headers=HEADERS, trust_env=False) as client:
        client.post("uid/trigger/", json=dynamic | {"$idempotency_key": "d"})
        client.post("uid/broadcast/", json=broadcast)
        [cancelled] = client.post("v1/workflow_run/cancel/", json={"idempotency_key": "d"}).json()["execution_ids"]
        client.post(LISTS, json={"list_id": "beta"})
        client.post(f"{LISTS}beta/subscriber/add/", json={"distinct_ids": ["live"]})
        draft = f"{LISTS}beta/version/{client.post(f'{LISTS}beta/start_sync/', json={}).json()['version_id']}/"
        client.post(f"{draft}subscriber/add/", json={"distinct_ids": ["drafted"]})
        client.patch("v1/bulk/message/", json={"messages": [{"message_id": "m", "action": "read"}]})
        served.kill()
    served.wait()
    with Sandbox(store=tmp_path / "s.db", **CREDENTIALS) as sandbox:
        with httpx.Client(base_url=sandbox.url, headers=HEADERS, trust_env=False) as client:
            client.post("uid/trigger/", json=dynamic | {"$idempotency_key": "d"})
            client.post("uid/broadcast/", json=broadcast)
            subscribers = f"{LISTS}beta/subscriber/"
            assert [each["distinct_id"] for each in client.get(subscribers).json()["results"]] == ["live"]
            assert client.patch(f"{draft}finish_sync/", json={}).status_code == 201
            assert [each["distinct_id"] for each in client.get(subscribers).json()["results"]] == ["drafted"]
            assert client.get("v1/message/").json()["results"][0]["is_read"] is True
            assert client.get("v1/template/welcome/").status_code == 200
        assert [each["cancelled"] for each in sandbox.triggers] == [[cancelled]]
        assert len(sandbox.broadcasts) == 1
