"""Which answers are the platform's own, and which requests ask for an id."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from suprsend_async import AsyncSuprsend, Event, WorkflowTriggerRequest
from suprsend_async.transport.answer import Answer
from suprsend_async.transport.platforms_own import is_platforms_own
from suprsend_async.transport.request import Method, Request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.conftest import Server

EVENT = Event("user-1", "order_placed")
TRIGGER = WorkflowTriggerRequest("order-shipped", ["user-1"])
SEND = Request("POST", "v2/event/", body=b"{}", names_message=True)
BULK = Request("POST", "v2/bulk/event/", body=b"[{}]", names_message=True, has_records=True)
CALL = Request("POST", "v1/user/{id}/", {"id": "user-1"}, body=b"{}")


def answer(status: int, document: object = b"", *, complete: bool = True) -> Answer:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Answer(status, {}, body, complete)


YES = {"status": "success", "message_id": "m-1"}


@pytest.mark.parametrize(
    ("request_", "came"),
    [
        (SEND, answer(202, YES)),
        (SEND, answer(200, YES)),
        (BULK, answer(207, {"status": "success", "records": [YES]})),
        (CALL, answer(202, b"OK")),
        (CALL, answer(201, {"distinct_id": "user-1"})),
        (CALL, answer(201, {"success": True})),
        (SEND, answer(400, {"code": 400, "message": "no"})),
        (SEND, answer(401, "Not Authenticated")),
        (SEND, answer(429, {"code": 429, "message": "slow down"})),
        (SEND, answer(503, {"status": "fail", "message": "no"})),
        (Request("DELETE", "v1/user/{id}/", {"id": "user-1"}), answer(204)),
    ],
)
def test_the_platforms_own(request_: Request, came: Answer) -> None:
    assert is_platforms_own(came, request_)


@pytest.mark.parametrize(
    ("request_", "came"),
    [
        (SEND, answer(202)),
        (SEND, answer(202, b"OK")),
        (SEND, answer(202, {"status": "success"})),
        (SEND, answer(202, YES, complete=False)),
        (SEND, answer(202, [YES])),
        (CALL, answer(204)),
        (CALL, answer(200, b"")),
        (CALL, answer(200, b"<html>")),
        (CALL, answer(200, {})),
        (CALL, answer(101, {"success": True})),
        (CALL, answer(302, {"success": True})),
        (CALL, answer(304)),
        (SEND, answer(200, {"message": "queued", "message_id": None})),
        (SEND, answer(202, {"message_id": "m-1"})),
        (SEND, answer(202, {"status": "queued", "message_id": "m-1"})),
        (SEND, answer(200, {"status": "error", "message_id": "m-1"})),
        (SEND, answer(207, {"status": "success", "records": [YES]})),
        (SEND, answer(202, YES | {"records": [YES]})),
        (BULK, answer(202, YES)),
        (BULK, answer(207, {"status": "success", "records": [{}, {}]})),
        (BULK, answer(207, {"status": "success", "records": []})),
        (CALL, answer(200, {"status": "error", "message": "no"})),
        (CALL, answer(200, {"message": "a gateway's"})),
        (CALL, answer(404, "upstream request timeout")),
        (Request("GET", "v1/tenant/{tenant_id}/", {"tenant_id": "a"}), answer(200, b"OK")),
        (SEND, answer(200, {"status": "success", "message_id": ""})),
        (BULK, answer(207, {"status": "success", "records": None})),
        (CALL, answer(401)),
        (CALL, answer(404, b"not found")),
        *[(CALL, answer(status, {"message": "a gateway's"})) for status in (400, 403, 408, 413, 425, 429, 499)],
        *[(CALL, answer(status, {"code": status, "message": "a gateway's"})) for status in (408, 425, 499)],
        *[(CALL, answer(status, {"status": "error", "message": "no"})) for status in (408, 501, 524, 598)],
        (CALL, answer(413, {})),
        (CALL, answer(500, {"code": 500, "message": "no"})),
        (CALL, answer(500, {"status": "error", "error": {"message": "no"}})),
        (CALL, answer(502, {"status": "error", "error": {"message": "no"}})),
        (CALL, answer(504, {"status": "error", "error": {"message": "no"}})),
        (CALL, answer(503)),
        (Request("DELETE", "v1/user/{id}/", {"id": "user-1"}), answer(202)),
    ],
)
def test_not_certainly_the_platforms_own(request_: Request, came: Answer) -> None:
    assert not is_platforms_own(came, request_)


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_what_reads_or_changes_a_record_is_answered_with_it(method: Method) -> None:
    request = Request(method, "v1/tenant/{tenant_id}/", {"tenant_id": "a"})
    assert is_platforms_own(answer(200, {"tenant_id": "a"}), request)
    assert is_platforms_own(answer(200, {"message_id": "m-1", "status": "delivered"}), request)
    assert not is_platforms_own(answer(200), request)


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_what_sends_nothing_is_not_answered_with_a_message(method: Method) -> None:
    request = Request(method, "v1/tenant/{tenant_id}/", {"tenant_id": "a"})
    assert not is_platforms_own(answer(200, YES), request)
    is_bulk_update = method == "PATCH"
    assert is_platforms_own(answer(207, {"status": "success", "records": [YES]}), request) is is_bulk_update


SENDS: dict[str, Callable[[AsyncSuprsend], Awaitable[object]]] = {
    "an event": lambda client: client.track_event(EVENT),
    "events": lambda client: client.bulk_events.send([EVENT]),
    "a trigger": lambda client: client.workflows.trigger(TRIGGER),
    "triggers": lambda client: client.workflows.send([TRIGGER]),
}


@pytest.mark.parametrize("send", SENDS.values(), ids=SENDS)
async def test_what_is_sent_to_people_has_a_yes_that_names_a_message(
    client: AsyncSuprsend, server: Server, send: Callable[[AsyncSuprsend], Awaitable[object]]
) -> None:
    server.script.append(server.answer(202, b"OK"))
    await send(client)
    assert server.connections == 1
    for _ in range(2):
        await send(client)
    assert server.connections == 2
