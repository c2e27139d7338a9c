"""The endpoints of messages, and how a message's status moves.

No notification is sent here: messages are those that workflows made, and those that were put there.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

from suprsend_async.sandbox.platform import answers
from suprsend_async.sandbox.platform.endpoint import Endpoint
from suprsend_async.sandbox.platform.message_status import ACTIONS, BLOCKED, RANKS, TIMES, act, advance, passed
from suprsend_async.sandbox.platform.paging import cursor_page, moment
from suprsend_async.sandbox.platform.profiles import CHANNELS
from suprsend_async.sandbox.platform.query import flag, several
from suprsend_async.sandbox.refusal import Refused, invalid, missing, wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from suprsend_async.sandbox.platform.endpoint import ApiCall
    from suprsend_async.sandbox.refusal import Refusal
    from suprsend_async.sandbox.state.entry import SentAnswer
    from suprsend_async.sandbox.state.records import Records, StoredRecord
    from suprsend_async.sandbox.state.transaction import Transaction

NO_REASON = "no reason was given"
"""The reason of a message that was let fail without one."""
_MOST = 1_000
_FIELDS: dict[str, Any] = {
    "channel": "inbox",
    "category": "transactional",
    "idempotency_key": None,
    "failure_reason": None,
    "recipient": None,
    "parent_entity_id": None,
    "parent_entity_type": None,
    "vendor": None,
    "execution_id": None,
    "parent_execution_id": None,
    "is_campaign": False,
    "tenant_id": "default",
    "workflow": None,
    "template": None,
    "channel_identity": None,
    "content": None,
}
# What the filter's words stand for.
_STATUSES: dict[str, set[str]] = {
    "triggered": {"triggered", "trigger_blocked", "sent_by_vendor", "to_be_triggered", "not_to_be_triggered"},
    "delivery_failed": {"trigger_failed", "failure_by_vendor", "delivery_failure"},
    "delivered": {"delivered"},
    "seen": {"seen"},
    "clicked": {"clicked"},
    "dismissed": {"dismissed"},
}
_MARKS = {"read": ("is_read", True), "unread": ("is_read", False), "archived": ("is_archived", True)}
# What of a message a filter compares, each under the filter's name.
_VALUES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "recipient_id": lambda message: message["recipient"]["distinct_id"],
    "workflow_slug": lambda message: message["workflow"] and message["workflow"]["slug"],
    "object_type": itemgetter("parent_entity_type"),
    "object_id": itemgetter("parent_entity_id"),
    "is_campaign": lambda message: "true" if message["is_campaign"] else "false",
    **{
        name: itemgetter(name)
        for name in ("channel", "category", "execution_id", "idempotency_key", "message_id", "tenant_id")
    },
}
_SEVERAL = {"recipient_id", "category"}
_UPDATE = {
    "type": "object",
    "required": ["messages"],
    "properties": {
        "messages": {
            "type": "array",
            "minItems": 1,
            "maxItems": _MOST,
            "items": {
                "type": "object",
                "required": ["message_id", "action"],
                "properties": {"message_id": {"type": "string", "minLength": 1}, "action": {"enum": [*ACTIONS]}},
            },
        }
    },
}


def add_message(records: Records, distinct_id: str, status: str, now: float, fields: Mapping[str, Any]) -> str:
    """Put a message there; returns its id.

    Raises:
        ValueError: A field is none of a message's, a status or a channel is unknown, or the id is taken.
    """
    message_id = fields.get("message_id") or uuid.uuid4().hex
    created_at = fields.get("created_at") or moment(now)
    given = {name: value for name, value in fields.items() if name not in {"message_id", "created_at"}}
    if unknown := sorted(given.keys() - _FIELDS.keys()):
        raise ValueError(f"{unknown[0]} is no field of a message; there are {', '.join(_FIELDS)}")
    if status not in {*RANKS, *BLOCKED}:
        raise ValueError(f"status must be one of {', '.join([*RANKS, *BLOCKED])}, not {status!r}")
    if given.get("channel", "inbox") not in CHANNELS:
        raise ValueError(f"channel must be one of {', '.join(CHANNELS)}, not {given['channel']!r}")
    if _time(created_at) is None:
        raise ValueError(f"created_at must be a text such as 2026-03-02T09:15:27Z, not {created_at!r}")
    if records.get("message", "", message_id) is not None:
        raise ValueError(f"message_id {message_id!r} is taken by another message")
    for name, others in (("workflow", ("version_id", "name", "node_ref")), ("template", ("name", "version_no"))):
        if isinstance(given.get(name), str):
            given[name] = {"slug": given[name], **dict.fromkeys(others)}
    recipient = {"$type": "user", "distinct_id": distinct_id, "object_type": None, "id": None}
    message = (
        {"created_at": created_at, "updated_at": created_at}
        | dict.fromkeys(TIMES)
        | {"is_read": False, "is_archived": False, "status": "to_be_triggered"}
        | _FIELDS
        | {"recipient": recipient}
        | given
    )
    for each in passed(status):
        advance(message, each, created_at)
    records.put("message", "", message_id, message, now)
    return message_id


def move_message(transaction: Transaction, message_id: str, status: str, reason: str | None = None) -> None:
    """Let a message go on to a status, or fail for a reason.

    Raises:
        ValueError: There is no such message, or it is as far already, or it has ended.
    """
    found = transaction.records.get("message", "", message_id)
    if found is None:
        raise ValueError(f"there is no message {message_id!r}")
    if status not in {*RANKS, *BLOCKED}:
        raise ValueError(f"status must be one of {', '.join([*RANKS, *BLOCKED])}, not {status!r}")
    message = found.content
    if message["status"] in BLOCKED:
        raise ValueError(f"the message has ended as {message['status']}, and does not move any more")
    if status not in BLOCKED and RANKS[status] <= RANKS[message["status"]]:
        raise ValueError(f"a message that is {message['status']} does not become {status}: it only moves forward")
    advance(message, status, moment(transaction.now))
    if status in BLOCKED:
        message["failure_reason"] = reason or message["failure_reason"] or NO_REASON
    transaction.records.put("message", "", message_id, message, transaction.now)
    transaction.moved.append((message_id, status))


def _shown(message: StoredRecord, *, with_content: bool) -> dict[str, Any]:
    shown = {"message_id": message.name, **message.content}
    if not with_content:
        del shown["content"]
    return shown


def _list(transaction: Transaction, call: ApiCall) -> SentAnswer:
    matches = _filter(call)
    with_content = flag(call, "include_content") or False
    return cursor_page(
        transaction.records,
        call,
        lambda message: _shown(message, with_content=with_content),
        "message",
        "",
        newest_first=True,
        matches=matches,
    )


def _filter(call: ApiCall) -> Callable[[StoredRecord], bool] | None:
    """Return what says whether a message is meant; None if all are.

    Raises:
        Refused: A filter is not as it must be.
    """
    query = dict(call.query)
    if query.get("channel", "inbox") not in set(CHANNELS) - {"messenger"}:
        raise Refused(wrong("channel", "none that a message is filtered by"))
    if ("object_type" in query) is not ("object_id" in query):
        raise Refused(invalid("object_type and object_id: only both together"))
    flag(call, "is_campaign")
    wanted = {name: {query[name]} for name in _VALUES.keys() - _SEVERAL if name in query}
    wanted |= {name: values for name in _SEVERAL if (values := several(call, name))}
    statuses, between = several(call, "status"), _between(call)
    if unknown := sorted(statuses - _STATUSES.keys() - _MARKS.keys()):
        raise Refused(wrong("status", f"{unknown[0][:50]} is none of {', '.join([*_STATUSES, *_MARKS])}"))
    if not (wanted or statuses or between):
        return None

    def matches(record: StoredRecord) -> bool:
        message = {"message_id": record.name, **record.content}
        return (
            all(_VALUES[name](message) in values for name, values in wanted.items())
            and (not statuses or any(_has_status(message, word) for word in statuses))
            and (not between or between[0] <= (_time(message["created_at"]) or 0) <= between[1])
        )

    return matches


def _has_status(message: dict[str, Any], word: str) -> bool:
    if word in _MARKS:
        name, value = _MARKS[word]
        return message[name] is value
    return message["status"] in _STATUSES[word]


def _between(call: ApiCall) -> tuple[int, float] | None:
    times: dict[str, int] = {}
    for name, text in call.query:
        if name in {"created_at_gte", "created_at_lte"}:
            time = _time(text)
            if time is None:
                raise Refused(wrong(name, "not a timestamp"))
            times[name] = time
    if not times:
        return None
    first, last = times.get("created_at_gte", 0), times.get("created_at_lte", float("inf"))
    if first > last:
        raise Refused(wrong("created_at_gte", "not after created_at_lte"))
    return first, last


def _time(text: object) -> int | None:
    """Return a time in whole seconds; None if it is none, or has no time zone."""
    try:
        time = datetime.fromisoformat(cast("str", text))
    except (TypeError, ValueError):
        return None
    return None if time.tzinfo is None else int(time.timestamp())


def _content(transaction: Transaction, call: ApiCall) -> SentAnswer:
    found = transaction.records.get("message", "", call.ids["message_id"])
    if found is None:
        raise Refused(missing("message not found"))
    return answers.record({"channel": found.content["channel"], "content": found.content["content"] or {}})


def _update(transaction: Transaction, call: ApiCall) -> SentAnswer:
    items: list[dict[str, str]] = call.body["messages"]
    if len({item["message_id"] for item in items}) < len(items):
        raise Refused(wrong("messages", "a message_id occurs twice"))
    results: list[dict[str, Any]] = []
    for item in items:
        refusal = _act(transaction, item["message_id"], item["action"])
        error = None if refusal is None else {"type": refusal.type, "message": refusal.message}
        status_code = 202 if refusal is None else refusal.status_code
        results.append({"message_id": item["message_id"], "status_code": status_code, "error": error})
    return answers.record({"records": results}, 202)


def _act(transaction: Transaction, message_id: str, action: str) -> Refusal | None:
    found = transaction.records.get("message", "", message_id)
    if found is None:
        return missing("message not found")
    before = found.content["status"]
    refusal = act(found.content, action, moment(transaction.now))
    if refusal is None:
        if (status := found.content["status"]) != before:
            transaction.moved.append((message_id, status))
        transaction.records.put("message", "", message_id, found.content, transaction.now)
    return refusal


ENDPOINTS = (
    Endpoint("GET", "v1/message/", _list),
    Endpoint("PATCH", "v1/bulk/message/", _update, _UPDATE),
    Endpoint("GET", "v1/message/{message_id}/content/", _content),
)
