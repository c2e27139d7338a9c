"""The users behind the fault server: what a call or an edit does to them, and what the platform answers."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tests.faults.ledger import increments_in, split_array
from tests.faults.wire import error_document

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.ledger import Ledger
    from tests.faults.wire import Head

EDITS = "/event/"

# The platform's limits for edits that travel as identity events.
MAX_EDITS = 400
MAX_EDIT_BYTES = 10_240
MAX_BYTES = 819_200

_USER = re.compile(r"/v1/user/([\w-]+)/")
_DONE = {"GET": 200, "POST": 201, "PATCH": 202, "DELETE": 204}


def is_about(head: Head) -> bool:
    """Whether it is a call on one user, or carries edits of users."""
    if head.target == EDITS:
        return head.method == "POST"
    return head.method in _DONE and _USER.fullmatch(head.target) is not None


def key_of_call(method: str, user: str) -> str:
    """Return what the ledger knows a call on a user by."""
    return f"{method} {user}"


def take(ledger: Ledger, head: Head, body: bytes, choice: Callable[[int, int], bool]) -> tuple[int, object]:
    """Do what is asked, as far as it is chosen; return the honest answer's status, and its document or bytes.

    An edit is done as often as it comes. There is every user until it is deleted.
    """
    if head.target == EDITS:
        return _take_edits(ledger, split_array(body), choice)
    user = head.target.split("/")[3]
    key = key_of_call(head.method, user)
    operations = json.loads(body)["operations"] if head.method == "PATCH" else ()
    accept = choice(0, 1)
    is_first = ledger.arrive_by_key(key, body, tuple(increments_in(user, operations)), accept=accept)
    if not accept:
        return 500, error_document("not done", "internal_error")
    if head.method == "DELETE":
        return (204, b"") if is_first else (404, {"code": 404, "message": "there is no such user"})
    return _DONE[head.method], _profile(user)


def _take_edits(ledger: Ledger, raws: list[bytes], choice: Callable[[int, int], bool]) -> tuple[int, object]:
    chosen = [choice(position, len(raws)) for position in range(len(raws))]
    for raw, accept in zip(raws, chosen, strict=True):
        event = json.loads(raw)
        increments = tuple(increments_in(event["distinct_id"], event["$user_operations"]))
        ledger.arrive_by_key(event["$insert_id"], raw, increments, accept=accept)
    return (202, b"OK") if all(chosen) else (500, error_document("not done", "internal_error"))


def _profile(user: str) -> dict[str, Any]:
    moment = "2026-01-02T03:04:05.678901+00:00"
    email = {"value": "a@example.com", "status": "active", "perma_status": "active"}
    properties = {"plan": "pro", "orders": 7}
    return {
        "distinct_id": user,
        "properties": properties,
        "created_at": moment,
        "updated_at": moment,
        "$email": [email],
    }


def complaint(head: Head, body: bytes) -> str | None:
    """Return what is wrong with a request about users, whatever the server does to it."""
    if head.method in ("GET", "DELETE"):
        return "a body where none belongs" if body else None
    if head.target != EDITS:
        return None if isinstance(json.loads(body), dict) else "the body is no object"
    raws = split_array(body)
    too_long = max(map(len, raws)) > MAX_EDIT_BYTES or len(body) > MAX_BYTES
    return f"{len(raws)} edits, {len(body)} bytes" if too_long or len(raws) > MAX_EDITS else None
