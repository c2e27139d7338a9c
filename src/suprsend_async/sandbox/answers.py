"""What the platform says, in its own JSON shapes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import to_json

from .faults import Status
from .refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .faults import Html502

_GATEWAYS_PAGE: Final = b"""<html>\r
<head><title>502 Bad Gateway</title></head>\r
<body>\r
<center><h1>502 Bad Gateway</h1></center>\r
<hr><center>sandbox</center>\r
</body>\r
</html>\r
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer before it is written."""

    status_code: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def one(verdict: Refusal | str) -> Answer:
    """The one event was taken under this message id, or refused."""
    if isinstance(verdict, Refusal):
        return refused(verdict)
    return Answer(202, to_json({"status": "success", "message_id": verdict}))


def many(verdicts: Sequence[Refusal | str]) -> Answer:
    """The bulk request was read; each record has its own verdict."""
    return Answer(207, to_json({"status": "success", "records": [_record(verdict) for verdict in verdicts]}))


def refused(refusal: Refusal, headers: Mapping[str, str] | None = None) -> Answer:
    """The whole request was refused."""
    fields = dict(headers or {})
    if refusal.retry_after is not None:
        fields["Retry-After"] = refusal.retry_after
    return Answer(refusal.status_code, to_json(_error(refusal)), headers=fields)


def failed(fault: Status | Html502) -> Answer:
    """The request ran into a planned fault."""
    if not isinstance(fault, Status):
        return Answer(502, _GATEWAYS_PAGE, "text/html")
    retry_after = None if fault.retry_after is None else str(fault.retry_after)
    refusal = Refusal(fault.status, "planned_fault", "The sandbox was told to refuse this request.", retry_after)
    answer = refused(refusal)
    if fault.body is None:
        return answer
    return Answer(fault.status, fault.body.encode(errors="replace"), fault.content_type, answer.headers)


def _record(verdict: Refusal | str) -> dict[str, Any]:
    if isinstance(verdict, Refusal):
        return {"status_code": verdict.status_code, **_error(verdict)}
    return {"status": "success", "status_code": 202, "message_id": verdict}


def _error(refusal: Refusal) -> dict[str, Any]:
    return {"status": "error", "error": {"message": refusal.message, "type": refusal.type}}
