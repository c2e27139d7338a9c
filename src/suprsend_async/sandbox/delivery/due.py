"""What is due at a time of the sandbox's clock, and the thread that sees to it."""

from __future__ import annotations

import heapq
import logging
from itertools import count
from threading import Condition, Lock, Thread
from typing import TYPE_CHECKING

from suprsend_async.sandbox.platform.bounded_process import Stopped

if TYPE_CHECKING:
    from collections.abc import Callable

# Seconds between two looks at the clock: it may be one that a test moves.
_LOOK = 0.5
# Seconds that a stop waits for what is under way.
_LAST = 1.0

_logger = logging.getLogger("suprsend_async.sandbox")


class DueQueue:
    """Names, each with the time at which it is due. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = Lock()
        # What is due at the same time is taken in the order in which it came.
        self._heap: list[tuple[float, int, str]] = []
        self._numbers = count()

    def push(self, at: float, name: str) -> None:
        """Note that something is due at a time in seconds."""
        with self._lock:
            heapq.heappush(self._heap, (at, next(self._numbers), name))

    def pop(self, now: float) -> tuple[float, str] | None:
        """Take out what has been due for longest; None if nothing is."""
        with self._lock:
            if not self._heap or self._heap[0][0] > now:
                return None
            at, _, name = heapq.heappop(self._heap)
            return at, name

    @property
    def next_at(self) -> float | None:
        """When something is due next; None if there is nothing."""
        with self._lock:
            return self._heap[0][0] if self._heap else None

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._heap.clear()


class DueThread:
    """A thread that does what is due, when it is due or when it is woken.

    Args:
        name: The thread's name.
        work: Does one thing that is due, and returns whether there was one.
        queue: What is due.
        clock: Gives the time in seconds.
    """

    def __init__(self, name: str, work: Callable[[], bool], queue: DueQueue, clock: Callable[[], float]) -> None:
        self._name = name
        self._work = work
        self._queue = queue
        self._clock = clock
        self._changed = Condition()
        self._wanted = 0
        self._done = 0
        self._stopping = False
        self._thread: Thread | None = None

    def start(self) -> None:
        """Start the thread, if it is not started."""
        with self._changed:
            if self._thread is None:
                self._stopping = False
                self._thread = Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Let it end when what is under way is done, and wait for that a moment. Stopping twice does no harm."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(_LAST)

    def wake(self) -> None:
        """Let it look at what is due."""
        with self._changed:
            self._wanted += 1
            self._changed.notify_all()

    def finish(self, seconds: float) -> bool:
        """Wait until all is done that is due now; False if that takes longer, or nothing works on it."""
        with self._changed:
            self._wanted += 1
            wanted = self._wanted
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._done >= wanted or self._thread is None, seconds) and (
                self._done >= wanted
            )

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._is_wanted(), self._pause())
                if self._stopping:
                    return
                wanted = self._wanted
            try:
                while not self._is_stopping() and self._work():
                    continue
            except Stopped:
                return
            except Exception:
                # The store is closed when a stop did not wait for what was under way.
                if self._is_stopping():
                    return
                # Whoever waits is answered, and the next one has its turn.
                _logger.exception("the sandbox could not do what was due")
            with self._changed:
                self._done = wanted
                self._changed.notify_all()

    def _is_stopping(self) -> bool:
        return self._stopping

    def _is_wanted(self) -> bool:
        return self._wanted > self._done

    def _pause(self) -> float | None:
        next_at = self._queue.next_at
        return None if next_at is None else min(max(next_at - self._clock(), 0.0), _LOOK)
