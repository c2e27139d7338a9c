"""The pages and their HTTP interface."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pydantic_core import to_json
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from suprsend_async.sandbox.inbox.openapi import Operation, describe
from suprsend_async.sandbox.inbox.records.kinds import KINDS
from suprsend_async.sandbox.inbox.records.shapes import (
    Found,
    KindSummaries,
    RecordDetail,
    RecordPage,
    RecordsQuery,
    SearchQuery,
)
from suprsend_async.sandbox.inbox.shapes import (
    Environment,
    EventsQuery,
    FaultToProvoke,
    Health,
    News,
    PlannedFault,
    PlannedFaults,
    PropertySchema,
    RegisteredSchemas,
    RequestsQuery,
)
from suprsend_async.sandbox.platform import answers
from suprsend_async.sandbox.refusal import Refusal, Refused, store_failed
from suprsend_async.sandbox.state.entry import EntryDetail, EntryPage, RequestDetail, RequestPage, Stats

if TYPE_CHECKING:
    from starlette.requests import Request

    from suprsend_async.sandbox.inbox.delivery_operations import DeliveryOperations
    from suprsend_async.sandbox.inbox.operations import Operations
    from suprsend_async.sandbox.inbox.records.operations import RecordOperations


_FOLDER = Path(__file__).parent / "page"
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*", re.IGNORECASE)
_CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}


async def _index(_: Request) -> Response:
    return _file("index.html")


async def _page(request: Request) -> Response:
    if request.path_params["kind"] not in KINDS:
        raise HTTPException(404)
    return _file("records.html")


async def _static(request: Request) -> Response:
    return _file(request.path_params["name"])


def _file(name: str) -> Response:
    path = _FOLDER / name
    content_type = _CONTENT_TYPES.get(path.suffix)
    if content_type is None or not _NAME.fullmatch(name) or not path.is_file():
        raise HTTPException(404)
    return Response(path.read_bytes(), headers={"Content-Type": content_type})


ROUTES = (
    Route("/", _index),
    Route("/_sandbox/pages/{kind}", _page),
    Route("/_sandbox/static/{name}", _static),
)


def create_inbox(can: Operations, records: RecordOperations, delivery: DeliveryOperations) -> Starlette:
    """Build the pages and their interface over what it can do with events, with records, and with what is delivered."""
    operations = [*_operations(can), *_record_operations(records), *delivery.operations()]

    async def openapi(_: Request) -> Response:
        # Made when it is asked for: it takes longer than all the rest of a start.
        return Response(to_json(describe(operations)), media_type="application/json")

    application = Starlette(
        routes=[
            *(Route(_route(each.path), each.handler, methods=[each.method]) for each in operations),
            Route("/_sandbox/openapi.json", openapi),
            *ROUTES,
        ],
        exception_handlers={HTTPException: _elsewhere, Refused: _refused, sqlite3.Error: _store_failed},
    )
    application.router.redirect_slashes = False
    return application


def _operations(can: Operations) -> list[Operation]:
    events, faults, schemas = "/_sandbox/events", "/_sandbox/faults", "/_sandbox/schemas"
    sending = (413, 415)
    return [
        Operation("GET", events, can.list_events, EntryPage, query=EventsQuery),
        Operation("DELETE", events, can.clear_events, status_code=204),
        Operation("GET", f"{events}/{{id}}", can.get_event, EntryDetail, errors=(404,)),
        Operation("GET", "/_sandbox/requests", can.list_requests, RequestPage, query=RequestsQuery),
        Operation("GET", "/_sandbox/requests/{id}", can.get_request, RequestDetail, errors=(404,)),
        Operation("GET", "/_sandbox/stats", can.get_stats, Stats),
        Operation("GET", "/_sandbox/stream", can.stream, News, content_type="text/event-stream"),
        Operation("GET", faults, can.list_faults, PlannedFaults),
        Operation("POST", faults, can.add_fault, PlannedFault, 201, body=FaultToProvoke, errors=(*sending, 409)),
        Operation("DELETE", faults, can.clear_faults, status_code=204),
        Operation("DELETE", f"{faults}/{{id}}", can.remove_fault, status_code=204, errors=(404,)),
        Operation("GET", schemas, can.list_schemas, RegisteredSchemas),
        Operation(
            "PUT",
            f"{schemas}/{{event_name}}",
            can.put_schema,
            status_code=204,
            body=PropertySchema,
            # A name with a line break is no path here.
            errors=(*sending, 404, 422),
        ),
        Operation("DELETE", f"{schemas}/{{event_name}}", can.remove_schema, status_code=204, errors=(404,)),
        Operation("GET", "/_sandbox/environment", can.get_environment, Environment),
        Operation("GET", "/_sandbox/health", can.get_health, Health),
    ]


def _record_operations(can: RecordOperations) -> list[Operation]:
    kinds = "/_sandbox/kinds"
    one = f"{kinds}/{{kind}}/{{id}}"
    return [
        Operation("GET", kinds, can.list_kinds, KindSummaries),
        Operation("GET", f"{kinds}/{{kind}}", can.list_records, RecordPage, query=RecordsQuery, errors=(404,)),
        Operation("GET", one, can.get_record, RecordDetail, errors=(404,)),
        Operation("GET", f"{one}/{{part}}", can.list_part, RecordPage, query=RecordsQuery, errors=(404,)),
        Operation("GET", "/_sandbox/search", can.search, Found, query=SearchQuery),
    ]


def _route(path: str) -> str:
    # An event's name may hold a slash, and so may a workflow's slug.
    return path.replace("{event_name}", "{event_name:path}").replace("{slug}", "{slug:path}")


async def _elsewhere(request: Request, error: Exception) -> Response:
    found = cast("HTTPException", error)
    if found.status_code == 405:
        allow = {"Allow": ", ".join(_allowed(request))}
        return _respond(Refusal(405, "method_not_allowed", f"{request.method} is not allowed here.", allow))
    return _respond(Refusal(found.status_code, "not_found", "There is nothing at this path."))


async def _refused(_: Request, error: Exception) -> Response:
    return _respond(cast("Refused", error).refusal)


async def _store_failed(_: Request, error: Exception) -> Response:
    return _respond(store_failed(error))


def _allowed(request: Request) -> list[str]:
    routes = cast("Starlette", request.app).routes
    path: str = request.scope["path"]
    matching = [route for route in routes if isinstance(route, Route) and route.path_regex.match(path)]
    return sorted({method for route in matching for method in route.methods or ()})


def _respond(refusal: Refusal) -> Response:
    answer = answers.refused(refusal)
    return Response(answer.body, answer.status_code, headers=answer.headers, media_type=answer.content_type)
