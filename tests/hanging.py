"""What pytest-timeout does not do for a test that hangs: show where its tasks wait, and end what goes on hanging."""

from __future__ import annotations

import asyncio
import faulthandler
import io
import os
import signal
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key  # the one way around the capture of output

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType

LAST_SECONDS = 30
"""How long a test that was interrupted may take to end. What is cleaned up after it may hang as well, and uvloop
swallows the interruption: then the process exits, and pytest-xdist names the test and goes on with another one."""

_LAST = pytest.StashKey[threading.Timer]()


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> Generator[None, object, object]:
    result = yield
    fail = signal.getsignal(signal.SIGALRM) if settings.method == "signal" else None
    if callable(fail):

        def interrupt(number: int, frame: FrameType | None) -> None:
            found = tasks()
            item.add_report_section("call", "tasks", found)
            item.stash[_LAST] = threading.Timer(LAST_SECONDS, give_up, (item, found))
            try:
                fail(number, frame)
            finally:
                item.stash[_LAST].start()

        signal.signal(signal.SIGALRM, interrupt)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    try:
        return (yield)
    finally:
        if _LAST in item.stash:
            item.stash[_LAST].cancel()


def give_up(item: pytest.Item, found: str) -> None:
    """Show where a test hung, and where it hangs now, and end the process."""
    stderr = item.config.stash[fault_handler_stderr_fd_key]
    os.write(stderr, f"\n{item.nodeid} hangs, and does not let itself be interrupted\n{found}\n".encode())
    faulthandler.dump_traceback(stderr)
    os._exit(1)


def tasks() -> str:
    """Return where each task of the running loop waits."""
    text = io.StringIO()
    with suppress(RuntimeError):  # no loop is running
        for task in asyncio.all_tasks():
            task.print_stack(file=text)
    return text.getvalue()
