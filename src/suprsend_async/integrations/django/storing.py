# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false
"""How records get into Django's tables; the models are imported when they are used, for they need Django's settings."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from django.db import transaction

from suprsend_async.errors import ConfigurationError
from suprsend_async.outbox.records import stored

if TYPE_CHECKING:
    from collections.abc import Sequence

_CALL = "django.add()"


def store(records: Sequence[object], using: str) -> None:
    """Store records in the transaction that is under way in this database.

    Raises:
        ConfigurationError: There is none.
    """
    from suprsend_async.integrations.django.models import OutboxRecord

    rows = stored(_CALL, records)
    connection = transaction.get_connection(using)
    if connection.get_autocommit() and not connection.in_atomic_block:
        raise ConfigurationError(
            f"{_CALL} needs a transaction, and there is none in the database {using!r}: call it inside "
            "transaction.atomic(), together with your own write"
        )
    made = [OutboxRecord(**asdict(row), stored_at=time.time(), leased_until=0.0) for row in rows]
    OutboxRecord.objects.using(using).bulk_create(made)
