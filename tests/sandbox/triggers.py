"""Triggers, and where they are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .conftest import Wire

TRIGGER = "/trigger/"
CANCEL = "/v1/workflow_run/cancel/"
DYNAMIC = {"name": "adhoc", "template": "welcome", "notification_category": "system", "users": [{"distinct_id": "u"}]}


def trigger(*recipients: Any, **changes: Any) -> dict[str, Any]:
    return {"workflow": "order-shipped", "recipients": [*(recipients or ("user-1",))], "data": {}} | changes


def profile(wire: Wire, path: str) -> dict[str, Any]:
    return wire.call("GET", f"/v1/{path}/").json
