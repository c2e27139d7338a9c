"""One fault on several ways into the SDK at a time, each with a server, a client and a judge of its own.

The ways in are tried side by side, so that faults that use up a deadline cost it once and not once for each.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from tests.faults.calls import Said, timed, timed_blocking
from tests.faults.clients import opened, opened_blocking
from tests.faults.judge import Judge, Judgement
from tests.faults.places import LOOPS, made_by_default, nameless
from tests.faults.server import FaultServer

from suprsend_async import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.faults.calls import AsyncCall, BlockingCall
    from tests.faults.ledger import Entry
    from tests.faults.squares import Square


@dataclass(frozen=True, slots=True)
class AsyncWay:
    """A way into the asynchronous client, and the records that go that way."""

    call: AsyncCall[Any]
    records: list[Any]


@dataclass(frozen=True, slots=True)
class BlockingWay:
    """A way into the blocking client, and the records that go that way."""

    call: BlockingCall[Any]
    records: list[Any]


@dataclass(slots=True)
class Trial:
    """One fault on one way in, with what was said and what was found.

    Attributes:
        records: What was sent.
        said: What the caller was told.
        timeout: The call's deadline in seconds.
        judgement: What the judge found.
        complaints: What was wrong with the requests themselves.
        entries: What came to the server.
        seen: Whether the server saw a request of it; True where there is no server to see any.
    """

    records: list[Any]
    said: Said
    timeout: float
    judgement: Judgement
    complaints: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    seen: bool = True

    @property
    def most_attempts(self) -> int:
        """How often the record that came most often came."""
        return max((entry.attempt for entry in self.entries), default=0)


class Bench:
    """A server or a place without one, and the judge, for one trial."""

    def __init__(self, square: Square, records: list[Any]) -> None:
        self._case = square.case
        self._mode = square.mode
        self._stack = ExitStack()
        self._server: FaultServer | None = None
        self.judge = Judge()
        self.records = records
        self.warm = Event("user-warm", "warm_up")

    def __enter__(self) -> Self:
        if self._case.place is not None:
            self.url = self._stack.enter_context(self._case.place())
        else:
            self._server = self._stack.enter_context(FaultServer())
            self.url = self._server.url
        return self

    def __exit__(self, *problem: object) -> None:
        self._stack.close()

    def begin(self) -> None:
        """Let things go wrong from now on."""
        if self._server is not None and self._case.fault is not None:
            if self._mode == "always":
                self._server.script.always(self._case.fault)
            else:
                self._server.script.plan(self._case.fault)

    def trial(self, said: Said) -> Trial:
        """Return what came of it."""
        if self._server is None:
            return Trial(self.records, said, self._case.timeout, self.judge.compare([]))
        entries = self._server.ledger.entries
        seen = self._server.requests > self._case.warm
        judgement, complaints = self.judge.compare(entries), self._server.complaints
        return Trial(self.records, said, self._case.timeout, judgement, complaints, entries, seen)


async def try_way(square: Square, way: AsyncWay, start: asyncio.Barrier) -> Trial:
    """Try an asynchronous way in, when all are ready: making their clients would hold up a call on the same loop."""
    with Bench(square, way.records) as bench:
        async with opened(bench.url, square.engine, timeout=square.case.timeout) as client:
            if square.case.warm:
                bench.judge.hear_response(bench.warm, await client.track_event(bench.warm))
            bench.begin()
            await start.wait()
            said = await timed(way.call, client, way.records, bench.judge)
        return bench.trial(said)


def try_blocking_way(square: Square, way: BlockingWay, wait: Callable[[], None]) -> Trial:
    """Try a blocking way in, when all are ready."""
    with Bench(square, way.records) as bench:
        with opened_blocking(bench.url, square.engine, timeout=square.case.timeout) as client:
            if square.case.warm:
                bench.judge.hear_response(bench.warm, client.track_event(bench.warm))
            bench.begin()
            wait()
            said = timed_blocking(way.call, client, way.records, bench.judge)
        return bench.trial(said)


async def try_all(square: Square, ways: Mapping[str, AsyncWay | BlockingWay]) -> dict[str, Trial]:
    """Try these ways in, side by side."""
    start, loop = asyncio.Barrier(len(ways)), asyncio.get_running_loop()

    def wait() -> None:
        asyncio.run_coroutine_threadsafe(start.wait(), loop).result()

    async def one(way: AsyncWay | BlockingWay) -> Trial:
        if isinstance(way, BlockingWay):
            return await asyncio.to_thread(try_blocking_way, square, way, wait)
        return await try_way(square, way, start)

    return dict(zip(ways, await asyncio.gather(*map(one, ways.values())), strict=True))


def run(square: Square, ways: Mapping[str, AsyncWay | BlockingWay]) -> dict[str, Trial]:
    """Try these ways in on loops of the square's kind; the blocking client makes its own, like any other."""
    factory = nameless(LOOPS[square.loop]) if square.case.nameless else LOOPS[square.loop]
    with made_by_default(factory), asyncio.Runner() as runner:
        return runner.run(try_all(square, ways))
