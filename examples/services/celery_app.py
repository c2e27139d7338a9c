"""Celery, prefork: each worker process has a tracker, opened after the fork and
closed at its end.

BROKER_URL=... SUPRSEND_SPOOL=/var/lib/shop/suprsend celery --app celery_app worker
"""

import os

from celery import Celery
from celery.signals import worker_process_init, worker_process_shutdown
from suprsend_async import Event, Suprsend

app = Celery("shop", broker=os.environ.get("BROKER_URL", "memory://"))
# Nothing is opened or connected here: the workers are forked later.
client = Suprsend()
tracker = client.buffer(spool=os.environ.get("SUPRSEND_SPOOL", "spool"))


@worker_process_init.connect
def begin(**_: object) -> None:
    tracker.open()


# Celery ends its processes without the interpreter's own hooks.
@worker_process_shutdown.connect
def end(**_: object) -> None:
    tracker.close()


@app.task
def ship(order_id: str) -> None:
    """Do some work, and notify; the same task run twice is one event."""
    tracker.enqueue(
        Event(
            "user-1",
            "order_shipped",
            {"order_id": order_id},
            idempotency_key=f"shipped-{order_id}",
        )
    )
