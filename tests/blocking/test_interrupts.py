"""Ctrl-C at any moment of a blocking client's life: no thread and no loop is left behind."""

from __future__ import annotations

import gc
import linecache
import sys
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.waiting import until

import suprsend_async
from suprsend_async import Event, Suprsend

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from types import FrameType

    from tests.conftest import Server

PACKAGE = str(Path(suprsend_async.__file__).parent)


class Interrupt:
    """Raises a KeyboardInterrupt at the n-th line that this thread runs in the package, or when a thread starts."""

    def __init__(self, number: int) -> None:
        self.left = number
        self.place: str | None = None

    def __enter__(self) -> None:
        self._before = sys.gettrace()
        sys.settrace(self._on_call)

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _on_call(self, frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
        is_ours = frame.f_code.co_filename.startswith(PACKAGE)
        return self._on_line if is_ours or frame.f_code.co_filename == threading.__file__ else None

    def _on_line(self, frame: FrameType, event: str, argument: object) -> Callable[..., Any]:
        if event == "line" and self.place is None and _is_interruptible(frame):
            self.left -= 1
            if not self.left:
                self.place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
                raise KeyboardInterrupt
        return self._on_line


def _is_interruptible(frame: FrameType) -> bool:
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    if frame.f_code.co_filename == threading.__file__:
        # Where the thread runs already, and the interpreter waits for its first word: the longest moment of all.
        return line == "self._started.wait()"
    # On leaving a block the tracer sees its `with` again, before the block's end: no signal is handled there.
    return not line.startswith("with ")


def enter(url: str) -> None:
    with Suprsend("key", "secret", base_url=url):
        pass


def call(url: str) -> None:
    client = Suprsend("key", "secret", base_url=url)
    client.track_event(Event("user-1", "signed_up"))
    client.close()


def stream(url: str) -> None:
    with Suprsend("key", "secret", base_url=url) as client:
        list(client.bulk_events.stream([Event("user-1", "signed_up")]))


def threads() -> list[threading.Thread]:
    # A thread without an ident was never started; Python's list keeps one whose start was interrupted.
    return [thread for thread in threading.enumerate() if thread.name.startswith("suprsend") and thread.ident]


@pytest.mark.parametrize("use", [enter, call, stream])
def test_an_interrupt_at_any_line_leaves_no_thread(
    server: Server, use: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    # An interrupt may come while a client is collected: Python says so, and ignores it.
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    use(server.url)  # what is imported in a thread is there now
    gc.freeze()  # of what is there already nothing has to be collected, each time
    request.addfinalizer(gc.unfreeze)
    number = 0
    while True:
        number += 1
        interrupt = Interrupt(number)
        with warnings.catch_warnings():
            # Where the interrupt came before the client could be closed, its end says that it was not.
            warnings.simplefilter("ignore", ResourceWarning)
            try:
                with interrupt:
                    use(server.url)
            except KeyboardInterrupt:
                pass
            gc.collect()
        if interrupt.place is None:
            break
        until(lambda: not threads())
    assert number > 100


PROGRAM = """
import os, signal, sys, threading, warnings
warnings.simplefilter("ignore", ResourceWarning)
from suprsend_async import Event, Suprsend

def left():
    return [thread for thread in threading.enumerate() if thread.name.startswith("suprsend") and thread.ident]

came = 0

def interrupt(number, frame):
    global came
    while frame is not None:
        if frame.f_code is threading.Thread.start.__code__:
            # Its own event is left locked by an interrupt, or unlocked twice, and no thread starts: a little later.
            signal.setitimer(signal.ITIMER_REAL, 0.0002)
            return
        frame = frame.f_back
    came += 1
    raise KeyboardInterrupt

signal.signal(signal.SIGALRM, interrupt)
with Suprsend(KEY, SECRET, base_url=URL) as client:
    client.track_event(Event("user-1", "signed_up"))
for number in range(40):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0002 * (number % 20 + 1))
        client = Suprsend(KEY, SECRET, base_url=URL)
        try:
            # Counted, because Python lets none out of a destructor or a weak reference's callback.
            while came == number:
                client.track_event(Event("user-1", "signed_up"))
        finally:
            client.close()
    except KeyboardInterrupt:
        pass
    client = None
for thread in left():
    thread.join(10)
print(came, left())
"""


def test_real_interrupts_at_any_time_leave_no_thread(
    run_python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    # Alarms, and not a process that sends signals: they come at moments of their own, and one after the other.
    process = run_python(PROGRAM)
    assert process.stdout == "40 []\n", process.stderr
    assert process.returncode == 0
