"""Looks names up for the default engine: through the running loop, and also when that has no threads left for it."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any, cast

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
