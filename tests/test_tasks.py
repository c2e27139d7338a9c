"""Tasks that have an owner: whatever happens to either, the owner sees the work end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from tests.conftest import await_what_was_cancelled
from tests.virtual_time import now, run, until_all_wait

from suprsend_async.tasks import Cutoff, OwnedTask, foreign_cancellation

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.timeout(20)


class Work:
    """Work of a number of seconds, that takes some more to end when it is cancelled."""

    def __init__(self, seconds: float = 10.0, *, error: Exception | None = None, cleaning: float = 0.0) -> None:
        self.seconds = seconds
        self.error = error
        self.cleaning = cleaning
        self.ended_at: float | None = None
        self.was_cancelled = False

    async def __call__(self) -> None:
        try:
            await asyncio.sleep(self.seconds)
            if self.error is not None:
                raise self.error
        except asyncio.CancelledError:
            self.was_cancelled = True
            await asyncio.sleep(self.cleaning)
            raise
        finally:
            self.ended_at = now()


async def cancelled(awaitable: Any, *, after: float, times: int = 1) -> float:
    """Await something in a task that is cancelled, once or again and again; returns when that ended."""
    task = asyncio.create_task(awaitable)
    await asyncio.sleep(after)
    for _ in range(times):
        task.cancel()
        await until_all_wait()
    with pytest.raises(asyncio.CancelledError):
        await task
    return now()


# Joining


def test_joining_waits_for_the_end() -> None:
    async def main() -> None:
        work, over = Work(3.0), []
        task = OwnedTask(work())
        task.when_over(lambda: over.append(now()))
        await task.join()
        await task.join()
        assert (now(), over, work.was_cancelled) == (3.0, [3.0], False)

    run(main)


def test_joining_raises_what_the_work_raised() -> None:
    async def main() -> None:
        task = OwnedTask(Work(1.0, error=LookupError("row 1"))())
        for _ in range(2):
            with pytest.raises(LookupError, match="row 1"):
                await task.join()

    run(main)


def test_who_is_cancelled_while_joining_leaves_the_work_alone() -> None:
    async def main() -> None:
        work = Work(3.0)
        task = OwnedTask(work())
        assert await cancelled(task.join(), after=1.0) == 1.0
        await task.join()
        assert (work.ended_at, work.was_cancelled) == (3.0, False)

    run(main)


# Being ready


def test_the_owner_goes_on_when_the_work_is_ready() -> None:
    async def main() -> None:
        ready = anyio.Event()

        async def work() -> None:
            await asyncio.sleep(1.0)
            ready.set()
            await asyncio.sleep(9.0)

        task = OwnedTask(work())
        await task.ready(ready)
        assert now() == 1.0
        await task.finish(0.0)

    run(main)


def test_work_that_fails_before_it_is_ready_is_heard() -> None:
    async def main() -> None:
        ready = anyio.Event()

        async def work() -> None:
            await asyncio.sleep(1.0)
            raise LookupError("no disk")

        with pytest.raises(LookupError, match="no disk"):
            await OwnedTask(work()).ready(ready)
        assert now() == 1.0

    run(main)


def test_who_is_cancelled_while_waiting_ends_the_work() -> None:
    async def main() -> None:
        work = Work(10.0, cleaning=2.0)
        task = OwnedTask(work())
        assert await cancelled(task.ready(anyio.Event()), after=1.0) == 3.0
        assert (work.ended_at, work.was_cancelled) == (3.0, True)

    run(main)


# Finishing


@pytest.mark.parametrize(
    ("work", "seconds", "ends_at", "is_cancelled"),
    [
        (Work(3.0), 5.0, 3.0, False),
        (Work(10.0), 5.0, 5.0, True),
        (Work(10.0), 0.0, 0.0, True),
        (Work(10.0, cleaning=2.0), 5.0, 7.0, True),
    ],
)
def test_the_work_has_some_seconds_and_is_cancelled_then(
    work: Work, seconds: float, ends_at: float, is_cancelled: bool
) -> None:
    async def main() -> None:
        task = OwnedTask(work())
        await until_all_wait()
        given_up: list[float] = []
        assert await task.finish(seconds, before_cancel=lambda: given_up.append(now())) is None
        assert (work.ended_at, now(), work.was_cancelled) == (ends_at, ends_at, is_cancelled)
        assert given_up == [min(ends_at, seconds)]

    run(main)


def test_what_the_work_raised_is_returned_to_who_finishes_it() -> None:
    async def main() -> None:
        error = LookupError("row 1")
        assert await OwnedTask(Work(1.0, error=error)()).finish(5.0) is error
        assert now() == 1.0

    run(main)


def test_work_that_is_drained_has_no_longer_to_end() -> None:
    async def main() -> None:
        work = Work(10.0)
        task = OwnedTask(work())
        assert await task.finish(5.0, drain=lambda: asyncio.sleep(2.0)) is None
        assert (work.ended_at, work.was_cancelled, now()) == (2.0, True, 2.0)

    run(main)


def test_a_drain_that_takes_too_long_is_given_up() -> None:
    async def main() -> None:
        drain = Work(60.0)
        await OwnedTask(Work(60.0)()).finish(5.0, drain=drain)
        await until_all_wait()
        assert (now(), drain.was_cancelled) == (5.0, True)

    run(main)


def test_a_drain_ends_with_the_work() -> None:
    async def main() -> None:
        drain = Work(60.0)
        error = LookupError("row 1")
        assert await OwnedTask(Work(2.0, error=error)()).finish(5.0, drain=drain) is error
        await until_all_wait()
        assert (now(), drain.was_cancelled) == (2.0, True)

    run(main)


def test_a_drain_that_raises_is_heard_once_the_work_has_ended() -> None:
    async def main() -> None:
        work = Work(60.0, cleaning=1.0)
        task = OwnedTask(work())
        await until_all_wait()
        with pytest.raises(LookupError, match="the disk"):
            await task.finish(5.0, drain=Work(2.0, error=LookupError("the disk")))
        assert (work.ended_at, now()) == (3.0, 3.0)

    run(main)


def test_who_is_cancelled_by_a_scope_gives_the_work_its_seconds_all_the_same() -> None:
    async def main() -> None:
        work = Work(3.0)
        task = OwnedTask(work())
        with anyio.move_on_after(1.0):
            await task.finish(5.0)
        assert (work.ended_at, work.was_cancelled, now()) == (3.0, False, 3.0)

    run(main)


@pytest.mark.parametrize("times", [1, 2, 5])
def test_who_is_cancelled_while_finishing_sees_the_work_end_without_its_seconds(times: int) -> None:
    async def main() -> None:
        work = Work(60.0, cleaning=1.0)
        task = OwnedTask(work())
        given_up: list[float] = []
        ended = await cancelled(task.finish(30.0, before_cancel=lambda: given_up.append(now())), after=2.0, times=times)
        assert (ended, work.ended_at, given_up) == (3.0, 3.0, [2.0])

    run(main)


# Cancellations of others


def test_what_awaits_something_that_was_cancelled_raises_an_error_that_names_it() -> None:
    async def main() -> None:
        words = r"^the source awaited something that was cancelled$"
        with pytest.raises(RuntimeError, match=words), foreign_cancellation("the source"):
            await await_what_was_cancelled()

    run(main)


def test_a_cancellation_of_ones_own_stays_one() -> None:
    async def work() -> None:
        with foreign_cancellation("the source"):
            await asyncio.sleep(60.0)

    async def main() -> None:
        assert await cancelled(work(), after=1.0) == 1.0

    run(main)


@pytest.mark.parametrize("deadline", [True, False])
def test_so_does_one_of_a_scope(deadline: bool) -> None:
    async def main() -> None:
        with anyio.CancelScope() as scope:
            if deadline:
                scope.deadline = anyio.current_time() + 1.0
            else:
                asyncio.get_running_loop().call_later(1.0, scope.cancel)
            with foreign_cancellation("a callback"):
                await asyncio.sleep(60.0)
        assert (scope.cancelled_caught, now()) == (True, 1.0)
        # The scope is over, and what comes after it is judged anew.
        with pytest.raises(RuntimeError, match="a callback"), foreign_cancellation("a callback"):
            await await_what_was_cancelled()

    run(main)


@pytest.mark.parametrize("error", [LookupError("no"), SystemExit(3), KeyboardInterrupt()])
def test_other_errors_are_left_as_they_are(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, foreign_cancellation("a callback"):
        raise error
    assert caught.value is error


class TestCutoff:
    """A piece of a task's work that is cut off, while the task goes on."""

    def test_what_ends_in_time_is_not_cut(self) -> None:
        async def main() -> tuple[bool, float]:
            with Cutoff(5) as cutoff:
                await asyncio.sleep(1)
            await asyncio.sleep(10)
            return cutoff.is_cut, now()

        assert run(main) == (False, 11)

    def test_after_its_seconds_the_task_goes_on_behind_it(self) -> None:
        async def main() -> tuple[bool, float, int]:
            with Cutoff(5) as cutoff:
                await asyncio.sleep(60)
            await asyncio.sleep(1)
            task = asyncio.current_task()
            return cutoff.is_cut, now(), -1 if task is None else task.cancelling()

        assert run(main) == (True, 6, 0)

    def test_it_may_be_cut_from_outside_and_more_than_once(self) -> None:
        async def main() -> float:
            with Cutoff() as cutoff:
                loop = asyncio.get_running_loop()
                loop.call_later(2, cutoff.cut)
                loop.call_later(2, cutoff.cut)
                await asyncio.sleep(60)
            await asyncio.sleep(1)
            return now()

        assert run(main) == 3

    def test_the_inner_one_leaves_the_outer_one_alone(self) -> None:
        async def main() -> list[float]:
            ends: list[float] = []
            with Cutoff(5):
                with Cutoff(2):
                    await asyncio.sleep(60)
                ends.append(now())
                await asyncio.sleep(60)
            return [*ends, now()]

        assert run(main) == [2, 5]

    def test_both_at_once_end_both(self) -> None:
        async def main() -> list[float]:
            ends: list[float] = []
            with Cutoff(2):
                with Cutoff(2):
                    await asyncio.sleep(60)
                ends.append(now())
                await asyncio.sleep(60)
            return [*ends, now()]

        assert run(main) == [2]

    @pytest.mark.parametrize("seconds", [2, 60])
    def test_a_cancellation_of_the_task_is_passed_on(self, seconds: float) -> None:
        async def work() -> None:
            with Cutoff(seconds):
                await asyncio.sleep(600)

        async def main() -> bool:
            task = asyncio.create_task(work())
            # For the one of two seconds, both come at once.
            asyncio.get_running_loop().call_later(2, task.cancel)
            await asyncio.wait([task])
            return task.cancelled()

        assert run(main)

    def test_a_scope_of_the_callers_is_cancelled_through_it(self) -> None:
        async def main() -> float:
            with anyio.move_on_after(1):
                with Cutoff(5):
                    await asyncio.sleep(60)
                await asyncio.sleep(60)
            return now()

        assert run(main) == 1

    def test_an_error_is_raised_also_when_it_was_cut(self) -> None:
        async def main() -> None:
            with Cutoff(1):
                try:
                    await asyncio.sleep(60)
                finally:
                    raise LookupError

        with pytest.raises(LookupError):
            run(main)
