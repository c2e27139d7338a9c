"""Records as dead letters hold them: arguments that make the same record again, with the identity that it had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pydantic_core import to_json

from suprsend_async.bulk.kind import MAX_CHUNK_BYTES
from suprsend_async.configuration import request_headers
from suprsend_async.errors import ValidationError
from suprsend_async.events.bulk import event_kind
from suprsend_async.events.encoding import Encoder
from suprsend_async.events.event import Event
from suprsend_async.events.json_values import jsonable
from suprsend_async.ingest.errors import MappingError
from suprsend_async.ingest.mapping.records import EVENTS, USERS, WORKFLOWS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from suprsend_async.ingest.mapping.records import RowKind
    from suprsend_async.resources.edits import UserEdit
    from suprsend_async.resources.trigger import WorkflowTriggerRequest

_EDIT = ("distinct_id", "tenant_id", "operations", "insert_id", "time")
_TRIGGER = (
    *("workflow", "recipients", "data", "actor", "metadata", "tenant_id", "idempotency_key"),
    "cancellation_key",
)


def arguments_of(record: object) -> dict[str, Any] | None:
    """Return the arguments that make the same record again; None if JSON cannot carry them."""
    if isinstance(record, str):
        return {"distinct_id": record}
    try:
        if isinstance(record, Event):
            arguments = {**vars(record), "properties": jsonable(record.properties)}
            arguments["attachments"] = [attachment.model_dump() for attachment in record.attachments]
        else:
            names = _EDIT if hasattr(record, "operations") else _TRIGGER
            arguments = jsonable({name: getattr(record, name) for name in names}, MAX_CHUNK_BYTES, name="", whole="")
        to_json(arguments)
    except (ValidationError, ValueError):
        return None
    return {name: value for name, value in arguments.items() if value not in (None, [])}


def record_from(records: RowKind, arguments: Mapping[str, Any]) -> Any:
    """Return the record that arguments make.

    Raises:
        MappingError: These are arguments of no such record.
        ValidationError: The record is not valid.
    """
    try:
        return _MAKERS.get(records.name, _member)(**arguments)
    except TypeError:
        pass
    what = f"the {records.noun} of this dead letter has arguments that no {records.noun} has"
    raise MappingError(what, outcome="rejected")


def _edit(
    distinct_id: str, operations: object, insert_id: object, time: object, tenant_id: str | None = None
) -> UserEdit:
    # What a job that sends events does not need is imported here and below, not above.
    from suprsend_async.resources.edits import UserEdit

    if not (isinstance(operations, list) and isinstance(insert_id, str) and type(time) is int):
        raise TypeError
    found = cast("list[object]", operations)
    if not all(isinstance(operation, dict) for operation in found):
        raise TypeError
    edit = UserEdit(distinct_id, tenant_id)
    edit.operations = cast("list[dict[str, Any]]", found)
    edit.insert_id, edit.time = insert_id, time
    if not edit.repeatable:
        raise MappingError(
            "the edit of this dead letter has an operation that must not be sent twice; send it with users.edit()",
            outcome="rejected",
        )
    return edit


def _trigger(**arguments: Any) -> WorkflowTriggerRequest:
    from suprsend_async.resources.trigger import WorkflowTriggerRequest

    return WorkflowTriggerRequest(**arguments)


def _member(distinct_id: object) -> str:
    from suprsend_async.resources.edits import MAX_ID_LENGTH
    from suprsend_async.resources.payload import text

    return text("distinct_id", distinct_id, MAX_ID_LENGTH)


_MAKERS: dict[str, Callable[..., Any]] = {
    EVENTS.name: Event,
    USERS.name: _edit,
    WORKFLOWS.name: _trigger,
}


def encoder_of(records: RowKind, workspace: str) -> Callable[[Any], bytes]:
    """Return what writes a record of this kind as it is sent; it raises `ValidationError` for one that cannot be."""
    agent = request_headers(None)["User-Agent"]
    if records == EVENTS:
        return event_kind(Encoder(workspace, agent, MAX_CHUNK_BYTES)).encode
    if records == USERS:
        from suprsend_async.resources.identity import edit_kind

        return edit_kind(workspace, agent).encode
    if records == WORKFLOWS:
        from suprsend_async.resources.trigger import TRIGGER_KIND

        return TRIGGER_KIND.encode
    from suprsend_async.resources.payload import json_bytes

    return json_bytes
