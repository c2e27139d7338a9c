"""The same calls on either client: awaited where they have to be, and noted."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Coroutine


async def result_of(call: Any) -> Any:
    """Return what a call on either client returns."""
    return await call if inspect.isawaitable(call) else call


def run_blocking(calls: Coroutine[Any, Any, None]) -> None:
    """Run calls on the blocking client, on this thread: they wait for nothing but the client, which blocks."""
    with pytest.raises(StopIteration):
        calls.send(None)


class Watched:
    """Calls a resource's methods, of whichever client, and notes which."""

    def __init__(self, resource: Any) -> None:
        self._resource = resource
        self.called: set[str] = set()

    async def __call__(self, method: str, *positional: Any, **named: Any) -> Any:
        self.called.add(method)
        return await result_of(getattr(self._resource, method)(*positional, **named))

    async def all(self, method: str, *positional: Any, **named: Any) -> list[Any]:
        """Read what a method yields."""
        found = await self(method, *positional, **named)
        return [each async for each in found] if hasattr(found, "__aiter__") else list(found)

    @property
    def left(self) -> set[str]:
        """The methods that were not called."""
        names = (name for name in dir(self._resource) if not name.startswith("_"))
        return {name for name in names if inspect.isroutine(getattr(self._resource, name))} - self.called
