"""Secrets are planted, every failure path is gone down with all loggers at DEBUG, and what comes out is searched."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import pickle
import random
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import BaseModel, field_serializer
from tests.faults import transport_faults
from tests.faults.cases import CASES, Case
from tests.faults.clients import ENGINES, fast, opened, opened_blocking
from tests.faults.exchange import WORKSPACE_SECRET
from tests.faults.places import made_by_default, nameless
from tests.faults.planted import API_KEY, IDEMPOTENCY_KEY, INNER_VALUE, PLANTED, PROXY_PASSWORD, VALUE, Search
from tests.faults.server import HOST, FaultServer

from suprsend_async import AsyncSuprsend, BulkResponse, Event, EventResponse, RecordResult, Suprsend, SuprsendError
from suprsend_async.transport import authentication

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch) -> Iterator[Search]:
    """Search all that is logged while the test runs, and remember every signature."""
    search = Search()
    sign = authentication.sign

    def remember(*arguments: Any) -> str:
        signature = sign(*arguments)
        search.planted.add(signature)
        return signature

    monkeypatch.setattr(authentication, "sign", remember)

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            search.look_at_record(record)

    collector = Collector(logging.DEBUG)
    root = logging.getLogger()
    names = [None, "suprsend_async", "httpx", "httpcore", "aiohttp", "aiohttp.client", "asyncio"]
    levels = {name: logging.getLogger(name).level for name in names}
    root.addHandler(collector)
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield search
    root.removeHandler(collector)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def secret_event(padding: int = 0) -> Event:
    properties = {"note": VALUE, "inner": {"list": [INNER_VALUE]}, "text": "p" * padding}
    return Event("user-1", "order_placed", properties, IDEMPOTENCY_KEY)


async def go_down(case: Case, client: AsyncSuprsend, search: Search) -> None:
    """Go down a failure path on all ways in, and look at all that comes back."""
    event = secret_event(case.padding)
    bulk = client.bulk_events.new_instance()
    bulk.append(event, secret_event())
    single, triggered, sent, streamed = await asyncio.gather(
        client.track_event(event),
        bulk.trigger(),
        client.bulk_events.send([event, secret_event()]),
        stream(client, [event, secret_event()]),
    )
    look_at_all(
        search, [client, client.sender.transport, client.bulk_events, bulk, event], single, [triggered, sent], streamed
    )


async def stream(client: AsyncSuprsend, events: list[Event]) -> list[RecordResult]:
    return [result async for result in client.bulk_events.stream(events)]


def go_down_blocking(case: Case, client: Suprsend, search: Search) -> None:
    """Go down a failure path on all ways into the blocking client."""
    event = secret_event(case.padding)
    bulk = client.bulk_events.new_instance()
    bulk.append(event, secret_event())
    with ThreadPoolExecutor(4) as threads:
        calls: Any = [
            threads.submit(client.track_event, event),
            threads.submit(bulk.trigger),
            threads.submit(client.bulk_events.send, [event, secret_event()]),
            threads.submit(lambda: list(client.bulk_events.stream([event, secret_event()]))),
        ]
    single, triggered, sent, streamed = [call.result() for call in calls]
    others = [client, client.twin, client.bulk_events, bulk, event]
    look_at_all(search, others, single, [triggered, sent], streamed)


def look_at_all(
    search: Search,
    others: list[object],
    single: EventResponse,
    bulks: list[BulkResponse],
    streamed: list[RecordResult],
) -> None:
    """Look at what the calls gave back, and at what else is at hand."""
    for thing in (*others, single, *bulks, *streamed, *(record for bulk in bulks for record in bulk.failed_records)):
        search.look_at("repr", thing)
    # The pickle of a bulk's response holds the events that failed, to be sent again, and with them their values.
    for thing in (single, *streamed):
        search.texts.append(("pickle", pickle.dumps(thing).decode("latin-1")))
    for response in (single, *bulks):
        try:
            response.raise_for_status()
        except SuprsendError as error:
            search.look_at_error("raise_for_status", error)


def run_with_secret(url: str, engine: str, case: Case, search: Search) -> None:
    async def main() -> None:
        async with opened(url, engine, timeout=case.timeout) as client:
            await go_down(case, client, search)

    # In debug mode asyncio logs what its callbacks are called with.
    with asyncio.Runner(debug=True) as runner:
        runner.run(main())


def run_with_api_key(url: str, engine: str, case: Case, search: Search) -> None:
    async def main() -> None:
        async with contextlib.AsyncExitStack() as stack:
            given = await stack.enter_async_context(httpx.AsyncClient(verify=False)) if engine == "httpx" else None
            client = AsyncSuprsend.with_workspace_api_key(
                "workspace-1", API_KEY, base_url=url, timeout=case.timeout, http_client=given
            )
            client.sender.transport.policy = fast()
            await go_down(case, await stack.enter_async_context(client), search)

    with asyncio.Runner(debug=True) as runner:
        runner.run(main())


def run_blocking(url: str, engine: str, case: Case, search: Search) -> None:
    with opened_blocking(url, engine, timeout=case.timeout) as client:
        go_down_blocking(case, client, search)


WAYS = {"secret": run_with_secret, "api key": run_with_api_key, "blocking": run_blocking}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.function is not test_no_failure_path_tells_a_secret:
        return
    paths = list(itertools.product(CASES, ENGINES, WAYS))
    if not metafunc.config.getoption("full"):
        chance = random.Random(metafunc.config.getoption("fault_seed"))
        paths = [(name, chance.choice(ENGINES), chance.choice(list(WAYS))) for name in CASES]
    metafunc.parametrize(("name", "engine", "way"), paths)


def test_no_failure_path_tells_a_secret(name: str, engine: str, way: str, search: Search) -> None:
    case = CASES[name]
    kind = asyncio.SelectorEventLoop
    with contextlib.ExitStack() as stack:
        stack.enter_context(made_by_default(nameless(kind) if case.nameless else kind))
        if case.place is not None:
            url = stack.enter_context(case.place())
        else:
            assert case.fault is not None
            authorization = f"Bearer {API_KEY}" if way == "api key" else None
            server = stack.enter_context(FaultServer(authorization=authorization))
            server.script.always(case.fault)
            url = server.url
        WAYS[way](url, engine, case, search)
        assert case.place is not None or server.complaints == []
    assert way == "api key" or len(search.planted) > len(PLANTED), "no signature was made"
    assert len(search.texts) > 50
    assert search.found == []


async def proxy_refuses(exchange: Any) -> None:
    await exchange.head()
    await exchange.answer(407, b"", {"Proxy-Authenticate": "Basic"})
    await exchange.connection.close()


@pytest.mark.parametrize("fault", [proxy_refuses, transport_faults.reset_before_any_byte, transport_faults.noise])
async def test_a_proxy_that_refuses(search: Search, monkeypatch: pytest.MonkeyPatch, fault: Any) -> None:
    async def act(exchange: Any) -> None:
        await (proxy_noise(exchange) if fault is transport_faults.noise else fault(exchange))

    with FaultServer() as proxy:
        proxy.script.always(act)
        monkeypatch.setenv("HTTPS_PROXY", f"http://someone:{PROXY_PASSWORD}@{HOST}:{proxy.port}")
        async with opened("https://nowhere.invalid/") as client:
            response = await client.track_event(secret_event())
            search.look_at("repr", client.sender.transport)
            search.look_at("response", response)
    assert response.outcome == "not_sent", response.message
    with pytest.raises(SuprsendError) as caught:
        response.raise_for_status()
    search.look_at_error("proxy", caught.value)
    assert search.found == []


async def proxy_noise(exchange: Any) -> None:
    await exchange.head()
    await exchange.connection.send(b"\x00\x01\x02" * 100 + b"\r\n\r\n")
    await exchange.connection.close()


class Broken(BaseModel):
    text: str = VALUE

    @field_serializer("text")
    def dump(self, text: str) -> str:
        raise RuntimeError(f"cannot dump {text}")


class Colour(Enum):
    SECRET = object()


class Opaque:
    def __repr__(self) -> str:
        return VALUE


CYCLE: list[Any] = [VALUE]
CYCLE.append(CYCLE)

# Values that cannot be sent, each near a planted one or made of it.
BAD_VALUES: dict[str, Any] = {
    "object": Opaque(),
    "bytes": VALUE.encode(),
    "surrogate": VALUE + "\ud800",
    "nan": [VALUE, float("nan")],
    "cycle": CYCLE,
    "broken model": Broken(),
    "enum": Colour.SECRET,
    "key": {(VALUE,): 1},
    "complex": {"a": [VALUE, 1j]},
    "function": lambda: VALUE,
}


@pytest.mark.parametrize("name", list(BAD_VALUES))
async def test_what_cannot_be_encoded_is_not_told(search: Search, name: str) -> None:
    with FaultServer() as server:
        async with opened(server.url) as client:
            event = Event("user-1", "order_placed", {"note": VALUE, "bad": BAD_VALUES[name]}, IDEMPOTENCY_KEY)
            with pytest.raises(SuprsendError) as caught:
                await client.track_event(event)
            response = await client.bulk_events.send([event])
    search.look_at_error(name, caught.value)
    search.look_at("response", response)
    search.look_at("record", response.failed_records)
    assert search.found == []


BAD_ARGUMENTS: dict[str, Callable[[], object]] = {
    "distinct_id": lambda: Event([VALUE], "order_placed"),  # type: ignore[arg-type]
    "event_name": lambda: Event("user-1", f"${VALUE}"),
    "event_name type": lambda: Event("user-1", {VALUE: 1}),  # type: ignore[arg-type]
    "properties": lambda: Event("user-1", "order_placed", [VALUE]),  # type: ignore[arg-type]
    "properties with a key": lambda: Event("user-1", "order_placed", {1: VALUE}),  # type: ignore[dict-item]
    "reserved": lambda: Event("user-1", "order_placed", {"$x": VALUE}),
    "idempotency_key": lambda: Event("user-1", "order_placed", None, IDEMPOTENCY_KEY * 20),
    "tenant_id": lambda: Event("user-1", "order_placed", None, None, VALUE * 10),
    "insert_id": lambda: Event("user-1", "order_placed", insert_id=VALUE),
    "time": lambda: Event("user-1", "order_placed", time=VALUE),  # type: ignore[arg-type]
    "attachments": lambda: Event("user-1", "order_placed", attachments=VALUE),  # type: ignore[arg-type]
    "secret": lambda: AsyncSuprsend("workspace-key", WORKSPACE_SECRET + "\nmore"),
    "secret type": lambda: AsyncSuprsend("workspace-key", WORKSPACE_SECRET.encode()),  # type: ignore[arg-type]
    "blocking secret": lambda: Suprsend("workspace-key", WORKSPACE_SECRET + "\u00e9"),
    "api key": lambda: AsyncSuprsend.with_workspace_api_key("workspace-1", API_KEY + "\r\n x"),
    "base_url": lambda: AsyncSuprsend("workspace-key", "s", base_url=f"https://someone:{PROXY_PASSWORD}@host/"),
    "base_url port": lambda: AsyncSuprsend("workspace-key", "s", base_url=f"https://a:{PROXY_PASSWORD}/"),
}


@pytest.mark.parametrize("name", list(BAD_ARGUMENTS))
def test_arguments_that_are_refused_are_not_told(search: Search, name: str) -> None:
    with pytest.raises(SuprsendError) as caught:
        BAD_ARGUMENTS[name]()
    search.look_at_error(name, caught.value)
    assert search.found == []


def test_clients_and_events_show_no_secret_and_are_not_pickled_by_mistake(search: Search) -> None:
    clients = [
        AsyncSuprsend("workspace-key", WORKSPACE_SECRET),
        Suprsend("workspace-key", WORKSPACE_SECRET),
        AsyncSuprsend.with_workspace_api_key("workspace-1", API_KEY),
        Suprsend.with_workspace_api_key("workspace-1", API_KEY),
    ]
    for client in clients:
        search.look_at("client", client)
        search.look_at("client's bulk", client.bulk_events)
        search.look_at("client's bulk", client.bulk_events.new_instance())
        with pytest.raises(TypeError):
            pickle.dumps(client)
    for client in (clients[0], clients[2]):
        assert isinstance(client, AsyncSuprsend)
        search.look_at("transport", client.sender.transport)
        search.look_at("encoder", client.sender.kind)
    event = secret_event()
    for form in (event, f"{event}", f"{event!s:>5}", [event]):
        search.look_at("event", form)
    assert search.found == []


def test_the_search_finds_what_is_planted(search: Search) -> None:
    logging.getLogger("suprsend_async").debug("sending %s", {"note": VALUE})
    try:
        try:
            raise ValueError(WORKSPACE_SECRET)
        except ValueError as error:
            raise RuntimeError("harmless") from error
    except RuntimeError as error:
        search.look_at_error("planted", error)
        logging.getLogger("asyncio").debug("harmless", exc_info=True)
    secrets = {secret for secret, _, _ in search.found}
    assert secrets == {VALUE, WORKSPACE_SECRET}
    assert {where for _, where, _ in search.found} >= {"planted: exception", "log of suprsend_async", "log of asyncio"}
