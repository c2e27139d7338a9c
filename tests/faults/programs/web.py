"""A small web application with a client of its own, which is used before the server forks its workers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.faults.clients import blocking_client

from suprsend_async import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

client = blocking_client(os.environ["BENCH_URL"], timeout=5)
client.track_event(Event("user-preload", "loaded")).raise_for_status()


def application(environ: dict[str, object], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Send an event for each request; answer with the worker's process id."""
    client.track_event(Event("user-1", "page_viewed")).raise_for_status()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
