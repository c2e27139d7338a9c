"""The processes that apply what users bring, schemas and templates: started when needed, kept warm, bounded in time."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from contextlib import contextmanager
from threading import Lock
from typing import IO, TYPE_CHECKING, Any, cast
from weakref import finalize

from pydantic_core import from_json, to_json

from suprsend_async.sandbox.platform import bounded_program

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence


OUT_OF_TIME = bounded_program.OUT_OF_TIME

_PROGRAM = bounded_program.__file__
_TASKS_OF_AN_ORDER = 2.5  # that take all the time they may, before the others are left undone
_MOST_KNOWN = 1_000  # definitions


class Stopped(Exception):  # noqa: N818 - no error, but the end
    """The processes were closed meanwhile."""


class BoundedProcesses:
    """As many processes as there are orders at the same time. Any thread may give one, and waits for its answer.

    Args:
        applied: The path of the module that says how definitions are applied; see `bounded_program.Applied`.
        seconds: How long one task may take, or the reading of a definition. All tasks of an order get a little more
            than two of them would.
    """

    def __init__(self, applied: str, seconds: float) -> None:
        self._applied = applied
        self._seconds = seconds
        self._lock = Lock()
        self._idle: list[_Process] = []
        self._all: set[_Process] = set()
        self._closed = False
        # Ends them once, also if nobody asks for it.
        finalize(self, _end, self._all)

    def open(self) -> None:
        """Take orders again."""
        self._closed = False

    def close(self) -> None:
        """End the processes, whatever they are doing. Closing twice does no harm."""
        with self._lock:
            self._closed = True
            self._idle.clear()
            _end(self._all)

    def read(self, name: str, definition: Mapping[str, Any]) -> str | int | None:
        """Say why a definition cannot be used, if it cannot; a number is the exit status of a process that ended.

        Raises:
            Stopped: The processes were closed.
            OSError: No process can be started.
        """
        with self._process() as process:
            answers = process.read(name, definition, self._seconds)
        if answers:
            return cast("str | None", answers[0])
        ended = process.end()
        self._raise_if_closed()
        return ended

    def do(
        self, name: str, definition: Mapping[str, Any], tasks: Sequence[Any], undone: Callable[[int, float], Any]
    ) -> list[Any]:
        """Return the answer for each task.

        One that takes too long, or ends the process, does not harm those after it.

        Args:
            name: What the definition is known by.
            definition: What is applied.
            tasks: What it is applied to.
            undone: Makes the answer for a task at which the process ended, of the exit status and the seconds it had.

        Raises:
            Stopped: The processes were closed.
            OSError: No process can be started.
        """
        said: list[Any] = []
        left = _TASKS_OF_AN_ORDER * self._seconds
        while len(said) < len(tasks):
            began = time.monotonic()
            said += self._do_some(name, definition, tasks[len(said) :], max(left, 0.0), undone)
            left -= time.monotonic() - began
        return said

    def _do_some(
        self,
        name: str,
        definition: Mapping[str, Any],
        tasks: Sequence[Any],
        left: float,
        undone: Callable[[int, float], Any],
    ) -> list[Any]:
        with self._process() as process:
            said = process.do(name, definition, tasks, self._seconds, left)
        if len(said) < len(tasks):
            ended = process.end()
            self._raise_if_closed()
            said.append(undone(ended, min(self._seconds, left)))
        return said

    @contextmanager
    def _process(self) -> Generator[_Process]:
        """Lend a process that lives, as far as can be seen."""
        with self._lock:
            self._raise_if_closed()
            while self._idle:
                process = self._idle.pop()
                if process.is_alive:
                    break
                self._drop(process)
            else:
                process = _Process(self._applied)
                self._all.add(process)
        try:
            yield process
        finally:
            with self._lock:
                if process.is_alive and not self._closed:
                    self._idle.append(process)
                else:
                    self._drop(process)

    def _drop(self, process: _Process) -> None:
        self._all.discard(process)
        process.end()

    def _raise_if_closed(self) -> None:
        if self._closed:
            raise Stopped


class _Process:
    """One process, and the definitions that it knows.

    Raises:
        OSError: It cannot be started.
    """

    def __init__(self, applied: str) -> None:
        # By its path and not as a module: importing this package takes longer than all that it needs. Apart from the
        # terminal, so that Ctrl-C reaches the sandbox alone.
        self._running = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-P", _PROGRAM, applied],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._orders = cast("IO[bytes]", self._running.stdin)
        self._answers = cast("IO[bytes]", self._running.stdout)
        self._known: dict[str, Mapping[str, Any]] = {}
        self._is_cut_off = False
        self._give(json.dumps(sys.path).encode())

    @property
    def is_alive(self) -> bool:
        """Whether it can take an order, as far as can be seen."""
        # One that has come to know that many is not worth its memory.
        return not self._is_cut_off and len(self._known) <= _MOST_KNOWN and self._running.poll() is None

    def do(
        self, name: str, definition: Mapping[str, Any], tasks: Sequence[Any], seconds: float, left: float
    ) -> list[Any]:
        """Return the answer for each task; for fewer if the process ends meanwhile."""
        news = None if self._known.get(name) is definition else definition
        order = {"name": name, "definition": news, "tasks": tasks, "seconds": seconds, "seconds_for_all": left}
        answers = self._ask(order, len(tasks))
        self._known[name] = definition
        return answers

    def read(self, name: str, definition: Mapping[str, Any], seconds: float) -> list[Any]:
        """Return what is wrong with a definition, in a list of one; an empty one if the process ends meanwhile."""
        answers = self._ask({"name": name, "definition": definition, "seconds": seconds}, 1)
        if answers == [None]:
            self._known[name] = definition
        return answers

    def _ask(self, order: Mapping[str, Any], count: int) -> list[Any]:
        answers: list[Any] = []
        # Its pipes may be closed here by whoever stops the sandbox.
        with contextlib.suppress(OSError, ValueError):
            self._give(to_json(order))
            while len(answers) < count and (line := self._answers.readline()).endswith(b"\n"):
                answers.append(from_json(line))
        self._is_cut_off = len(answers) < count
        return answers

    def end(self) -> int:
        """End it if it has not ended, and return its exit status."""
        self._running.kill()
        status = self._running.wait()
        for pipe in (self._orders, self._answers):
            with contextlib.suppress(OSError):
                pipe.close()
        return status

    def _give(self, line: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._orders.write(line + b"\n")
            self._orders.flush()


def _end(processes: set[_Process]) -> None:
    # In a forked process this does nothing to them: they are no children of its own.
    for process in list(processes):
        process.end()
    processes.clear()
