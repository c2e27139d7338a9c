"""The matrix: each fault, through each way into the SDK, over each engine, on each loop.

The ways in are tried side by side, each with a server of its own, so that faults that use up a deadline cost it once
and not once for each.
"""

from __future__ import annotations

import asyncio
import functools
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from tests.faults.calls import BLOCKING_CALLS, Said, events_for, timed, timed_blocking
from tests.faults.clients import opened, opened_blocking
from tests.faults.judge import Judge, Judgement
from tests.faults.places import LOOPS, made_by_default, nameless
from tests.faults.server import FaultServer
from tests.faults.squares import Square, sample, whole_matrix

from suprsend_async import Event, SuprsendError, TransportError

if TYPE_CHECKING:
    import pytest
    from tests.faults.cases import Expected

# What the promises allow a call to take beyond its deadline.
TOLERANCE = 0.25
MAX_MESSAGE_BYTES = 2048


@dataclass(slots=True)
class Trial:
    """One fault on one way in, with what was said and what was found.

    Attributes:
        said: What the caller was told.
        judgement: What the judge found.
        complaints: What was wrong with the requests themselves.
        most_attempts: How often the event that came most often came.
    """

    said: Said = field(default_factory=Said)
    judgement: Judgement = field(default_factory=Judgement)
    complaints: list[str] = field(default_factory=list)
    most_attempts: int = 0


async def try_call(square: Square, call: str) -> Trial:
    """Try an asynchronous way in."""
    with Bench(square, call) as bench:
        async with opened(bench.url, square.engine, timeout=square.case.timeout) as client:
            if square.case.warm:
                bench.judge.hear_response(bench.warm, await client.track_event(bench.warm))
            bench.begin()
            said = await timed(call, client, bench.events, bench.judge)
        return bench.trial(said)


def try_blocking_call(square: Square, call: str) -> Trial:
    """Try a blocking way in."""
    with Bench(square, call) as bench:
        with opened_blocking(bench.url, square.engine, timeout=square.case.timeout) as client:
            if square.case.warm:
                bench.judge.hear_response(bench.warm, client.track_event(bench.warm))
            bench.begin()
            said = timed_blocking(call, client, bench.events, bench.judge)
        return bench.trial(said)


class Bench:
    """A server or a place without one, the events and the judge, for one trial."""

    def __init__(self, square: Square, call: str) -> None:
        self._case = square.case
        self._mode = square.mode
        self._stack = ExitStack()
        self._server: FaultServer | None = None
        self.judge = Judge()
        self.events = events_for(call, square.case.padding)
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
            return Trial(said, self.judge.compare([]))
        entries = self._server.ledger.entries
        most = max((entry.attempt for entry in entries), default=0)
        return Trial(said, self.judge.compare(entries), self._server.complaints, most)


async def try_all(square: Square, calls: list[str]) -> dict[str, Trial]:
    """Try these ways in, side by side."""

    async def one(call: str) -> Trial:
        if call in BLOCKING_CALLS:
            return await asyncio.to_thread(try_blocking_call, square, call)
        return await try_call(square, call)

    return dict(zip(calls, await asyncio.gather(*map(one, calls)), strict=True))


def run(square: Square, calls: list[str]) -> dict[str, Trial]:
    """Try these ways in on loops of the square's kind; the blocking client makes its own, like any other."""
    factory = nameless(LOOPS[square.loop]) if square.case.nameless else LOOPS[square.loop]
    with made_by_default(factory), asyncio.Runner() as runner:
        return runner.run(try_all(square, calls))


@functools.cache
def trials(square: Square) -> dict[str, Trial]:
    """Run one square of the matrix; each of its tests looks at its own part."""
    return run(square, square.calls)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    is_full, seed = metafunc.config.getoption("full"), metafunc.config.getoption("fault_seed")
    squares = whole_matrix() if is_full else sample(seed)
    tests = [(square, call) for square in squares for call in square.calls]
    names = [f"{square.name}-{square.mode}-{square.engine}-{square.loop}-{call}" for square, call in tests]
    metafunc.parametrize(("square", "call"), tests, ids=names)


def test_what_is_said_is_true_and_in_time(square: Square, call: str) -> None:
    trial = trials(square)[call]
    said = trial.said
    assert said.raised is None
    assert trial.complaints == []
    assert trial.judgement.is_clean, str(trial.judgement)
    expected = square.expected(call)
    assert set(said.outcomes) <= set(expected.outcomes), said.messages
    if expected.status is not ...:
        assert set(said.statuses) == {expected.status if set(said.outcomes) != {"accepted"} else None} or (
            set(said.statuses) == {expected.status}
        )
    if expected.error is not None:
        check_error(said, expected.error, call)
    check_retry_after(said, expected, call)
    if expected.attempts is not None:
        assert trial.most_attempts <= expected.attempts
    for message in said.messages:
        assert len(message.encode()) <= MAX_MESSAGE_BYTES
    seconds = said.seconds
    if seconds > square.case.timeout + TOLERANCE:
        # Side by side on a busy machine a call can come late through no fault of its own: it gets one try alone.
        seconds = run(square, [call])[call].said.seconds
    assert seconds <= square.case.timeout + TOLERANCE


def check_error(said: Said, expected: type[SuprsendError], call: str) -> None:
    """Check what `raise_for_status` raises."""
    if call.endswith("stream"):
        return
    if not call.endswith("track_event") and issubclass(expected, TransportError):
        # A failed record does not tell in which way no answer came.
        expected = TransportError
    assert isinstance(said.error, expected), repr(said.error)


def check_retry_after(said: Said, expected: Expected, call: str) -> None:
    """Check what is told of the server's wish; bulk calls do not tell it."""
    if expected.retry_after is ... or not call.endswith("track_event"):
        return
    if isinstance(expected.retry_after, tuple):
        low, high = expected.retry_after
        assert said.retry_after is not None
        assert low <= said.retry_after <= high
    else:
        assert said.retry_after == expected.retry_after
