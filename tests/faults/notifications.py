"""Triggers, broadcasts and lists behind the fault server: what each request does, and what the platform answers."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from tests.faults.ledger import split_array
from tests.faults.wire import error_document

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.ledger import Ledger
    from tests.faults.wire import Head

TRIGGER = "/trigger/"

# In a trigger's data: which record it is. A trigger has no id of its own beside its key.
RECORD = "record"

# The platform's limits for one request.
MAX_TRIGGERS = 100
MAX_BYTES = 819_200

_BROADCAST = re.compile(r"/[\w-]+/broadcast/")
_ADD = re.compile(r"/v1/subscriber_list/([\w-]+)/subscriber/add/")


def is_about(head: Head) -> bool:
    """Whether it triggers a workflow, is a broadcast, or adds users to a list."""
    is_known = head.target == TRIGGER or _BROADCAST.fullmatch(head.target) or _ADD.fullmatch(head.target)
    return head.method == "POST" and bool(is_known)


def is_bulk(head: Head, body: bytes) -> bool:
    """Whether it is many triggers, which are answered one by one."""
    return head.target == TRIGGER and body.startswith(b"[")


def key_in_list(list_id: str, user: str) -> str:
    """Return what the ledger knows a user by who is added to a list."""
    return f"{list_id} {user}"


def take(ledger: Ledger, head: Head, body: bytes, choice: Callable[[int, int], bool]) -> tuple[int, object]:
    """Do what is asked, as far as it is chosen; return the honest answer's status, and its document or bytes.

    A trigger is done once for each key. A broadcast is done as often as it comes. There is every workflow and list.
    """
    if is_bulk(head, body):
        raws = split_array(body)
        records = [_trigger(ledger, raw, choice(position, len(raws))) for position, raw in enumerate(raws)]
        return 207, {"status": "success", "records": records}
    if head.target == TRIGGER:
        record = _trigger(ledger, body, choice(0, 1))
        return record.pop("status_code"), record
    if added := _ADD.fullmatch(head.target):
        return _add(ledger, added[1], body, choice)
    accept, document = choice(0, 1), json.loads(body)
    insert_id, key = document["$insert_id"], document["$idempotency_key"]
    ledger.arrive_as(insert_id, key, body, accept=accept, heeds_key=False)
    return (202, b"OK") if accept else (500, b"not done")


def _trigger(ledger: Ledger, raw: bytes, accept: bool) -> dict[str, Any]:
    trigger = json.loads(raw)
    is_poison = bool(trigger["data"].get("poison"))
    record, key = trigger["data"][RECORD], trigger["$idempotency_key"]
    message_id = ledger.arrive_as(record, key, raw, accept=accept and not is_poison)
    if is_poison:
        return {"status_code": 400} | error_document("the trigger is poison")
    if message_id is None:
        return {"status_code": 500} | error_document("not taken", "internal_error")
    return {"status": "success", "status_code": 202, "message_id": message_id}


def _add(ledger: Ledger, list_id: str, body: bytes, choice: Callable[[int, int], bool]) -> tuple[int, object]:
    users = json.loads(body)["distinct_ids"]
    # All that came in one request has to come again in the same.
    request = hashlib.sha256(body).digest()
    chosen = [choice(position, len(users)) for position in range(len(users))]
    new = [
        ledger.arrive_by_key(key_in_list(list_id, user), request, accept=accept)
        for user, accept in zip(users, chosen, strict=True)
    ]
    if not all(chosen):
        return 500, {"code": 500, "message": "not done"}
    return 201, {"success": True, "affected_count": sum(new)}


def complaint(head: Head, body: bytes) -> str | None:
    """Return what is wrong with a request for notifications, whatever the server does to it."""
    document = json.loads(body)
    if is_bulk(head, body):
        is_right = 1 <= len(document) <= MAX_TRIGGERS and (len(body) <= MAX_BYTES or len(document) == 1)
        return None if is_right else f"{len(document)} triggers, {len(body)} bytes"
    if not isinstance(document, dict):
        return "the body is no object"
    if _ADD.fullmatch(head.target):
        return None if document.get("distinct_ids") else "nobody is added"
    return f"{len(body)} bytes" if len(body) > MAX_BYTES else None
