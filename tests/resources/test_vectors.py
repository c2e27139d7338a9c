"""The request that each method makes is the golden one, with both clients."""

from __future__ import annotations

import hashlib
import inspect
import json
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
from tests.conftest import KEY, SECRET

from suprsend_async import AsyncSuprsend, Suprsend, ValidationError

from .vectors import (
    ANSWERS_FILE,
    EXCEPTIONS,
    LEFT_OUT,
    VECTORS_FILE,
    VIA_PATCH,
    answer_to,
    call_of,
    exception_of,
    expanded,
    names,
    same,
    vectors,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Server

UID, API_KEY = "test-workspace-uid-0123456789", "test-api-key-0123456789"


@pytest.mark.parametrize(
    ("file", "digest"),
    [
        (VECTORS_FILE, "210c6cf40c37dcbc5cda0d4121497c03cbbdc1f058f911f61d14d0f805e7a7c0"),
        (ANSWERS_FILE, "9ac459fa5d09dcd72cd30fc05289d898dfde2485fcd0d9e0de01e12e3267a4e3"),
    ],
)
def test_the_contracts_files_are_unchanged(file: Path, digest: str) -> None:
    assert hashlib.sha256(file.read_bytes()).hexdigest() == digest


def test_every_vector_is_tried_but_those_that_are_left_out() -> None:
    every = json.loads(VECTORS_FILE.read_text("utf-8"))["vectors"]
    left_out = [vector["name"] for vector in every if vector["call"]["op"] in LEFT_OUT]
    assert (len(every), len(vectors()), len(left_out)) == (238, 231, 7)


def test_every_exception_names_a_vector_or_a_call_and_its_reason() -> None:
    assert EXCEPTIONS.keys() <= {*names(), *(vector["call"]["op"] for vector in vectors())}
    assert all(len(exception["reason"]) > 20 for exception in EXCEPTIONS.values())


def script(server: Server, op: str) -> None:
    if op == "workflows.bulk_trigger":
        return  # the server accepts as many as come
    if op in VIA_PATCH:
        server.script.append(server.answer(405, {"code": 405, "message": 'Method "DELETE" not allowed.'}))
    status, body = answer_to(op)
    answer = server.answer(status) if body is None else server.answer(status, body)
    server.script.extend([answer] * 2)


def is_refused(vector: dict[str, Any]) -> bool:
    return bool({**vector, **exception_of(vector)}.get("refused"))


def with_added(vector: dict[str, Any], body: Any) -> Any:
    """Return a golden body with the keys that this package adds where it has none."""
    added = exception_of(vector).get("added", {})
    if isinstance(body, list):
        return [with_added(vector, record) for record in body]
    return {**added, **body} if added else body


def check(vector: dict[str, Any], server: Server, result: Any, user_agent: str) -> None:
    """Compare what came with the golden request."""
    if is_refused(vector):
        assert server.requests == []
        # Of a bulk, one record fails, and nothing is raised.
    elif vector.get("no_request"):
        assert server.requests == []
        assert {name: result[name] for name in vector["result"]} == vector["result"]
    elif "chunks" in vector:
        assert [len(request.json) for request in server.requests] == vector["chunks"]
    else:
        if vector["call"]["op"] in VIA_PATCH:
            assert server.requests.pop(0).method == "DELETE"
        (request,) = server.requests
        path, _, query = request.target.partition("?")
        assert (request.method, path) == (vector["method"], vector["path"])
        assert ("?" in request.target) == bool(vector["query"])
        assert sorted(map(list, parse_qsl(query, keep_blank_values=True))) == sorted(vector["query"])
        if vector["body"] is None:
            assert request.body == b""
        else:
            bodies = [vector["body"], vector.get("alternative_body", vector["body"])]
            golden = [expanded(with_added(vector, body)) for body in bodies]
            assert any(same(body, request.json, user_agent) for body in golden), request.json


def expectation(vector: dict[str, Any]) -> AbstractContextManager[Any]:
    return pytest.raises(ValidationError) if is_refused(vector) else nullcontext()


@pytest.mark.parametrize("vector", vectors(), ids=names())
async def test_the_asynchronous_client_sends_the_golden_request(
    vector: dict[str, Any], server: Server, tmp_path: Path
) -> None:
    script(server, vector["call"]["op"])
    if vector["call"].get("auth") == "api_key":
        client = AsyncSuprsend.with_workspace_api_key(UID, API_KEY, base_url=server.url, concurrency=1)
    else:
        client = AsyncSuprsend(KEY, SECRET, base_url=server.url, concurrency=1)
    result = None
    async with client:
        with expectation(vector):
            resource, method, positional, named = call_of(vector, tmp_path)
            result = getattr(getattr(client, resource), method)(*positional, **named)
            assert inspect.isawaitable(result)
            result = await result
    check(vector, server, result, client.sender.transport.session.headers["User-Agent"])


@pytest.mark.parametrize("vector", vectors(), ids=names())
def test_the_blocking_client_sends_the_golden_request(vector: dict[str, Any], server: Server, tmp_path: Path) -> None:
    script(server, vector["call"]["op"])
    if vector["call"].get("auth") == "api_key":
        client = Suprsend.with_workspace_api_key(UID, API_KEY, base_url=server.url, concurrency=1)
    else:
        client = Suprsend(KEY, SECRET, base_url=server.url, concurrency=1)
    result = None
    with client, expectation(vector):
        resource, method, positional, named = call_of(vector, tmp_path)
        result = getattr(getattr(client, resource), method)(*positional, **named)
    check(vector, server, result, client.twin.sender.transport.session.headers["User-Agent"])
