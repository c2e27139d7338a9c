"""Waiting for causes instead of for time: a test that waits in vain ends by pytest-timeout, which shows where."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TURNS = 100
"""Turns of the loop after which whatever can go on without the world outside has gone on."""


def until(reached: Callable[[], bool]) -> None:
    """Return when something has happened in another thread or process."""
    while not reached():
        time.sleep(0.001)


async def until_async(reached: Callable[[], bool]) -> None:
    """Return when something has happened in a task, a thread or another process."""
    while not reached():
        await asyncio.sleep(0.001)


async def all_have_run() -> None:
    """Let all other tasks run until each waits for what is outside of the loop, or for time: for proofs of absence."""
    for _ in range(TURNS):
        await asyncio.sleep(0)
