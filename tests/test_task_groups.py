"""Groups of tasks, and what they leave when the loop ends at any turn."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import anyio
import pytest

from suprsend_async.tasks import Group, OwnedTask

pytestmark = pytest.mark.timeout(20)


async def work_of_an_owner() -> None:
    await anyio.sleep_forever()


async def group_of_one(opened: list[Group]) -> None:
    async with Group() as group:
        opened.append(group)
        await anyio.sleep_forever()


@pytest.mark.filterwarnings("error")
def test_what_the_end_of_the_loop_cancels_before_its_first_turn_leaves_no_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unraisable: list[Any] = []
    monkeypatch.setattr("sys.unraisablehook", unraisable.append)

    async def fail() -> None:
        opened: list[Group] = []
        kept = [asyncio.create_task(group_of_one(opened))]
        await asyncio.sleep(0)
        opened[0].start_soon(work_of_an_owner)
        OwnedTask(work_of_an_owner())
        raise ZeroDivisionError(f"the application's own, with {len(kept)} task left")

    with pytest.raises(ZeroDivisionError):
        asyncio.run(fail())
    gc.collect()
    assert unraisable == []


async def test_a_group_waits_for_its_tasks_and_an_error_cancels_them() -> None:
    done: list[int] = []

    async def note(number: int, seconds: float) -> None:
        await asyncio.sleep(seconds)
        done.append(number)
        if number == 2:
            raise ZeroDivisionError

    async with Group() as group:
        group.start_soon(note, 1, 0.0)
    assert done == [1]
    with pytest.RaisesGroup(ZeroDivisionError):
        async with Group() as group:
            group.start_soon(note, 2, 0.0)
            group.start_soon(note, 3, 60.0)
    assert done == [1, 2]
