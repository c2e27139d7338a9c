"""Addresses on this machine at which no server answers, each in a way of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import warnings
from typing import TYPE_CHECKING, Any, NoReturn

import uvloop
from tests.faults.server import HOST
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Reserved for names that do not exist. It is never looked up: the loops below answer for the resolver.
NOWHERE = "nowhere.invalid"


@contextlib.contextmanager
def refused() -> Iterator[str]:
    """Give the URL of a port that refuses: bound, so that nobody else gets it, and not listening."""
    with socket.socket() as bound:
        bound.bind((HOST, 0))
        yield f"http://{HOST}:{bound.getsockname()[1]}/"


@contextlib.contextmanager
def never_accepted() -> Iterator[str]:
    """Give the URL of a listening socket that accepts nothing: the system connects, nobody reads."""
    with socket.create_server((HOST, 0), backlog=64) as listening:
        yield f"http://{HOST}:{listening.getsockname()[1]}/"


@contextlib.contextmanager
def black_hole() -> Iterator[str]:
    """Give the URL of a listening socket whose queue is full: the system drops what wants to connect."""
    with socket.create_server((HOST, 0), backlog=0) as listening:
        address = listening.getsockname()
        with socket.create_connection(address):
            until(lambda: _is_full(listening))
            yield f"http://{HOST}:{address[1]}/"


def _is_full(listening: socket.socket) -> bool:
    """Ask the system, for how long a connection takes to be made says nothing on a busy machine (Linux)."""
    # tcp_info of a listening socket has the length of its queue, and the longest that takes one more.
    length, longest = struct.unpack_from("24xII", listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32))
    return bool(length > longest)


async def _no_such_name(*args: object, **options: object) -> NoReturn:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def nameless(factory: Callable[[], asyncio.AbstractEventLoop]) -> Callable[[], asyncio.AbstractEventLoop]:
    """Return a maker of loops of the same kind that find no host name, without asking anybody."""
    kind: Any = factory

    class Nameless(kind):
        getaddrinfo = _no_such_name

    return Nameless


LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.SelectorEventLoop,
    "uvloop": uvloop.Loop,
}


@contextlib.contextmanager
def made_by_default(factory: Callable[[], asyncio.AbstractEventLoop]) -> Iterator[None]:
    """Let loops that nobody chose the kind of be made by this, as after `uvloop.install()`, for a while."""
    before = _policy()
    make_by_default(factory)
    try:
        yield
    finally:
        _set_policy(before)


def make_by_default(factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """Do the same for good. The blocking client's loop is one that nobody chose the kind of."""

    class Changed(type(_policy())):  # type: ignore[misc]
        def new_event_loop(self) -> asyncio.AbstractEventLoop:
            return factory()

    _set_policy(Changed())


# Deprecated since Python 3.14, and as long as they exist the way to choose the loops of a whole process.
def _policy() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return asyncio.get_event_loop_policy()


def _set_policy(policy: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        asyncio.set_event_loop_policy(policy)
