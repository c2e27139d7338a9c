"""Litestar: a spool for what must not be lost, handed to the handlers.

SUPRSEND_SPOOL=/var/lib/shop/suprsend uvicorn litestar_app:app
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, Request, Response, post
from litestar.datastructures import State
from litestar.params import FromPath
from suprsend_async import (
    AsyncSuprsend,
    BufferFull,
    DurableTracker,
    Event,
    SpoolError,
)


@asynccontextmanager
async def tracking(app: Litestar) -> AsyncIterator[None]:
    # One client for each worker process; the processes share the directory.
    spool = os.environ.get("SUPRSEND_SPOOL", "spool")
    async with AsyncSuprsend() as client, client.buffer(spool=spool) as tracker:
        app.state.tracker = tracker
        yield


@post("/orders/{order_id:str}")
async def order(order_id: FromPath[str], state: State) -> None:
    """Answer once the event is on the disk."""
    tracker: DurableTracker = state.tracker
    await tracker.enqueue(
        Event(
            "user-1",
            "order_placed",
            {"order_id": order_id},
            idempotency_key=f"order-{order_id}",
        )
    )


def busy(request: Request, error: BufferFull | SpoolError) -> Response[None]:
    """The spool or the disk is full: nothing was stored, so say so."""
    return Response(None, status_code=503, headers={"Retry-After": "1"})


def make_app() -> Litestar:
    return Litestar(
        [order],
        lifespan=[tracking],
        exception_handlers={BufferFull: busy, SpoolError: busy},
    )


app = make_app()
