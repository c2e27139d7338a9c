"""Send, wait for a line on stdin, send again: between the two, the test stops this process for a while."""

from __future__ import annotations

import asyncio
import sys

from tests.faults.clients import PATIENT, async_client, blocking_client
from tests.faults.programs.telling import tell_response

from suprsend_async import Event


def wait_for_the_test() -> None:
    sys.stdout.write("waiting\n")
    sys.stdout.flush()
    sys.stdin.readline()


async def with_async_client(url: str) -> None:
    async with async_client(url, timeout=PATIENT) as client:
        for number in range(4):
            events = [Event(f"user-{number}", "order_placed") for _ in range(5)]
            for event, response in zip(events, await asyncio.gather(*map(client.track_event, events)), strict=True):
                tell_response(event, response)
            # Blocking, so that the loop does not see what happens to its connections meanwhile.
            if number < 3:
                wait_for_the_test()


def with_blocking_client(url: str) -> None:
    with blocking_client(url, timeout=PATIENT) as client:
        for number in range(4):
            event = Event(f"user-{number}", "order_placed")
            tell_response(event, client.track_event(event))
            if number < 3:
                wait_for_the_test()


if __name__ == "__main__":
    if sys.argv[2] == "async":
        asyncio.run(with_async_client(sys.argv[1]))
    else:
        with_blocking_client(sys.argv[1])
