"""Which answers are certainly the platform's own, so that no other one comes for their request. Pure.

What stands in between may answer by itself, and pass the platform's own answer on later: to the next request, if that
goes over the same connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from suprsend_async.transport.answer import text_of
from suprsend_async.transport.retry import REFUSED_CREDENTIALS, REQUEST_TIMEOUT, SERVICE_UNAVAILABLE, TOO_EARLY

if TYPE_CHECKING:
    from suprsend_async.transport.answer import Answer
    from suprsend_async.transport.request import Request

_NO_CONTENT = 204
# What stands in between says so by itself: it waited too long, would not take part, or lost the caller.
_OF_OTHERS = frozenset({REQUEST_TIMEOUT, TOO_EARLY, 499})


def is_platforms_own(answer: Answer, request: Request) -> bool:
    """Whether an answer has a form that the platform gives to such a request."""
    if answer.is_success:
        return not answer.says_no and (_is_yes(answer, request) or _is_deleted(answer, request))
    status_code = answer.status_code
    if status_code < 400 or status_code in _OF_OTHERS or answer.is_indecisive:
        return False
    if status_code >= 500 and status_code != SERVICE_UNAVAILABLE:
        return False
    # A refusal of the credentials may be a JSON string.
    return _is_refusal(answer) or (status_code in REFUSED_CREDENTIALS and isinstance(answer.document, str))


def sends_nothing(request: Request) -> bool:
    """Whether a request reads or changes a record by its method, so that no message is sent for it."""
    return request.method != "POST"


def is_yes_to_a_send(answer: Answer, request: Request) -> bool:
    """Whether an answer has the form of the yes to events or triggers, which no record of the platform's has.

    A record may have the id of a message, too, but no such status. A PATCH may be answered with records.
    """
    fields = answer.mapping
    return fields.get("status") == "success" and (
        isinstance(fields.get("message_id"), str)
        or (request.method != "PATCH" and isinstance(fields.get("records"), list))
    )


def _is_yes(answer: Answer, request: Request) -> bool:
    fields = answer.mapping
    if not fields:
        # The bare yes names no message, and is no record.
        return answer.says_ok and not request.names_message and request.method != "GET"
    if not request.names_message:
        if sends_nothing(request) and is_yes_to_a_send(answer, request):
            return False
        # A message alone, or one with a status for a code, is somebody's on the way.
        return bool(fields.keys() - {"message", "code"})
    # The form of the other kind is the answer to another request, or the work of somebody who does not know the two.
    records = fields.get("records")
    if isinstance(records, list) or request.has_records:
        held = cast("list[object]", records) if isinstance(records, list) else []
        return request.has_records and len(held) == request.record_count
    return fields.get("status") == "success" and bool(text_of(fields.get("message_id")))


def _is_refusal(answer: Answer) -> bool:
    """Whether it has one of the forms of a refusal; a message alone is also a gateway's."""
    fields = answer.mapping
    return fields.get("status") in ("error", "fail") or (
        fields.get("code") == answer.status_code and ("message" in fields or "detail" in fields)
    )


def _is_deleted(answer: Answer, request: Request) -> bool:
    return request.method == "DELETE" and answer.status_code == _NO_CONTENT and not answer.body
