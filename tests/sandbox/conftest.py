"""A running sandbox, and a plain HTTP connection to it that owes nothing to the SDK."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import socket
import uuid
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

JSON = "application/json; charset=utf-8"


@dataclass(frozen=True)
class Reply:
    """An HTTP answer, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        assert self.json["status"] == "error"
        return self.json["error"]["message"]


class Wire:
    """One keep-alive connection to a sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        host, port = sandbox.url.removeprefix("http://").removesuffix("/").split(":")
        self.address = (host, int(port))
        self._connection = http.client.HTTPConnection(*self.address, timeout=10)

    def request(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Reply:
        self._connection.request(method, path, body, headers or {})
        response = self._connection.getresponse()
        return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def post(self, path: str, content: object, **headers: str | None) -> Reply:
        """Post with the API key; a header of None is left out."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        wanted = {"authorization": f"Bearer {self._sandbox.api_key}", "content_type": JSON} | headers
        return self.request("POST", path, body, {k.replace("_", "-"): v for k, v in wanted.items() if v is not None})

    def signed(self, path: str, content: object, *, target: str | None = None) -> Reply:
        """Post with key and secret; `target` is what is signed if it is not the path."""
        body = json.dumps(content).encode()
        date = formatdate(usegmt=True)
        text = "\n".join(("POST", hashlib.md5(body).hexdigest(), JSON, date, target or path))
        digest = hmac.digest(self._sandbox.workspace_secret.encode(), text.encode(), "sha256")
        authorization = f"{self._sandbox.workspace_key}:{base64.b64encode(digest).decode()}"
        return self.post(path, body, authorization=authorization, date=date)

    def raw(self) -> socket.socket:
        """Open a bare TCP connection of its own."""
        return socket.create_connection(self.address, timeout=10)

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def wire(sandbox: Sandbox) -> Iterator[Wire]:
    connection = Wire(sandbox)
    yield connection
    connection.close()


@pytest.fixture
def make_event(sandbox: Sandbox) -> Callable[..., dict[str, Any]]:
    """Make a valid event for the API key's workspace; `changes` overrides keys."""

    def make(**changes: Any) -> dict[str, Any]:
        event = {
            "$insert_id": str(uuid.uuid4()),
            "$time": 1_704_164_645_000,
            "event": "order_placed",
            "env": sandbox.workspace_uid,
            "distinct_id": "user-1",
            "properties": {"amount": 10.5, "$ss_sdk_version": "test/1"},
        }
        return event | changes

    return make
