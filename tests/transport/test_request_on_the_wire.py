"""Requests on their way, over each engine: what is signed is what comes, and no id is shown anywhere."""

from __future__ import annotations

import functools
import gc
import json
import logging
import random
import string
import sys
import traceback
from contextlib import nullcontext
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx
import pytest
import respx
from httpx_aiohttp import HttpxAiohttpClient
from tests.transport.user_requests import USER, user

from suprsend_async import AsyncSuprsend, SuprsendError
from suprsend_async.api.call import fetch, send
from suprsend_async.api.verdict import verdict_of_call
from suprsend_async.transport.authentication import sign
from suprsend_async.transport.request import Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from contextlib import AbstractContextManager

    from tests.conftest import Received, Server, StillTime

    from suprsend_async.outcome import Outcome
    from suprsend_async.transport.answer import Answer, Failure
    from suprsend_async.transport.request import SignedRequest

DATA = json.loads((Path(__file__).parents[1] / "data" / "signature-vectors.json").read_text("utf-8"))


# On the wire


ENGINES: dict[str, Callable[[], AbstractContextManager[Any] | httpx.AsyncClient]] = {
    "default": nullcontext,
    "httpx": lambda: httpx.AsyncClient(trust_env=False),
    "httpx-aiohttp": lambda: HttpxAiohttpClient(trust_env=False),
}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def http_client(engine: str) -> AsyncIterator[httpx.AsyncClient | None]:
    async with ENGINES[engine]() as given_client:
        yield given_client


VECTORS = {vector["name"]: vector for vector in DATA["vectors"]}
REQUESTS: dict[str, Callable[[bytes], Request]] = {
    "post_non_ascii_body": lambda body: Request("POST", "v2/event/", body=body),
    "get_with_query": lambda body: Request(
        "GET", "v1/message/", query={"limit": 20, "status[]": ["delivered", "seen"], "after": None}, body=body
    ),
    "delete_without_body": lambda body: Request("DELETE", USER, {"distinct_id": " user@example.com"}, body=body),
    "post_empty_object": lambda body: Request(
        "POST", "v1/subscriber_list/{list_id}/start_sync/", {"list_id": "l1"}, body=body
    ),
    "post_bulk_array": lambda body: Request("POST", "v2/bulk/event/", body=body),
    "patch_base_url_with_path_prefix": lambda body: Request(
        "PATCH",
        "v1/user/{distinct_id}/preference/channel_preference/",
        {"distinct_id": "u1"},
        query={"tenant_id": "t 1"},
        body=body,
    ),
    "get_path_with_escaped_id": lambda body: Request("GET", USER, {"distinct_id": "a b/c"}, body=body),
    "post_trigger": lambda body: Request("POST", "trigger/", body=body),
}


def prefix_of(vector: dict[str, Any]) -> str:
    return "suprsend" if "/suprsend/" in vector["url"] else ""


def target_of(vector: dict[str, Any]) -> str:
    parts = urlsplit(vector["url"])
    return parts.path + (f"?{parts.query}" if parts.query else "")


def assert_signed(request: Received) -> None:
    """Make sure that the signature covers what came, as a server computes it."""
    signature = sign(DATA["workspace_secret"], request.method, request.target, request.body, request.headers["date"])
    assert request.headers["authorization"] == f"{DATA['workspace_key']}:{signature}"


@pytest.mark.parametrize("name", VECTORS)
async def test_the_requests_of_the_released_sdk(
    make_client: Callable[..., AsyncSuprsend],
    server: Server,
    engine: str,
    http_client: httpx.AsyncClient | None,
    name: str,
) -> None:
    vector = VECTORS[name]
    client = make_client(server.url + prefix_of(vector), http_client=http_client)
    server.script.append(server.answer(200, {}))
    await fetch(client.sender.transport, REQUESTS[name](vector["body"].encode()), "test")
    (request,) = server.requests
    assert (request.method, request.body) == (vector["method"], vector["body"].encode())
    assert (request.headers["date"], request.headers["content-type"]) == (DATA["date"], DATA["content_type"])
    assert_signed(request)
    if engine != "httpx-aiohttp":
        assert request.target == target_of(vector)
        assert request.headers["authorization"] == vector["authorization"]
    else:
        # It leaves some escapes out; what is signed is what it sends, and that says the same.
        assert [unquote(segment) for segment in urlsplit(request.target).path.split("/")] == [
            unquote(segment) for segment in urlsplit(target_of(vector)).path.split("/")
        ]
        assert parse_qsl(urlsplit(request.target).query) == parse_qsl(urlsplit(target_of(vector)).query)


def test_each_vector_is_sent() -> None:
    assert set(REQUESTS) == set(VECTORS)


NASTY = [
    *string.printable,
    "%2F",
    "%2f",
    "%25",
    "%",
    "..",
    "./",
    "//",
    "é",
    "日",
    "🎉",
    "\u00a0",
    "\u0085",
    "ß",
    "\u202e",
]


def nasty_texts(count: int) -> list[str]:
    chance = random.Random(7)
    texts = ["".join(chance.choices(NASTY, k=chance.randint(1, 9))) for _ in range(count)]
    return [text for text in [*NASTY, *texts] if text.strip() not in ("", ".", "..")]


@pytest.mark.parametrize("prefix", ["", "a%20b/c@d/"])
async def test_whatever_the_id_and_the_query_what_is_signed_is_what_comes(
    make_client: Callable[..., AsyncSuprsend],
    server: Server,
    http_client: httpx.AsyncClient | None,
    prefix: str,
) -> None:
    client = make_client(server.url + prefix, http_client=http_client)
    texts = nasty_texts(150)
    server.script.extend([server.answer(200, {})] * len(texts))
    for text in texts:
        query = {"q": text, "tags[]": [text, "x"]}
        await fetch(client.sender.transport, user(text, query=query), "test")
    assert len(server.requests) == len(texts)
    for text, request in zip(texts, server.requests, strict=True):
        assert_signed(request)
        path, _, query_text = request.target.partition("?")
        before, sent, after = path.rsplit("/", 2)
        assert (unquote(before), unquote(sent), after) == (unquote(f"/{prefix}v1/user"), text.strip(), "")
        assert parse_qsl(query_text, keep_blank_values=True) == [("q", text), ("tags[]", text), ("tags[]", "x")]


# Shown nowhere


PLANTED = "planted-0815"


def planted_request() -> Request:
    return Request(
        "POST",
        "v1/user/{distinct_id}/",
        {"distinct_id": f"{PLANTED}@example.com"},
        query={"tenant_id": PLANTED},
        body=b'{"note": "%s"}' % PLANTED.encode(),
    )


class Watcher:
    """An observer that keeps what it could show."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def call(self, operation: str) -> AbstractContextManager[object]:
        self.seen.append(operation)
        return nullcontext()

    async def attempt(
        self, request: SignedRequest, number: int, exchanging: Awaitable[Answer | Failure]
    ) -> Answer | Failure:
        result = await exchanging
        self.seen.append(f"{request.request.method} {request.request.route} {request!r} {result!r}")
        return result

    def finished(self, outcomes: Sequence[Outcome]) -> None:
        self.seen.extend(outcomes)


FAILURES: dict[str, Callable[[Server], bytes | Callable[[Received], bytes | None]]] = {
    "refused": lambda server: server.answer(400, {"code": 400, "message": "no"}),
    "absent": lambda server: server.answer(404, {"code": 404, "message": "no such user"}),
    "page": lambda server: server.answer(502, b"<html>bad gateway</html>", content_type="text/html"),
    "page with a yes": lambda server: server.answer(200, b"<html>welcome</html>", content_type="text/html"),
    "too large": lambda server: server.answer(413),
    "noise": lambda server: server.last(b"noise\r\n\r\n"),
    "a bad status line": lambda server: server.last(b"HTTP/1.1 abc no\r\n\r\n"),
    "a bad length": lambda server: server.last(b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n{}"),
    "a long header": lambda server: server.last(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 600_000 + b"\r\n\r\n{}"),
    "a bad chunk": lambda server: server.last(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}"),
    "cut": lambda server: server.last(server.answer(202, b"{", content_length="100")),
    "closed": lambda server: server.hang_up,
    "too much": lambda server: server.answer(200, b"[" + b" " * (2 * 1024 * 1024) + b"]"),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
async def test_a_failing_call_shows_its_route_and_no_id(
    make_client: Callable[..., AsyncSuprsend],
    server: Server,
    http_client: httpx.AsyncClient | None,
    caplog: pytest.LogCaptureFixture,
    failure: Callable[[Server], bytes],
) -> None:
    client = make_client(server.url, max_retries=1, http_client=http_client)
    watcher = client.sender.transport.session.observer = Watcher()
    server.script.extend([failure(server)] * 2)
    with caplog.at_level(logging.DEBUG), pytest.raises(SuprsendError) as caught:
        await fetch(client.sender.transport, planted_request(), "users.edit")
    # What httpx and httpcore log of a client of the user's own is the user's business.
    shown = [record.getMessage() + repr(vars(record)) for record in caplog.records if record.name != "httpx"]
    if http_client is not None:
        shown = [line for line in shown if "httpcore" not in line]
    error = caught.value
    shown += [str(error), repr(error), repr(error.__dict__), *traceback.format_exception(error), *watcher.seen]
    assert server.requests
    assert PLANTED in server.requests[0].target
    assert not [text for text in shown if PLANTED in text]
    assert any(USER in text for text in watcher.seen)


async def test_a_request_that_is_never_answered_shows_no_id(
    make_client: Callable[..., AsyncSuprsend], http_client: httpx.AsyncClient | None, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client("http://127.0.0.1:9/", max_retries=1, http_client=http_client)
    with caplog.at_level(logging.DEBUG, "suprsend_async"), pytest.raises(SuprsendError) as caught:
        await fetch(client.sender.transport, planted_request(), "users.edit")
    assert PLANTED not in caplog.text + str(caught.value) + repr(caught.value.__dict__)
    assert USER in caplog.text


async def test_no_repr_shows_an_id(client: AsyncSuprsend, server: Server) -> None:
    server.script.append(server.answer(400, {}))
    transport = client.sender.transport
    exchange = await send(transport, planted_request(), verdict_of_call)
    engine = (await transport.session.loops.current()).engine
    for shown in (exchange, exchange.sends, transport.session.sign(exchange.sends, engine), transport):
        assert PLANTED not in repr(shown)
    assert f"route='{USER}'" in repr(exchange.sends)


def caches() -> dict[str, Any]:
    """Return every `functools` cache of this package, by its name."""
    return {
        f"{module_name}.{name}": value
        for module_name, module in list(sys.modules.items())
        if module_name.partition(".")[0] == "suprsend_async"
        for owner in [module, *(item for item in vars(module).values() if isinstance(item, type))]
        for name, value in list(vars(owner).items())
        if isinstance(value, functools._lru_cache_wrapper)
    }


def reached(start: object) -> str:
    """Return the texts that an object holds on to."""
    found: list[str] = []
    seen: set[int] = set()
    pending = [start]
    while pending:
        item = pending.pop()
        if id(item) in seen or isinstance(item, type):
            continue
        seen.add(id(item))
        if isinstance(item, str | bytes):
            found.append(str(item))
        elif not hasattr(item, "__globals__"):
            pending += gc.get_referents(item)
    return "\n".join(found)


async def test_no_cache_keeps_an_id(client: AsyncSuprsend, server: Server) -> None:
    server.script.extend([server.answer(200, {})] * 6)
    transport = client.sender.transport
    passing = respx.MockRouter(using="httpx")
    passing.route().pass_through()
    for way in (nullcontext(), passing):  # without and with httpx
        with way:
            await fetch(transport, user("an-id-of-its-own"), "users.get")
            await fetch(transport, Request("GET", "v1/user/", query={"after": "an-id-of-its-own"}), "users.list")
            await fetch(transport, Request("GET", "v1/fixed-route/"), "users.list")
    held = {name: reached(cache) for name, cache in caches().items()}
    # What is searched here can be found: a route without ids is kept.
    assert any("v1/fixed-route/" in texts for texts in held.values())
    assert not [name for name, texts in held.items() if "an-id-of-its-own" in texts]


def test_the_clock_of_the_vectors_is_still_times(still_time: StillTime) -> None:
    assert formatdate(still_time.now, usegmt=True) == DATA["date"]
