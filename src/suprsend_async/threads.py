"""Real threads, and waiting for them: also where gevent has put greenlets in their place, and when the process ends."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast

from suprsend_async.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

P = ParamSpec("P")
T = TypeVar("T")

# Seconds between two looks at a thread whose end nothing reports.
_LOOK_SECONDS = 0.005


def refuse_eventlet() -> None:
    """Refuse to work where eventlet has replaced the threads: it leaves no way to wait for a real one.

    Raises:
        ConfigurationError: It has; the message says what to do.
    """
    patcher = sys.modules.get("eventlet.patcher")
    if patcher is not None and patcher.is_monkey_patched("thread"):
        raise ConfigurationError(
            "eventlet has replaced the threads of this process, and the blocking client needs a real one: serve with "
            "threads (gunicorn --worker-class gthread) or with gevent, or leave threads alone with "
            "eventlet.monkey_patch(thread=False), which lets the other green threads wait while one calls"
        )


def has_green_threads() -> bool:
    """Return whether gevent has put greenlets in the place of threads."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


def original(module: str, name: str) -> Any:
    """Return what a name of the standard library meant before gevent replaced it."""
    monkey = sys.modules.get("gevent.monkey")
    return getattr(import_module(module), name) if monkey is None else monkey.get_original(module, name)


def destroy_hub() -> None:
    """Free what gevent made for this thread with its first socket, and keeps when the thread ends."""
    if has_green_threads():
        import_module("gevent").get_hub().destroy(destroy_loop=True)


def let_greenlets_go_on() -> None:
    """Wait for a moment in which another greenlet of this thread may end what it has begun."""
    time.sleep(_LOOK_SECONDS)


class Turns:
    """A lock for what takes a while: of threads, and of greenlets, also where gevent has patched since it was made.

    The greenlets of one thread hold its lock all at once. Who holds it may take it again, as in a signal's handler.
    """

    __slots__ = ("_holder", "_lock")

    def __init__(self) -> None:
        self._lock: threading.RLock = original("threading", "RLock")()
        self._holder: int | None = None

    def __enter__(self) -> None:
        while self._holder is not None and has_green_threads() and self._holder != threading.get_ident():
            let_greenlets_go_on()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    @contextmanager
    def long(self) -> Generator[None]:
        """Have it to oneself for what lets other greenlets go on, inside of `with` on the lock itself."""
        outer, self._holder = self._holder, threading.get_ident()
        try:
            yield
        finally:
            self._holder = outer


def is_ending(error: Exception | None = None) -> bool:
    """Return whether the interpreter ends, by an error that a thread's start raised if there was one."""
    # A program that imports `threading` in an exit hook only has a main thread that seems alive.
    return not threading.main_thread().is_alive() or "interpreter shutdown" in str(error)


class Thread:
    """A real thread that does not keep the process from ending.

    Args:
        work: What it does.
        name: Its name.
    """

    def __init__(self, work: Callable[[], object], name: str) -> None:
        self._work = work
        self._is_over = False
        self._thread = None if has_green_threads() else threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start it.

        Raises:
            RuntimeError: The system has no thread left for it, or the interpreter ends.
        """
        if self._thread is None:
            original("_thread", "start_new_thread")(self._run, ())
        else:
            self._thread.start()

    def join(self, seconds: float) -> bool:
        """Wait for its end; returns whether it has ended."""
        if self._thread is not None:
            self._thread.join(seconds)
            return not self._thread.is_alive()
        until = time.monotonic() + seconds
        while not self._is_over and time.monotonic() < until:
            let_greenlets_go_on()
        return self._is_over

    def _run(self) -> None:
        try:
            self._work()
        finally:
            self._is_over = True


class _GreenEvent:
    """What wakes up a greenlet from another thread. The locks of gevent lose such a call once in some ten thousand."""

    def __init__(self) -> None:
        self._event = import_module("gevent.event").Event()
        self._watcher = import_module("gevent").get_hub().loop.async_()
        self._watcher.start(self._event.set)

    def set(self) -> None:
        self._watcher.send()

    def wait(self) -> None:
        try:
            self._event.wait()
        finally:
            self._watcher.close()


class _Signal:
    """What wakes up another thread. An interrupt may leave the lock of a `threading.Event` held, or released twice."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def set(self) -> None:
        with suppress(RuntimeError):  # it was set before
            self._lock.release()

    def wait(self) -> None:
        self._lock.acquire()


class Reply(Generic[T]):
    """What one thread waits for and another one gives; the one who waits makes it."""

    def __init__(self) -> None:
        self._given: _Signal | _GreenEvent = _GreenEvent() if has_green_threads() else _Signal()
        self._value: T | None = None
        self._error: BaseException | None = None

    def give(self, value: T) -> None:
        """Let the other thread go on."""
        self._value = value
        self._given.set()

    def fail(self, error: BaseException) -> None:
        """Let the other thread raise an error."""
        self._error = error
        self._given.set()

    def wait(self) -> T:
        """Wait for what is given, once; under gevent the other greenlets go on.

        Raises:
            BaseException: What the other thread had to say instead.
        """
        self._given.wait()
        error, self._error = self._error, None
        if error is None:
            return cast("T", self._value)
        try:
            raise error
        finally:
            del error  # its traceback holds this frame


async def run_in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function in a new thread; on this one if none starts any more, as when the interpreter ends.

    Neither anyio's threads nor the loop's: those stay, the application may have taken them all, and when the
    interpreter ends they take no more work.

    Raises:
        Exception: What the function raises.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            result = function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - it is the caller's
            end(done.set_exception, error)
        else:
            end(done.set_result, result)

    def end(finish: Callable[[Any], None], outcome: object) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(lambda: None if done.done() else finish(outcome))

    try:
        Thread(run, "suprsend-async-work").start()
    except RuntimeError:
        return function(*args, **kwargs)
    return await done


async def import_in_thread(module: str) -> None:
    """Import a module while the event loop goes on."""
    # With gevent it is left to the import statement: the locks of imports are gevent's, and no real thread's.
    if module not in sys.modules and not has_green_threads():
        await run_in_thread(import_module, module)


async def look_up(
    host: Any,
    port: Any,
    *,
    family: int = 0,
    type: int = 0,  # noqa: A002 - as `loop.getaddrinfo` names it
    proto: int = 0,
    flags: int = 0,
) -> list[tuple[Any, ...]]:
    """Return the addresses of a host, as `loop.getaddrinfo` does, and also while the interpreter ends.

    Raises:
        OSError: It has none, or cannot be asked for.
    """
    found = await run_in_thread(original("socket", "getaddrinfo"), host, port, family, type, proto, flags)
    return cast("list[tuple[Any, ...]]", found)
