"""FastAPI: a router that takes the platform's webhooks, for those who send a shared token.

Examples:
    ```python
    from fastapi import FastAPI

    from suprsend_async.integrations.fastapi import webhook_router
    from suprsend_async.webhooks import WebhookEvent

    delivered: list[str | None] = []


    async def note(event: WebhookEvent) -> None:
        if event.status == "delivered":
            delivered.append(event.idempotency_key)


    app = FastAPI()
    app.include_router(webhook_router(note, token="a-long-random-text"), prefix="/suprsend")
    ```
"""

from __future__ import annotations

import hmac
import inspect
import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from suprsend_async.errors import ConfigurationError, ValidationError
from suprsend_async.webhooks import WebhookEvent, parse

try:
    from fastapi import APIRouter, HTTPException, Request, Response
    from fastapi.concurrency import run_in_threadpool
except ModuleNotFoundError as _missing:
    if _missing.name != "fastapi":
        raise
    raise ModuleNotFoundError(
        "The router for webhooks needs FastAPI: pip install fastapi", name="fastapi"
    ) from _missing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

TOKEN_HEADER = "X-SuprSend-Token"  # noqa: S105 - the name of a header
"""The header in which the token is looked for, unless another one is named. It is the name that you give in the
dashboard, among the webhook's custom headers."""

_LARGEST = 1_048_576  # bytes of a body
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_SHORTEST = 8  # characters of a token


def webhook_router(
    handle: Callable[[WebhookEvent], Awaitable[object]] | Callable[[WebhookEvent], object],
    *,
    token: str,
    header: str = TOKEN_HEADER,
    path: str = "/webhooks",
) -> APIRouter:
    """Return a router that takes webhooks.

    A request without the token is answered 401, a body that is no webhook 400; neither reaches `handle`. What `handle`
    raises is answered 500, as FastAPI does it, and the sender may try again. So a webhook can come twice.

    Args:
        handle: Called with each webhook. A function that is not asynchronous runs in a thread. The answer, 204, is
            given when it returns: what takes longer belongs into a queue of yours.
        token: The shared token, at least 8 characters.
        header: The header that it comes in.
        path: The path of the route, below the prefix with which the router is included.

    Returns:
        A router for `FastAPI.include_router`.

    Raises:
        ConfigurationError: The token is too short, or the header is no name of one.
    """
    if len(token) < _SHORTEST:
        raise ConfigurationError(
            f"token must have at least {_SHORTEST} characters; make one with secrets.token_urlsafe()"
        )
    if not _HEADER.fullmatch(header):
        raise ConfigurationError("header must be the name of a header, such as X-SuprSend-Token")
    wanted = token.encode()
    is_asynchronous = inspect.iscoroutinefunction(handle)
    router = APIRouter()

    async def receive_webhook(request: Request) -> Response:
        """Take one webhook of the platform."""
        # Before the body: who has no token need not be listened to.
        if not hmac.compare_digest(request.headers.get(header, "").encode(), wanted):
            raise HTTPException(401, f"the header {header} does not hold the token")
        try:
            event = parse(await _read(request))
        except ValidationError as error:
            raise HTTPException(400, str(error)) from None
        result = handle(event) if is_asynchronous else await run_in_threadpool(handle, event)
        if inspect.isawaitable(result):
            await result
        return Response(status_code=204)

    # The request is taken as it is: annotations that are texts would be looked up in this module, at run time.
    receive_webhook.__annotations__ = {"request": Request}
    router.add_api_route(path, receive_webhook, methods=["POST"], status_code=204, response_class=Response)
    return router


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a webhook has at most {_LARGEST} bytes")
    return bytes(body)
