"""Flask, and every other framework whose views block: a spool for the process.

gunicorn --workers 2 --worker-class gthread --threads 32 --preload \
    'flask_app:create_app()'
"""

import os

from flask import Flask, Response
from suprsend_async import BufferFull, Event, SpoolError, Suprsend


def create_app() -> Flask:
    app = Flask(__name__)
    # One client for all threads of a process. A worker that is forked later opens
    # new connections and a new file with its first call.
    spool = os.environ.get("SUPRSEND_SPOOL", "spool")
    client = Suprsend()
    tracker = client.buffer(spool=spool).open()
    app.extensions["suprsend"] = client

    @app.post("/orders/<order_id>")
    def order(order_id: str) -> Response:
        """Answer once the event is on the disk."""
        tracker.enqueue(
            Event(
                "user-1",
                "order_placed",
                {"order_id": order_id},
                idempotency_key=f"order-{order_id}",
            )
        )
        return Response(status=201)

    @app.errorhandler(BufferFull)
    @app.errorhandler(SpoolError)
    def busy(_: Exception) -> Response:
        """The spool or the disk is full: nothing was stored, so say so."""
        return Response(status=503, headers={"Retry-After": "1"})

    return app
