"""Django with WSGI, its ORM and the blocking client, one for the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from suprsend_async import Event, Suprsend

if TYPE_CHECKING:
    from collections.abc import Callable

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["127.0.0.1"],
    SECRET_KEY="only for this test",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
django.setup()
client = Suprsend()


def order(request: HttpRequest, order_id: str) -> HttpResponse:
    """Tell the platform, and ask the database before and after."""
    before = _ask_database()
    event = Event("user-1", "order_placed", {"order_id": order_id}, idempotency_key=f"order-{order_id}")
    response = client.track_event(event)
    return JsonResponse({"notified": response.success, "rows": [before, _ask_database()]})


def _ask_database() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        (row,) = cursor.fetchone()
    return row


urlpatterns = [path("orders/<order_id>", order)]
application: Callable[..., object] = get_wsgi_application()
