"""Secrets are planted, every failure path is gone down with all loggers at DEBUG, and what comes out is searched."""

from __future__ import annotations

import asyncio
import logging
import pickle
import traceback
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, field_serializer
from tests.faults import transport_faults
from tests.faults.cases import CASES, Case
from tests.faults.clients import ENGINES, fast, opened
from tests.faults.exchange import WORKSPACE_SECRET
from tests.faults.places import nameless
from tests.faults.server import HOST, FaultServer

from suprsend_async import AsyncSuprsend, Event, Suprsend, SuprsendError
from suprsend_async.transport import authentication

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

API_KEY = "planted-api-key-5c1d"
VALUE = "planted-property-value-77a0"
INNER_VALUE = "planted-inner-value-09be"
IDEMPOTENCY_KEY = "planted-idempotency-key-d2f4"
PROXY_PASSWORD = "planted-proxy-password-31ce"

PLANTED = [WORKSPACE_SECRET, API_KEY, VALUE, INNER_VALUE, IDEMPOTENCY_KEY, PROXY_PASSWORD]


@dataclass(slots=True)
class Search:
    """Everything that a program could see or keep, and what must not be in it.

    Attributes:
        planted: What is searched for; signatures are added as they are made.
        found: Where something was found: the secret, and the beginning of the text around it.
        looked_at: How many texts were searched.
    """

    planted: set[str] = field(default_factory=lambda: set(PLANTED))
    texts: list[tuple[str, str]] = field(default_factory=list)

    def look_at(self, where: str, thing: object) -> None:
        """Search an object as it would be printed."""
        self.texts += [(where, str(thing)), (where, repr(thing))]

    def look_at_error(self, where: str, error: BaseException) -> None:
        """Search an exception, those that hang on it, its traceback and its pickle."""
        self.texts.append((f"{where}: traceback", "".join(traceback.format_exception(error))))
        self.texts.append((f"{where}: pickle", pickle.dumps(error).decode("latin-1")))
        seen: set[int] = set()
        todo: list[BaseException | None] = [error]
        while todo:
            one = todo.pop()
            if one is None or id(one) in seen:
                continue
            seen.add(id(one))
            self.look_at(f"{where}: exception", one)
            self.look_at(f"{where}: arguments", one.args)
            self.look_at(f"{where}: attributes", vars(one))
            todo += [one.__cause__, one.__context__]

    def look_at_record(self, record: logging.LogRecord) -> None:
        """Search a log record: what is printed, and what it was made of."""
        where = f"log of {record.name}"
        self.texts.append((where, record.getMessage()))
        self.look_at(where, record.args)
        if record.exc_info is not None and record.exc_info[1] is not None:
            self.texts.append((where, "".join(traceback.format_exception(record.exc_info[1]))))
        self.look_at(where, {name: value for name, value in vars(record).items() if name not in ("args", "msg")})

    @property
    def found(self) -> list[tuple[str, str, str]]:
        """What was found: the secret, where it was, and the text."""
        return [(secret, where, text[:500]) for where, text in self.texts for secret in self.planted if secret in text]


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
    single, triggered, sent, streamed = await asyncio.gather(
        client.track_event(event),
        trigger(client, [event, secret_event()]),
        client.bulk_events.send([event, secret_event()]),
        stream(client, [event, secret_event()]),
    )
    for result in (client, client._transport, client.bulk_events, event, single, triggered, sent, *streamed):
        search.look_at("repr", result)
    for record in [*triggered.failed_records, *sent.failed_records]:
        search.look_at("failed record", record)
    for response in (single, triggered, sent):
        try:
            response.raise_for_status()
        except SuprsendError as error:
            search.look_at_error("raise_for_status", error)


async def trigger(client: AsyncSuprsend, events: list[Event]) -> Any:
    bulk = client.bulk_events.new_instance()
    bulk.append(*events)
    return await bulk.trigger()


async def stream(client: AsyncSuprsend, events: list[Event]) -> list[Any]:
    return [result async for result in client.bulk_events.stream(events)]


async def with_secret(url: str, engine: str, case: Case, search: Search) -> None:
    async with opened(url, engine, timeout=case.timeout) as client:
        await go_down(case, client, search)


async def with_api_key(url: str, case: Case, search: Search) -> None:
    client = AsyncSuprsend.with_workspace_api_key("workspace-1", API_KEY, base_url=url, timeout=case.timeout)
    client._transport.policy = fast()
    async with client:
        await go_down(case, client, search)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", list(CASES))
def test_no_failure_path_tells_a_secret(name: str, engine: str, search: Search) -> None:
    case = CASES[name]
    factory = nameless(asyncio.SelectorEventLoop) if case.nameless else asyncio.SelectorEventLoop
    # In debug mode asyncio logs what its callbacks are called with.
    with asyncio.Runner(debug=True, loop_factory=factory) as runner:
        if case.place is not None:
            with case.place() as url:
                runner.run(with_secret(url, engine, case, search))
        else:
            assert case.fault is not None
            with FaultServer() as server:
                server.script.always(case.fault)
                runner.run(with_secret(server.url, engine, case, search))
                assert server.complaints == []
    assert len(search.planted) > len(PLANTED), "no signature was made"
    assert len(search.texts) > 50
    assert search.found == []


@pytest.mark.parametrize("name", ["refused", "accepted-then-reset", "401", "200-broken-json", "noise"])
def test_no_failure_path_tells_an_api_key(name: str, search: Search) -> None:
    case = CASES[name]
    with asyncio.Runner(debug=True) as runner:
        if case.place is not None:
            with case.place() as url:
                runner.run(with_api_key(url, case, search))
        else:
            assert case.fault is not None
            with FaultServer(authorization=f"Bearer {API_KEY}") as server:
                server.script.always(case.fault)
                runner.run(with_api_key(server.url, case, search))
                assert server.complaints == []
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
            search.look_at("repr", client._transport)
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
        search.look_at("transport", client._transport)
        search.look_at("encoder", client._encoder)
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
