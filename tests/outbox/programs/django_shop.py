"""A Django project of one file: it migrates, stores in and out of transactions, and says what came of it.

Arguments: the file of the database.
"""

from __future__ import annotations

import sys

import django
from django.conf import settings
from django.core.management import call_command
from django.db import transaction

from suprsend_async import ConfigurationError, Event, UserEdit
from suprsend_async.integrations.django import add


class UndoError(Exception):
    pass


settings.configure(
    INSTALLED_APPS=["suprsend_async.integrations.django"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}},
)
django.setup()
call_command("migrate", verbosity=0)
call_command("makemigrations", "--check", "--dry-run", verbosity=0)

with transaction.atomic():
    add(Event("user-1", "order_placed", idempotency_key="key-1"), UserEdit("user-1").set("plan", "pro"))
try:
    with transaction.atomic():
        add(Event("user-2", "order_placed", idempotency_key="key-2"))
        raise UndoError
except UndoError:
    pass
try:
    add(Event("user-3", "order_placed"))
except ConfigurationError as error:
    sys.stdout.write(f"{error}\n")
try:
    with transaction.atomic():
        add("no record")  # type: ignore[arg-type]
except TypeError as error:
    sys.stdout.write(f"{error}\n")
