"""FastAPI: one tracker for each worker process, from the lifespan, handed to the endpoints as a dependency.

uvicorn fastapi_app:app
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response

from suprsend_async import AsyncSuprsend, BufferedTracker, BufferFull, Event


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    # Leaving the block, when the server shuts down, sends what is left.
    async with AsyncSuprsend() as client, client.buffer() as tracker:
        app.state.tracker = tracker
        yield


async def get_tracker(request: Request) -> BufferedTracker:
    return request.app.state.tracker


Tracker = Annotated[BufferedTracker, Depends(get_tracker)]

app = FastAPI(lifespan=lifespan)


@app.exception_handler(BufferFull)
async def busy(request: Request, error: BufferFull) -> Response:
    return Response(status_code=503, headers={"Retry-After": "1"})


@app.post("/orders/{order_id}")
async def order(order_id: str, tracker: Tracker) -> dict[str, bool]:
    """Wait for the platform's answer; the events of concurrent requests travel together."""
    event = Event("user-1", "order_placed", {"order_id": order_id}, idempotency_key=f"order-{order_id}")
    response = await tracker.track_event(event)
    return {"notified": response.success}


@app.post("/views/{page}", status_code=202)
async def view(page: str, tracker: Tracker) -> None:
    """Do not wait."""
    tracker.enqueue(Event("user-1", "page_viewed", {"page": page}))
