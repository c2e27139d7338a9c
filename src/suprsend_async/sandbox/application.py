"""The sandbox's doors: the platform's API as it is, and beside it the page and its HTTP interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from . import answers, page_files
from .guard import Guard
from .operations import Operations, Refused
from .refusal import Refusal

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send


def create_application(platform: ASGIApp, operations: Operations, host: str) -> ASGIApp:
    """Put the platform's API and the page behind one port.

    Args:
        platform: The platform's API; it gets all that is not the page's.
        operations: What the page's HTTP interface can do.
        host: The address that the sandbox listens on.
    """
    inbox = Guard(_create_inbox(operations), host)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = inbox if _is_the_pages(scope["method"], scope["path"]) else platform
        await chosen(scope, receive, send)

    return application


def _is_the_pages(method: str, path: str) -> bool:
    # Browsers ask for the icon by themselves; that is no request to the platform.
    return path.startswith("/_sandbox/") or (method in {"GET", "HEAD"} and path in {"/", "/favicon.ico"})


def _create_inbox(operations: Operations) -> Starlette:
    routes = [
        Route("/_sandbox/events", operations.list_events, methods=["GET"]),
        Route("/_sandbox/events", operations.clear_events, methods=["DELETE"]),
        Route("/_sandbox/events/{id}", operations.get_event, methods=["GET"]),
        Route("/_sandbox/stats", operations.get_stats, methods=["GET"]),
        Route("/_sandbox/stream", operations.stream, methods=["GET"]),
        Route("/_sandbox/faults", operations.add_fault, methods=["POST"]),
        Route("/_sandbox/faults", operations.list_faults, methods=["GET"]),
        Route("/_sandbox/faults", operations.clear_faults, methods=["DELETE"]),
        Route("/_sandbox/faults/{id}", operations.remove_fault, methods=["DELETE"]),
        Route("/_sandbox/schemas", operations.list_schemas, methods=["GET"]),
        Route("/_sandbox/schemas/{event_name:path}", operations.put_schema, methods=["PUT"]),
        Route("/_sandbox/schemas/{event_name:path}", operations.remove_schema, methods=["DELETE"]),
        Route("/_sandbox/health", operations.get_health, methods=["GET"]),
        *page_files.ROUTES,
    ]
    application = Starlette(routes=routes, exception_handlers={HTTPException: _elsewhere, Refused: _refused})
    application.router.redirect_slashes = False
    return application


async def _elsewhere(request: Request, error: Exception) -> Response:
    found = cast("HTTPException", error)
    message = f"{request.method} is not allowed here." if found.status_code == 405 else "There is nothing at this path."
    kind = "method_not_allowed" if found.status_code == 405 else "not_found"
    return _respond(Refusal(found.status_code, kind, message), found)


async def _refused(_: Request, error: Exception) -> Response:
    return _respond(cast("Refused", error).refusal)


def _respond(refusal: Refusal, error: HTTPException | None = None) -> Response:
    answer = answers.refused(refusal, error.headers if error else None)
    return Response(answer.body, answer.status_code, headers=answer.headers, media_type=answer.content_type)
