"""What the platform says, in its own JSON shapes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from suprsend_async.sandbox.faults import Status
from suprsend_async.sandbox.refusal import Refusal, retry_after
from suprsend_async.sandbox.state.entry import SentAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from suprsend_async.sandbox.faults import Html502


# What the long shape calls errors.
_LONG_NAMES = {400: ("error", "ValidationError"), 404: ("not_found", "NotFound")}
_GATEWAYS_PAGE = b"""<html>\r
<head><title>502 Bad Gateway</title></head>\r
<body>\r
<center><h1>502 Bad Gateway</h1></center>\r
<hr><center>sandbox</center>\r
</body>\r
</html>\r
"""


def one(verdict: Refusal | str) -> SentAnswer:
    """The one event was taken under this message id, or refused."""
    if isinstance(verdict, Refusal):
        return refused(verdict)
    return SentAnswer(202, to_json({"status": "success", "message_id": verdict}))


def many(verdicts: Sequence[Refusal | str]) -> SentAnswer:
    """The bulk request was read; each record has its own verdict."""
    return SentAnswer(207, to_json({"status": "success", "records": [_record(verdict) for verdict in verdicts]}))


def refused(refusal: Refusal) -> SentAnswer:
    """The whole request was refused."""
    return SentAnswer(refusal.status_code, to_json(_error(refusal)), headers=refusal.headers)


def coded(refusal: Refusal) -> SentAnswer:
    """A call on a record was refused, in the shape of most such calls."""
    body = {"code": refusal.status_code, "message": refusal.message}
    return SentAnswer(refusal.status_code, to_json(body), headers=refusal.headers)


def detailed(refusal: Refusal) -> SentAnswer:
    """A call was refused, with what is wrong by field where that is known."""
    if not refusal.detail:
        return coded(refusal)
    body = {"code": refusal.status_code, "detail": refusal.detail, "message": json.dumps(refusal.detail)}
    return SentAnswer(refusal.status_code, to_json(body), headers=refusal.headers)


def record(content: Mapping[str, Any], status_code: int = 200) -> SentAnswer:
    """A call on a record was carried out."""
    return SentAnswer(status_code, to_json(content))


def done() -> SentAnswer:
    """A call was carried out of which nothing is to be said."""
    return SentAnswer(204, b"")


def ok() -> SentAnswer:
    """All of the request was taken, in the words of the older endpoints."""
    return SentAnswer(202, b"OK", "text/plain; charset=utf-8")


def older(refusal: Refusal) -> SentAnswer:
    """The whole request was refused, in the shape of the older endpoints."""
    body = {"status": "fail", "message": refusal.message}
    return SentAnswer(refusal.status_code, to_json(body), headers=refusal.headers)


def by_field(refusal: Refusal) -> SentAnswer:
    """A call was refused, in the long shape of tenants and lists."""
    if refusal.status_code == 401:
        return bare(refusal)
    error_code, kind = _LONG_NAMES.get(refusal.status_code, (refusal.type, refusal.type))
    detail: object = {name: [reason] for name, reason in refusal.detail.items()} or refusal.message
    message = json.dumps(detail) if refusal.detail else refusal.message
    body = {"code": refusal.status_code, "error_code": error_code, "type": kind, "message": message, "detail": detail}
    return SentAnswer(refusal.status_code, to_json(body), headers=refusal.headers)


def bare(refusal: Refusal) -> SentAnswer:
    """A call was refused, with nothing but a JSON string."""
    return SentAnswer(refusal.status_code, to_json(refusal.message), headers=refusal.headers)


def triggered(refusal: Refusal) -> SentAnswer:
    """A trigger was refused: in one of two shapes, as it is wrong in itself or not."""
    return older(refusal) if refusal.status_code in {400, 413, 415} else refused(refusal)


def text(refusal: Refusal) -> SentAnswer:
    """A broadcast was refused, in plain text."""
    return SentAnswer(refusal.status_code, refusal.message.encode(), "text/plain; charset=utf-8", refusal.headers)


def unknown(refusal: Refusal) -> SentAnswer:
    """A call on a template was refused."""
    if refusal.status_code == 401:
        return bare(refusal)
    if refusal.status_code != 404:
        return coded(refusal)
    return SentAnswer(404, to_json({"code": 404, "type": "DoesNotExist", "message": refusal.message}))


def failed(fault: Status | Html502) -> SentAnswer:
    """The request ran into a planned fault."""
    if not isinstance(fault, Status):
        return SentAnswer(502, _GATEWAYS_PAGE, "text/html")
    headers = {} if fault.retry_after is None else retry_after(fault.retry_after)
    refusal = Refusal(fault.status, "planned_fault", "The sandbox has a planned fault for this request.", headers)
    answer = refused(refusal)
    if fault.body is None:
        return answer
    return SentAnswer(fault.status, fault.body.encode(errors="replace"), fault.content_type, answer.headers)


def _record(verdict: Refusal | str) -> dict[str, Any]:
    if isinstance(verdict, Refusal):
        return {"status_code": verdict.status_code, **_error(verdict)}
    return {"status": "success", "status_code": 202, "message_id": verdict}


def _error(refusal: Refusal) -> dict[str, Any]:
    return {"status": "error", "error": {"message": refusal.message, "type": refusal.type}}
