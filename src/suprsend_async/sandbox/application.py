"""The platform's event API as a Starlette application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from pydantic_core import from_json, to_json
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from . import answers
from .authentication import Credentials, Received, Workspace, authenticate
from .refusal import Refusal, invalid
from .rules import check_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from .answers import Answer
    from .faults import Faults
    from .ledger import Ledger

BODY_LIMIT: Final = 819_200
BULK_LIMIT: Final = 100

_TOO_LARGE: Final = Refusal(413, "payload_too_large", f"The body is larger than {BODY_LIMIT} bytes.")


def create_application(credentials: Credentials, ledger: Ledger, faults: Faults) -> Starlette:
    """Build the API over what it reads and writes."""
    api = _EventApi(credentials, ledger, faults)
    application = Starlette(
        routes=[
            Route("/v2/event/", api.one, methods=["POST"]),
            Route("/v2/bulk/event/", api.many, methods=["POST"]),
        ],
        exception_handlers={HTTPException: api.elsewhere},
    )
    # A redirect from /v2/event would hide that the client's URL is wrong.
    application.router.redirect_slashes = False
    return application


class _EventApi:
    def __init__(self, credentials: Credentials, ledger: Ledger, faults: Faults) -> None:
        self._credentials = credentials
        self._ledger = ledger
        self._faults = faults

    async def one(self, request: Request) -> Response:
        return await self._exchange(request, self._take_one)

    async def many(self, request: Request) -> Response:
        return await self._exchange(request, self._take_many)

    async def elsewhere(self, request: Request, error: Exception) -> Response:
        """Answer for a path or a method that the API does not have."""
        self._ledger.count_request()
        if fault := self._faults.take():
            return self._respond(answers.failed(fault))
        status = cast("HTTPException", error).status_code
        headers = cast("HTTPException", error).headers
        if status == 405:
            refusal = Refusal(405, "method_not_allowed", f"{request.method} is not allowed here; use POST.")
        else:
            refusal = Refusal(status, "not_found", "There is nothing at this path.")
        return self._respond(answers.refused(refusal, headers))

    async def _exchange(self, request: Request, take: Callable[[object, Workspace], Answer]) -> Response:
        self._ledger.count_request()
        fault = self._faults.take()
        # Read the body before any refusal: a client that still writes may lose the answer.
        body = await _read_body(request)
        if fault:
            return self._respond(answers.failed(fault))
        if isinstance(body, Refusal):
            return self._respond(answers.refused(body))
        return self._respond(self._answer(request, body, take))

    def _answer(self, request: Request, body: bytes, take: Callable[[object, Workspace], Answer]) -> Answer:
        workspace = authenticate(self._credentials, _received(request, body))
        if isinstance(workspace, Refusal):
            return answers.refused(workspace)
        if refusal := _check_content_type(request.headers.get("content-type", "")):
            return answers.refused(refusal)
        try:
            decoded: object = from_json(body, allow_inf_nan=False, cache_strings="keys")
        except ValueError as error:
            return answers.refused(invalid(f"The body is not valid JSON: {error}."))
        return take(decoded, workspace)

    def _take_one(self, decoded: object, workspace: Workspace) -> Answer:
        verdict = self._take(decoded, workspace)
        return answers.refused(verdict) if isinstance(verdict, Refusal) else answers.accepted(verdict)

    def _take_many(self, decoded: object, workspace: Workspace) -> Answer:
        if not isinstance(decoded, list):
            return answers.refused(invalid("The body must be a JSON array of events."))
        events = cast("list[object]", decoded)
        if not events:
            return answers.refused(invalid("The array of events is empty."))
        if len(events) > BULK_LIMIT:
            return answers.refused(
                invalid(f"A bulk request takes at most {BULK_LIMIT} events; this one has {len(events)}.")
            )
        return answers.bulk([self._take_record(event, workspace) for event in events])

    def _take_record(self, event: object, workspace: Workspace) -> dict[str, Any]:
        verdict = self._take(event, workspace)
        if isinstance(verdict, Refusal):
            self._ledger.count_refusal()
            return answers.refused_record(verdict)
        return answers.accepted_record(verdict)

    def _take(self, event: object, workspace: Workspace) -> Refusal | str:
        """Check one event and store it; return its message id, or why it is refused."""
        refusal = check_event(event, env=workspace.env, env_minimum=workspace.env_minimum)
        return refusal or self._ledger.accept(cast("dict[str, Any]", event))

    def _respond(self, answer: Answer) -> Response:
        if answer.status_code >= 400:
            self._ledger.count_refusal()
        return Response(
            to_json(answer.content), answer.status_code, headers=answer.headers, media_type="application/json"
        )


async def _read_body(request: Request) -> bytes | Refusal:
    """Read the body, but never more than the limit into memory."""
    if int(request.headers.get("content-length", "0")) > BODY_LIMIT:
        return _TOO_LARGE
    body = bytearray()
    try:
        async for chunk in request.stream():
            if len(body) + len(chunk) > BODY_LIMIT:
                return _TOO_LARGE
            body += chunk
    except ClientDisconnect:
        return invalid("The connection closed before the body was complete.")
    return bytes(body)


def _received(request: Request, body: bytes) -> Received:
    # The path as it was sent: a decoded one would not give the signed bytes back.
    target: bytes = request.scope["raw_path"]
    if query := request.scope["query_string"]:
        target += b"?" + query
    return Received(
        method=request.method,
        target=target,
        body=body,
        authorization=request.headers.get("authorization"),
        content_type=request.headers.get("content-type"),
        date=request.headers.get("date"),
    )


def _check_content_type(header: str) -> Refusal | None:
    media_type, _, parameters = header.lower().partition(";")
    charset = parameters.replace(" ", "").replace('"', "")
    if media_type.strip() == "application/json" and charset in {"", "charset=utf-8"}:
        return None
    return Refusal(415, "unsupported_media_type", "The Content-Type header must be `application/json; charset=utf-8`.")
