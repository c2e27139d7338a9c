"""Import this project in a fresh interpreter and make two calls; prints the seconds of each step.

Of the import it is seconds of CPU, its threads included. The names are imported, and not the package alone, which
imports none of them. Run by its path and not as a module: nothing may be imported before it that it would import
itself.
"""

import os
import sys
import time

url, cpu = sys.argv[1:]
if cpu:
    os.sched_setaffinity(0, {int(cpu)})
before = time.process_time()
from suprsend_async import AsyncSuprsend, Event  # noqa: E402

imported = time.process_time() - before
import asyncio  # noqa: E402

marks: list[float] = []


async def main() -> None:
    """Make two calls."""
    marks.append(time.perf_counter())
    async with AsyncSuprsend("start-workspace-key-0000001", "secret", base_url=url) as client:
        marks.append(time.perf_counter())
        for number in range(2):
            await client.track_event(Event("user", "started", {"number": number}))
            marks.append(time.perf_counter())


asyncio.run(main())
print(imported, *[marks[step + 1] - marks[step] for step in range(3)])
