# pyright: basic, reportMissingImports=false
"""The app that brings the outbox's tables along."""

from __future__ import annotations

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    """The outbox, as Django knows it."""

    name = "suprsend_async.integrations.django"
    label = "suprsend_outbox"
    verbose_name = "SuprSend outbox"
