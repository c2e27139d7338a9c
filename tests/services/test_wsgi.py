"""The blocking client in Django views under gunicorn's workers: greenlets of gevent, threads, and one at a time."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import gunicorn.config
import httpx
import pytest
from tests.services.conftest import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.services.conftest import Service

    from suprsend_async.sandbox import Sandbox

PROGRAMS = Path(__file__).parent / "programs"
REQUESTS = 60
WORKERS = {
    "gevent": ("gevent", "--workers", "2"),
    "threads, loaded before the fork": ("gthread", "--workers", "2", "--threads", "4", "--preload"),
    "one at a time": ("sync", "--workers", "2"),
}


@pytest.mark.parametrize("worker", WORKERS.values(), ids=WORKERS)
async def test_views_that_block(serve_http: Callable[..., Service], sandbox: Sandbox, worker: tuple[str, ...]) -> None:
    command = ("gunicorn", "--bind", "127.0.0.1:{port}", "--worker-class", *worker, "django_blocking:application")
    service = serve_http(*command, PYTHONPATH=f"{PROGRAMS}:{EXAMPLES}")
    async with httpx.AsyncClient(base_url=service.url, timeout=20) as client:
        answers = await asyncio.gather(*[client.get(f"/orders/{number}") for number in range(REQUESTS)])
    assert {answer.status_code for answer in answers} == {200}, service.log.read_text()
    assert all(answer.json() == {"notified": True, "rows": [1, 1]} for answer in answers)
    assert len(sandbox.events) == REQUESTS
    said = await asyncio.to_thread(service.terminate)
    assert service.process.returncode == 0, said
    assert "Traceback" not in said
    assert "SynchronousOnlyOperation" not in said


def test_gunicorn_waits_as_long_as_the_page_on_deployment_says() -> None:
    assert gunicorn.config.Config().graceful_timeout == 30


@pytest.mark.parametrize(
    ("graceful", "drain", "is_killed"), [("1", "3600", True), ("25", "0.1", False)], ids=["killed", "in time"]
)
async def test_the_exit_hook_has_what_is_left_of_gunicorns_graceful_timeout(
    serve_http: Callable[..., Service], sandbox: Sandbox, tmp_path: Path, graceful: str, drain: str, is_killed: bool
) -> None:
    # A platform that takes the connection and never answers, so that the spool has something to send to the end.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        service = serve_http(
            *("gunicorn", "--bind", "127.0.0.1:{port}", "--worker-class", "gthread"),
            *("--graceful-timeout", graceful, "gthread_spool:application"),
            PYTHONPATH=f"{PROGRAMS}:{EXAMPLES}",
            DRAIN_TIMEOUT=drain,
            SUPRSEND_BASE_URL=f"http://127.0.0.1:{silent.getsockname()[1]}/",
        )
        assert httpx.post(service.url).status_code == 201
        said = await asyncio.to_thread(service.terminate)
    assert ("the next process sends what is there" not in said) is is_killed, said
    # Killed or not, the record is on the disk.
    async with sandbox.client() as client, client.buffer(spool=tmp_path / "spool") as tracker:
        await tracker.flush()
    assert len(sandbox.events) == 1
