"""Which answers are certainly the platform's own, so that no other one comes for their request. Pure.

What stands in between may answer by itself, and pass the platform's own answer on later: to the next request, if that
goes over the same connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from suprsend_async.transport.answer import text_of
from suprsend_async.transport.retry import REQUEST_TIMEOUT, SERVICE_UNAVAILABLE, TOO_EARLY

if TYPE_CHECKING:
    from suprsend_async.transport.answer import Answer
    from suprsend_async.transport.request import Request

_NO_CONTENT = 204
# What stands in between says so by itself: it waited too long, would not take part, or lost the caller.
_OF_OTHERS = frozenset({REQUEST_TIMEOUT, TOO_EARLY, 499})


def is_platforms_own(answer: Answer, request: Request) -> bool:
    """Whether an answer has a form that the platform gives to such a request."""
    if answer.is_success:
        if request.names_message:
            return bool(text_of(answer.mapping.get("message_id"))) or isinstance(answer.mapping.get("records"), list)
        # An OK is no JSON; it is looked for first.
        return answer.says_ok or bool(answer.mapping) or _is_deleted(answer, request)
    status_code = answer.status_code
    if status_code < 400 or status_code in _OF_OTHERS or answer.is_indecisive:
        return False
    if status_code >= 500 and status_code != SERVICE_UNAVAILABLE:
        return False
    # A refusal of the credentials may be a JSON string.
    return _is_refusal(answer) or isinstance(answer.document, str)


def _is_refusal(answer: Answer) -> bool:
    """Whether it has one of the forms of a refusal; a message alone is also a gateway's."""
    fields = answer.mapping
    return fields.get("status") in ("error", "fail") or (
        fields.get("code") == answer.status_code and ("message" in fields or "detail" in fields)
    )


def _is_deleted(answer: Answer, request: Request) -> bool:
    return request.method == "DELETE" and answer.status_code == _NO_CONTENT and not answer.body
