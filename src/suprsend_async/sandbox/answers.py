"""What the platform says, in its own JSON shapes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .faults import Fault
    from .refusal import Refusal


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer before it is written."""

    status_code: int
    content: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def accepted(message_id: str) -> Answer:
    """The one event was taken."""
    return Answer(202, {"status": "success", "message_id": message_id})


def bulk(records: list[dict[str, Any]]) -> Answer:
    """The bulk request was read; each record has its own verdict."""
    return Answer(207, {"status": "success", "records": records})


def refused(refusal: Refusal, headers: Mapping[str, str] | None = None) -> Answer:
    """The whole request was refused."""
    return Answer(refusal.status_code, _error(refusal), headers or {})


def failed(fault: Fault) -> Answer:
    """The request ran into a planned fault."""
    error = {"message": "The sandbox was told to refuse this request.", "type": "planned_fault"}
    headers = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
    return Answer(fault.status, {"status": "error", "error": error}, headers)


def accepted_record(message_id: str) -> dict[str, Any]:
    """One record of a bulk request was taken."""
    return {"status": "success", "status_code": 202, "message_id": message_id}


def refused_record(refusal: Refusal) -> dict[str, Any]:
    """One record of a bulk request was refused; the others are not touched by it."""
    return {"status_code": refusal.status_code, **_error(refusal)}


def _error(refusal: Refusal) -> dict[str, Any]:
    return {"status": "error", "error": {"message": refusal.message, "type": refusal.type}}
