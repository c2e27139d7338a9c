"""`with_options`: a view of a client with other options, that shares all the rest with it."""

from __future__ import annotations

import asyncio
import gc
import pickle
import threading
from contextlib import nullcontext
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import pytest

from suprsend_async import AsyncSuprsend, ConfigurationError, Event, Suprsend

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from tests.conftest import Server, StillTime

    from suprsend_async.outcome import Outcome
    from suprsend_async.transport.answer import Answer, Failure
    from suprsend_async.transport.request import SignedRequest

KEY, SECRET = "test-workspace-key-0123456789", "test-workspace-secret-0123456789"


def event(number: int = 1) -> Event:
    return Event(f"user-{number}", "signed_up")


# Its options


async def test_a_view_has_its_own_retries_and_the_client_keeps_its(client: AsyncSuprsend, server: Server) -> None:
    view = client.with_options(max_retries=1)
    server.script.extend([server.answer(503)] * 7)
    assert (await view.track_event(event())).attempts == 2
    assert (await client.track_event(event())).attempts == 5
    assert (await view.bulk_events.send([event()])).success == 1


async def test_a_view_has_its_own_deadline_and_the_client_keeps_its(
    client: AsyncSuprsend, server: Server, still_time: StillTime
) -> None:
    server.script.extend([server.answer(429, Retry_After="10"), server.answer(429, Retry_After="10")])
    hurried = await client.with_options(timeout=9.5).track_event(event())
    assert (hurried.outcome, hurried.attempts, hurried.retry_after, still_time.sleeps) == ("rejected", 1, 10.0, [])
    patient = await client.track_event(event())
    assert (patient.outcome, patient.attempts, still_time.sleeps) == ("accepted", 2, [10.0])


async def test_bulks_and_buffers_of_a_view_have_its_options(client: AsyncSuprsend, server: Server) -> None:
    view = client.with_options(max_retries=0)
    server.script.extend([server.answer(503)] * 3)
    assert (await view.bulk_events.send([event()])).failure == 1
    bulk = view.bulk_events.new_instance()
    bulk.append(event())
    assert (await bulk.trigger()).failure == 1
    async with view.buffer() as tracker:
        assert (await tracker.track_event(event())).outcome == "unknown"
    assert len(server.requests) == 3


@pytest.mark.parametrize("options", [{}, {"timeout": None}, {"max_retries": None}])
def test_what_is_left_out_is_the_clients(options: dict[str, Any]) -> None:
    client = AsyncSuprsend(KEY, SECRET, timeout=7, max_retries=3)
    transport = client.with_options(**options).sender.transport
    assert (transport.timeout, transport.policy) == (7, client.sender.transport.policy)


def test_a_view_of_a_view_has_the_options_of_both() -> None:
    client = AsyncSuprsend(KEY, SECRET, timeout=7, max_retries=3)
    view = client.with_options(timeout=5).with_options(max_retries=1)
    transport = view.sender.transport
    assert (transport.timeout, transport.policy.max_retries, transport.is_view) == (5, 1, True)
    assert transport.session is client.sender.transport.session
    last = view.with_options(timeout=6)
    assert (last.sender.transport.timeout, last.sender.transport.policy.max_retries) == (6, 1)


BAD: list[tuple[str, Any]] = [
    *(("timeout", value) for value in (0, -1, "5", True, float("nan"), float("inf"))),
    *(("max_retries", value) for value in (-1, 1.0, "3", True, False)),
]


@pytest.mark.parametrize("cls", [AsyncSuprsend, Suprsend])
@pytest.mark.parametrize(("name", "value"), BAD)
def test_an_option_that_cannot_work_is_refused_by_name(cls: Any, name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{name} must be a"):
        cls(KEY, SECRET).with_options(**{name: value})


@pytest.mark.parametrize("cls", [AsyncSuprsend, Suprsend])
def test_an_option_that_a_view_does_not_have_is_a_type_error(cls: Any) -> None:
    with pytest.raises(TypeError, match="base_url"):
        cls(KEY, SECRET).with_options(base_url="https://example.com/")


@pytest.mark.parametrize("cls", [AsyncSuprsend, Suprsend])
def test_a_view_of_a_class_of_the_users_is_of_that_class_and_has_what_it_has(cls: Any) -> None:
    class Shop(cls):  # type: ignore[misc]
        def __init__(self, team: str) -> None:
            super().__init__(KEY, SECRET)
            self.team = team

    view = Shop("payments").with_options(timeout=5).with_options(max_retries=0)
    assert isinstance(view, Shop)
    assert view.team == "payments"


@pytest.mark.parametrize("cls", [AsyncSuprsend, Suprsend])
def test_a_view_is_no_more_picklable_than_its_client(cls: Any) -> None:
    with pytest.raises(TypeError, match="holds credentials"):
        pickle.dumps(cls(KEY, SECRET).with_options(timeout=5))


# What it shares


async def test_all_views_use_one_connection(client: AsyncSuprsend, server: Server) -> None:
    view = client.with_options(timeout=5)
    for caller in (view, client, view.with_options(max_retries=0), view):
        assert (await caller.track_event(event())).success
    assert (len(server.requests), server.connections) == (4, 1)


async def test_all_views_share_the_limit_of_requests_in_flight(
    make_client: Callable[..., AsyncSuprsend], server: Server
) -> None:
    client = make_client(server.url, max_connections=2)
    callers = [client, client.with_options(timeout=5), client.with_options(max_retries=0)]
    server.script.extend([server.hold] * 2)
    calls = asyncio.gather(*(caller.track_event(event()) for caller in callers * 5))
    await anyio.to_thread.run_sync(server.wait_for_requests, 2)
    server.release.set()
    assert all(response.success for response in await calls)
    assert server.peak == 2


@pytest.mark.parametrize("learns_first", ["the client", "the view"])
async def test_the_servers_clock_is_learned_for_all(
    client: AsyncSuprsend, server: Server, still_time: StillTime, learns_first: str
) -> None:
    view = client.with_options(timeout=5)
    first, second = (client, view) if learns_first == "the client" else (view, client)
    right = formatdate(still_time.now + 3600, usegmt=True)
    server.script.append(server.answer(401, Date=right))
    assert (await first.track_event(event())).attempts == 2
    assert (await second.track_event(event())).attempts == 1
    assert [request.headers["date"] == right for request in server.requests] == [False, True, True]


class Watcher:
    """An observer that notes the operations and what came of them."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def call(self, operation: str) -> AbstractContextManager[object]:
        self.seen.append(operation)
        return nullcontext()

    async def attempt(
        self, request: SignedRequest, number: int, exchanging: Awaitable[Answer | Failure]
    ) -> Answer | Failure:
        return await exchanging

    def finished(self, outcomes: Sequence[Outcome]) -> None:
        self.seen.extend(outcomes)


async def test_who_watches_the_client_watches_its_views(client: AsyncSuprsend) -> None:
    before = client.with_options(timeout=5)
    watcher = client.sender.transport.session.observer = Watcher()
    await before.track_event(event())
    await client.with_options(timeout=6).bulk_events.send([event()])
    assert watcher.seen == ["track_event", "accepted", "bulk_events.send", "accepted"]


# Its end


@pytest.mark.parametrize("closing", [False, True])
async def test_a_view_is_not_closed_and_not_entered(client: AsyncSuprsend, server: Server, closing: bool) -> None:
    view = client.with_options(timeout=5).with_options(max_retries=0)
    assert (await view.track_event(event())).success
    with pytest.raises(ConfigurationError, match="the client itself"):
        await (view.aclose() if closing else view.__aenter__())
    assert (await view.track_event(event())).success
    assert (await client.track_event(event())).success
    assert server.connections == 1


async def test_a_view_ends_with_its_client_and_begins_again_with_it(server: Server) -> None:
    client = AsyncSuprsend(KEY, SECRET, base_url=server.url)
    view = client.with_options(timeout=5)
    async with client:
        assert (await view.track_event(event())).success
    with pytest.raises(ConfigurationError, match="the client was closed"):
        await view.track_event(event())
    async with client:
        assert (await view.track_event(event())).success


@pytest.fixture
def warned(recwarn: pytest.WarningsRecorder) -> Callable[[], list[str]]:
    """Return the resource warnings so far, what is collected now included."""

    def found() -> list[str]:
        gc.collect()
        return [str(warning.message) for warning in recwarn if warning.category is ResourceWarning]

    return found


async def test_a_view_that_is_dropped_warns_of_nothing(client: AsyncSuprsend, warned: Callable[[], list[str]]) -> None:
    view = client.with_options(timeout=5)
    assert (await view.track_event(event())).success
    del view
    assert warned() == []


async def test_a_client_that_is_dropped_with_its_views_warns_once(
    server: Server, warned: Callable[[], list[str]]
) -> None:
    client = AsyncSuprsend(KEY, SECRET, base_url=server.url)
    views = [client.with_options(timeout=5), client.with_options(timeout=6).with_options(max_retries=0)]
    session = client.sender.transport.session
    assert (await views[0].track_event(event())).success
    del client, views
    [message] = warned()
    assert message.startswith(f"AsyncSuprsend('{server.url}') made at {__file__}:")
    await session.aclose()


async def test_a_client_lives_as_long_as_its_views(server: Server, warned: Callable[[], list[str]]) -> None:
    view = AsyncSuprsend(KEY, SECRET, base_url=server.url).with_options(timeout=5)
    assert (await view.track_event(event())).success
    assert warned() == []
    session = view.sender.transport.session
    del view
    assert len(warned()) == 1
    await session.aclose()


# The blocking twin


@pytest.fixture
def blocking(server: Server) -> Iterator[Suprsend]:
    with Suprsend(KEY, SECRET, base_url=server.url) as client:
        yield client


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "suprsend-async"]


def test_a_blocking_view_has_its_own_options(blocking: Suprsend, server: Server) -> None:
    server.script.extend([server.answer(503)] * 3)
    view = blocking.with_options(max_retries=0)
    assert view.track_event(event()).attempts == 1
    assert view.bulk_events.send([event()]).failure == 1
    bulk = view.bulk_events.new_instance()
    bulk.append(event())
    assert bulk.trigger().failure == 1
    assert blocking.track_event(event()).success


def test_blocking_views_share_thread_and_connection(blocking: Suprsend, server: Server) -> None:
    view = blocking.with_options(timeout=5)
    for caller in (view, blocking, view.with_options(max_retries=0)):
        assert caller.track_event(event()).success
    assert [record.outcome for record in view.bulk_events.stream([event()])] == ["accepted"]
    assert (server.connections, len(threads())) == (1, 1)


@pytest.mark.parametrize("closing", [False, True])
def test_a_blocking_view_is_not_closed_and_not_entered(blocking: Suprsend, closing: bool) -> None:
    view = blocking.with_options(timeout=5)
    with pytest.raises(ConfigurationError, match="the client itself"):
        (view.close if closing else view.__enter__)()
    assert view.track_event(event()).success
    assert blocking.track_event(event()).success


def test_a_blocking_view_ends_with_its_client(server: Server) -> None:
    client = Suprsend(KEY, SECRET, base_url=server.url)
    view = client.with_options(timeout=5)
    assert view.track_event(event()).success
    client.close()
    with pytest.raises(ConfigurationError, match="the client was closed"):
        view.track_event(event())
    assert threads() == []


def test_a_blocking_view_that_is_dropped_stops_nothing(blocking: Suprsend, warned: Callable[[], list[str]]) -> None:
    view = blocking.with_options(timeout=5)
    assert view.track_event(event()).success
    del view
    assert warned() == []
    assert blocking.track_event(event()).success


def test_a_blocking_client_lives_as_long_as_its_views(server: Server, warned: Callable[[], list[str]]) -> None:
    client = Suprsend(KEY, SECRET, base_url=server.url)
    assert client.track_event(event()).success
    view = client.with_options(timeout=5)
    del client
    assert warned() == []
    assert view.track_event(event()).success
    [thread] = threads()
    del view
    [message] = warned()
    assert message.startswith(f"Suprsend('{server.url}') made at {__file__}:")
    thread.join(10)
    assert threads() == []
