"""Cancel calls at random moments, then check that the client is as good as new."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
from contextvars import ContextVar
from dataclasses import dataclass

from tests.faults.clients import opened
from tests.faults.programs.telling import tell, tell_response

from suprsend_async import AsyncSuprsend, Event
from suprsend_async.transport.clock import Clock
from suprsend_async.transport.retry import RetryPolicy

IN_FLIGHT = 20
# Set when the call that is made in this context waits before it tries again.
waits: ContextVar[asyncio.Event] = ContextVar("waits")


@dataclass(slots=True)
class Cancelled:
    """How many calls were cancelled: in all, twice, and during the wait before an attempt."""

    calls: int = 0
    twice: int = 0
    while_waiting: int = 0

    async def sleep(self, seconds: float) -> None:
        """Wait before an attempt."""
        if event := waits.get(None):
            event.set()
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.while_waiting += 1
            raise

    def check_variety(self) -> None:
        """Check that no kind was rare."""
        if min(self.twice, self.while_waiting) < self.calls / 100:
            raise RuntimeError(f"of too little variety: {self}")


async def one(client: AsyncSuprsend, chance: random.Random, cancelled: Cancelled) -> None:
    """Make a call and cancel it, once or twice, at a random moment or when it begins to wait for its next attempt."""
    waits.set(begun := asyncio.Event())
    event = Event("user-1", "order_placed", {"text": "x" * 200_000 if chance.random() < 0.05 else 10})
    if chance.random() < 0.8:
        task = asyncio.create_task(client.track_event(event))
    else:
        task = asyncio.create_task(client.bulk_events.send([event]))
    if chance.random() < 0.15:
        waiting = asyncio.create_task(begun.wait())
        await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
    else:
        await asyncio.sleep(chance.choice((0, 0.0005, 0.002, 0.005, 0.02)) * chance.random())
    task.cancel()
    if chance.random() < 0.3:
        # Again, while the first is still being dealt with.
        await asyncio.sleep(0)
        cancelled.twice += task.cancel()
    outcome = None
    with contextlib.suppress(asyncio.CancelledError):
        response = await task
        outcome = getattr(response, "outcome", None)
        if outcome is None:
            outcome = "accepted" if response.success else response.failed_records[0].outcome
    tell(event, outcome)
    cancelled.calls += outcome is None


async def check(client: AsyncSuprsend) -> None:
    """Check that every request succeeds and nothing is held."""
    events = [Event("user-2", "order_placed") for _ in range(3 * IN_FLIGHT)]
    for event, response in zip(events, await asyncio.gather(*map(client.track_event, events)), strict=True):
        tell_response(event, response)
    lane = await client.sender.transport.session.loops.current()
    free, held = lane.slots.value, len(lane._calls)
    if free != min(100, lane.engine.max_in_flight or 100) or held:
        raise RuntimeError(f"{free} slots are free, {held} calls are under way")
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    if others:
        raise RuntimeError(f"tasks are left: {others}")


async def main() -> None:
    url, engine, seed, number = sys.argv[1:]
    chance = random.Random(int(seed))
    cancelled = Cancelled()
    async with opened(url, engine, timeout=5, max_connections=100) as client:
        # Waits that are long enough to be met.
        client.sender.transport.policy = RetryPolicy(2, base=0.05, cap=0.1)
        client.sender.transport.session.clock = Clock(sleep=cancelled.sleep)

        async def cancel_on() -> None:
            while cancelled.calls < int(number):
                await one(client, chance, cancelled)

        await asyncio.gather(*[cancel_on() for _ in range(IN_FLIGHT)])
        cancelled.check_variety()
        await wait_for_stragglers(client)
        await calm()
        await check(client)


async def wait_for_stragglers(client: AsyncSuprsend) -> None:
    """Wait until the exchanges whose callers have gone are over."""
    lane = await client.sender.transport.session.loops.current()
    while tasks := getattr(lane.engine, "_tasks", None):
        await asyncio.wait(tasks)


async def calm() -> None:
    """Ask the test to let nothing go wrong any more, and wait until it says that it does."""
    sys.stdout.write("calm\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


if __name__ == "__main__":
    asyncio.run(main())
