"""The FastAPI example with its tracker, the client itself or nothing in its place; it tells its CPU time."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace

from fastapi_app import app, get_tracker

from suprsend_async import AsyncSuprsend, Event

client = AsyncSuprsend()


async def direct() -> AsyncSuprsend:
    return client


class Nothing:
    async def track_event(self, event: Event) -> SimpleNamespace:
        return SimpleNamespace(success=True)


async def nothing() -> Nothing:
    return Nothing()


instead = {"direct": direct, "nothing": nothing}.get(os.environ["TRACKING"])
if instead is not None:
    app.dependency_overrides[get_tracker] = instead


@app.get("/cpu")
async def cpu() -> float:
    return time.process_time()
