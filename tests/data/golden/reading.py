"""What making the golden files and reading them share."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from suprsend_async import AsyncSuprsend
from suprsend_async.ingest import EventMapping

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.conftest import Server

FOLDER = Path(__file__).parent
HOUR = 3_600.0
NOW = 1_767_225_600.0
NAMES = ("first.jsonl", "second.csv", "third.jsonl")
MAPPING = EventMapping(distinct_id="user", event="plan_changed", key="change-{id}", properties={"plan": "plan"})
WORKSPACE_KEY = "golden-workspace-key-0123456789"
WORKSPACE_SECRET = "golden-workspace-secret-0123456789"


def expected(name: str) -> Any:
    """Return what is in one of the files."""
    return json.loads((FOLDER / "expected.json").read_text("utf-8"))[name]


def key_of(name: str, row: int) -> str:
    """Return the idempotency key of a row."""
    return f"change-{name[0]}{row}"


class _ToServer(httpx.AsyncHTTPTransport):
    """Connects to a server of the tests, whatever host a request names."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._port = server.port

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._port)
        return await super().handle_async_request(request)


@asynccontextmanager
async def client_of(server: Server) -> AsyncIterator[AsyncSuprsend]:
    """Make a client whose requests reach a server of the tests and are addressed to the platform.

    A checkpoint holds where its job sends to, and the server's port is another one each time.
    """
    async with (
        httpx.AsyncClient(transport=_ToServer(server), trust_env=False) as http_client,
        AsyncSuprsend(WORKSPACE_KEY, WORKSPACE_SECRET, http_client=http_client) as client,
    ):
        yield client


def wire_of(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event as it went out, without what names the sender's version and workspace."""
    properties = {name: value for name, value in event["properties"].items() if name != "$ss_sdk_version"}
    return {name: value for name, value in event.items() if name != "env"} | {"properties": properties}
