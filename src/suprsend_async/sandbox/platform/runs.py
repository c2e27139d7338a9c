"""What was accepted to be executed, triggers and broadcasts: kept in order, shown, and cancelled.

A run can be cancelled as long as it is kept; what has become of it by then stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.sandbox.platform import answers
from suprsend_async.sandbox.refusal import Refusal, Refused
from suprsend_async.sandbox.state.records import Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from suprsend_async.sandbox.platform.endpoint import ApiCall
    from suprsend_async.sandbox.state.entry import SentAnswer
    from suprsend_async.sandbox.state.records import StoredRecord
    from suprsend_async.sandbox.state.transaction import Transaction

IN_DATA = {
    "type": "object",
    "properties": {
        "$attachments": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "filename": {"type": ["string", "null"]},
                    "contentType": {"type": ["string", "null"]},
                    "data": {"type": ["string", "null"]},
                    "url": {"type": ["string", "null"]},
                    "ignore_if_error": {"type": "boolean"},
                },
                "anyOf": [
                    {"required": ["url"], "properties": {"url": {"type": "string"}}},
                    {"required": ["data"], "properties": {"data": {"type": "string"}}},
                ],
            },
        }
    },
}
KEY = {"type": ["string", "null"], "maxLength": 255}
TENANT = {"type": ["string", "null"], "maxLength": 64}
# Days, hours, minutes and seconds, at least one of them; or a number of seconds.
DELAY = {
    "type": ["string", "number", "null"],
    "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
    "minimum": 0,
}


def idempotency_key(body: Mapping[str, Any]) -> str | None:
    """Return the key of a trigger or a broadcast as the platform takes it; None if it has none."""
    return (body.get("$idempotency_key") or "").strip() or None


def require_workspace(call: ApiCall) -> None:
    """Let a call through whose path names the workspace that it is authorized for.

    Raises:
        Refused: It names another one.
    """
    if call.ids["workspace"] != call.workspace.env:
        message = "The path does not name the workspace that this request is authorized for."
        raise Refused(Refusal(401, "authentication_error", message))


def keep(transaction: Transaction, kind: str, message_id: str, body: dict[str, Any], runs: int, **more: Any) -> None:
    """Keep an accepted record, so many runs; the oldest of its kind are dropped."""
    content: dict[str, Any] = {"message_id": message_id, "body": body, "runs": runs, "cancelled": [], "more": more}
    name = transaction.append(kind, content)
    transaction.kept.append(Kept(kind, name, message_id, body))


def shown(record: StoredRecord) -> dict[str, Any]:
    """Return a trigger or a broadcast as it came, with its result."""
    content = record.content
    return {
        **content["body"],
        **content["more"],
        "message_id": content["message_id"],
        "execution_ids": [_execution_id(record, place) for place in range(content["runs"])],
        "cancelled": [_execution_id(record, place) for place in content["cancelled"]],
    }


def cancel(
    transaction: Transaction, kind: str, execution_id: str | None, chosen: Callable[[StoredRecord], Iterable[int]]
) -> SentAnswer:
    """Cancel runs that are not cancelled yet, and answer with their ids.

    Args:
        transaction: The state.
        kind: Triggers or broadcasts.
        execution_id: The only run that may be meant; None for any.
        chosen: Returns which of a record's runs are meant.
    """
    ended: list[str] = []
    for record in transaction.records.each(kind, ""):
        content = record.content
        places = [
            place
            for place in chosen(record)
            if place not in content["cancelled"] and execution_id in {None, _execution_id(record, place)}
        ]
        if places:
            ended += [_execution_id(record, place) for place in places]
            content["cancelled"] += places
            transaction.records.put(kind, "", record.name, content, transaction.now)
    return answers.record({"execution_ids": ended})


def number_of(execution_id: str) -> str:
    """Return the name of the trigger or the broadcast that an execution may be of."""
    return execution_id.split("_")[-2] if execution_id.count("_") > 1 else ""


def _execution_id(record: StoredRecord, place: int) -> str:
    return execution_id(record.content["message_id"], record.name, place)


def execution_id(message_id: str, name: str, place: int) -> str:
    """Return the id of one run of what is kept under a name."""
    # The message id makes it another one after everything was cleared.
    return f"run_{message_id[:8]}_{name}_{place}"
