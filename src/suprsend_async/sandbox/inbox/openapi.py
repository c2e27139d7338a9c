"""The OpenAPI description of the HTTP interface, made from the operations that it really has."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic.json_schema import models_json_schema

from suprsend_async.sandbox.inbox.exchange import LARGEST_ID
from suprsend_async.sandbox.inbox.records.kinds import KINDS
from suprsend_async.sandbox.inbox.shapes import ErrorAnswer, NoQuery
from suprsend_async.version import __version__

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    from pydantic import BaseModel
    from pydantic.json_schema import JsonSchemaMode
    from starlette.requests import Request
    from starlette.responses import Response


_PATH_PARAMETERS: dict[str, dict[str, Any]] = {
    "id": {"type": "integer", "minimum": 0, "maximum": LARGEST_ID},
    "event_name": {"type": "string", "minLength": 1},
    "kind": {"type": "string", "enum": list(KINDS)},
    "part": {"type": "string", "enum": sorted({each.name for kind in KINDS.values() for each in kind.related})},
    "message_id": {"type": "string", "minLength": 1},
    "slug": {"type": "string", "minLength": 1},
}
_JSON = "application/json"
# A query that is wrong, and a Host or an Origin that is another site's.
_ALWAYS = (400, 403)

_References: TypeAlias = "Mapping[tuple[str, Any], Any]"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation and all that can be said of it.

    Attributes:
        method: The HTTP verb.
        path: Where it is, with `{parameters}`.
        handler: What does it. Its name is the operation's id, its docstring the summary.
        answer: What comes back; None if nothing does.
        status_code: The answer's status when all is well.
        query: The parameters it takes.
        body: What is to be sent.
        errors: The statuses of its own refusals.
        content_type: What the answer is.
    """

    method: str
    path: str
    handler: Callable[[Request], Awaitable[Response]]
    answer: type[BaseModel] | None = None
    status_code: int = 200
    query: type[BaseModel] = NoQuery
    body: type[BaseModel] | None = None
    errors: tuple[int, ...] = ()
    content_type: str = _JSON


def describe(operations: Sequence[Operation]) -> dict[str, Any]:
    """Return the OpenAPI document."""
    models = dict.fromkeys(model for operation in operations for model in _models(operation))
    found, definitions = models_json_schema(list(models), ref_template="#/components/schemas/{model}")
    references = {(model.__name__, mode): reference for (model, mode), reference in found.items()}
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "SuprSend sandbox",
            "version": __version__,
            "description": "The requests of the sandbox, and its planned faults.",
        },
        "paths": paths,
        "components": {"schemas": definitions["$defs"]},
    }


def _models(operation: Operation) -> Iterator[tuple[type[BaseModel], JsonSchemaMode]]:
    yield ErrorAnswer, "serialization"
    if operation.answer is not None:
        yield operation.answer, "serialization"
    if operation.body is not None:
        yield operation.body, "validation"


def _operation(operation: Operation, references: _References) -> dict[str, Any]:
    description: dict[str, Any] = {
        "operationId": operation.handler.__name__,
        "summary": cleandoc(operation.handler.__doc__ or "").splitlines()[0],
        "parameters": [*_path_parameters(operation.path), *_query_parameters(operation.query)],
        "responses": {str(operation.status_code): _response(operation, references)},
    }
    error = references[ErrorAnswer.__name__, "serialization"]
    for status in sorted({*_ALWAYS, *operation.errors}):
        content = {_JSON: {"schema": error}}
        description["responses"][str(status)] = {"description": HTTPStatus(status).phrase, "content": content}
    if operation.body is not None:
        schema = references[operation.body.__name__, "validation"]
        description["requestBody"] = {"required": True, "content": {_JSON: {"schema": schema}}}
    return description


def _response(operation: Operation, references: _References) -> dict[str, Any]:
    description = {"description": HTTPStatus(operation.status_code).phrase}
    if operation.answer is None:
        return description
    # Of server-sent events, this is what the data of each holds.
    schema = references[operation.answer.__name__, "serialization"]
    return {**description, "content": {operation.content_type: {"schema": schema}}}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": schema}
        for name, schema in _PATH_PARAMETERS.items()
        if "{" + name + "}" in path
    ]


def _query_parameters(query: type[BaseModel]) -> list[dict[str, Any]]:
    described = query.model_json_schema()
    properties, required = described.get("properties", {}), described.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": schema}
        for name, schema in properties.items()
    ]
