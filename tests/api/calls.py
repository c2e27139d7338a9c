"""Calls that change or delete one user."""

from __future__ import annotations

from typing import Any

from suprsend_async import AsyncSuprsend
from suprsend_async.api.call import fetch
from suprsend_async.transport.request import Request

USER = {"distinct_id": "user-1"}
ONE = "v1/user/{distinct_id}/"


def edit(*, repeatable: bool = True) -> Request:
    return Request("PATCH", ONE, USER, body=b'{"operations":[]}', repeatable=repeatable)


def deletion() -> Request:
    return Request("DELETE", ONE, USER, not_found_is_done=True)


async def run(client: AsyncSuprsend, request: Request) -> Any:
    return await fetch(client.sender.transport, request, "test")
