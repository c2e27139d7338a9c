"""Server-sent events: that there is something new, at most five times a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio

from .shapes import News

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncGenerator

    from .ledger import Ledger

_PAUSE: Final = 0.2  # seconds
_SILENT_PAUSES: Final = 75  # pauses without news until a sign of life: 15 seconds
_RETRY: Final = 1000  # milliseconds until a browser connects again


async def stream(ledger: Ledger, stopping: asyncio.Event) -> AsyncGenerator[str]:
    """Yield the news until the server is about to stop.

    However many events come, a listener gets five messages a second at most. Each tells the present state, so one that
    comes back with a `Last-Event-ID` has missed nothing: the first message is sent at once.
    """
    yield f"retry: {_RETRY}\n\n"
    told, silent = -1, 0
    while not stopping.is_set():
        version = ledger.version
        if version != told:
            told, silent = version, 0
            news = News(latest_id=ledger.latest_id, stats=ledger.stats())
            yield f"id: {news.latest_id}\nevent: events\ndata: {news.model_dump_json()}\n\n"
        elif silent >= _SILENT_PAUSES:
            silent = 0
            yield ": still here\n\n"
        silent += 1
        with anyio.move_on_after(_PAUSE):
            await stopping.wait()
