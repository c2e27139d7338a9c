"""What a forked child does with the connections and threads of its parent: it leaves them alone.

Some servers, such as uWSGI, fork without Python's hooks: then the child notices it with its first call.

The parent's threads rest while it forks. A child finds the locks of other threads as they were, and nobody who would
release them: forked while one of them signs a request, it waits inside OpenSSL for ever; while one of them looks up a
name, inside the C library.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from suprsend_async.threads import original

if TYPE_CHECKING:
    from collections.abc import Generator

# Seconds that a fork waits for a thread which is at work, and the thread for the end of the fork.
REST_LIMIT = 1.0


class Owner(Protocol):
    """Something that holds connections or threads."""

    def forget(self) -> object:
        """Drop what is held, without a word to anyone, and return it."""
        ...


class Rest:
    """The pause of one thread while another one forks."""

    def __init__(self) -> None:
        self._begun: threading.Lock = original("threading", "Lock")()
        self._over: threading.Lock = original("threading", "Lock")()
        self._begun.acquire()
        self._over.acquire()

    def take(self) -> None:
        """Pause this thread until the other one has forked."""
        self._begun.release()
        self._over.acquire(timeout=REST_LIMIT)

    def wait(self) -> None:
        """Wait until the thread pauses."""
        self._begun.acquire(timeout=REST_LIMIT)

    def end(self) -> None:
        """Let the thread go on."""
        self._over.release()


class Worker(Protocol):
    """A thread that takes work."""

    def let_rest(self, rest: Rest) -> bool:
        """Have the thread take this rest between two pieces of work; returns whether it will."""
        ...


class _Lookups:
    """The names that threads look up for one loop, and the rests that it takes after them."""

    def __init__(self) -> None:
        self.under_way = 0
        self.rests: list[Rest] = []


class _Resting(threading.local):
    """The rests that were asked for by the thread which forks."""

    def __init__(self) -> None:
        self.rests: list[Rest] = []


_lookups: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Lookups] = weakref.WeakKeyDictionary()
_owners: weakref.WeakSet[Owner] = weakref.WeakSet()
_workers: weakref.WeakSet[Worker] = weakref.WeakSet()
_resting = _Resting()
_noticing: threading.Lock = original("threading", "Lock")()
_pid = os.getpid()


def forget_after_fork(owner: Owner) -> None:
    """Have the owner begin anew in each forked child; what it held is never finalised there."""
    _owners.add(owner)


def rest_while_forking(worker: Worker) -> None:
    """Have the thread hold no lock while this process forks."""
    _workers.add(worker)


@contextmanager
def looking_up() -> Generator[None]:
    """Have the running loop take its rest after this lookup of a name, which a thread does."""
    lookups = _lookups.setdefault(asyncio.get_running_loop(), _Lookups())
    lookups.under_way += 1
    try:
        yield
    finally:
        lookups.under_way -= 1
        while lookups.rests and not lookups.under_way:
            lookups.rests.pop().take()


def take_after_lookups(rest: Rest) -> None:
    """Take a rest on the running loop once no thread looks up a name for it."""
    lookups = _lookups.get(asyncio.get_running_loop())
    if lookups is not None and lookups.under_way:
        lookups.rests.append(rest)
    else:
        rest.take()


def _let_all_rest() -> None:
    for worker in list(_workers):
        rest = Rest()
        if worker.let_rest(rest):
            rest.wait()
            _resting.rests.append(rest)


def _end_rests() -> None:
    while _resting.rests:
        _resting.rests.pop().end()


def notice_fork() -> None:
    """Begin anew if this is a forked child in which no hook has run; called before an owner is used."""
    if os.getpid() != _pid:
        with _noticing:
            if os.getpid() != _pid:
                _forget_all()


def _forget_all() -> None:
    global _pid  # noqa: PLW0603 - of the process
    _resting.rests.clear()
    inherited = [owner.forget() for owner in list(_owners)]
    if any(inherited):
        _keep_for_ever(inherited)
    _pid = os.getpid()


def _keep_for_ever(inherited: object) -> None:
    # Sockets and event loops are shared with the parent. Finalising them here, at the latest when the interpreter
    # ends and clears its modules, would close and warn of what is not this process's; so they get one reference too
    # many.
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(inherited))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_let_all_rest, after_in_parent=_end_rests, after_in_child=_forget_all)
