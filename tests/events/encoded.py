"""Properties as they are encoded and arrive, and a value that JSON does not know."""

from __future__ import annotations

import json
from typing import Any

import pytest

from suprsend_async import Event
from suprsend_async.events.encoding import Encoder


def encode(properties: dict[str, Any]) -> bytes:
    return Encoder("workspace", "sdk/1", 10_000_000).encode(Event("user-1", "signed_up", properties))


def sent(value: object) -> Any:
    """Return what arrives for a property."""
    return json.loads(encode({"p": value}), parse_constant=pytest.fail)["properties"]["p"]


class Node:
    """Of no type that JSON knows."""
