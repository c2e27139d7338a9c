"""The limiter of a bulk: who is admitted, when, and that nothing is kept by those who left."""

from __future__ import annotations

import asyncio
from email.utils import formatdate

import pytest
from tests.virtual_time import loop_clock, now, run, until_all_wait

from suprsend_async.bulk.limiter import STOPPED, AdaptiveLimiter, signal_of
from suprsend_async.bulk.pressure import Signal
from suprsend_async.transport.answer import Answer, Failure

pytestmark = pytest.mark.timeout(20)

SERVERS_TIME = 1_704_164_645.0
SERVED = Answer(207, {}, b"{}")
CUT = Failure("connection_failed", "cut", sent=True)


def throttled(seconds: int | None = None) -> Answer:
    return Answer(429, {} if seconds is None else {"retry-after": str(seconds)}, b"")


class Line:
    """Attempts that wait at a limiter, and who of them was admitted, in order."""

    def __init__(self, concurrency: int = 1, *, timeout: float = 30.0, longest_pause: float = float("inf")) -> None:
        self.limiter = AdaptiveLimiter(concurrency, loop_clock(), timeout, longest_pause, now=lambda: SERVERS_TIME)
        self.admitted: list[str] = []
        self.refused: dict[str, Failure] = {}
        self.permits: dict[str, float] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def join(self, *names: str) -> None:
        """Have attempts wait; those named "again…" were refused before."""
        for name in names:
            self.tasks[name] = asyncio.create_task(self._acquire(name))
            await until_all_wait()

    async def _acquire(self, name: str) -> None:
        result = await self.limiter.acquire(again=name.startswith("again"))
        if isinstance(result, Failure):
            self.refused[name] = result
            return
        self.admitted.append(name)
        self.permits[name] = result

    async def release(self, name: str, result: Answer | Failure | None = SERVED) -> None:
        self.limiter.release(self.permits.pop(name), result)
        await until_all_wait()

    async def serve_all(self) -> list[str]:
        """Release whoever was admitted, one after the other, until nobody waits; returns the order."""
        while self.permits:
            await self.release(next(iter(self.permits)))
        assert all(task.done() for task in self.tasks.values())
        assert self.limiter.pressure.in_flight == 0
        return self.admitted


@pytest.mark.parametrize(
    ("joined", "order"),
    [
        # One newcomer at most stands before those that were refused, however many came before them.
        (["new-1", "new-2", "new-3", "again"], ["new-1", "again", "new-2", "new-3"]),
        (["again", "new-1", "new-2", "new-3"], ["again", "new-1", "new-2", "new-3"]),
        (["new-1", "new-2", "again-1", "again-2", "new-3"], ["new-1", "again-1", "again-2", "new-2", "new-3"]),
        (["new-1", "again-1", "new-2", "again-2"], ["new-1", "again-1", "again-2", "new-2"]),
        (["new-1", "new-2", "new-3"], ["new-1", "new-2", "new-3"]),
        (["again-1", "again-2", "again-3"], ["again-1", "again-2", "again-3"]),
    ],
)
def test_what_was_refused_before_goes_ahead_of_what_was_never_sent(joined: list[str], order: list[str]) -> None:
    async def main() -> list[str]:
        line = Line()
        await line.join("first", *joined)
        assert line.admitted == ["first"]
        return await line.serve_all()

    assert run(main) == ["first", *order]


@pytest.mark.parametrize("concurrency", [1, 2, 7])
def test_no_more_are_admitted_than_allowed(concurrency: int) -> None:
    async def main() -> None:
        line = Line(concurrency)
        await line.join(*(f"new-{number}" for number in range(10)))
        assert len(line.admitted) == concurrency
        await line.release("new-0")
        assert len(line.admitted) == concurrency + 1
        assert line.limiter.pressure.in_flight == concurrency
        await line.serve_all()

    run(main)


def test_a_permit_is_the_moment_at_which_it_was_given() -> None:
    async def main() -> None:
        line = Line()
        await line.join("first", "second")
        assert line.permits["first"] == 0.0
        await asyncio.sleep(3.0)
        await line.release("first")
        assert line.permits["second"] == 3.0

    run(main)


# Pauses


def test_a_pause_is_waited_for() -> None:
    async def main() -> None:
        line = Line()
        await line.join("first", "again")
        await line.release("first", throttled(10))
        assert line.admitted == ["first"]
        await line.tasks["again"]
        assert 10.0 <= now() <= 11.0

    run(main)


def test_a_pause_up_to_a_date_is_one_by_the_servers_clock() -> None:
    async def main() -> None:
        line = Line()
        await line.join("first", "new")
        date = formatdate(SERVERS_TIME + 10, usegmt=True)
        await line.release("first", Answer(429, {"retry-after": date}, b""))
        await line.tasks["new"]
        assert 10.0 <= now() <= 11.0

    run(main)


def test_nobody_waits_for_a_pause_that_is_longer_than_the_timeout() -> None:
    async def main() -> None:
        line = Line(timeout=30.0)
        await line.join("first", "again", "new")
        await line.release("first", throttled(31))
        assert now() == 0.0
        for name in ("again", "new"):
            refusal = line.refused[name]
            assert (refusal.error_type, refusal.sent, refusal.retry_after) == ("rate_limited", False, 31.0)
        assert line.limiter.pressure.in_flight == 0
        # It is over some time.
        await asyncio.sleep(31.0)
        await line.join("later")
        await line.tasks["later"]
        assert line.admitted == ["first", "later"]

    run(main)


def test_a_pause_lasts_no_longer_than_the_longest_that_is_heeded() -> None:
    async def main() -> None:
        line = Line(timeout=30.0, longest_pause=5.0)
        await line.join("first", "new")
        await line.release("first", throttled(3_600))
        await line.tasks["new"]
        assert line.admitted == ["first", "new"]
        assert 5.0 <= now() <= 6.0

    run(main)


# The end


def test_once_closed_nobody_is_admitted_wherever_they_wait() -> None:
    async def main() -> None:
        line = Line()
        # One has the turn, one waits for it, two wait behind the newcomer.
        await line.join("first", "new-1", "again", "new-2", "new-3")
        line.limiter.close()
        await until_all_wait()
        assert line.refused == dict.fromkeys(("new-1", "again", "new-2", "new-3"), STOPPED)
        await line.join("late", "again-late")
        assert line.refused["late"] == line.refused["again-late"] == STOPPED
        assert now() == 0.0
        await line.release("first")
        assert (line.admitted, line.limiter.pressure.in_flight) == (["first"], 0)

    run(main)


def test_closing_ends_a_pause() -> None:
    async def main() -> None:
        line = Line()
        await line.join("first", "new-1", "again", "new-2")
        await line.release("first", throttled(20))
        await asyncio.sleep(1.0)
        line.limiter.close()
        await until_all_wait()
        assert line.refused == dict.fromkeys(("new-1", "again", "new-2"), STOPPED)
        assert now() == 1.0

    run(main)


# Those who leave


LEAVING: dict[str, list[str]] = {
    "with the turn": ["leaving", "new", "again"],
    "with the turn, refused before": ["again-leaving", "again", "new"],
    "waiting for the turn": ["new", "again-leaving", "again"],
    "behind the newcomer": ["new-1", "leaving", "new-2", "again"],
}


@pytest.mark.parametrize("how", ["before the release", "in the turn of the release", "in a pause"])
@pytest.mark.parametrize("joined", LEAVING.values(), ids=LEAVING)
def test_who_is_cancelled_while_waiting_keeps_no_permit_and_no_place(joined: list[str], how: str) -> None:
    [leaving] = [name for name in joined if name.endswith("leaving")]

    async def main() -> None:
        line = Line()
        await line.join("first", *joined)
        if how == "in a pause":
            await line.release("first", throttled(5))
        if how == "in the turn of the release":
            # Woken up, but cancelled before it goes on.
            line.limiter.release(line.permits.pop("first"), SERVED)
        line.tasks[leaving].cancel()
        await until_all_wait()
        assert line.tasks[leaving].cancelled()
        if how == "before the release":
            assert line.admitted == ["first"]
        while len(line.admitted) < len(joined):
            while not line.permits:
                await asyncio.sleep(0.1)
            await line.release(next(iter(line.permits)))
        assert await line.serve_all() == ["first", *line.admitted[1:]]
        assert set(line.admitted) == {"first", *joined} - {leaving}

    run(main)


def test_an_attempt_that_was_cancelled_gives_its_permit_back_and_says_nothing_of_the_server() -> None:
    async def main() -> None:
        line = Line(4)
        await line.join("first", "new")
        for _ in range(5):
            await line.join("cancelled")
            await line.release("cancelled", None)
        assert (line.limiter.pressure.limit, line.limiter.pressure.throttled) == (4.0, 0)
        assert line.limiter.pressure.in_flight == 2
        assert line.limiter.pressure.pace.at(now()) == float("inf")

    run(main)


def test_a_permit_that_is_given_back_without_a_result_wakes_the_next() -> None:
    async def main() -> list[str]:
        line = Line()
        await line.join("first", "second")
        await line.release("first", None)
        return line.admitted

    assert run(main) == ["first", "second"]


# What is learned


@pytest.mark.parametrize(
    ("result", "signal"),
    [
        (SERVED, Signal.SERVED),
        (Answer(400, {}, b""), Signal.SERVED),
        (Answer(500, {}, b""), Signal.SERVED),
        (throttled(), Signal.THROTTLED),
        (Answer(503, {}, b""), Signal.STRAINED),
        (Failure("deadline_exceeded", "silence", sent=True), Signal.STRAINED),
        (CUT, Signal.NEUTRAL),
        (None, Signal.NEUTRAL),
    ],
)
def test_what_a_result_says_about_the_load(result: Answer | Failure | None, signal: Signal) -> None:
    assert signal_of(result) is signal


def test_too_many_requests_lower_the_number_in_flight() -> None:
    async def main() -> None:
        line = Line(10)
        await line.join(*(f"new-{number}" for number in range(10)))
        await line.release("new-0", throttled())
        assert (line.limiter.pressure.limit, line.limiter.pressure.throttled) == (7.0, 1)
        await line.join("late")
        await asyncio.sleep(60)
        assert "late" not in line.admitted
        for number in range(1, 4):
            await line.release(f"new-{number}")
        await line.tasks["late"]
        assert line.limiter.pressure.in_flight == 7

    run(main)


@pytest.mark.parametrize("again", [False, True])
def test_a_free_permit_is_given_without_a_turn_of_the_loop(again: bool) -> None:
    async def main() -> None:
        waiting = AdaptiveLimiter(1, loop_clock(), 30.0, now=lambda: SERVERS_TIME).acquire(again=again).__await__()
        with pytest.raises(StopIteration) as given:
            next(waiting)
        assert given.value.value == 0.0

    run(main)
