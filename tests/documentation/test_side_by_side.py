"""Every call that the guide to moving shows as ours works as it is written, with both clients."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from tests.resources.vectors import answer_to

from suprsend_async import (
    AsyncSuprsend,
    ObjectEdit,
    SubscriberListBroadcast,
    Suprsend,
    UserEdit,
    WorkflowTriggerRequest,
)

from .side_by_side import BROADCAST, IDEMPOTENCY, TRIGGER, VALUES, rows

if TYPE_CHECKING:
    from tests.conftest import Server

KEY, SECRET = "workspace_key", "workspace_secret"
OURS = list(dict.fromkeys(code for row in rows() for code in row.here))
SENDING = [
    code
    for code in OURS
    if re.match(r"client\.|bulk\.save|triggers\.trigger", code) and not re.search(r"_instance\(|\.sync\(", code)
]
# How the contract calls what is answered as another call is, or as the server does without a script.
ANSWERED_AS = {
    "users.send_edits": "users.bulk_edit",
    "users.stream_edits": "users.bulk_edit",
    "subscriber_lists.iterate": "subscriber_lists.get_all",
}


def script(server: Server, code: str) -> None:
    """Answer a call as the contract does."""
    if code.startswith(("client.workflows.send", "client.workflows.stream", "triggers.")):
        return  # the server accepts as many as come
    found = re.match(r"client\.(\w+\.\w+)\(", code)
    op = found[1] if found else "users.bulk_edit"
    op = ANSWERED_AS.get(op, op).replace(".iterate", ".list")
    status, body = answer_to(op)
    if isinstance(body, dict) and "meta" in body:
        body = {**body, "meta": {**body["meta"], "has_next": False, "count": len(body["results"])}}
    server.script.append(server.answer(status) if body is None else server.answer(status, body))


def names(client: Any) -> dict[str, Any]:
    edit = client.users.get_edit_instance("user-1").set("plan", "pro")
    bulk = client.users.get_bulk_edit_instance()
    bulk.append(edit)
    object_edit = client.objects.get_edit_instance("teams", "sre").set("plan", "pro")
    request = WorkflowTriggerRequest(TRIGGER, **IDEMPOTENCY)
    triggers = client.workflows.bulk_trigger_instance()
    triggers.append(request)
    own = {"client": client, "edit": edit, "edits": [edit], "bulk": bulk, "object_edit": object_edit}
    sent = {
        "request": request,
        "requests": [request],
        "triggers": triggers,
        "broadcast": SubscriberListBroadcast(BROADCAST, **IDEMPOTENCY),
    }
    return {**VALUES, **own, **sent, "UserEdit": UserEdit, "ObjectEdit": ObjectEdit}


def test_the_table_is_read() -> None:
    assert len(rows()) > 90
    assert "client.users.iterate(limit=50)" in SENDING


@pytest.mark.parametrize("code", OURS)
def test_a_blocking_caller_writes_it_so(code: str, server: Server) -> None:
    script(server, code) if code in SENDING else None
    with Suprsend(KEY, SECRET, base_url=server.url) as client:
        result = eval(code, names(client))
        if isinstance(result, Iterator):
            assert list(result)
    assert len(server.requests) == (code in SENDING)


@pytest.mark.parametrize("code", OURS)
async def test_an_asynchronous_caller_awaits_it(code: str, server: Server) -> None:
    script(server, code) if code in SENDING else None
    async with AsyncSuprsend(KEY, SECRET, base_url=server.url) as client:
        result = eval(code, names(client))
        if isinstance(result, AsyncIterator):
            assert [item async for item in result]
        elif inspect.isawaitable(result):
            await result
    assert len(server.requests) == (code in SENDING)
