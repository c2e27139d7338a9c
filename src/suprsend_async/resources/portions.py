"""Sending long lists of ids in requests of 100."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suprsend_async.api.call import fetch
from suprsend_async.errors import SuprsendError
from suprsend_async.resources.payload import check_tenant, portions
from suprsend_async.transport.request import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from suprsend_async.transport.request import Method, QueryValue
    from suprsend_async.transport.transport import Transport


async def send_portions(
    transport: Transport,
    method: Method,
    route: str,
    ids: Mapping[str, str],
    query: Mapping[str, QueryValue],
    payload: object,
    name: str,
    operation: str,
) -> None:
    """Send a payload's list of ids in requests of 100.

    Raises:
        SuprsendError: A request failed; its `done` is the number of ids that are certain.
    """
    check_tenant(query)
    for done, body in portions(payload, name):
        request = Request(method, route, ids, query, body, not_found_is_done=method == "DELETE")
        try:
            await fetch(transport, request, operation)
        except SuprsendError as error:
            error.done = done
            raise
