"""The processes that apply JSON Schemas for the sandbox: started when needed, kept warm, and bounded in time."""

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

from suprsend_async.sandbox.platform import validation

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence


_PROGRAM = validation.__file__
_EVENTS_OF_A_REQUEST = 2.5  # that take all the time they may, before the others go unchecked
_MOST_KNOWN = 1_000  # schemas
_ADVICE = (
    "look for a `pattern` that repeats a repetition, such as `(a+)+`, for `$ref`s that multiply, and for `uniqueItems` "
    "of long lists of objects"
)


class Stopped(Exception):  # noqa: N818 - no error, but the end
    """The processes were closed meanwhile."""


class SchemaProcesses:
    """As many processes as there are orders at the same time. Any thread may give one, and waits for its answer.

    Args:
        seconds: How long a schema may take for one event, or to be read. All events of a request get a little more
            than two of them would.
    """

    def __init__(self, seconds: float) -> None:
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

    def problem(self, name: str, schema: Mapping[str, Any]) -> str | None:
        """Say why a schema cannot be used, if it cannot; the text goes on after "the schema for 'name'".

        Raises:
            Stopped: The processes were closed.
        """
        seconds = self._seconds
        try:
            with self._process() as process:
                answers = process.read(name, schema, seconds)
        except OSError as error:
            return f"cannot be used: no process can be started that applies it ({error.strerror})"
        if answers:
            return answers[0]
        ended = process.end()
        self._raise_if_closed()
        if ended == validation.OUT_OF_TIME:
            return f"cannot be used: reading it takes longer than {seconds:g} s; {_ADVICE}"
        return f"cannot be used: the process that applies it ended (exit status {ended})"

    def check(self, name: str, schema: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> list[str | None]:
        """Say for the properties of each event what breaks the schema, if anything, or why that cannot be told.

        An event that takes too long, or ends the process, does not harm those after it.

        Raises:
            Stopped: The processes were closed.
        """
        said: list[str | None] = []
        left = _EVENTS_OF_A_REQUEST * self._seconds
        while len(said) < len(events):
            began = time.monotonic()
            said += self._check(name, schema, events[len(said) :], max(left, 0.0))
            left -= time.monotonic() - began
        return said

    def _check(
        self, name: str, schema: Mapping[str, Any], events: Sequence[Mapping[str, Any]], left: float
    ) -> list[str | None]:
        seconds = self._seconds
        try:
            with self._process() as process:
                said = process.check(name, schema, events, seconds, left)
        except OSError as error:
            problem = f"`properties` cannot be checked: no process can be started for that ({error.strerror})."
            return [problem] * len(events)
        if len(said) < len(events):
            ended = process.end()
            self._raise_if_closed()
            said.append(_cut_off(ended, min(seconds, left)))
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
                process = _Process()
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
    """One process, and the schemas that it knows.

    Raises:
        OSError: It cannot be started.
    """

    def __init__(self) -> None:
        # By its path and not as a module: importing this package takes longer than all that it needs. Apart from the
        # terminal, so that Ctrl-C reaches the sandbox alone.
        self._running = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-P", _PROGRAM],
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

    def check(
        self, name: str, schema: Mapping[str, Any], events: Sequence[Mapping[str, Any]], seconds: float, left: float
    ) -> list[str | None]:
        """Return what is said of each event; of fewer if the process ends meanwhile."""
        news = None if self._known.get(name) is schema else schema
        order = {"name": name, "schema": news, "properties": events, "seconds": seconds, "seconds_for_all": left}
        answers = self._ask(order, len(events))
        self._known[name] = schema
        return answers

    def read(self, name: str, schema: Mapping[str, Any], seconds: float) -> list[str | None]:
        """Return what is wrong with a schema, in a list of one; an empty one if the process ends meanwhile."""
        answers = self._ask({"name": name, "schema": schema, "seconds": seconds}, 1)
        if answers == [None]:
            self._known[name] = schema
        return answers

    def _ask(self, order: Mapping[str, Any], count: int) -> list[str | None]:
        answers: list[str | None] = []
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


def _cut_off(status: int, seconds: float) -> str:
    if status == validation.OUT_OF_TIME:
        return f"`properties` could not be checked by the event's schema within {seconds:.3g} s; {_ADVICE}."
    return f"`properties` could not be checked: the process that applies the schema ended (exit status {status})."
