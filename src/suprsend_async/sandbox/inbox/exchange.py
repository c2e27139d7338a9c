"""What every operation does: read a query, a body and an id, and answer with JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from suprsend_async.json_names import check_names
from suprsend_async.sandbox.platform import received
from suprsend_async.sandbox.refusal import Refusal, Refused, invalid

if TYPE_CHECKING:
    from starlette.requests import Request

BODY_LIMIT = 1_048_576
LARGEST_ID = 2**63 - 1

_Model = TypeVar("_Model", bound=BaseModel)


def answer(content: BaseModel, status_code: int = 200) -> Response:
    """Answer with this, as JSON."""
    return Response(content.model_dump_json(by_alias=True), status_code, media_type="application/json")


def read_query(request: Request, model: type[_Model]) -> _Model:
    """Return the query of a request.

    Raises:
        Refused: It is not as the model says.
    """
    pairs = request.query_params.multi_items()
    values = dict(pairs)
    if len(values) < len(pairs):
        raise Refused(invalid("A query parameter is given more than once."))
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise Refused(_explain(error)) from None


async def read_body(request: Request, model: type[_Model]) -> _Model:
    """Return the body of a request.

    Raises:
        Refused: It is not as the model says.
    """
    # A form of another site cannot send this type.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(Refusal(415, "unsupported_media_type", "The Content-Type header must be `application/json`."))
    content = await received.read_body(request, BODY_LIMIT)
    if isinstance(content, Refusal):
        raise Refused(content)
    try:
        read = model.model_validate_json(content)
        check_names(content)
    except ValidationError as error:
        raise Refused(_explain(error)) from None
    except ValueError as error:
        raise Refused(invalid(f"The body is ambiguous: {error}.")) from None
    return read


def cursor(text: str) -> int | None:
    """Return the id that a cursor stands for."""
    return int(text) if text else None


def read_id(request: Request) -> int:
    """Return the id in the path of a request.

    Raises:
        Refused: It is no whole number.
    """
    text: str = request.path_params["id"]
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else -1
    if not 0 <= number <= LARGEST_ID:
        raise Refused(invalid("The id must be a whole number, not negative."))
    return number


def _explain(error: ValidationError) -> Refusal:
    """Name the first field that is wrong, and never its value."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return invalid(f"`{place}`: {first['msg']}." if place else f"{first['msg']}.")
