"""A hundred `asyncio.run` in a row with one client, which nobody closes."""

from __future__ import annotations

import asyncio
import sys

from tests.faults.clients import PATIENT, async_client
from tests.faults.programs.telling import tell_response

from suprsend_async import AsyncSuprsend, Event


async def send(client: AsyncSuprsend, number: int) -> None:
    events = [Event(f"user-{number}", "order_placed") for _ in range(3)]
    for event, response in zip(events, await asyncio.gather(*map(client.track_event, events)), strict=True):
        tell_response(event, response)
    bulk = client.bulk_events.new_instance()
    bulk.append(*events)
    (await bulk.trigger()).raise_for_status()


def main() -> None:
    client = async_client(sys.argv[1], timeout=PATIENT)
    if sys.argv[2] == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    else:
        factory = asyncio.new_event_loop
    for number in range(100):
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(send(client, number))


if __name__ == "__main__":
    main()
