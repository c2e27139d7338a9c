"""The floor of this project's own stack: its events and its signature over bare aiohttp.

No retry, no deadline, no verdict for each event and no HTTP client between: what is left is what the models, the
encoding and the connection cost by themselves.
"""

from __future__ import annotations

import asyncio
import time
from itertools import islice
from typing import TYPE_CHECKING

import aiohttp
from pydantic_core import from_json

from benchmarks.clients.floor import CHUNK_EVENTS, CONTENT_TYPE, PATH, SDK_VERSION
from benchmarks.credentials import WORKSPACE_KEY, WORKSPACE_SECRET
from benchmarks.records import EVENT_NAME
from suprsend_async import Event
from suprsend_async.events.encoding import Encoder
from suprsend_async.transport.authentication import WorkspaceSecret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.records import Record

IN_FLIGHT = 5
"""As many requests as the project's own client has in flight against a server that answers at once."""


def send(records: list[Record], url: str) -> int:
    """Send the records; returns how many were accepted."""
    return asyncio.run(_send(iter(records), url.rstrip("/") + PATH))


async def _send(records: Iterator[Record], url: str) -> int:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        return sum(await asyncio.gather(*[_send_chunks(session, records, url) for _ in range(IN_FLIGHT)]))


async def _send_chunks(session: aiohttp.ClientSession, records: Iterator[Record], url: str) -> int:
    encoder = Encoder(WORKSPACE_KEY, SDK_VERSION, max_event_bytes=819_200)
    credentials = WorkspaceSecret(WORKSPACE_KEY, WORKSPACE_SECRET)
    accepted = 0
    while chunk := list(islice(records, CHUNK_EVENTS)):
        events = [Event(user, EVENT_NAME, properties) for user, properties in chunk]
        body = b"[" + b",".join([encoder.encode(event) for event in events]) + b"]"
        headers = {"Content-Type": CONTENT_TYPE, **credentials.headers("POST", PATH, body, time.time())}
        async with session.post(url, data=body, headers=headers) as response:
            answers = from_json(await response.read())["records"]
        accepted += sum(answer["status"] == "success" for answer in answers)
    return accepted
