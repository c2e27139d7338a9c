"""End the loop, or be interrupted, while calls are under way; nobody closes the client."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from itertools import count
from typing import TYPE_CHECKING

import httpx
from tests.faults.clients import async_client, blocking_client

from suprsend_async import AsyncSuprsend, Event

if TYPE_CHECKING:
    from collections.abc import Iterator


def wait_for_the_test() -> None:
    sys.stdout.write("waiting\n")
    sys.stdout.flush()
    # The test knows when the requests have come.
    sys.stdin.readline()


def endless(begun: asyncio.Event) -> Iterator[Event]:
    begun.set()
    for number in count():
        yield Event(f"user-{number % 7}", "order_placed")


async def leave(client: AsyncSuprsend) -> None:
    """Start calls of every kind and return, which cancels them."""
    tasks = {asyncio.create_task(client.track_event(Event("user-1", "order_placed"))) for _ in range(20)}
    sending, streaming = asyncio.Event(), asyncio.Event()
    tasks.add(asyncio.create_task(client.bulk_events.send(endless(sending))))
    stream = client.bulk_events.stream(endless(streaming))
    tasks.add(asyncio.create_task(anext(stream)))  # type: ignore[arg-type]
    # From anyio 4.14 on, a task of a group that is cancelled before its first step warns that it was never awaited.
    await sending.wait()
    await streaming.wait()
    await asyncio.to_thread(wait_for_the_test)
    globals()["kept"] = tasks, stream


def interrupted_async(url: str) -> None:
    """Be interrupted in the middle of a call, as by Ctrl-C."""
    client = async_client(url, timeout=3600)

    async def call() -> None:
        sys.stdout.write("waiting\n")
        sys.stdout.flush()
        await client.track_event(Event("user-1", "order_placed"))

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(call())


def interrupted_blocking(url: str) -> None:
    """The same with the blocking client."""
    with blocking_client(url, timeout=3600) as client:
        sys.stdout.write("waiting\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            client.track_event(Event("user-1", "order_placed"))


def main() -> None:
    url, name = sys.argv[1:]
    if name == "aiohttp":
        asyncio.run(leave(async_client(url)))
    elif name == "httpx":
        asyncio.run(leave(async_client(url, http_client=httpx.AsyncClient(trust_env=False))))
    else:
        globals()[name](url)


if __name__ == "__main__":
    main()
