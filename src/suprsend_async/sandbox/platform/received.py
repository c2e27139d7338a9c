"""A request as it came, before anything is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from suprsend_async.sandbox.platform.authentication import Received
from suprsend_async.sandbox.refusal import Refusal, invalid
from suprsend_async.sandbox.state.entry import BODY_KEPT, RawRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request


_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})


async def read_body(request: Request, limit: int) -> bytes | Refusal:
    """Read the body, but never more than the limit into memory."""
    too_large = Refusal(413, "payload_too_large", f"The body is larger than {limit} bytes.")
    if int(request.headers.get("content-length", "0")) > limit:
        return too_large
    body = bytearray()
    try:
        async for chunk in request.stream():
            if len(body) + len(chunk) > limit:
                return too_large
            body += chunk
    except ClientDisconnect:
        return invalid("The connection closed before the body was complete.")
    return bytes(body)


def signed_part(request: Request, body: bytes) -> Received:
    """Return what the signature covers."""
    return Received(
        method=request.method,
        target=_target(request),
        body=body,
        authorization=request.headers.get("authorization"),
        content_type=request.headers.get("content-type"),
        date=request.headers.get("date"),
    )


def raw(request: Request, body: bytes) -> RawRequest:
    """Return the request for people to look at: without credentials, and not more of the body than fits a page."""
    return RawRequest.model_construct(
        method=request.method,
        target=_target(request).decode("latin-1"),
        headers=[(name, _mask(name, value)) for name, value in _headers(request)],
        body=body[:BODY_KEPT].decode(errors="replace"),
        body_size=len(body),
    )


def _target(request: Request) -> bytes:
    # The path as it was sent: a decoded one would not give the signed bytes back.
    target: bytes = request.scope["raw_path"]
    if query := request.scope["query_string"]:
        target += b"?" + query
    return target


def _headers(request: Request) -> Iterable[tuple[str, str]]:
    return ((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.scope["headers"])


def _mask(name: str, value: str) -> str:
    if name not in _SECRET_HEADERS:
        return value
    scheme, space, _ = value.partition(" ")
    if space and scheme.lower() == "bearer":
        return f"{scheme} ***"
    key, colon, _ = value.rpartition(":")
    return f"{key}:***" if colon and name == "authorization" else "***"
