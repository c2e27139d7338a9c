"""Looks names up for aiohttp: in threads that nobody waits for, at a loop's end either; what failed comes last."""

from __future__ import annotations

import asyncio
import math
import socket
from typing import TYPE_CHECKING, Any, cast

from aiohttp.abc import AbstractResolver
from aiohttp.resolver import ThreadedResolver

from suprsend_async.forking import looking_up
from suprsend_async.real_time import REAL_TIME
from suprsend_async.threads import is_ending, look_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.abc import ResolveResult


class _OwnThreads:
    """What the resolver asks of a loop."""

    getaddrinfo = staticmethod(look_up)

    async def getnameinfo(self, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().getnameinfo(*arguments)


def _is_asyncios(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether names are looked up as asyncio does it; another kind of loop, or a test, may do it otherwise."""
    return getattr(loop.getaddrinfo, "__func__", None) is asyncio.BaseEventLoop.getaddrinfo


class Resolver(ThreadedResolver):
    """aiohttp's resolver, with a new thread where asyncio would take one of the loop's.

    `asyncio.run` ends when the loop's threads have: with a server for names that is silent, minutes after the program.
    In exit hooks the loop's threads take no more work.
    """

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host.

        Raises:
            OSError: It has none, or cannot be asked for.
        """
        with looking_up():
            # Not tried in vain when the interpreter ends: a loop that has begun to use its threads cannot end then.
            if not (is_ending() or _is_asyncios(asyncio.get_running_loop())):
                try:
                    return await super().resolve(host, port, family)
                except RuntimeError:  # the loop's threads have been shut down
                    pass
            own_threads = cast("asyncio.AbstractEventLoop", _OwnThreads())
            return await ThreadedResolver(own_threads).resolve(host, port, family)


# So many addresses that failed are remembered; more than a name has.
_MOST = 16
# Seconds for which an address that failed is left out, as long as the name has another one.
_AVOIDED = 60.0


class FailedLast(AbstractResolver):
    """Gives the addresses in another resolver's order, but behind the others those through which no answer came.

    A name that is looked up anew mostly has the same addresses in the same order. With the first of them out of order,
    each attempt would go there. What failed just now is left out: aiohttp keeps what it is given, and begins with
    another address for each connection.
    """

    def __init__(self, resolver: AbstractResolver, now: Callable[[], float] = REAL_TIME.monotonic) -> None:
        """Take the resolver that knows the addresses, which is closed with this one, and a clock."""
        self._resolver = resolver
        self._now = now
        # When each failed last, in the order in which they did.
        self._failed: dict[str, float] = {}

    def note(self, peer: tuple[Any, ...]) -> None:
        """Note that no answer came from there."""
        self._failed.pop(peer[0], None)
        self._failed[peer[0]] = self._now()
        if len(self._failed) > _MOST:
            del self._failed[next(iter(self._failed))]

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host, without those that failed just now if there are others.

        Raises:
            OSError: It has none, or cannot be asked for.
        """
        found = await self._resolver.resolve(host, port, family)
        if not self._failed:
            return found
        order = list(self._failed)
        found = sorted(found, key=lambda one: order.index(one["host"]) if one["host"] in order else -1)
        since = self._now() - _AVOIDED
        return [one for one in found if self._failed.get(one["host"], -math.inf) < since] or found

    async def close(self) -> None:
        """Close the other resolver."""
        await self._resolver.close()
