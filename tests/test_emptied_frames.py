"""Frames that an error has left are emptied, those that go on later are not."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any

import pytest

from suprsend_async.frames import empty_frames, leaves_no_values

OURS = """
async def waits(stopped, goes_on):
    value = "planted"
    try:
        fails(value)
    except ValueError as error:
        stopped.set_result(error)
    await goes_on.wait()
    return value

def fails(value):
    raise ValueError("refused")

async def ends(value):
    fails(value)

def yields(value):
    yield value
    fails(value)
"""


@pytest.fixture
def ours() -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "suprsend_async.made_up"}
    exec(OURS, namespace)
    return namespace


def variables(error: BaseException) -> dict[str, object]:
    return {
        f"{frame.f_code.co_name}.{name}": value
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename == "<string>"
        for name, value in frame.f_locals.items()
    }


async def test_a_coroutine_that_caught_it_and_waits_goes_on(ours: dict[str, Any]) -> None:
    stopped, goes_on = asyncio.get_running_loop().create_future(), asyncio.Event()
    task = asyncio.create_task(ours["waits"](stopped, goes_on))
    error = await stopped
    await asyncio.sleep(0)
    assert {"waits.value", "fails.value"} <= variables(error).keys()
    empty_frames(error)
    assert "fails.value" not in variables(error)
    goes_on.set()
    assert await task == "planted"


async def test_one_that_has_ended_is_emptied_and_keeps_its_lines(ours: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="refused") as caught:
        await ours["ends"]("planted")
    lines = traceback.extract_tb(caught.value.__traceback__)
    assert variables(caught.value) == {"ends.value": "planted", "fails.value": "planted"}
    empty_frames(caught.value)
    assert variables(caught.value) == {}
    assert traceback.extract_tb(caught.value.__traceback__) == lines


def test_so_is_a_generator(ours: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="refused") as caught:
        list(ours["yields"]("planted"))
    empty_frames(caught.value)
    assert variables(caught.value) == {}


def test_what_it_came_of_is_looked_at_too(ours: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="refused") as cause:
        ours["fails"]("planted")
    error = RuntimeError()
    error.__context__ = cause.value
    cause.value.__cause__ = error  # a circle ends as well
    empty_frames(error)
    assert variables(cause.value) == {}


def test_frames_of_others_keep_their_variables() -> None:
    def fails(value: str) -> None:
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused") as caught:
        leaves_no_values(fails)("theirs")
    frames = {frame.f_code.co_name: frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)}
    assert frames["fails"].f_locals == {"value": "theirs"}
