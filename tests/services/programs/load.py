"""FastAPI with a buffer, the client itself or nothing in its place; it tells its CPU time."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

from fastapi import FastAPI

from suprsend_async import AsyncSuprsend, Event


class Nothing:
    async def track_event(self, event: Event) -> SimpleNamespace:
        return SimpleNamespace(success=True)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    async with AsyncSuprsend() as client, client.buffer() as buffered:
        trackers = {"buffered": buffered, "direct": client, "nothing": Nothing()}
        app.state.tracker = trackers[os.environ["TRACKING"]]
        yield {}


app = FastAPI(lifespan=lifespan)


@app.post("/orders/{order_id}")
async def order(order_id: str) -> dict[str, bool]:
    event = Event("user-1", "order_placed", {"order_id": order_id}, idempotency_key=f"order-{order_id}")
    response = await app.state.tracker.track_event(event)
    return {"notified": response.success}


@app.get("/cpu")
async def cpu() -> float:
    return time.process_time()
