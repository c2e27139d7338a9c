"""Enqueue records of all kinds until killed, and note each that was taken in; or with `drain`, send what is left.

Arguments: the spool, the file for the notes, the run's number, and perhaps `drain`. A note is a record's kind and key;
of an edit, which increments once, the key is its user.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import sys
from typing import TYPE_CHECKING

from suprsend_async import AsyncSuprsend, BufferFull, DurableTracker, Event, UserEdit, WorkflowTriggerRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

CALLERS = 20
TRIGGERS = 0.15
EDITS = 0.05


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def records(run: str) -> Iterator[tuple[str, str, Event | WorkflowTriggerRequest | UserEdit]]:
    chance = random.Random(run)
    for number in itertools.count():
        drawn, key = chance.random(), f"run-{run}-{number}"
        if drawn < EDITS:
            yield "edit", key, UserEdit(key).increment("orders", 1)
        elif drawn < EDITS + TRIGGERS:
            yield "trigger", key, WorkflowTriggerRequest("order-shipped", ["user-1"], idempotency_key=key)
        else:
            yield "event", key, Event("user-1", "page_viewed", {"text": "é" * 50}, key)


async def enqueue(
    tracker: DurableTracker, made: Iterator[tuple[str, str, Event | WorkflowTriggerRequest | UserEdit]], notes: int
) -> None:
    for kind, key, record in made:
        while True:
            try:
                await tracker.enqueue(record)
            except BufferFull:
                await asyncio.sleep(0.005)
            else:
                break
        # The system has the note when this returns, whatever becomes of the process.
        os.write(notes, f"{kind} {key}\n".encode())


async def drain(tracker: DurableTracker) -> None:
    """Send what is left, and name and discard what cannot be decided."""
    await tracker.flush()
    while letters := await tracker.dead_letters():
        for letter in letters:
            key = letter.edit.distinct_id if letter.kind == "edit" else letter.error
            tell(f"{letter.kind} {letter.outcome} {key}")
        await tracker.discard(*letters)


async def main(spool: str, notes: str, run: str, *is_last: str) -> None:
    file = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    async with (
        AsyncSuprsend() as client,
        client.buffer(spool=spool, max_pending=2_000, drain_timeout=60) as tracker,
    ):
        tell("open")
        if is_last:
            await drain(tracker)
        else:
            made = records(run)
            await asyncio.gather(*[enqueue(tracker, made, file) for _ in range(CALLERS)])
    tell(f"{tracker.stats().pending} {tracker.stats().dead_letters}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
