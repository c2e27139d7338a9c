"""Import this project in a fresh interpreter and make two calls; prints the seconds of each step.

The names are imported, and not the package alone, which imports none of them. Run by its path and not as a module:
nothing may be imported before it that it would import itself.
"""

import os
import sys
import time

url, cpu = sys.argv[1:]
if cpu:
    os.sched_setaffinity(0, {int(cpu)})
marks = [time.perf_counter()]
from suprsend_async import AsyncSuprsend, Event  # noqa: E402

marks.append(time.perf_counter())
import asyncio  # noqa: E402


async def main() -> None:
    """Make two calls."""
    marks.append(time.perf_counter())
    async with AsyncSuprsend("start-workspace-key-0000001", "secret", base_url=url) as client:
        for number in range(2):
            await client.track_event(Event("user", "started", {"number": number}))
            marks.append(time.perf_counter())


asyncio.run(main())
print(marks[1] - marks[0], marks[3] - marks[2], marks[4] - marks[3])
