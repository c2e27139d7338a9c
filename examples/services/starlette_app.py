"""Starlette: without a database, a spool keeps what must not be lost.

SUPRSEND_SPOOL=/var/lib/shop/suprsend uvicorn starlette_app:app
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from suprsend_async import (
    AsyncSuprsend,
    BufferFull,
    DurableTracker,
    Event,
    SpoolError,
)


class State(TypedDict):
    tracker: DurableTracker


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[State]:
    # One client for each worker process; the processes share the directory.
    spool = os.environ.get("SUPRSEND_SPOOL", "spool")
    async with AsyncSuprsend() as client, client.buffer(spool=spool) as tracker:
        yield {"tracker": tracker}


async def order(request: Request) -> Response:
    """Answer once the event is on the disk."""
    order_id = request.path_params["order_id"]
    await request.state.tracker.enqueue(
        Event(
            "user-1",
            "order_placed",
            {"order_id": order_id},
            idempotency_key=f"order-{order_id}",
        )
    )
    return Response(status_code=201)


async def healthz(request: Request) -> Response:
    """The service works while the platform is down, so this does not ask it."""
    stats = request.state.tracker.stats()
    return JSONResponse(
        {"pending": stats.pending, "dead_letters": stats.dead_letters}
    )


async def busy(request: Request, error: Exception) -> Response:
    """The spool or the disk is full: nothing was stored, so say so."""
    return Response(status_code=503, headers={"Retry-After": "1"})


app = Starlette(
    routes=[
        Route("/healthz", healthz),
        Route("/orders/{order_id}", order, methods=["POST"]),
    ],
    lifespan=lifespan,
    exception_handlers={BufferFull: busy, SpoolError: busy},
)
