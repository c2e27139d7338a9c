"""The blocking client in Django views under gunicorn's workers: greenlets of gevent, threads, and one at a time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

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
