"""Flask, and every other framework whose views block: one tracker for all threads of a process.

gunicorn --workers 2 --worker-class gthread --threads 32 --preload flask_app:app

It is made and opened once, where the application is made. A worker that is forked after that begins anew with its
first call, and what is left is sent when the process ends.
"""

from flask import Flask, Response

from suprsend_async import BufferFull, Event, Suprsend

app = Flask(__name__)
tracker = Suprsend().buffer().open()


@app.post("/orders/<order_id>")
def order(order_id: str) -> dict[str, bool]:
    """Wait for the platform's answer; the events of concurrent requests travel together."""
    event = Event("user-1", "order_placed", {"order_id": order_id}, idempotency_key=f"order-{order_id}")
    return {"notified": tracker.track_event(event).success}


@app.post("/views/<page>")
def view(page: str) -> Response:
    """Do not wait."""
    tracker.enqueue(Event("user-1", "page_viewed", {"page": page}))
    return Response(status=202)


@app.errorhandler(BufferFull)
def busy(_: BufferFull) -> Response:
    return Response(status=503, headers={"Retry-After": "1"})
