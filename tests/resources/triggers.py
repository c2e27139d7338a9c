"""Triggers that are told apart by a number."""

from __future__ import annotations

from typing import Any

from suprsend_async import WorkflowTriggerRequest


def trigger(number: int = 1, **options: Any) -> WorkflowTriggerRequest:
    return WorkflowTriggerRequest("order-shipped", [f"user-{number}"], {"number": number}, **options)
