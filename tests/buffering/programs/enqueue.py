"""Enqueue events until killed, and note each that was taken in; or with `drain`, send what is left and end.

Arguments: the spool, the file for the notes, the run's number, and perhaps `drain`.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys

from suprsend_async import AsyncSuprsend, BufferFull, DurableTracker, Event

CALLERS = 20


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def enqueue(tracker: DurableTracker, keys: itertools.count[int], run: str, notes: int) -> None:
    while True:
        key = f"run-{run}-event-{next(keys)}"
        event = Event("user-1", "page_viewed", {"text": "é" * 50}, key)
        while True:
            try:
                await tracker.enqueue(event)
            except BufferFull:
                await asyncio.sleep(0.005)
            else:
                break
        # The system has the note when this returns, whatever becomes of the process.
        os.write(notes, f"{key}\n".encode())


async def main(spool: str, notes: str, run: str, *drain: str) -> None:
    file = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    async with (
        AsyncSuprsend() as client,
        client.buffer(spool=spool, max_pending=2_000, drain_timeout=60) as tracker,
    ):
        tell("open")
        if drain:
            await tracker.flush()
        else:
            keys = itertools.count()
            await asyncio.gather(*[enqueue(tracker, keys, run, file) for _ in range(CALLERS)])
    tell(f"{tracker.stats().pending} {tracker.stats().dead_letters}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
