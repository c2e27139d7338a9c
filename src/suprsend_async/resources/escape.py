"""Requests that no method stands for: what is checked before `client.request` sends them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast, get_args

from suprsend_async.errors import ValidationError
from suprsend_async.resources.page import MAX_PAGE_BYTES
from suprsend_async.resources.payload import flag, json_bytes, json_object
from suprsend_async.transport.request import Method, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from suprsend_async.transport.request import QueryValue

# Segments of a path, and names of ids in braces.
_ROUTE = re.compile(r"(?:[A-Za-z0-9._~$-]+|\{\w+\})(?:/(?:[A-Za-z0-9._~$-]+|\{\w+\}))*/?")


def request_of(
    method: Method,
    route: str,
    ids: Mapping[str, str] | None,
    query: Mapping[str, QueryValue] | None,
    json: object,
    repeatable: bool | None,
) -> Request:
    """Return the request.

    Raises:
        ValidationError: A part of it cannot be sent; the message names it.
    """
    if method not in get_args(Method):
        raise ValidationError(f"method must be one of {', '.join(get_args(Method))}", outcome="rejected")
    if not isinstance(route, str) or not _ROUTE.fullmatch(route) or {".", ".."} & set(route.split("/")):
        raise ValidationError(
            "route must be a path below the base URL without a slash in front, as 'v1/tenant/{tenant_id}/'; ids go in "
            "`ids`, and what follows a question mark in `query`",
            outcome="rejected",
        )
    is_idempotent = method in ("GET", "DELETE")
    return Request(
        method,
        route,
        ids or {},
        query,
        _body(method, json),
        repeatable=is_idempotent if repeatable is None else flag("repeatable", repeatable),
        not_found_is_done=method == "DELETE",
        max_answer_bytes=MAX_PAGE_BYTES,
    )


def _body(method: Method, json: object) -> bytes:
    if json is None:
        return b"{}" if method in ("POST", "PATCH") else b""
    if isinstance(json, list):
        return json_bytes(json_object({"json": cast("list[object]", json)}, "")["json"], "json")
    return json_bytes(json_object(json, "json"), "json")
