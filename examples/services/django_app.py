"""Django with ASGI: a few lines around it open and close the client and its buffer,
since Django has no lifespan.

uvicorn django_app:application
"""

from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from suprsend_async import AsyncSuprsend, BufferedTracker, BufferFull, Event

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

if not settings.configured:  # your settings.py
    settings.configure(
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["127.0.0.1", "testserver"],
        SECRET_KEY="only for this example",
    )


def tracker_of(request: HttpRequest) -> BufferedTracker:
    return request.scope["state"]["tracker"]


async def order(request: HttpRequest, order_id: str) -> HttpResponse:
    """Wait for the answer; concurrent requests share one to the platform."""
    event = Event(
        "user-1",
        "order_placed",
        {"order_id": order_id},
        idempotency_key=f"order-{order_id}",
    )
    response = await tracker_of(request).track_event(event)
    return JsonResponse({"notified": response.outcome})


async def view(request: HttpRequest, page: str) -> HttpResponse:
    """Do not wait."""
    try:
        tracker_of(request).enqueue(Event("user-1", "page_viewed", {"page": page}))
    except BufferFull:
        return HttpResponse(status=503, headers={"Retry-After": "1"})
    return HttpResponse(status=202)


urlpatterns = [path("orders/<order_id>", order), path("views/<page>", view)]


class Tracking:
    """An ASGI application with a buffer that lives as long as the server runs."""

    def __init__(self, application: Callable[..., Awaitable[None]]) -> None:
        self._application = application

    async def __call__(
        self, scope: dict[str, Any], receive: Receive, send: Send
    ) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope["state"], receive, send)
        else:
            await self._application(scope, receive, send)

    async def _live(
        self, state: dict[str, Any], receive: Receive, send: Send
    ) -> None:
        await receive()  # the server starts up
        # One client for each worker process. Leaving the block, when the server
        # shuts down, sends what is left.
        async with (
            AsyncSuprsend(timeout=5.0) as client,
            client.buffer() as tracker,
        ):
            state["tracker"] = tracker
            await send({"type": "lifespan.startup.complete"})
            await receive()  # the server shuts down
        await send({"type": "lifespan.shutdown.complete"})


application = Tracking(get_asgi_application())
