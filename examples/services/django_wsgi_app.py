"""Django with WSGI: orders go through an outbox in Django's own database.

python django_wsgi_app.py migrate
gunicorn --workers 2 django_wsgi_app:application
DATABASE_URL=sqlite:///shop.db suprsend-async outbox run
"""

import os
import sys

import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.db import connection, models, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from suprsend_async import Event
from suprsend_async.integrations import django as outbox

if not settings.configured:  # your settings.py
    settings.configure(
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["127.0.0.1", "testserver"],
        SECRET_KEY="only for this example",
        INSTALLED_APPS=["suprsend_async.integrations.django"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": os.environ.get("SHOP_DB", "shop.db"),
                "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
            }
        },
    )
    django.setup()


class Order(models.Model):  # your models.py
    id = models.CharField(primary_key=True, max_length=100)

    class Meta:
        app_label = "shop"


def order(request: HttpRequest, order_id: str) -> HttpResponse:  # your views.py
    """Store the order and its event in one transaction: both, or neither."""
    with transaction.atomic():
        placed = Order.objects.create(id=order_id)
        outbox.add(Event("user-1", "order_placed", {"order_id": placed.pk}))
    return HttpResponse(status=201)


urlpatterns = [path("orders/<order_id>", order)]
application = get_wsgi_application()


def migrate() -> None:
    """Make the tables: the outbox's by its migrations, and the one of this file."""
    execute_from_command_line(["manage.py", "migrate", "--verbosity=0"])
    with connection.schema_editor() as editor:
        editor.create_model(Order)


if __name__ == "__main__" and sys.argv[1:] == ["migrate"]:
    migrate()
