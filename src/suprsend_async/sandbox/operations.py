"""What the HTTP interface under `/_sandbox/` does, one function for each operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json
from starlette.responses import Response, StreamingResponse

from suprsend_async.version import __version__

from . import received
from .refusal import Refusal, invalid, unacceptable
from .search import Filters
from .shapes import (
    Environment,
    EventsQuery,
    FaultToProvoke,
    Health,
    NoQuery,
    PlannedFault,
    PlannedFaults,
    PropertySchema,
    RegisteredSchemas,
)
from .stream import stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from .fault_plan import Faults, Planned
    from .ledger import Ledger
    from .schemas import Schemas

BODY_LIMIT: Final = 1_048_576
LARGEST_ID: Final = 2**63 - 1

_Model = TypeVar("_Model", bound=BaseModel)


class Refused(Exception):  # noqa: N818 - no error of the sandbox
    """The request cannot be carried out."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Operations:
    """What the interface can do.

    Attributes:
        ledger: What came.
        faults: What is planned to go wrong.
        schemas: What properties must look like.
        environment: Gives the environment variables that point a client at this sandbox.
    """

    ledger: Ledger
    faults: Faults
    schemas: Schemas
    environment: Callable[[], dict[str, str]]

    async def list_events(self, request: Request) -> Response:
        """List entries, newest first."""
        query = _query(request, EventsQuery)
        wanted = {name: getattr(query, name) or None for name in ("name", "distinct_id", "tenant_id", "verdict")}
        filters = Filters(**wanted, text=query.q or None)
        return _json(self.ledger.page(filters, int(query.cursor) if query.cursor else None, query.limit))

    async def get_event(self, request: Request) -> Response:
        """Return one entry with its event, its request and its idempotency history."""
        _query(request, NoQuery)
        detail = self.ledger.detail(_number(request))
        if detail is None:
            raise Refused(_nothing("entry"))
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
            self.schemas.register(request.path_params["event_name"], schema.root)
        except ValueError as error:
            raise Refused(unacceptable(f"Not registered: {error}.")) from None
        return Response(status_code=204)

    async def remove_schema(self, request: Request) -> Response:
        """Check the properties of an event no more."""
        _query(request, NoQuery)
        if not self.schemas.remove(request.path_params["event_name"]):
            raise Refused(Refusal(404, "not_found", "There is no schema for this event."))
        return Response(status_code=204)

    async def get_environment(self, request: Request) -> Response:
        """Return the environment variables that point a client at this sandbox."""
        _query(request, NoQuery)
        return _json(Environment(variables=self.environment()))

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


def _number(request: Request) -> int:
    text: str = request.path_params["id"]
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1
    if not 0 <= number <= LARGEST_ID:
        raise Refused(invalid("The id must be a whole number, not negative."))
    return number


def _planned(planned: Planned) -> PlannedFault:
    return PlannedFault.model_construct(id=planned.id, fault=planned.fault, left=planned.left)


def _nothing(what: str) -> Refusal:
    return Refusal(404, "not_found", f"There is no {what} with this id.")


def _explain(error: ValidationError) -> Refusal:
    """Name the first field that is wrong, and never its value."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return invalid(f"`{place}`: {first['msg']}." if place else f"{first['msg']}.")
