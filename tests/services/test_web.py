"""The web examples under their real servers: answers, requests saved, and nothing lost on SIGTERM."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.services.conftest import Service

    from suprsend_async.sandbox import Sandbox

UVICORN = ("uvicorn", "--host", "127.0.0.1", "--port", "{port}")
GUNICORN = ("gunicorn", "--bind", "127.0.0.1:{port}", "--workers", "2", "--worker-class")
SERVERS = {
    "FastAPI, uvicorn": (*UVICORN, "fastapi_app:app"),
    "FastAPI, gunicorn with 2 workers": (*GUNICORN, "asgi", "fastapi_app:app"),
    "aiohttp": ("aiohttp_app", "{port}"),
    "aiohttp, gunicorn with 2 workers": (*GUNICORN, "aiohttp.GunicornWebWorker", "aiohttp_app:app"),
    "Django, uvicorn": (*UVICORN, "django_app:application"),
    "Litestar, uvicorn": (*UVICORN, "litestar_app:app"),
    "Flask, gunicorn with threads in 2 workers that were forked later": (
        *GUNICORN,
        *("gthread", "--threads", "32", "--preload", "flask_app:app"),
    ),
}
REQUESTS = 60


async def post_all(url: str, path: str) -> list[httpx.Response]:
    async with httpx.AsyncClient(base_url=url, timeout=20) as client:
        return await asyncio.gather(*[client.post(f"/{path}/{number}") for number in range(REQUESTS)])


@pytest.mark.parametrize("command", SERVERS.values(), ids=SERVERS)
async def test_a_service(serve_http: Callable[..., Service], sandbox: Sandbox, command: tuple[str, ...]) -> None:
    service = serve_http(*command)

    orders = await post_all(service.url, "orders")
    assert {response.status_code for response in orders} == {200}
    assert all(response.json() == {"notified": True} for response in orders)
    assert len(sandbox.events) == REQUESTS
    assert sandbox.requests <= REQUESTS // 2

    # The platform is out of order while the server is asked to end: what was enqueued is still under way.
    sandbox.fail_next(4, status=503)
    views = await post_all(service.url, "views")
    assert {response.status_code for response in views} == {202}
    said = await asyncio.to_thread(service.terminate)
    assert service.process.returncode in (0, -15), said
    pages = [event["properties"]["page"] for event in sandbox.events if event["event"] == "page_viewed"]
    assert sorted(pages, key=int) == [str(number) for number in range(REQUESTS)]
    assert "Traceback" not in said
