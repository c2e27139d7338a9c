"""Four loops in four threads at once with one client, closed from a fifth loop in the end."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.faults.clients import PATIENT, async_client
from tests.faults.programs.telling import tell_response

from suprsend_async import AsyncSuprsend, Event


async def send(client: AsyncSuprsend, number: int) -> list[tuple[Event, object]]:
    said = []
    for _ in range(25):
        events = [Event(f"user-{number}", "order_placed") for _ in range(4)]
        said += list(zip(events, await asyncio.gather(*map(client.track_event, events)), strict=True))
    return said


def main() -> None:
    client = async_client(sys.argv[1], timeout=PATIENT)
    with ThreadPoolExecutor(4) as threads:
        for said in threads.map(lambda number: asyncio.run(send(client, number)), range(4)):
            for event, response in said:
                tell_response(event, response)
    asyncio.run(client.aclose())


if __name__ == "__main__":
    main()
