"""Looks names up for aiohttp: through the running loop, also when that has no threads left; what failed comes last."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any, cast

from aiohttp.abc import AbstractResolver
from aiohttp.resolver import ThreadedResolver

from suprsend_async.forking import looking_up
from suprsend_async.threads import is_ending, look_up

if TYPE_CHECKING:
    from aiohttp.abc import ResolveResult


class _OwnThreads:
    """What the resolver asks of a loop."""

    getaddrinfo = staticmethod(look_up)

    async def getnameinfo(self, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().getnameinfo(*arguments)


class Resolver(ThreadedResolver):
    """aiohttp's resolver, which also works in exit hooks: there a loop's own threads take no more work."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host.

        Raises:
            OSError: It has none, or cannot be asked for.
        """
        with looking_up():
            # Not tried in vain when the interpreter ends: a loop that has begun to use its threads cannot end then.
            if not is_ending():
                try:
                    return await super().resolve(host, port, family)
                except RuntimeError:  # the loop's threads have been shut down
                    pass
            own_threads = cast("asyncio.AbstractEventLoop", _OwnThreads())
            return await ThreadedResolver(own_threads).resolve(host, port, family)


# So many addresses that failed are remembered; more than a name has.
_MOST = 16


class FailedLast(AbstractResolver):
    """Gives the addresses in another resolver's order, but behind the others those through which no answer came.

    A name that is looked up anew mostly has the same addresses in the same order. With the first of them out of order,
    each attempt would go there.
    """

    def __init__(self, resolver: AbstractResolver) -> None:
        """Take the resolver that knows the addresses; it is closed with this one."""
        self._resolver = resolver
        self._failed: list[str] = []

    def note(self, peer: tuple[Any, ...] | None) -> None:
        """Note that no answer came from there; None if it is not known where that was."""
        if peer:
            self._failed = [*(host for host in self._failed if host != peer[0]), peer[0]][-_MOST:]

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host, that which failed last at the end.

        Raises:
            OSError: It has none, or cannot be asked for.
        """
        found = await self._resolver.resolve(host, port, family)
        failed = self._failed
        return sorted(found, key=lambda one: failed.index(one["host"]) if one["host"] in failed else -1)

    async def close(self) -> None:
        """Close the other resolver."""
        await self._resolver.close()
