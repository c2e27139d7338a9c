"""The older endpoint `event/`: events, and edits of users that come as events, one or many."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from suprsend_async.sandbox import json_numbers
from suprsend_async.sandbox.platform import answers
from suprsend_async.sandbox.platform.body import problem_of
from suprsend_async.sandbox.platform.endpoint import Endpoint
from suprsend_async.sandbox.platform.events import as_events
from suprsend_async.sandbox.platform.users import OPERATIONS, change_profile, change_user
from suprsend_async.sandbox.refusal import Refused, invalid, wrong

if TYPE_CHECKING:
    from suprsend_async.sandbox.platform.endpoint import ApiCall
    from suprsend_async.sandbox.refusal import Refusal
    from suprsend_async.sandbox.state.entry import SentAnswer
    from suprsend_async.sandbox.state.transaction import Transaction

_MOST = 400
_LARGEST = 10_240  # bytes
_IDENTITY = {
    "type": "object",
    "required": ["$insert_id", "$time", "env", "distinct_id", "$user_operations"],
    "properties": {
        "$insert_id": {"type": "string", "minLength": 36},
        "$time": {"type": "integer"},
        "env": {"type": "string"},
        "distinct_id": {"type": "string", "minLength": 1},
        "tenant_id": {"type": "string", "maxLength": 64},
        "$user_operations": OPERATIONS,
    },
}


def _is_edit(item: object) -> bool:
    return isinstance(item, dict) and "$user_operations" in item


def _items(decoded: object) -> list[object]:
    return cast("list[object]", decoded) if isinstance(decoded, list) else [decoded]


def _events(decoded: object) -> list[object] | Refusal:
    items = _items(decoded)
    if not 1 <= len(items) <= _MOST:
        return invalid(f"A request takes 1 to {_MOST} items; this one has {len(items)}.")
    return [item for item in items if not _is_edit(item)]


def _take(transaction: Transaction, call: ApiCall) -> SentAnswer:
    """Take all of a request, in its order, or nothing: the answer has no word for a single item."""
    events = iter(call.items)
    for place, item in enumerate(_items(call.body)):
        try:
            if _is_edit(item):
                _edit(transaction, call, cast("dict[str, Any]", item))
            elif not isinstance(refusal := transaction.enter(next(events)), str):
                raise Refused(refusal)
        except Refused as refused:
            if not isinstance(call.body, list):
                raise
            message = f"[{place}] {refused.refusal.message}"
            raise Refused(replace(refused.refusal, message=message)) from None
    return answers.ok()


def _edit(transaction: Transaction, call: ApiCall, item: dict[str, Any]) -> None:
    if problem := problem_of(item, _IDENTITY):
        raise Refused(problem)
    if item["env"] != call.workspace.env:
        raise Refused(wrong("env", "not the workspace that the request is authorized for"))
    written, too_large = json_numbers.write(item, "")
    if too_large:
        raise Refused(wrong(too_large.removeprefix("."), "a number that JSON readers cannot read"))
    if len(written) > _LARGEST:
        raise Refused(invalid(f"An item has at most {_LARGEST} bytes; this one has {len(written)}."))
    if item.get("tenant_id"):
        change_profile(transaction, item["distinct_id"], item["tenant_id"], item["$user_operations"])
    else:
        change_user(transaction, item["distinct_id"], item["$user_operations"])


ENDPOINTS = (Endpoint("POST", "event/", _take, items=as_events(_events), refuse=answers.older),)
