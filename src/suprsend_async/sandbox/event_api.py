"""The platform's event API as a Starlette application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from pydantic_core import from_json
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from . import answers, received
from .authentication import Credentials, Workspace, authenticate
from .connection import wait_for_hang_up
from .faults import Html502, Reset, Silence, Status
from .ledger import Judged
from .refusal import Refusal, invalid
from .rules import check_event

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from .answers import Answer
    from .fault_plan import Faults
    from .faults import Ending
    from .ledger import Ledger
    from .schemas import Schemas

BODY_LIMIT: Final = 819_200
BULK_LIMIT: Final = 100

_Verdicts: TypeAlias = "Sequence[Refusal | str]"


def create_event_api(credentials: Credentials, ledger: Ledger, faults: Faults, schemas: Schemas) -> Starlette:
    """Build the API over what it reads and writes."""
    api = _EventApi(credentials, ledger, faults, schemas)
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


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """What sets one of the two endpoints apart."""

    split: Callable[[object], list[object] | Refusal]
    answer: Callable[[_Verdicts], Answer]


class _EventApi:
    def __init__(self, credentials: Credentials, ledger: Ledger, faults: Faults, schemas: Schemas) -> None:
        self._credentials = credentials
        self._ledger = ledger
        self._faults = faults
        self._schemas = schemas

    async def one(self, request: Request) -> Response:
        return await self._exchange(request, _ONE)

    async def many(self, request: Request) -> Response:
        return await self._exchange(request, _MANY)

    async def elsewhere(self, request: Request, error: Exception) -> Response:
        """Answer for a path or a method that the API does not have."""
        self._ledger.count_request()
        strike = self._faults.strike()
        if strike.delay:
            await wait_for_hang_up(request, strike.delay)
        if strike.ending:
            return await self._end(request, b"", strike.ending)
        status = cast("HTTPException", error).status_code
        if status == 405:
            refusal = Refusal(405, "method_not_allowed", f"{request.method} is not allowed here; use POST.")
        else:
            refusal = Refusal(status, "not_found", "There is nothing at this path.")
        return self._refuse(request, b"", answers.refused(refusal, cast("HTTPException", error).headers), refusal)

    async def _exchange(self, request: Request, endpoint: _Endpoint) -> Response:
        self._ledger.count_request()
        strike = self._faults.strike()
        # Read the body before any refusal: a client that still writes may lose the answer.
        body = await received.read_body(request, BODY_LIMIT)
        if strike.delay:
            await wait_for_hang_up(request, strike.delay)
        match strike.ending:
            case None:
                return _response(self._answer(request, body, endpoint))
            case Reset(when="after"):
                self._answer(request, body, endpoint, "The connection was reset before the answer, as planned.")
                return await _reset(request)
            case ending:
                return await self._end(request, _readable(body), ending)

    def _answer(self, request: Request, body: bytes | Refusal, endpoint: _Endpoint, note: str | None = None) -> Answer:
        events = self._judge(request, body, endpoint)
        raw = received.raw(request, _readable(body))
        if isinstance(events, Refusal):
            self._ledger.refuse(raw, events)
            return answers.refused(events)
        return endpoint.answer(self._ledger.take(raw, events, note))

    def _judge(self, request: Request, body: bytes | Refusal, endpoint: _Endpoint) -> list[Judged] | Refusal:
        """Read the events, and say for each which rule it breaks; or why the whole request is refused."""
        if isinstance(body, Refusal):
            return body
        workspace = authenticate(self._credentials, received.signed_part(request, body))
        if isinstance(workspace, Refusal):
            return workspace
        if refusal := _check_content_type(request.headers.get("content-type", "")):
            return refusal
        try:
            decoded: object = from_json(body, allow_inf_nan=False, cache_strings="keys")
        except ValueError as error:
            return invalid(f"The body is not valid JSON: {error}.")
        events = endpoint.split(decoded)
        if isinstance(events, Refusal):
            return events
        return self._faults.limit(len(events)) or [self._judge_one(event, workspace) for event in events]

    def _judge_one(self, event: object, workspace: Workspace) -> Judged:
        refusal = (
            check_event(event, env=workspace.env, env_minimum=workspace.env_minimum)
            or self._schemas.check(cast("dict[str, Any]", event))
            or self._faults.refuse(event)
        )
        return Judged(event, refusal)

    async def _end(self, request: Request, body: bytes, ending: Ending) -> Response:
        """Let the request come to a planned end; nothing of it is stored."""
        if isinstance(ending, Status | Html502):
            answer = answers.failed(ending)
            planned = Refusal(answer.status_code, "planned_fault", "The sandbox was told to refuse this request.")
            return self._refuse(request, body, answer, planned)
        what = "reset the connection" if isinstance(ending, Reset) else "keep silent"
        planned = Refusal(0, "planned_fault", f"The sandbox was told to {what}.")
        self._ledger.refuse(received.raw(request, body), planned)
        if isinstance(ending, Silence):
            await wait_for_hang_up(request)
        return await _reset(request)

    def _refuse(self, request: Request, body: bytes, answer: Answer, refusal: Refusal) -> Response:
        self._ledger.refuse(received.raw(request, body), refusal)
        return _response(answer)


def _split_one(decoded: object) -> list[object] | Refusal:
    return [decoded]


def _split_many(decoded: object) -> list[object] | Refusal:
    if not isinstance(decoded, list):
        return invalid("The body must be a JSON array of events.")
    events = cast("list[object]", decoded)
    if not events:
        return invalid("The array of events is empty.")
    if len(events) > BULK_LIMIT:
        return invalid(f"A bulk request takes at most {BULK_LIMIT} events; this one has {len(events)}.")
    return events


_ONE: Final = _Endpoint(_split_one, lambda verdicts: answers.one(verdicts[0]))
_MANY: Final = _Endpoint(_split_many, answers.many)


def _readable(body: bytes | Refusal) -> bytes:
    return b"" if isinstance(body, Refusal) else body


async def _reset(request: Request) -> Response:
    request.state.connection.reset()
    await wait_for_hang_up(request)
    # Goes nowhere: the connection is gone.
    return Response()


def _response(answer: Answer) -> Response:
    response = Response(answer.body, answer.status_code, headers=answer.headers)
    # Not as the media type: that would add a character set to text.
    response.headers["Content-Type"] = answer.content_type
    return response


def _check_content_type(header: str) -> Refusal | None:
    media_type, _, parameters = header.lower().partition(";")
    charset = parameters.replace(" ", "").replace('"', "")
    if media_type.strip() == "application/json" and charset in {"", "charset=utf-8"}:
        return None
    return Refusal(415, "unsupported_media_type", "The Content-Type header must be `application/json; charset=utf-8`.")
