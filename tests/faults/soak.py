"""A long random mix of calls and faults: `python -m tests.faults.soak --seconds 600 --seed 1`.

Each caller draws its calls: a third of them send events, a third are calls on users, a third trigger workflows,
broadcast, and add users to lists; each kind of them.

It prints its seed, and in the end what was lost, what came as a ghost and what came twice; the exit status is 1 if
any of that, or anything else that the judge looks at, is not zero.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.faults import http_faults, transport_faults
from tests.faults.calls import ASYNC_CALLS, BLOCKING_CALLS, Said, timed, timed_blocking
from tests.faults.clients import ENGINES, opened, opened_blocking
from tests.faults.judge import Judge, Judgement
from tests.faults.notification_calls import (
    ADD_TO_LIST,
    ASYNC_NOTIFICATION_CALLS,
    BLOCKING_NOTIFICATION_CALLS,
    BROADCAST,
    BULK_TRIGGER,
    hear_cancelled_notifications,
    kind_of,
    make_broadcast,
    make_trigger,
    make_users,
)
from tests.faults.server import FaultServer
from tests.faults.user_calls import (
    ASYNC_USER_CALLS,
    BLOCKING_USER_CALLS,
    SEND_EDITS,
    hear_cancelled,
    make_edit,
    make_edits,
)

from suprsend_async import Event, UserEdit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.calls import AsyncCall
    from tests.faults.exchange import Fault

    from suprsend_async import AsyncSuprsend, Suprsend

T = TypeVar("T")

ROUND_SECONDS = 10.0
TIMEOUT = 2.0
CALLERS = 12
BLOCKING_CALLERS = 4
# A call that takes so much longer than its deadline hangs. The promise is a quarter of a second; the rest is for a
# machine that is kept busy on purpose.
HANGING = 2.0
# They take as long as their records need.
BULK_CALLS = ("trigger", "send", "stream", SEND_EDITS, BULK_TRIGGER, ADD_TO_LIST)

FAULTS: Sequence[Fault] = [
    transport_faults.reset_before_any_byte,
    transport_faults.close_before_any_byte,
    transport_faults.reset_in_the_body,
    transport_faults.accepted_then_reset,
    transport_faults.accepted_then_reset,
    transport_faults.accepted_then_closed,
    transport_faults.half_accepted_then_reset,
    transport_faults.late_answer(0.2),
    transport_faults.late_answer(2 * TIMEOUT),
    transport_faults.cut_answer(0.05),
    transport_faults.cut_answer(0.5),
    transport_faults.cut_answer(0.95),
    transport_faults.answer_with_too_long_a_length,
    transport_faults.answer_with_too_short_a_length,
    transport_faults.broken_chunk_size,
    transport_faults.chunks_without_end,
    transport_faults.good_chunks,
    transport_faults.connection_close,
    transport_faults.silent_close,
    transport_faults.drip_body(0.001),
    transport_faults.http_1_0,
    transport_faults.noise,
    transport_faults.gzip_answer,
    transport_faults.early_hints,
    *(http_faults.status_page(status) for status in (408, 413, 425, 429, 500, 502, 503, 504)),
    *(http_faults.status_page(status, accept=True) for status in (404, 408, 499, 500, 502, 503, 504, 520)),
    http_faults.status_document(400),
    http_faults.status_document(403),
    http_faults.too_many("0"),
    http_faults.too_many("1"),
    http_faults.odd_success(200, http_faults.PAGE, content_type=http_faults.HTML),
    http_faults.odd_success(200, b"", accept=False),
    http_faults.changed_records(lambda records: records[:-1]),
    http_faults.changed_records(lambda records: records[1:]),
    http_faults.changed_records(lambda records: [None, *records[1:]]),
]


@dataclass(slots=True)
class Tally:
    """What a soak came to.

    Attributes:
        events: Events that callers were told about; with the edits and calls on users, the triggers, broadcasts and
            users who are added to lists.
        requests: Requests that the servers saw.
        counts: What the judge found, by its kind.
        raised: Calls that raised.
        hanging: Calls that took far longer than their deadline.
        complaints: What was wrong with the requests themselves.
    """

    events: int = 0
    requests: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Judgement.__dataclass_fields__, 0))
    raised: list[str] = field(default_factory=list)
    hanging: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not any(self.counts.values()) and not (self.raised or self.hanging or self.complaints)

    def take(self, server: FaultServer, judge: Judge) -> None:
        """Add a round."""
        found = judge.compare(server.ledger.entries)
        self.events += len(judge.told)
        self.requests += server.requests
        self.complaints += server.complaints
        for kind in self.counts:
            self.counts[kind] += len(getattr(found, kind))

    def note(self, call: str, said: Said) -> None:
        """Add a call."""
        if said.raised is not None:
            self.raised.append(f"{call}: {said.raised!r}")
        if not call.endswith(BULK_CALLS) and said.seconds > TIMEOUT + HANGING:
            self.hanging.append(f"{call}: {said.seconds:.1f} s")


def events_by(chance: random.Random) -> list[Event]:
    """Make events: mostly few and small, some many, some long, some that the platform refuses."""
    number = chance.choice((1, 1, 1, 2, 5, 30, 150, 350))
    size = chance.choice((10, 10, 10, 1000)) if number > 1 else chance.choice((10, 10, 1000, 300_000))
    events: list[Event] = []
    for position in range(number):
        properties: dict[str, object] = {"number": position, "text": "中" * (size // 3)}
        if chance.random() < 0.02:
            properties["poison"] = True
        events.append(Event(f"user-{chance.randrange(20)}", "order_placed", properties))
    return events


def edits_by(call: str, chance: random.Random) -> list[UserEdit]:
    """Make the edits of a call: mostly few and small, some many, some long; about every second one counts."""
    if not call.endswith(SEND_EDITS):
        return [make_edit(chance.choice((10, 10, 1000, 300_000)), counts=chance.random() < 0.5)]
    number = chance.choice((2, 2, 2, 5, 30, 150, 900))
    return make_edits(number, chance.choice((10, 10, 10, 1000)))


def notifications_by(call: str, chance: random.Random) -> list[Any]:
    """Make what a call for notifications takes: mostly few and small, some many, some long; some are refused."""
    kind = kind_of(call)
    if kind == ADD_TO_LIST:
        return make_users(chance.choice((1, 5, 30, 350)))
    if kind == BROADCAST:
        return [make_broadcast(chance.choice((10, 10, 1000, 300_000)))]
    number = chance.choice((1, 2, 5, 30, 150, 350)) if kind == BULK_TRIGGER else 1
    size = chance.choice((10, 10, 10, 1000)) if number > 1 else chance.choice((10, 10, 1000, 300_000))
    return [make_trigger(size, **({"poison": True} if chance.random() < 0.02 else {})) for _ in range(number)]


@dataclass(slots=True)
class Round:
    """One server, clients of every kind, and callers that use them until the time is over."""

    server: FaultServer
    seed: int
    end: float
    tally: Tally
    judge: Judge = field(default_factory=Judge)

    async def run(self) -> None:
        """Let all callers call."""
        threads = [
            threading.Thread(target=self.call_blocking, args=(random.Random(self.seed + 1000 + number),))
            for number in range(BLOCKING_CALLERS)
        ]
        for thread in threads:
            thread.start()
        async with contextlib.AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(opened(self.server.url, engine, timeout=TIMEOUT, retries=4))
                for engine in ENGINES
            ]
            async with asyncio.TaskGroup() as callers:
                for number in range(CALLERS):
                    chance = random.Random(self.seed + number)
                    callers.create_task(self.call(clients[number % len(clients)], chance))
        await asyncio.gather(*[asyncio.to_thread(thread.join) for thread in threads])

    async def call(self, client: AsyncSuprsend, chance: random.Random) -> None:
        """Call until the time is over; now and then cancel."""
        while time.monotonic() < self.end:
            seconds = chance.random() * 0.1 if chance.random() < 0.1 else None
            await chance.choice((self.send_events, self.call_users, self.notify))(client, chance, seconds)

    async def send_events(self, client: AsyncSuprsend, chance: random.Random, seconds: float | None) -> None:
        """Make one call that sends events; cancel it if it takes longer than this."""
        call = chance.choice(list(ASYNC_CALLS))
        events = events_by(chance)[: 1 if call == "track_event" else None]
        if not await self.call_once(call, ASYNC_CALLS[call], client, events, seconds):
            for event in events:
                self.judge.hear(event, None)

    async def call_users(self, client: AsyncSuprsend, chance: random.Random, seconds: float | None) -> None:
        """Make one call on users; cancel it if it takes longer than this."""
        call = chance.choice(list(ASYNC_USER_CALLS))
        edits = edits_by(call, chance)
        if not await self.call_once(call, ASYNC_USER_CALLS[call], client, edits, seconds):
            hear_cancelled(call, edits, self.judge)

    async def notify(self, client: AsyncSuprsend, chance: random.Random, seconds: float | None) -> None:
        """Make one call for notifications; cancel it if it takes longer than this."""
        call = chance.choice(list(ASYNC_NOTIFICATION_CALLS))
        records = notifications_by(call, chance)
        if not await self.call_once(call, ASYNC_NOTIFICATION_CALLS[call], client, records, seconds):
            hear_cancelled_notifications(records, self.judge)

    async def call_once(
        self, name: str, call: AsyncCall[T], client: AsyncSuprsend, records: list[T], seconds: float | None
    ) -> bool:
        """Make a call; return whether it came to its end, and was not cancelled for taking longer than this."""
        heard = Judge()
        try:
            async with asyncio.timeout(seconds):
                self.tally.note(name, await timed(call, client, records, heard))
        except TimeoutError:
            return False
        self.judge.told += heard.told
        self.judge.unclear += heard.unclear
        return True

    def call_blocking(self, chance: random.Random) -> None:
        """Call with a blocking client until the time is over."""
        with opened_blocking(self.server.url, chance.choice(ENGINES), timeout=TIMEOUT, retries=4) as client:
            while time.monotonic() < self.end:
                self.call_blocking_once(client, chance)

    def call_blocking_once(self, client: Suprsend, chance: random.Random) -> None:
        """Make one blocking call."""
        chance.choice((self.send_events_blocking, self.call_users_blocking, self.notify_blocking))(client, chance)

    def send_events_blocking(self, client: Suprsend, chance: random.Random) -> None:
        """Make one blocking call that sends events."""
        call = chance.choice(list(BLOCKING_CALLS))
        events = events_by(chance)[: 1 if call == "blocking_track_event" else None]
        self.tally.note(call, timed_blocking(BLOCKING_CALLS[call], client, events, self.judge))

    def call_users_blocking(self, client: Suprsend, chance: random.Random) -> None:
        """Make one blocking call on users."""
        call = chance.choice(list(BLOCKING_USER_CALLS))
        edits = edits_by(call, chance)
        self.tally.note(call, timed_blocking(BLOCKING_USER_CALLS[call], client, edits, self.judge))

    def notify_blocking(self, client: Suprsend, chance: random.Random) -> None:
        """Make one blocking call for notifications."""
        call = chance.choice(list(BLOCKING_NOTIFICATION_CALLS))
        records = notifications_by(call, chance)
        self.tally.note(call, timed_blocking(BLOCKING_NOTIFICATION_CALLS[call], client, records, self.judge))


def soak(seconds: float, seed: int, faults: Sequence[Fault] = FAULTS) -> Tally:
    """Run rounds until the time is over; each has a server, clients and a judge of its own."""
    tally = Tally()
    end = time.monotonic() + seconds
    number = 0
    while time.monotonic() < end:
        with FaultServer(seed=seed + number) as server:
            server.script.by_chance(faults, 0.3)
            one = Round(server, seed + 10_000 * number, min(end, time.monotonic() + ROUND_SECONDS), tally)
            asyncio.run(one.run())
            tally.take(server, one.judge)
        number += 1
    return tally


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(1 << 31) if options.seed is None else options.seed
    sys.stdout.write(f"seed {seed}, {options.seconds:.0f} s\n")
    sys.stdout.flush()
    tally = soak(options.seconds, seed)
    for problem in [*tally.raised, *tally.hanging, *tally.complaints][:20]:
        sys.stdout.write(f"{problem}\n")
    counts = ", ".join(f"{kind} {number}" for kind, number in tally.counts.items())
    sys.stdout.write(
        f"seed {seed}: {tally.events} events, {tally.requests} requests: {counts}, "
        f"raised {len(tally.raised)}, hanging {len(tally.hanging)}, complaints {len(tally.complaints)}\n"
    )
    return 0 if tally.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
