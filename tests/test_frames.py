"""Reporters of crashes record the variables of every frame that an error has passed: no secret is in any of them."""

from __future__ import annotations

import asyncio
import traceback
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from httpx_aiohttp import HttpxAiohttpClient
from tests.waiting import until_async

from suprsend_async import AsyncSuprsend, ConfigurationError, Event, Suprsend
from suprsend_async.transport import authentication

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from tests.conftest import Server

SECRET = "planted-secret"
VALUE = "planted-value"
# Cannot be sent as a header, so it is refused.
BAD_SECRET = "planted\nsecret"
BAD_URL = "https://user:planted-password@example.com/"


def recorded(error: BaseException | None) -> Iterator[tuple[str, str]]:
    """Yield what a reporter records: of every frame below the test's own, of an error and of its causes."""
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename != __file__:
                for name, value in frame.f_locals.items():
                    yield f"{frame.f_code.co_qualname}.{name}", repr(value)
        error = error.__cause__ or error.__context__


def assert_clean(error: BaseException, *planted: str) -> None:
    shown = dict(recorded(error))
    assert shown, "no frame was recorded"
    for place, text in shown.items():
        assert "planted" not in text, place
        for secret in planted:
            assert secret not in text, place


BAD_CLIENTS: dict[str, Callable[[Any], object]] = {
    "secret": lambda kind: kind("key", BAD_SECRET),
    "key": lambda kind: kind(BAD_SECRET, SECRET),
    "no key": lambda kind: kind(None, SECRET),
    "secret of another type": lambda kind: kind("key", [SECRET]),
    "URL": lambda kind: kind("key", SECRET, base_url=BAD_URL),
    "URL that is none": lambda kind: kind("key", SECRET, base_url="planted:" + BAD_URL),
    "URL that cannot be read": lambda kind: kind("key", SECRET, base_url="https://planted]:[/"),
    "timeout": lambda kind: kind("key", SECRET, timeout=0),
    "http_client": lambda kind: kind("key", SECRET, http_client="client"),
    "app_info": lambda kind: kind("key", SECRET, app_info={"version": "1"}),
    "API key": lambda kind: kind.with_workspace_api_key("uid", BAD_SECRET),
    "uid": lambda kind: kind.with_workspace_api_key(None, SECRET),
    "API key and URL": lambda kind: kind.with_workspace_api_key("uid", SECRET, base_url=BAD_URL),
    "API key and timeout": lambda kind: kind.with_workspace_api_key("uid", SECRET, timeout=0),
}


@pytest.mark.parametrize("kind", [AsyncSuprsend, Suprsend])
@pytest.mark.parametrize("make", BAD_CLIENTS.values(), ids=BAD_CLIENTS)
def test_a_client_that_cannot_be_made(kind: type, make: Callable[[Any], object]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make(kind)
    assert_clean(caught.value)


@pytest.mark.parametrize("variables", [{"SUPRSEND_WORKSPACE_SECRET": BAD_SECRET}, {"SUPRSEND_BASE_URL": BAD_URL}])
@pytest.mark.parametrize("kind", [AsyncSuprsend, Suprsend])
def test_nor_with_what_the_environment_holds(
    kind: type, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"SUPRSEND_WORKSPACE_KEY": "key", "SUPRSEND_WORKSPACE_SECRET": SECRET, **variables}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        kind()
    assert_clean(caught.value)


@pytest.mark.parametrize("kind", [AsyncSuprsend, Suprsend])
def test_a_client_that_is_half_made_can_be_shown(kind: type) -> None:
    assert repr(kind.__new__(kind)) == f"{kind.__name__}()"


ENGINES: dict[str, Callable[[], httpx.AsyncClient] | None] = {
    "default": None,
    "HttpxAiohttpClient": HttpxAiohttpClient,
    "httpx": httpx.AsyncClient,
}


@asynccontextmanager
async def a_client(server: Server, engine: Callable[[], httpx.AsyncClient] | None) -> AsyncIterator[AsyncSuprsend]:
    given = None if engine is None else engine()
    async with AsyncSuprsend("key", SECRET, base_url=server.url, http_client=given) as client:
        yield client
        server.release.set()
    if given is not None:
        await given.aclose()


CALLS: dict[str, Callable[[AsyncSuprsend, Event], Any]] = {
    "track_event": lambda client, event: client.track_event(event),
    "bulk_events.send": lambda client, event: client.bulk_events.send([event]),
}


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_call_that_is_cancelled_or_times_out(
    server: Server,
    call: Callable[[AsyncSuprsend, Event], Any],
    engine: Callable[[], httpx.AsyncClient] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signatures: list[str] = []
    sign = authentication.sign

    def remember(*arguments: Any) -> str:
        signatures.append(sign(*arguments))
        return signatures[-1]

    monkeypatch.setattr(authentication, "sign", remember)
    monkeypatch.setattr("suprsend_async.bulk.job.DRAIN_SECONDS", 0.01)
    server.script.extend([server.hold] * 2)
    event = Event("user-1", "signed_up", {"note": VALUE})
    async with a_client(server, engine) as client:
        task = asyncio.create_task(call(client, event))
        await until_async(lambda: len(server.requests) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await task
        assert_clean(cancelled.value, *signatures)
        with pytest.raises(TimeoutError) as timed_out:
            await until_asked_twice(call(client, event), server)
        assert_clean(timed_out.value, *signatures)
    assert len(signatures) == 2


async def until_asked_twice(working: Awaitable[object], server: Server) -> None:
    async def expire() -> None:
        await until_async(lambda: len(server.requests) == 2)
        limit.reschedule(0)

    async with asyncio.timeout(None) as limit:
        expiring = asyncio.create_task(expire())
        await working
    await expiring
