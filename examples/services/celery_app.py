"""Celery, prefork: each worker process has a tracker of its own, made after the fork and drained at its end.

    BROKER_URL=... SUPRSEND_SPOOL=/var/lib/shop/suprsend celery --app celery_app worker

A task blocks, so the tracker runs on an event loop in a thread beside it. Its events are on disk before a task ends:
a worker that is killed loses none, the next one sends them.
"""

import os
from contextlib import ExitStack

from anyio.from_thread import BlockingPortal, start_blocking_portal
from celery import Celery
from celery.signals import worker_process_init, worker_process_shutdown

from suprsend_async import AsyncSuprsend, DurableTracker, Event

app = Celery("shop", broker=os.environ["BROKER_URL"])


class Tracking:
    """A tracker on a loop of its own."""

    portal: BlockingPortal
    tracker: DurableTracker

    def __init__(self) -> None:
        self._stack = ExitStack()

    def start(self, **_: object) -> None:
        self.portal = self._stack.enter_context(start_blocking_portal())
        client = AsyncSuprsend()
        self._stack.enter_context(self.portal.wrap_async_context_manager(client))
        buffer = client.buffer(spool=os.environ["SUPRSEND_SPOOL"])
        self.tracker = self._stack.enter_context(self.portal.wrap_async_context_manager(buffer))

    def stop(self, **_: object) -> None:
        self._stack.close()

    def enqueue(self, event: Event) -> None:
        self.portal.call(self.tracker.enqueue, event)


tracking = Tracking()
worker_process_init.connect(tracking.start)
worker_process_shutdown.connect(tracking.stop)


@app.task
def ship(order_id: str) -> None:
    """Do some work, and tell the user; the same task run twice is one event."""
    tracking.enqueue(Event("user-1", "order_shipped", {"order_id": order_id}, idempotency_key=f"shipped-{order_id}"))
