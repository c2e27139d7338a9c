"""The tables of the guide to moving: what a row says of a resource, there and here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "migrate-calls.md"
HEADINGS = (
    "## Users, objects and edits, side by side",
    "## Workflows, lists, tenants and messages, side by side",
)

# What the rows speak of by these names.
VALUES: dict[str, Any] = {
    "distinct_id": "user 1/ä",
    "from_user_id": "user-2",
    "distinct_ids": ["user-1", "user-2"],
    "tenant_id": "acme",
    "object_type": "teams",
    "object_id": "sre/1",
    "object_ids": ["sre", "ops"],
    "recipients": ["user-1", {"object_type": "teams", "id": "ops"}],
    "category": "news",
    "after": "cursor-1",
    "payload": {"$email": ["ada@example.com"], "plan": "pro"},
    "operations": [{"$set": {"plan": "pro"}}],
    "choices": {"channel_preferences": [{"channel": "sms", "is_restricted": True}]},
    "choice": {"preference": "opt_in", "opt_out_channels": ["sms"]},
    "list_id": "beta-users",
    "version_id": "01JQ80D4M6N8P0R2S4T6V8W0XY",
    "query": "SELECT distinct_id FROM users",
    "tenant": {"tenant_name": "Acme", "properties": {"plan": "pro"}},
    "tenant_choice": {"preference": "opt_in", "opt_in_channels": ["email"]},
    "brand_id": "acme",
    "brand": {"brand_name": "Acme"},
    "message_id": "01JQ7Z5C3V9M2K8R4T6W0XEYHB",
}

# What makes a trigger and a broadcast, there and here.
TRIGGER: dict[str, Any] = {"workflow": "order-shipped", "recipients": ["user-1"], "data": {"order": 41}}
BROADCAST: dict[str, Any] = {
    "list_id": "beta-users",
    "template": "news",
    "notification_category": "promotional",
    "data": {},
}
IDEMPOTENCY: dict[str, Any] = {"idempotency_key": "order-41"}


@dataclass(frozen=True)
class Row:
    """A row: the code on both sides; here none, where there is nothing to use."""

    there: list[str]
    here: list[str]


def rows() -> list[Row]:
    """Return the rows of the tables."""
    page = PAGE.read_text("utf-8")
    sections = [page.split(f"{heading}\n")[1].split("\n## ")[0] for heading in HEADINGS]
    found: list[Row] = []
    for section in sections:
        for line in section.splitlines():
            if not line.startswith("| ") or line.startswith(("| suprsend-py-sdk", "| ---")):
                continue
            there, here, _ = line.removeprefix("|").removesuffix("|").split(" | ")
            codes = re.findall(r"`([^`]+)`", there)
            own = re.findall(r"`([^`]+)`", here)
            found.append(Row(codes, [*codes, *own] if here.strip().startswith("the same") else own))
    return found
