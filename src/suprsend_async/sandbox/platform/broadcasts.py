"""The endpoints of broadcasts: a notification to all of a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from suprsend_async.sandbox.platform import answers, runs
from suprsend_async.sandbox.platform.body import problem_of
from suprsend_async.sandbox.platform.endpoint import Endpoint, Items
from suprsend_async.sandbox.platform.lists import subscribers_count
from suprsend_async.sandbox.platform.profiles import CHANNELS
from suprsend_async.sandbox.refusal import Refusal, Refused, invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from suprsend_async.sandbox.platform.authentication import Workspace
    from suprsend_async.sandbox.platform.endpoint import ApiCall
    from suprsend_async.sandbox.state.entry import SentAnswer
    from suprsend_async.sandbox.state.records import StoredRecord
    from suprsend_async.sandbox.state.transaction import Transaction

_TEXT = {"type": "string", "minLength": 1, "pattern": "\\S"}
_BROADCAST = {
    "type": "object",
    "required": ["list_id", "template", "notification_category"],
    "properties": {
        "list_id": _TEXT,
        "template": {"type": "string", "minLength": 2},
        "notification_category": {"type": "string", "minLength": 2},
        "data": runs.IN_DATA,
        "channels": {"type": ["array", "null"], "items": {"enum": list(CHANNELS)}},
        "delay": runs.DELAY,
        "trigger_at": {"type": ["string", "null"]},
        "tenant_id": runs.TENANT,
        "brand_id": runs.TENANT,
        "$idempotency_key": runs.KEY,
        "$insert_id": {"type": "string"},
        "$time": {"type": "integer"},
    },
}
_FILTERS = {"execution_id": _TEXT, "list_id": _TEXT, "idempotency_key": _TEXT}
_CANCEL = {"type": "object", "properties": _FILTERS}


def _find(decoded: object) -> list[object]:
    return [decoded]


def _check(body: object, _: Workspace) -> Refusal | None:
    return problem_of(body, _BROADCAST)


def _about(body: Mapping[str, Any]) -> tuple[str, tuple[()]]:
    return body["template"], ()


def _take(transaction: Transaction, call: ApiCall) -> SentAnswer:
    """Accept a broadcast, also one to a list that is not there: that shows in the platform's logs only."""
    runs.require_workspace(call)
    [judged] = call.items
    if judged.refusal:
        raise Refused(judged.refusal)
    body = cast("dict[str, Any]", judged.event)
    message_id, is_first = transaction.once("broadcast", runs.idempotency_key(body))
    if is_first:
        count = subscribers_count(transaction.records, body["list_id"].lower())
        runs.keep(transaction, "broadcast", message_id, body, 1, subscribers_count=count)
    return answers.ok()


def _cancel(transaction: Transaction, call: ApiCall) -> SentAnswer:
    wanted: dict[str, Any] = call.body
    if not wanted.keys() & _FILTERS.keys():
        raise Refused(invalid("give execution_id, list_id or idempotency_key"))
    key, list_id = wanted.get("idempotency_key", "").strip() or None, wanted.get("list_id")

    def chosen(record: StoredRecord) -> range:
        body = record.content["body"]
        is_meant = key in {None, runs.idempotency_key(body)} and list_id in {None, body["list_id"]}
        return range(1 if is_meant else 0)

    return runs.cancel(transaction, "broadcast", wanted.get("execution_id"), chosen)


ENDPOINTS = (
    Endpoint(
        "POST",
        "{workspace}/broadcast/",
        _take,
        items=Items(_find, _check, _about, "broadcast"),
        refuse=answers.text,
    ),
    Endpoint("POST", "v1/broadcast_run/cancel/", _cancel, _CANCEL),
)
