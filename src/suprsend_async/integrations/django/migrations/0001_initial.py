# pyright: basic, reportMissingImports=false
"""The outbox's two tables."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models


class Migration(migrations.Migration):
    """Make them."""

    initial = True

    dependencies: Any = ()

    operations: Any = (
        migrations.CreateModel(
            name="OutboxDeadRecord",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=16)),
                ("body", models.BinaryField()),
                ("order_key", models.CharField(max_length=64, null=True)),
                ("repeatable", models.BooleanField()),
                ("stored_at", models.FloatField()),
                ("died_at", models.FloatField()),
                ("outcome", models.CharField(max_length=16)),
                ("status_code", models.IntegerField(null=True)),
                ("error", models.TextField()),
            ],
            options={
                "db_table": "suprsend_outbox_dead",
            },
        ),
        migrations.CreateModel(
            name="OutboxRecord",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=16)),
                ("body", models.BinaryField()),
                ("order_key", models.CharField(max_length=64, null=True)),
                ("repeatable", models.BooleanField()),
                ("stored_at", models.FloatField()),
                ("leased_until", models.FloatField()),
                ("leased_by", models.CharField(max_length=32, null=True)),
                ("leased_at", models.FloatField(null=True)),
                ("tried_at", models.FloatField(null=True)),
            ],
            options={
                "db_table": "suprsend_outbox",
                "indexes": [
                    models.Index(
                        condition=models.Q(("leased_by__isnull", False)),
                        fields=["order_key"],
                        name="suprsend_outbox_leased",
                    )
                ],
            },
        ),
    )
