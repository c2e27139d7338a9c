"""FastAPI: orders go through an outbox, page views through a buffer.

DATABASE_URL=postgresql+asyncpg://... uvicorn fastapi_app:app
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from sqlalchemy.ext.asyncio import (
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from suprsend_async import AsyncSuprsend, BufferedTracker, BufferFull, Event, outbox


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[str] = mapped_column(primary_key=True)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    url = os.environ.get("DATABASE_URL", "sqlite+aiosqlite:///shop.db")
    engine = create_async_engine(url)
    async with engine.begin() as connection:  # with Alembic, a migration does this
        await connection.run_sync(Base.metadata.create_all)
        await connection.run_sync(outbox.metadata.create_all)
    # One client for each worker process. The relay sends what is committed; leaving
    # the block sends what the buffer still holds.
    async with (
        AsyncSuprsend() as client,
        outbox.Relay(engine, client),
        client.buffer() as tracker,
    ):
        app.state.tracker = tracker
        app.state.sessions = async_sessionmaker(engine)
        yield
    await engine.dispose()


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    async with request.app.state.sessions() as session:
        yield session


async def get_tracker(request: Request) -> BufferedTracker:
    return request.app.state.tracker


Session = Annotated[AsyncSession, Depends(get_session)]
Tracker = Annotated[BufferedTracker, Depends(get_tracker)]

app = FastAPI(lifespan=lifespan)


@app.exception_handler(BufferFull)
async def busy(request: Request, error: BufferFull) -> Response:
    return Response(status_code=503, headers={"Retry-After": "1"})


@app.get("/healthz")
async def healthz(tracker: Tracker) -> dict[str, int]:
    """The service works while the platform is down, so this does not ask it."""
    return {"pending": tracker.stats().pending}


@app.post("/orders/{order_id}", status_code=201)
async def order(order_id: str, session: Session) -> None:
    """Store the order and its event in one transaction: both, or neither."""
    event = Event("user-1", "order_placed", {"order_id": order_id})
    async with session.begin():
        session.add(Order(id=order_id))
        outbox.add(session, event)


@app.post("/views/{page}", status_code=202)
async def view(page: str, tracker: Tracker) -> None:
    """Do not wait; the events of concurrent requests travel together."""
    tracker.enqueue(Event("user-1", "page_viewed", {"page": page}))
