"""How many coroutines of ours stand between a caller and the HTTP library: each costs time and a line of tracebacks."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from types import CoroutineType
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import httpx
import pytest
from httpx_aiohttp import HttpxAiohttpClient
from tests.stub_engine import StubEngine, transport_over

import suprsend_async
from suprsend_async import AsyncSuprsend, Event
from suprsend_async.api.call import fetch
from suprsend_async.transport.request import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.conftest import Server

OURS = Path(suprsend_async.__file__).parent
EVENT = Event("user-1", "signed_up")


def chain(awaited: Any) -> list[str]:
    """Return the coroutines of ours that stand between a task and what it waits for, outermost first."""
    found: list[str] = []
    while awaited is not None:
        if isinstance(awaited, CoroutineType):
            if OURS in Path(awaited.cr_code.co_filename).parents:
                found.append(awaited.__qualname__)
            awaited = awaited.cr_await
        elif hasattr(awaited, "ag_await"):
            awaited = awaited.ag_await
        else:
            # What `__await__` returns only refers to its coroutine, and what reads a generator to that.
            inner = [
                item
                for item in gc.get_referents(awaited)
                if isinstance(item, CoroutineType) or hasattr(item, "ag_await")
            ]
            awaited = inner[0] if inner else None
    return found


def calls(client: AsyncSuprsend) -> dict[str, Callable[[], Coroutine[Any, Any, Any]]]:
    return {
        "track_event": lambda: client.track_event(EVENT),
        "fetch": lambda: fetch(client.sender.transport, Request("GET", "v1/user/"), "users.list"),
    }


@pytest.mark.parametrize("name", ["track_event", "fetch"])
async def test_four_of_ours_wait_for_an_engine(name: str) -> None:
    engine = StubEngine()
    engine.script.append(engine.hold)
    client = AsyncSuprsend("test-workspace-key-0123456789", "secret")
    client.sender.transport.session = transport_over(engine).session
    task = asyncio.create_task(calls(client)[name]())
    await engine.wait_for_requests(1)
    assert len(chain(task.get_coro())) <= 4, chain(task.get_coro())
    task.cancel()
    await asyncio.wait([task])
    await client.aclose()


@pytest.mark.parametrize("name", ["track_event", "fetch"])
@pytest.mark.parametrize("answered", ["nothing", "half"])
async def test_at_most_six_of_ours_wait_for_an_answer(
    client: AsyncSuprsend, server: Server, name: str, answered: str
) -> None:
    server.script.append(server.hold if answered == "nothing" else server.answer(200, b"{", content_length="100"))
    task = asyncio.create_task(calls(client)[name]())
    await anyio.to_thread.run_sync(server.wait_for_requests, 1)
    found = chain(task.get_coro())
    assert found[0].endswith(name)
    assert len(found) <= 6, found
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize("kind", [httpx.AsyncClient, HttpxAiohttpClient])
async def test_at_most_six_of_ours_wait_for_a_client_of_the_users(
    make_client: Callable[..., AsyncSuprsend], server: Server, kind: type[httpx.AsyncClient]
) -> None:
    server.script.append(server.hold)
    async with kind(trust_env=False) as http_client:
        client = make_client(server.url, http_client=http_client)
        task = asyncio.create_task(client.track_event(EVENT))
        await anyio.to_thread.run_sync(server.wait_for_requests, 1)
        # With httpx's own engine the exchange is a task of its own, which the call waits for.
        waiting = [other for other in asyncio.all_tasks() if other is not asyncio.current_task()]
        chains = sorted((chain(other.get_coro()) for other in waiting), key=len)
        assert "AsyncSuprsend.track_event" in chains[-1]
        assert [len(found) <= 6 for found in chains] == [True] * (1 if kind is HttpxAiohttpClient else 2), chains
        server.release.set()
        assert (await task).success
        await client.aclose()
