"""Server-sent events: that there is something new, at most five times a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import anyio
import anyio.lowlevel
from pydantic import BaseModel, ValidationError
from pydantic_core import to_json
from starlette.responses import Response, StreamingResponse

from suprsend_async.sandbox.inbox.shapes import (
    Environment,
    EventsQuery,
    FaultToProvoke,
    Health,
    News,
    NoQuery,
    PlannedFault,
    PlannedFaults,
    PropertySchema,
    RegisteredSchemas,
    RequestsQuery,
)
from suprsend_async.sandbox.platform import received
from suprsend_async.sandbox.refusal import Refusal, Refused, invalid, missing, unacceptable
from suprsend_async.sandbox.state.search import Filters
from suprsend_async.version import __version__

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncGenerator, Callable

    from starlette.requests import Request

    from suprsend_async.sandbox.faults.plan import Faults, Planned
    from suprsend_async.sandbox.platform.schemas import SchemaChecks, Schemas
    from suprsend_async.sandbox.state.ledger import Ledger


_PAUSE = 0.2  # seconds
_SILENT_PAUSES = 75  # pauses without news until a sign of life: 15 seconds
_RETRY = 1000  # milliseconds until a browser connects again


async def stream(ledger: Ledger, stopping: asyncio.Event) -> AsyncGenerator[str]:
    """Yield the news until the server is about to stop.

    However many events come, a listener gets five messages a second at most. Each tells the present state, so one that
    comes back with a `Last-Event-ID` has missed nothing: the first message is sent at once.
    """
    yield f"retry: {_RETRY}\n\n"
    told, silent = -1, 0
    while not stopping.is_set():
        version = ledger.version
        if version != told:
            told, silent = version, 0
            news = News(latest_id=ledger.latest_id, stats=ledger.stats())
            yield f"id: {news.latest_id}\nevent: events\ndata: {news.model_dump_json()}\n\n"
        elif silent >= _SILENT_PAUSES:
            silent = 0
            yield ": still here\n\n"
        silent += 1
        with anyio.move_on_after(_PAUSE):
            await stopping.wait()


BODY_LIMIT = 1_048_576
LARGEST_ID = 2**63 - 1

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Operations:
    """What the interface can do.

    Attributes:
        ledger: What came.
        faults: What is planned to go wrong.
        schemas: What properties must look like.
        checks: What applies the schemas.
        environment: Gives the environment variables that point a client at this sandbox.
    """

    ledger: Ledger
    faults: Faults
    schemas: Schemas
    checks: SchemaChecks
    environment: Callable[[], dict[str, str]]

    async def list_events(self, request: Request) -> Response:
        """List entries, newest first."""
        query = _query(request, EventsQuery)
        filters = await self._searched(query)
        return _json(self.ledger.find.page(filters, _cursor(query), query.limit))

    async def list_requests(self, request: Request) -> Response:
        """List requests with entries that match, newest first: each bulk as one."""
        query = _query(request, RequestsQuery)
        filters = await self._searched(query)
        return _json(self.ledger.find.requests(filters, _cursor(query), query.limit))

    async def _searched(self, query: EventsQuery) -> Filters:
        wanted = {name: getattr(query, name) or None for name in ("name", "distinct_id", "tenant_id", "verdict")}
        filters = Filters(**wanted, text=query.q or None)
        # However long it takes, others have their turn meanwhile.
        while not self.ledger.find.look(filters):
            await anyio.lowlevel.checkpoint()
        return filters

    async def get_event(self, request: Request) -> Response:
        """Return one entry with its event, its request and its idempotency history."""
        _query(request, NoQuery)
        detail = self.ledger.detail(_number(request))
        if detail is None:
            raise Refused(_nothing("entry"))
        return _json(detail)

    async def get_request(self, request: Request) -> Response:
        """Return one request with its answer, and what became of its records."""
        _query(request, NoQuery)
        detail = self.ledger.request(_number(request))
        if detail is None:
            raise Refused(_nothing("request"))
        return _json(detail)

    async def clear_events(self, request: Request) -> Response:
        """Forget entries, idempotency keys and counts; faults and schemas stay."""
        _query(request, NoQuery)
        self.ledger.clear()
        return Response(status_code=204)

    async def get_stats(self, request: Request) -> Response:
        """Return the counts."""
        _query(request, NoQuery)
        return _json(self.ledger.stats())

    async def stream(self, request: Request) -> Response:
        """Tell by server-sent events that there is something new."""
        _query(request, NoQuery)
        if request.method == "HEAD":
            # Of that one there would be no end, and nothing else could be asked on this connection.
            return Response(media_type="text/event-stream")
        return StreamingResponse(stream(self.ledger, request.state.connection.stopping), media_type="text/event-stream")

    async def add_fault(self, request: Request) -> Response:
        """Provoke a fault."""
        _query(request, NoQuery)
        fault = await _body(request, FaultToProvoke)
        try:
            planned = self.faults.plan(fault.root)
        except ValueError as error:
            raise Refused(Refusal(409, "too_many_faults", f"Not provoked: {error}.")) from None
        return _json(_planned(planned), 201)

    async def list_faults(self, request: Request) -> Response:
        """List the faults that are still to strike."""
        _query(request, NoQuery)
        return _json(PlannedFaults(faults=[_planned(planned) for planned in self.faults.planned()]))

    async def clear_faults(self, request: Request) -> Response:
        """Clear all faults."""
        _query(request, NoQuery)
        self.faults.clear()
        return Response(status_code=204)

    async def remove_fault(self, request: Request) -> Response:
        """Clear one fault."""
        _query(request, NoQuery)
        if not self.faults.remove(_number(request)):
            raise Refused(_nothing("fault"))
        return Response(status_code=204)

    async def list_schemas(self, request: Request) -> Response:
        """List the property schemas."""
        _query(request, NoQuery)
        registered = {name: PropertySchema(schema) for name, schema in self.schemas.registered().items()}
        return _json(RegisteredSchemas(schemas=registered))

    async def put_schema(self, request: Request) -> Response:
        """Register the JSON Schema of an event's properties."""
        _query(request, NoQuery)
        schema = await _body(request, PropertySchema)
        try:
            await self.checks.register(request.path_params["event_name"], schema.root)
        except ValueError as error:
            raise Refused(unacceptable(f"Not registered: {error}.")) from None
        return Response(status_code=204)

    async def remove_schema(self, request: Request) -> Response:
        """Check the properties of an event no more."""
        _query(request, NoQuery)
        if not self.schemas.remove(request.path_params["event_name"]):
            raise Refused(missing("There is no schema for this event."))
        return Response(status_code=204)

    async def get_environment(self, request: Request) -> Response:
        """Return the environment variables that point a client at this sandbox, by the name that it was asked under."""
        _query(request, NoQuery)
        # Where this request came through, as that of a container's port, its client will as well.
        url = f"http://{request.headers['host']}/"
        return _json(Environment(variables=self.environment() | {"SUPRSEND_BASE_URL": url}))

    async def get_health(self, request: Request) -> Response:
        """Say that the sandbox is up."""
        _query(request, NoQuery)
        return _json(Health(version=__version__))


def _json(content: BaseModel, status_code: int = 200) -> Response:
    return Response(to_json(content), status_code, media_type="application/json")


def _query(request: Request, model: type[_Model]) -> _Model:
    pairs = request.query_params.multi_items()
    values = dict(pairs)
    if len(values) < len(pairs):
        raise Refused(invalid("A query parameter is given more than once."))
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise Refused(_explain(error)) from None


async def _body(request: Request, model: type[_Model]) -> _Model:
    # A form of another site cannot send this type.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(Refusal(415, "unsupported_media_type", "The Content-Type header must be `application/json`."))
    body = await received.read_body(request, BODY_LIMIT)
    if isinstance(body, Refusal):
        raise Refused(body)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise Refused(_explain(error)) from None


def _cursor(query: EventsQuery) -> int | None:
    return int(query.cursor) if query.cursor else None


def _number(request: Request) -> int:
    text: str = request.path_params["id"]
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1
    if not 0 <= number <= LARGEST_ID:
        raise Refused(invalid("The id must be a whole number, not negative."))
    return number


def _planned(planned: Planned) -> PlannedFault:
    return PlannedFault.model_construct(id=planned.id, fault=planned.fault, left=planned.left)


def _nothing(what: str) -> Refusal:
    return missing(f"There is no {what} with this id.")


def _explain(error: ValidationError) -> Refusal:
    """Name the first field that is wrong, and never its value."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return invalid(f"`{place}`: {first['msg']}." if place else f"{first['msg']}.")
