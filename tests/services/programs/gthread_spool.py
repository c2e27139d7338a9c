"""A WSGI application with a spool, whose exit hook has as long as the environment says to send what is left."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from suprsend_async import Event, Suprsend

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

client = Suprsend()
tracker = client.buffer(
    spool=os.environ["SUPRSEND_SPOOL"], drain_timeout=float(os.environ["DRAIN_TIMEOUT"]), on_failure=print
).open()


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Store an event for each POST."""
    if environ["REQUEST_METHOD"] != "POST":
        start_response("404 Not Found", [])
        return []
    tracker.enqueue(Event("user-1", "order_placed"))
    start_response("201 Created", [])
    return []
