"""What tracking costs a FastAPI service under load: through the buffer, and without it."""

from __future__ import annotations

import asyncio
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
from tests.services.conftest import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.services.conftest import Service

PROGRAMS = Path(__file__).parent / "programs"
REQUESTS = 1_000
IN_FLIGHT = 200


async def cpu_of(url: str, name: str) -> float:
    """Return the seconds of CPU that the server spent on so many requests."""

    async def cpu() -> float:
        async with session.get(f"{url}/cpu") as answer:
            return float(await answer.text())

    async def lane() -> None:
        while (number := next(numbers)) < REQUESTS:
            async with session.post(f"{url}/orders/{name}-{number}") as answer:
                assert answer.status == 200

    numbers = count()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        before = await cpu()
        await asyncio.gather(*[lane() for _ in range(IN_FLIGHT)])
        return await cpu() - before


# By name only, as `nox -s services -- -m long`: the speed of a shared machine's CPU varies by half within a run, and
# the benchmark shows the same ratio.
@pytest.mark.long
async def test_the_buffer_takes_a_fifth_of_the_cpu_at_most(serve_http: Callable[..., Service]) -> None:
    command = ("uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--no-access-log", "load:app")
    command += ("--timeout-keep-alive", "60")
    path = f"{PROGRAMS}:{EXAMPLES}"
    services = {
        name: serve_http(*command, TRACKING=name, PYTHONPATH=path).url for name in ("nothing", "direct", "buffered")
    }
    spent: dict[str, list[float]] = {name: [] for name in services}
    for number in range(3):
        for name, url in services.items():
            spent[name].append(await cpu_of(url, f"{name}-{number}"))
    # The first round warms up, and what else the machine does only adds.
    nothing, direct, buffered = (min(spent[name][1:]) for name in services)
    assert direct - nothing >= 5 * (buffered - nothing), (nothing, direct, buffered)
