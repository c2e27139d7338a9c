"""What the HTTP interface can do with events and faults, and its stream of news."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
from starlette.responses import Response, StreamingResponse

from suprsend_async.sandbox.inbox.exchange import answer, cursor, read_body, read_id, read_query
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
from suprsend_async.sandbox.refusal import Refusal, Refused, missing, unacceptable
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
        query = read_query(request, EventsQuery)
        filters = await self._searched(query)
        return answer(self.ledger.find.page(filters, cursor(query.cursor), query.limit))

    async def list_requests(self, request: Request) -> Response:
        """List requests with entries that match, newest first: each bulk as one."""
        query = read_query(request, RequestsQuery)
        filters = await self._searched(query)
        return answer(self.ledger.find.requests(filters, cursor(query.cursor), query.limit))

    async def _searched(self, query: EventsQuery) -> Filters:
        wanted = {name: getattr(query, name) or None for name in ("name", "distinct_id", "tenant_id", "verdict")}
        filters = Filters(**wanted, text=query.q or None)
        # However long it takes, others have their turn meanwhile.
        while not self.ledger.find.look(filters):
            await anyio.lowlevel.checkpoint()
        return filters

    async def get_event(self, request: Request) -> Response:
        """Return one entry with its event, its request and its idempotency history."""
        read_query(request, NoQuery)
        detail = self.ledger.detail(read_id(request))
        if detail is None:
            raise Refused(_nothing("entry"))
        return answer(detail)

    async def get_request(self, request: Request) -> Response:
        """Return one request with its answer, and the verdicts on its records."""
        read_query(request, NoQuery)
        detail = self.ledger.request(read_id(request))
        if detail is None:
            raise Refused(_nothing("request"))
        return answer(detail)

    async def clear_events(self, request: Request) -> Response:
        """Forget entries, requests, idempotency keys and counts; faults, schemas and records stay."""
        read_query(request, NoQuery)
        self.ledger.clear()
        return Response(status_code=204)

    async def get_stats(self, request: Request) -> Response:
        """Return the counts."""
        read_query(request, NoQuery)
        return answer(self.ledger.stats())

    async def stream(self, request: Request) -> Response:
        """Tell by server-sent events that there is something new."""
        read_query(request, NoQuery)
        if request.method == "HEAD":
            # Of that one there would be no end, and nothing else could be asked on this connection.
            return Response(media_type="text/event-stream")
        return StreamingResponse(stream(self.ledger, request.state.connection.stopping), media_type="text/event-stream")

    async def add_fault(self, request: Request) -> Response:
        """Provoke a fault."""
        read_query(request, NoQuery)
        fault = await read_body(request, FaultToProvoke)
        try:
            planned = self.faults.plan(fault.root)
        except ValueError as error:
            raise Refused(Refusal(409, "too_many_faults", f"Not provoked: {error}.")) from None
        return answer(_planned(planned), 201)

    async def list_faults(self, request: Request) -> Response:
        """List the faults that are still to strike."""
        read_query(request, NoQuery)
        return answer(PlannedFaults(faults=[_planned(planned) for planned in self.faults.planned()]))

    async def clear_faults(self, request: Request) -> Response:
        """Clear all faults."""
        read_query(request, NoQuery)
        self.faults.clear()
        return Response(status_code=204)

    async def remove_fault(self, request: Request) -> Response:
        """Clear one fault."""
        read_query(request, NoQuery)
        if not self.faults.remove(read_id(request)):
            raise Refused(_nothing("fault"))
        return Response(status_code=204)

    async def list_schemas(self, request: Request) -> Response:
        """List the property schemas."""
        read_query(request, NoQuery)
        registered = {name: PropertySchema(schema) for name, schema in self.schemas.registered().items()}
        return answer(RegisteredSchemas(schemas=registered))

    async def put_schema(self, request: Request) -> Response:
        """Register the JSON Schema of an event's properties."""
        read_query(request, NoQuery)
        schema = await read_body(request, PropertySchema)
        try:
            await self.checks.register(request.path_params["event_name"], schema.root)
        except ValueError as error:
            raise Refused(unacceptable(f"Not registered: {error}.")) from None
        return Response(status_code=204)

    async def remove_schema(self, request: Request) -> Response:
        """Check the properties of an event no more."""
        read_query(request, NoQuery)
        if not self.schemas.remove(request.path_params["event_name"]):
            raise Refused(missing("There is no schema for this event."))
        return Response(status_code=204)

    async def get_environment(self, request: Request) -> Response:
        """Return the environment variables that point a client at this sandbox, by the name that it was asked under."""
        read_query(request, NoQuery)
        # Where this request came through, as that of a container's port, its client will as well.
        url = f"http://{request.headers['host']}/"
        return answer(Environment(variables=self.environment() | {"SUPRSEND_BASE_URL": url}))

    async def get_health(self, request: Request) -> Response:
        """Say that the sandbox is up."""
        read_query(request, NoQuery)
        return answer(Health(version=__version__))


def _planned(planned: Planned) -> PlannedFault:
    return PlannedFault.model_construct(id=planned.id, fault=planned.fault, left=planned.left)


def _nothing(what: str) -> Refusal:
    return missing(f"There is no {what} with this id.")
