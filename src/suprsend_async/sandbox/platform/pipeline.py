"""The one way of every call: count, fault, read, authenticate, decode, check, act, answer, note."""

from __future__ import annotations

import contextlib
import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import Response

from suprsend_async.sandbox import json_numbers
from suprsend_async.sandbox.connection import wait_for_hang_up
from suprsend_async.sandbox.faults import Html502, Reset, Silence, Status
from suprsend_async.sandbox.platform import (
    answers,
    broadcasts,
    categories,
    events,
    identity,
    lists,
    messages,
    objects,
    preferences,
    received,
    subscriptions,
    templates,
    tenants,
    triggers,
    users,
)
from suprsend_async.sandbox.platform.authentication import authenticate
from suprsend_async.sandbox.platform.body import problem_of
from suprsend_async.sandbox.platform.endpoint import ApiCall, Routes
from suprsend_async.sandbox.refusal import Refusal, Refused, invalid, is_of_store, store_failed, unacceptable, wrong
from suprsend_async.sandbox.state.transaction import Judged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.types import Receive, Scope, Send

    from suprsend_async.sandbox.faults import Ending
    from suprsend_async.sandbox.faults.plan import Faults
    from suprsend_async.sandbox.platform.authentication import Workspace, WorkspaceCredentials
    from suprsend_async.sandbox.platform.endpoint import Endpoint, Items
    from suprsend_async.sandbox.platform.schemas import SchemaChecks
    from suprsend_async.sandbox.state.entry import RawRequest, SentAnswer
    from suprsend_async.sandbox.state.ledger import Ledger
    from suprsend_async.sandbox.state.transaction import Transaction


BODY_LIMIT = 819_200

T = TypeVar("T")

_logger = logging.getLogger("suprsend_async.sandbox")
_modules = (
    events,
    identity,
    triggers,
    broadcasts,
    users,
    objects,
    subscriptions,
    lists,
    tenants,
    categories,
    preferences,
    messages,
    templates,
)
ENDPOINTS = tuple(endpoint for module in _modules for endpoint in module.ENDPOINTS)
_routes = Routes(ENDPOINTS)


class Consequences(Protocol):
    """The consequences of calls that were carried out."""

    def note(self, transaction: Transaction) -> None:
        """Note in a call's transaction what is to come of it."""
        ...

    async def follow(self) -> None:
        """See to it before the call is answered, but not for long."""
        ...


class Platform:
    """The platform's API as an ASGI application.

    Args:
        credentials: Who may call.
        ledger: What came, and what there is.
        faults: What is planned to go wrong.
        schemas: What the properties of events must look like.
        consequences: The consequences of calls.
    """

    def __init__(
        self,
        credentials: WorkspaceCredentials,
        ledger: Ledger,
        faults: Faults,
        schemas: SchemaChecks,
        consequences: Consequences,
    ) -> None:
        self._credentials = credentials
        self._ledger = ledger
        self._faults = faults
        self._schemas = schemas
        self._consequences = consequences

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self._exchange(Request(scope, receive))
        await response(scope, receive, send)

    async def _exchange(self, request: Request) -> Response:
        began = time.perf_counter()
        self._ledger.count_request()
        strike = self._faults.strike()
        found = _routes.find(request.method, request.scope["raw_path"])
        # Read the body before any refusal: a client that still writes may lose the answer.
        body = await received.read_body(request, BODY_LIMIT)
        came = _Came(received.raw(request, b"" if isinstance(body, Refusal) else body), found, began)
        if strike.delay:
            await wait_for_hang_up(request, strike.delay)
        match strike.ending:
            case None:
                return _response(await self._answer(request, body, came))
            case Reset(when="after"):
                await self._answer(request, body, came, "The connection was reset before the answer, as planned.")
                return await _reset(request)
            case ending:
                return await self._end(request, came, ending)

    async def _answer(
        self, request: Request, body: bytes | Refusal, came: _Came, unanswered: str | None = None
    ) -> SentAnswer:
        try:
            endpoint, ids = _granted(came.found)
            call = await self._read(request, body, endpoint, ids)
            answer = self._ledger.act(
                came.raw, lambda transaction: self._act(endpoint, transaction, call), unanswered, came.began
            )
        except Refused as refused:
            answer = came.refuse(refused.refusal)
            self._refuse(came, refused.refusal, None if unanswered else answer)
        except Exception as error:
            # Neither the caller nor whoever looks at the inbox is left alone with it. A full disk and a damaged file
            # are no faults of the program, of which a traceback would tell.
            _logger.error("the sandbox could not take a request: %s", error, exc_info=not is_of_store(error))
            failure = _failure(error)
            answer = came.refuse(failure)
            with contextlib.suppress(Exception):
                self._refuse(came, failure, answer)
        else:
            await self._consequences.follow()
        return answer

    def _act(self, endpoint: Endpoint, transaction: Transaction, call: ApiCall) -> SentAnswer:
        answer = endpoint.act(transaction, call)
        self._consequences.note(transaction)
        return answer

    def _refuse(self, came: _Came, refusal: Refusal, answer: SentAnswer | None) -> None:
        self._ledger.refuse(came.raw, refusal, answer, came.began, is_event=came.is_event)

    async def _read(self, request: Request, body: bytes | Refusal, endpoint: Endpoint, ids: dict[str, str]) -> ApiCall:
        """Authenticate, decode and check a call.

        Raises:
            Refused: As a whole. An event that breaks a rule is only marked.
        """
        content = _granted(body)
        workspace = _granted(authenticate(self._credentials, received.signed_part(request, content)))
        if endpoint.schema is not None and not content:
            raise Refused(invalid("Request body must not be empty"))
        decoded = _decoded(request, content)
        if endpoint.schema is not None and (problem := _problem_of_record(decoded, endpoint.schema)):
            raise Refused(problem)
        items = endpoint.items
        found = _granted(items.find(decoded)) if items else []
        # Edits in a bulk count as events do.
        if limited := self._faults.limit(len(cast("list[object]", decoded)) if isinstance(decoded, list) else 1):
            raise Refused(limited)
        judged = await self._judge(items, found, workspace) if items else ()
        query = request.query_params.multi_items() if request.scope["query_string"] else ()
        return ApiCall(workspace, ids, query, decoded, judged)

    async def _judge(self, items: Items, found: Sequence[object], workspace: Workspace) -> list[Judged]:
        judged = [_judge_one(items, item, workspace) for item in found]
        kept = {place: cast("dict[str, Any]", each.event) for place, each in enumerate(judged) if each.refusal is None}
        broken = await self._schemas.check(kept) if items.are_events else {}
        for place, item in kept.items():
            if refusal := broken.get(place) or self._faults.refuse(items.word, *items.about(item)):
                judged[place] = replace(judged[place], refusal=refusal)
        return judged

    async def _end(self, request: Request, came: _Came, ending: Ending) -> Response:
        """Let the request come to a planned end; nothing of it is stored."""
        if isinstance(ending, Status | Html502):
            answer = answers.failed(ending)
            planned = Refusal(answer.status_code, "planned_fault", "The sandbox has a planned fault for this request.")
            self._refuse(came, planned, answer)
            return _response(answer)
        what = "reset the connection" if isinstance(ending, Reset) else "keep silent"
        planned = Refusal(0, "planned_fault", f"The sandbox has a planned fault: {what}.")
        self._refuse(came, planned, None)
        if isinstance(ending, Silence):
            await wait_for_hang_up(request)
        return await _reset(request)


@dataclass(frozen=True, slots=True)
class _Came:
    """A request for people to look at, the endpoint that it is for or why there is none, and when it came."""

    raw: RawRequest
    found: tuple[Endpoint, dict[str, str]] | Refusal
    began: float

    @property
    def is_event(self) -> bool:
        """Whether its body, if it is an object, is one event."""
        items = None if isinstance(self.found, Refusal) else self.found[0].items
        return items is not None and items.are_events

    def refuse(self, refusal: Refusal) -> SentAnswer:
        """Make the answer to it in the endpoint's shape."""
        return answers.refused(refusal) if isinstance(self.found, Refusal) else self.found[0].refuse(refusal)


def _granted(value: T | Refusal) -> T:
    if isinstance(value, Refusal):
        raise Refused(value)
    return value


def _decoded(request: Request, content: bytes) -> object:
    if not content and request.method in {"GET", "DELETE"}:
        return None
    if refusal := _check_content_type(request.headers.get("content-type", "")):
        raise Refused(refusal)
    try:
        return from_json(content, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise Refused(invalid(f"The body is not valid JSON: {error}.")) from None


def _problem_of_record(decoded: object, schema: Mapping[str, Any]) -> Refusal | None:
    if problem := problem_of(decoded, schema):
        return problem
    _, too_large = json_numbers.write(decoded, "")
    return wrong(too_large.removeprefix("."), "a number that JSON readers cannot read") if too_large else None


def _judge_one(items: Items, item: object, workspace: Workspace) -> Judged:
    content, too_large = json_numbers.write(item, items.word)
    refusal = items.check(item, workspace)
    if refusal is None and too_large is not None:
        place = too_large.removeprefix(f"{items.word}.")
        refusal = unacceptable(f"`{place}` is a number that JSON readers cannot read.")
    return Judged(item, refusal, content)


def _failure(error: Exception) -> Refusal:
    if is_of_store(error):
        return store_failed(error)
    message = f"The sandbox itself failed ({type(error).__name__}); its log says where. Please report it."
    return Refusal(500, "sandbox_error", message)


async def _reset(request: Request) -> Response:
    request.state.connection.reset()
    await wait_for_hang_up(request)
    # Goes nowhere: the connection is gone.
    return Response()


def _response(answer: SentAnswer) -> Response:
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
