"""Under trio, by itself, as the backend of anyio, or as a guest: every coroutine says at once that it needs asyncio."""

from __future__ import annotations

import asyncio
import gc
import inspect
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from suprsend_async import AsyncSuprsend, ConfigurationError, Event, Suprsend, UserEdit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from tests.conftest import Server

trio: Any = pytest.importorskip("trio")
pytestmark = pytest.mark.extras("trio")

EVENT = Event("user-1", "signed_up")


async def enter(context: Any) -> None:
    async with context:
        pass


async def exhaust(stream: Any) -> None:
    async for _ in stream:
        pass


def bulk_of(client: AsyncSuprsend) -> Any:
    bulk = client.bulk_events.new_instance()
    bulk.append(EVENT)
    return bulk


CALLS: dict[str, Callable[[AsyncSuprsend, Path], Awaitable[object]]] = {
    "track_event": lambda client, _: client.track_event(EVENT),
    "with_options": lambda client, _: client.with_options(timeout=1).track_event(EVENT),
    "bulk_events.send": lambda client, _: client.bulk_events.send([EVENT]),
    "bulk_events.stream": lambda client, _: exhaust(client.bulk_events.stream([EVENT])),
    "trigger": lambda client, _: bulk_of(client).trigger(),
    "buffer": lambda client, _: enter(client.buffer()),
    "buffer with a spool": lambda client, folder: enter(client.buffer(spool=folder)),
    "a resource": lambda client, _: client.users.get("user-1"),
    "pages": lambda client, _: exhaust(client.users.iterate()),
    "send_edits": lambda client, _: client.users.send_edits([UserEdit("user-1").set("plan", "pro")]),
    "stream_edits": lambda client, _: exhaust(client.users.stream_edits([UserEdit("user-1").set("plan", "pro")])),
    "workflows.stream": lambda client, _: exhaust(client.workflows.stream([])),
    "async with": lambda client, _: enter(client),
    "aclose": lambda client, _: client.aclose(),
}


def as_guest(main: Callable[[], Awaitable[object]]) -> object:
    """Run trio on top of a running loop of asyncio's, as graphical programs do."""

    async def host() -> object:
        over = asyncio.get_running_loop().create_future()
        trio.lowlevel.start_guest_run(
            main,
            run_sync_soon_threadsafe=asyncio.get_running_loop().call_soon_threadsafe,
            done_callback=over.set_result,
        )
        return (await over).unwrap()

    return asyncio.run(host())


RUNS: dict[str, Callable[[Callable[[], Awaitable[object]]], object]] = {
    "trio": trio.run,
    "anyio": partial(anyio.run, backend="trio"),
    "a guest of asyncio's": as_guest,
}


@pytest.fixture(autouse=True)
def _nothing_is_left_unawaited() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
        gc.collect()


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_call_says_that_it_needs_asyncio(
    server: Server,
    tmp_path: Path,
    call: Callable[[AsyncSuprsend, Path], Awaitable[object]],
    run: Callable[[Callable[[], Awaitable[object]]], object],
) -> None:
    client = AsyncSuprsend("key", "secret", base_url=server.url)

    async def main() -> object:
        return await call(client, tmp_path)

    with pytest.raises(ConfigurationError, match="asyncio"):
        run(main)
    assert server.requests == []
    # And the client is as it was.
    assert asyncio.run(client.track_event(EVENT)).success


def test_every_public_coroutine_is_tried() -> None:
    public = {name for name in vars(AsyncSuprsend) if inspect.iscoroutinefunction(getattr(AsyncSuprsend, name))}
    assert {"track_event", "aclose"} <= public
    assert public - {"__aenter__", "__aexit__"} <= set(CALLS)


@pytest.mark.parametrize("run", [RUNS["trio"], RUNS["anyio"]], ids=["trio", "anyio"])
def test_the_advice_works(server: Server, run: Callable[[Callable[[], Awaitable[object]]], object]) -> None:
    async def main() -> list[str]:
        with Suprsend("key", "secret", base_url=server.url) as client:
            here = client.track_event(EVENT)
            in_a_thread = await trio.to_thread.run_sync(client.track_event, EVENT)
            return [here.outcome, in_a_thread.outcome]

    assert run(main) == ["accepted", "accepted"]
