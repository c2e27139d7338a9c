"""What tests of buffers send, and how a server answers it."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.conftest import Received, Server

from suprsend_async import Event
from suprsend_async.api.response import EventResponse

HOUR = 3600.0
BUSY = {"status": "error", "status_code": 503, "error": {"message": "busy", "type": "busy"}}
FINE = {"status": "success", "status_code": 202, "message_id": "m"}


def events(count: int) -> list[Event]:
    return [Event(f"user-{number}", "signed_up", {"n": number}) for number in range(count)]


def sent(server: Server) -> list[int]:
    return [event["properties"]["n"] for request in server.requests for event in request.json]


def refuse_user_1(request: Received) -> bytes:
    return Server.answer(
        207,
        {
            "status": "success",
            "records": [
                {"status": "error", "status_code": 404, "error": {"message": "no such user", "type": "not_found"}}
                if event["distinct_id"] == "user-1"
                else {"status": "success", "status_code": 202, "message_id": "m"}
                for event in request.json
            ],
        },
    )


def bodies(server: Server) -> list[int]:
    return [len(request.json) for request in server.requests]


def only_user_1_is_refused(request: Received) -> bytes:
    records = [
        {"status": "error", "status_code": 404, "error": {"message": "no such user", "type": "not_found"}}
        if event["distinct_id"] == "user-1"
        else {"status": "success", "status_code": 202, "message_id": f"m-{event['distinct_id']}"}
        for event in request.json
    ]
    return Server.answer(207, {"status": "success", "records": records})


async def tracked(tracker: Any, given: list[Event]) -> list[EventResponse]:
    return await asyncio.gather(*[tracker.track_event(event) for event in given])
