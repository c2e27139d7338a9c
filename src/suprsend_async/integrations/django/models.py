# pyright: basic, reportMissingImports=false
"""The outbox's tables as Django's models: the same names and columns as `suprsend_async.outbox.tables` has."""

from __future__ import annotations

from typing import Any

from django.db import models


class StoredFields(models.Model):
    """What is stored of a record."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=16)
    body = models.BinaryField()
    order_key = models.CharField(max_length=64, null=True)
    repeatable = models.BooleanField()
    stored_at = models.FloatField()

    class Meta:
        """Fields of both tables."""

        abstract = True


class OutboxRecord(StoredFields):
    """A record that is to be sent."""

    leased_until = models.FloatField()
    leased_by = models.CharField(max_length=32, null=True)
    leased_at = models.FloatField(null=True)
    tried_at = models.FloatField(null=True)

    class Meta:
        """The table that relays look for."""

        db_table = "suprsend_outbox"
        indexes: Any = (
            models.Index(
                fields=["order_key"],
                name="suprsend_outbox_leased",
                condition=models.Q(leased_by__isnull=False),
            ),
        )


class OutboxDeadRecord(StoredFields):
    """A record that is not sent any more, until somebody decides."""

    died_at = models.FloatField()
    outcome = models.CharField(max_length=16)
    status_code = models.IntegerField(null=True)
    error = models.TextField()

    class Meta:
        """The table that relays look for."""

        db_table = "suprsend_outbox_dead"
