"""A running sandbox, a client of it, and a plain HTTP connection to it that owes nothing to the SDK."""

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

import httpx
import pytest

from suprsend_async import Suprsend
from suprsend_async.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .kinds import Get

pytestmark = pytest.mark.extras("sandbox")

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

    def call(self, method: str, path: str, content: object = None, **headers: str | None) -> Reply:
        """Send a request with the API key; a header of None is left out, and a content of None is no body."""
        body = content if isinstance(content, bytes) else b"" if content is None else json.dumps(content).encode()
        wanted = {"authorization": f"Bearer {self._sandbox.api_key}", "content_type": JSON} | headers
        return self.request(method, path, body, {k.replace("_", "-"): v for k, v in wanted.items() if v is not None})

    def post(self, path: str, content: object, **headers: str | None) -> Reply:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.call("POST", path, body, **headers)

    def get(self, path: str, **headers: str | None) -> Reply:
        return self.call("GET", path, **headers)

    def patch(self, path: str, content: object, **headers: str | None) -> Reply:
        return self.call("PATCH", path, content, **headers)

    def delete(self, path: str, content: object = None, **headers: str | None) -> Reply:
        return self.call("DELETE", path, content, **headers)

    def signed(self, path: str, content: object, *, target: str | None = None, method: str = "POST") -> Reply:
        """Send with key and secret; `target` is what is signed if it is not the path. No content is no body."""
        body = b"" if content is None else json.dumps(content).encode()
        date = formatdate(usegmt=True)
        digest = hashlib.md5(body).hexdigest() if body else ""
        text = "\n".join((method, digest, JSON, date, target or path))
        digest_of_all = hmac.digest(self._sandbox.workspace_secret.encode(), text.encode(), "sha256")
        authorization = f"{self._sandbox.workspace_key}:{base64.b64encode(digest_of_all).decode()}"
        return self.call(method, path, body, authorization=authorization, date=date)

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
def _waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a stop that waits for answers under way wait for ever: one that need not wait returns all the same."""
    monkeypatch.setattr("suprsend_async.sandbox.listener._ANSWERS_UNDER_WAY", 3600.0)


@pytest.fixture
def wire(sandbox: Sandbox) -> Iterator[Wire]:
    connection = Wire(sandbox)
    yield connection
    connection.close()


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Suprsend]:
    with sandbox.blocking_client(max_retries=0) as made:
        yield made


@pytest.fixture
def get(sandbox: Sandbox) -> Iterator[Get]:
    """Get JSON from the sandbox's own interface."""
    with httpx.Client(base_url=f"{sandbox.url}_sandbox/", trust_env=False) as http:

        def get(path: str, **query: object) -> Any:
            response = http.get(path, params=query)
            assert response.status_code == 200, response.text
            return response.json()

        yield get


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
