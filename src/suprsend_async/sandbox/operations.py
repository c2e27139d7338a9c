"""The HTTP interface under `/_sandbox/`, one operation after another; the description is made from the same list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json
from starlette.responses import Response, StreamingResponse

from . import received
from .entry import Verdict
from .faults import Fault
from .refusal import Refusal, invalid, unacceptable
from .store import Filters
from .stream import stream

if TYPE_CHECKING:
    from starlette.requests import Request

    from .fault_plan import Faults, Planned
    from .ledger import Ledger
    from .schemas import Schemas

BODY_LIMIT: Final = 1_048_576

_LARGEST_ID: Final = 2**63 - 1
_Model = TypeVar("_Model", bound=BaseModel)


class Refused(Exception):  # noqa: N818 - no error of the sandbox
    """The request cannot be carried out."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class EventsQuery(BaseModel):
    """Which entries to return. A filter that is empty does not matter.

    Attributes:
        name: The event's name.
        distinct_id: The recipient.
        tenant_id: The tenant, or the brand under the older name.
        verdict: What became of it.
        q: Text somewhere in the event, the reason or the message id; case does not matter for ASCII.
        cursor: The `next_cursor` of the page before.
        limit: How many entries at most.
    """

    model_config = ConfigDict(extra="forbid")

    name: str = ""
    distinct_id: str = ""
    tenant_id: str = ""
    verdict: Verdict | Literal[""] = ""
    q: Annotated[str, Field(max_length=1000)] = ""
    cursor: Annotated[str, Field(pattern=r"^[0-9]{1,18}$")] | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50


class NoQuery(BaseModel):
    """No parameters."""

    model_config = ConfigDict(extra="forbid")


class PlannedFault(BaseModel):
    """A fault that is still to strike.

    Attributes:
        id: Its number.
        fault: The fault, as it was given.
        left: How often it still strikes; None until it is cleared.
    """

    id: int
    fault: Annotated[Fault, Field(discriminator="kind")]
    left: int | None


class PlannedFaults(BaseModel):
    """All faults that are still to strike, in order."""

    faults: list[PlannedFault]


class RegisteredSchemas(BaseModel):
    """The property schemas by the names of their events."""

    schemas: dict[str, Any]


class Health(BaseModel):
    """That the sandbox answers."""

    status: Literal["ok"] = "ok"
    version: str


class Problem(BaseModel):
    """What is wrong: for people, and a short name for programs."""

    message: str
    type: str


class ErrorAnswer(BaseModel):
    """The request was refused."""

    status: Literal["error"] = "error"
    error: Problem


FAULT: Final[TypeAdapter[Fault]] = TypeAdapter(Annotated[Fault, Field(discriminator="kind")])


@dataclass(frozen=True, slots=True)
class Operations:
    """What the interface can do."""

    ledger: Ledger
    faults: Faults
    schemas: Schemas

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
        try:
            fault = FAULT.validate_json(await _body(request))
        except ValidationError as error:
            raise Refused(_explain(error)) from None
        return _json(_planned(self.faults.plan(fault)), 201)

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
        return _json(RegisteredSchemas(schemas=self.schemas.registered()))

    async def put_schema(self, request: Request) -> Response:
        """Register the JSON Schema of an event's properties."""
        _query(request, NoQuery)
        try:
            schema = from_json(await _body(request), allow_inf_nan=False)
        except ValueError as error:
            raise Refused(invalid(f"The body is not valid JSON: {error}.")) from None
        if not isinstance(schema, dict):
            raise Refused(invalid("A JSON Schema must be an object."))
        try:
            self.schemas.register(request.path_params["event_name"], cast("dict[str, Any]", schema))
        except ValueError as error:
            raise Refused(unacceptable(f"Not registered: {error}.")) from None
        return Response(status_code=204)

    async def remove_schema(self, request: Request) -> Response:
        """Check the properties of an event no more."""
        _query(request, NoQuery)
        if not self.schemas.remove(request.path_params["event_name"]):
            raise Refused(Refusal(404, "not_found", "There is no schema for this event."))
        return Response(status_code=204)

    async def get_health(self, request: Request) -> Response:
        """Say that the sandbox is up."""
        from suprsend_async.version import __version__

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


async def _body(request: Request) -> bytes:
    # A form of another site cannot send this type.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(Refusal(415, "unsupported_media_type", "The Content-Type header must be `application/json`."))
    body = await received.read_body(request, BODY_LIMIT)
    if isinstance(body, Refusal):
        raise Refused(body)
    return body


def _number(request: Request) -> int:
    text: str = request.path_params["id"]
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1
    if not 0 <= number <= _LARGEST_ID:
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
