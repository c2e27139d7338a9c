"""Litestar: one tracker for each worker process, from the lifespan, handed to the handlers as a dependency.

uvicorn litestar_app:app
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, Request, Response, post
from litestar.datastructures import State
from litestar.di import Provide

from suprsend_async import AsyncSuprsend, BufferedTracker, BufferFull, Event


@asynccontextmanager
async def tracking(app: Litestar) -> AsyncIterator[None]:
    # Leaving the block, when the server shuts down, sends what is left.
    async with AsyncSuprsend() as client, client.buffer() as tracker:
        app.state.tracker = tracker
        yield


async def get_tracker(state: State) -> BufferedTracker:
    return state.tracker


@post("/orders/{order_id:str}", status_code=200)
async def order(order_id: str, tracker: BufferedTracker) -> dict[str, bool]:
    """Wait for the platform's answer; the events of concurrent requests travel together."""
    event = Event("user-1", "order_placed", {"order_id": order_id}, idempotency_key=f"order-{order_id}")
    response = await tracker.track_event(event)
    return {"notified": response.success}


@post("/views/{page:str}", status_code=202)
async def view(page: str, tracker: BufferedTracker) -> None:
    """Do not wait."""
    tracker.enqueue(Event("user-1", "page_viewed", {"page": page}))


def busy(request: Request, error: BufferFull) -> Response[None]:
    return Response(None, status_code=503, headers={"Retry-After": "1"})


app = Litestar(
    [order, view],
    lifespan=[tracking],
    dependencies={"tracker": Provide(get_tracker)},
    exception_handlers={BufferFull: busy},
)
