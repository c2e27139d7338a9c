"""What the guide to moving shows side by side: the released SDK has the left side, and both send the same."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
import suprsend
from tests.documentation.side_by_side import BROADCAST, IDEMPOTENCY, TRIGGER, VALUES, rows

import suprsend_async

if TYPE_CHECKING:
    from tests.conftest import Received, Server

KEY, SECRET = "workspace_key", "workspace_secret"
ROWS = [row for row in rows() if row.there]
# What differs with every edit and broadcast; the properties of an edit say which SDK it is.
VOLATILE = ("$insert_id", "$time")
# Enough of a record of any kind, and of a page, for each of the calls.
ANSWER = {
    "distinct_id": "user-1",
    "object_type": "teams",
    "id": "sre",
    "category": "news",
    "results": [],
    "list_id": "beta-users",
    "version_id": "v",
    "tenant_id": "acme",
    "brand_id": "acme",
    "affected_count": 1,
    "records": [{"message_id": VALUES["message_id"], "status_code": 202}],
}


def names(client: Any, sdk: Any) -> dict[str, Any]:
    edit = client.users.get_edit_instance("user-1")
    edit.set("plan", "pro")
    object_edit = client.objects.get_edit_instance("teams", "sre")
    object_edit.set("plan", "pro")
    bulk = client.users.get_bulk_edit_instance()
    bulk.append(edit)
    # The released classes keep the dictionary that they are given, and write into it.
    request = sdk.WorkflowTriggerRequest(copy.deepcopy(TRIGGER), **IDEMPOTENCY)
    triggers = client.workflows.bulk_trigger_instance()
    triggers.append(request)
    broadcast = sdk.SubscriberListBroadcast(copy.deepcopy(BROADCAST), **IDEMPOTENCY)
    sent = {"request": request, "triggers": triggers, "broadcast": broadcast}
    return {**VALUES, **sent, "client": client, "edit": edit, "object_edit": object_edit, "bulk": bulk}


def answer(server: Server, request: Received) -> bytes:
    if request.target == "/trigger/":
        return server.accept(request)
    is_text = request.target == "/event/" or request.target.endswith("/broadcast/")
    return server.answer(202, b"OK") if is_text else server.answer(200, ANSWER)


def sent(server: Server) -> list[tuple[str, str, Any]]:
    """Return what was sent since the last time, and forget it."""
    found: list[tuple[str, str, Any]] = []
    for request in server.requests:
        path, _, query = request.target.partition("?")
        found.append((request.method, path, [sorted(parse_qsl(query)), _comparable(request)]))
    server.requests.clear()
    return found


def _comparable(request: Received) -> Any:
    if not request.body:
        return None
    body = json.loads(request.body)
    if isinstance(body, list):
        return [_without_volatile(record) for record in body]
    return _without_volatile(body)


def _without_volatile(record: dict[str, Any]) -> dict[str, Any]:
    volatile = (*VOLATILE, "properties") if "$user_operations" in record else VOLATILE
    return {name: value for name, value in record.items() if name not in volatile}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.there[0])
def test_both_send_the_same(row: Any, server: Server) -> None:
    released = suprsend.Suprsend(KEY, SECRET, base_url=server.url)
    for code in row.there:
        found = names(released, suprsend)
        server.script.append(lambda request: answer(server, request))
        eval(code, found)
        server.script.clear()
        expected = sent(server)
        if not row.here or code.startswith("client.user."):
            # An edit of the old interface that is saved at once has no operations; here it is refused.
            continue
        ours = code if code in row.here else row.here[0]
        with suprsend_async.Suprsend(KEY, SECRET, base_url=server.url) as client:
            found = names(client, suprsend_async)
            server.script.append(lambda request: answer(server, request))
            eval(ours, found)
            server.script.clear()
        assert sent(server) == expected
