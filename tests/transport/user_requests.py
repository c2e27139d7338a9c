"""Requests for one user."""

from __future__ import annotations

from typing import Any

from suprsend_async.transport.request import Request

USER = "v1/user/{distinct_id}/"


def user(distinct_id: Any, **more: Any) -> Request:
    return Request("GET", USER, {"distinct_id": distinct_id}, **more)
