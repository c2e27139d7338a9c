"""Two hundred calls at once where only 64 files may be open, over one engine or the other."""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path

from tests.faults.clients import fast, opened
from tests.faults.programs.telling import tell, tell_response

from suprsend_async import Event


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def main() -> None:
    url, engine = sys.argv[1:]
    async with opened(url, engine, timeout=10, retries=20) as client:
        client.sender.transport.policy = fast(20)
        first = Event("user-first", "order_placed")
        tell_response(first, await client.track_event(first))
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        before = open_files()
        events = [Event(f"user-{number}", "order_placed") for number in range(200)]
        for event, response in zip(events, await asyncio.gather(*map(client.track_event, events)), strict=True):
            tell(event, response.outcome)
        last = Event("user-last", "order_placed")
        tell_response(last, await client.track_event(last))
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    after = open_files()
    if after > before:
        raise RuntimeError(f"{after} files are open, {before} were before")


if __name__ == "__main__":
    asyncio.run(main())
