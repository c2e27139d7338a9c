"""Django with ASGI: Django itself has no lifespan, so a few lines around it open and close the tracker.

uvicorn django_app:application
"""

from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from suprsend_async import AsyncSuprsend, BufferedTracker, BufferFull, Event

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], SECRET_KEY="only for this example")


def tracker_of(request: HttpRequest) -> BufferedTracker:
    return request.scope["state"]["tracker"]


async def order(request: HttpRequest, order_id: str) -> HttpResponse:
    """Wait for the platform's answer; the events of concurrent requests travel together."""
    event = Event("user-1", "order_placed", {"order_id": order_id}, idempotency_key=f"order-{order_id}")
    response = await tracker_of(request).track_event(event)
    return JsonResponse({"notified": response.success})


async def view(request: HttpRequest, page: str) -> HttpResponse:
    """Do not wait."""
    try:
        tracker_of(request).enqueue(Event("user-1", "page_viewed", {"page": page}))
    except BufferFull:
        return HttpResponse(status=503, headers={"Retry-After": "1"})
    return HttpResponse(status=202)


urlpatterns = [path("orders/<order_id>", order), path("views/<page>", view)]


class Tracking:
    """An ASGI application that has a tracker for as long as the server runs, and puts it into each request's state."""

    def __init__(self, application: Callable[..., Awaitable[None]]) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope["state"], receive, send)
        else:
            await self._application(scope, receive, send)

    async def _live(self, state: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        await receive()  # the server starts up
        # Leaving the block, when the server shuts down, sends what is left.
        async with AsyncSuprsend() as client, client.buffer() as tracker:
            state["tracker"] = tracker
            await send({"type": "lifespan.startup.complete"})
            await receive()  # the server shuts down
        await send({"type": "lifespan.shutdown.complete"})


application = Tracking(get_asgi_application())
