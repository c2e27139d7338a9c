"""aiohttp: the caller gets the platform's answer, by a buffer that shares requests.

python aiohttp_app.py 8000
gunicorn --workers 2 --worker-class aiohttp.GunicornWebWorker aiohttp_app:app
"""

import sys
from collections.abc import AsyncIterator

from aiohttp import web
from suprsend_async import AsyncSuprsend, BufferedTracker, BufferFull, Event

TRACKER = web.AppKey("tracker", BufferedTracker)


async def tracking(app: web.Application) -> AsyncIterator[None]:
    # One client for each worker process. Leaving the block, when the server shuts
    # down, sends what is left.
    async with AsyncSuprsend(timeout=5.0) as client, client.buffer() as tracker:
        app[TRACKER] = tracker
        yield


async def order(request: web.Request) -> web.Response:
    """Wait for the answer; concurrent requests share one to the platform."""
    order_id = request.match_info["order_id"]
    event = Event(
        "user-1",
        "order_placed",
        {"order_id": order_id},
        idempotency_key=f"order-{order_id}",
    )
    response = await request.app[TRACKER].track_event(event)
    return web.json_response({"notified": response.outcome})


async def view(request: web.Request) -> web.Response:
    """Do not wait."""
    event = Event("user-1", "page_viewed", {"page": request.match_info["page"]})
    try:
        request.app[TRACKER].enqueue(event)
    except BufferFull:
        return web.Response(status=503, headers={"Retry-After": "1"})
    return web.Response(status=202)


def make_app() -> web.Application:
    app = web.Application()
    app.cleanup_ctx.append(tracking)
    app.router.add_post("/orders/{order_id}", order)
    app.router.add_post("/views/{page}", view)
    return app


app = make_app()

if __name__ == "__main__":
    port = int(sys.argv[1])
    # Open requests get 10 seconds at the end, not a minute.
    web.run_app(app, host="127.0.0.1", port=port, shutdown_timeout=10, print=None)
