"""The web examples under their real servers: answers, requests saved, and nothing lost on SIGTERM."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING

import httpx
import pytest
from aiohttp import web
from sqlalchemy import Column, MetaData, String, Table, create_engine
from tests.services.conftest import wait_until

from suprsend_async import outbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.services.conftest import Service

    from suprsend_async.sandbox import Sandbox

UVICORN = ("uvicorn", "--host", "127.0.0.1", "--port", "{port}")
GUNICORN = ("gunicorn", "--bind", "127.0.0.1:{port}", "--workers", "2", "--worker-class")
# Their callers wait for the platform's answer, in a buffer.
ANSWERED = {
    "aiohttp": ("aiohttp_app", "{port}"),
    "aiohttp, gunicorn with 2 workers": (*GUNICORN, "aiohttp.GunicornWebWorker", "aiohttp_app:app"),
    "Django, uvicorn": (*UVICORN, "django_app:application"),
}
# Theirs do not: the outbox or the spool has the event.
KEPT = {
    "FastAPI, gunicorn with 2 workers": (*GUNICORN, "asgi", "fastapi_app:app"),
    "Starlette, uvicorn with 2 workers": (*UVICORN, "--workers", "2", "starlette_app:app"),
    "Litestar, uvicorn": (*UVICORN, "litestar_app:app"),
    "Flask, gunicorn with threads in 2 workers that were forked later": (
        *GUNICORN,
        *("gthread", "--threads", "32", "--preload", "flask_app:create_app()"),
    ),
}
REQUESTS = 60
NUMBERS = [str(number) for number in range(REQUESTS)]


async def post_all(url: str, path: str) -> list[httpx.Response]:
    async with httpx.AsyncClient(base_url=url, timeout=20) as client:
        return await asyncio.gather(*[client.post(f"/{path}/{number}") for number in range(REQUESTS)])


def sent(sandbox: Sandbox, name: str, key: str) -> list[str]:
    return sorted((event["properties"][key] for event in sandbox.events if event["event"] == name), key=int)


def ended_well(service: Service, said: str) -> bool:
    return service.process.returncode in (0, -15) and "Traceback" not in said


def is_whole(service: Service, command: tuple[str, ...]) -> bool:
    """Whether each worker has said that it is there."""
    listening = {"gthread": "Booting worker", "asgi": "server listening"}
    words = next((listening[word] for word in command if word in listening), "startup complete")
    return service.log.read_text().count(words) >= (2 if "--workers" in command else 1)


@pytest.mark.parametrize("command", ANSWERED.values(), ids=ANSWERED)
async def test_a_service_that_waits_for_answers(
    serve_http: Callable[..., Service], sandbox: Sandbox, command: tuple[str, ...]
) -> None:
    service = serve_http(*command)

    orders = await post_all(service.url, "orders")
    assert {response.status_code for response in orders} == {200}
    assert all(response.json() == {"notified": "accepted"} for response in orders)
    assert len(sandbox.events) == REQUESTS
    assert sandbox.requests <= REQUESTS // 2
    await views_leave_on_sigterm(service, sandbox)


async def test_views_of_the_fastapi_example_leave_on_sigterm(
    serve_http: Callable[..., Service], sandbox: Sandbox
) -> None:
    await views_leave_on_sigterm(serve_http(*UVICORN, "fastapi_app:app"), sandbox)


async def views_leave_on_sigterm(service: Service, sandbox: Sandbox) -> None:
    """The platform is out of order while the server is asked to end: what was enqueued is still under way."""
    sandbox.fail_next(4, status=503)
    views = await post_all(service.url, "views")
    assert {response.status_code for response in views} == {202}
    said = await asyncio.to_thread(service.terminate)
    assert ended_well(service, said), said
    assert sent(sandbox, "page_viewed", "page") == NUMBERS


@pytest.mark.parametrize("command", KEPT.values(), ids=KEPT)
async def test_a_service_that_ends_while_the_platform_is_down_loses_nothing(
    serve_http: Callable[..., Service], sandbox: Sandbox, tmp_path: Path, command: tuple[str, ...]
) -> None:
    # As a migration does, before workers start side by side.
    engine = create_engine(f"sqlite:///{tmp_path}/shop.db")
    orders_table = Table("orders", MetaData(), Column("id", String, primary_key=True))
    orders_table.create(engine)
    outbox.metadata.create_all(engine)
    engine.dispose()

    sandbox.stop()
    first = serve_http(*command)
    orders = await post_all(first.url, "orders")
    assert {response.status_code for response in orders} == {201}, first.log.read_text()
    await asyncio.to_thread(wait_until, lambda: is_whole(first, command), "all workers listen")
    said = await asyncio.to_thread(first.terminate)
    assert ended_well(first, said), said

    sandbox.start()
    second = serve_http(*command)
    await asyncio.to_thread(wait_until, lambda: len(sandbox.events) == REQUESTS, "the next process has sent all")
    # All may be sent before the last worker listens; a signal that comes then is lost on it.
    await asyncio.to_thread(wait_until, lambda: is_whole(second, command), "all workers listen")
    said = await asyncio.to_thread(second.terminate)
    assert ended_well(second, said), said
    assert sent(sandbox, "order_placed", "order_id") == NUMBERS


async def test_a_relay_sends_what_django_has_committed(
    serve: Callable[..., Service], serve_http: Callable[..., Service], sandbox: Sandbox, tmp_path: Path
) -> None:
    database = tmp_path / "shop.db"
    migration = serve("django_wsgi_app", "migrate", SHOP_DB=str(database))
    assert await asyncio.to_thread(migration.process.wait) == 0, migration.log.read_text()
    service = serve_http(*GUNICORN, "sync", "django_wsgi_app:application", SHOP_DB=str(database))
    orders = await post_all(service.url, "orders")
    assert {response.status_code for response in orders} == {201}, service.log.read_text()
    said = await asyncio.to_thread(service.terminate)
    assert ended_well(service, said), said
    assert sandbox.events == []

    relay = serve("suprsend_async.cli", "outbox", "run", f"sqlite:///{database}")
    await asyncio.to_thread(wait_until, lambda: len(sandbox.events) == REQUESTS, "the relay has sent all")
    said = await asyncio.to_thread(relay.terminate)
    assert relay.process.returncode == 0, said
    assert sent(sandbox, "order_placed", "order_id") == NUMBERS


def test_aiohttp_waits_as_long_as_the_page_on_deployment_says() -> None:
    assert inspect.signature(web.run_app).parameters["shutdown_timeout"].default == 60
