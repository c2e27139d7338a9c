"""Which answers are certainly the platform's own, so that no other one comes for their request. Pure.

What stands in between may answer by itself, and pass the platform's own answer on later: to the next request, if that
goes over the same connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suprsend_async.transport.answer import Answer
    from suprsend_async.transport.request import Request

_NO_CONTENT = 204


def is_platforms_own(answer: Answer, request: Request) -> bool:
    """Whether an answer has a form that the platform gives to such a request."""
    if answer.is_success:
        if request.names_message:
            return "message_id" in answer.mapping or "records" in answer.mapping
        # An OK is no JSON; it is looked for first.
        return answer.says_ok or bool(answer.mapping) or _is_deleted(answer, request)
    if answer.status_code < 400 or answer.is_indecisive:
        return False
    # A refusal of the credentials may be a JSON string.
    return bool(answer.mapping) or isinstance(answer.document, str)


def _is_deleted(answer: Answer, request: Request) -> bool:
    return request.method == "DELETE" and answer.status_code == _NO_CONTENT and not answer.body
