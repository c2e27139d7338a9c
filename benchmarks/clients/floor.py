"""The floor: the same bytes from plain code, with nothing checked, nothing retried and no HTTP library."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import platform
import socket
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic_core import to_json

from benchmarks.credentials import WORKSPACE_KEY, WORKSPACE_SECRET
from benchmarks.records import EVENT_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.records import Record

CHUNK_EVENTS = 100
PATH = "/v2/bulk/event/"
CONTENT_TYPE = "application/json; charset=utf-8"
SDK_VERSION = f"suprsend_async/0.1.0 (python/{platform.python_version()}; {platform.system().lower()})"


def send(records: list[Record], url: str) -> int:
    """Send the records; an answer is read to its end, and only its status is looked at."""
    return send_chunks(records, url, _all_accepted)


def send_chunks(records: list[Record], url: str, accepted_by: Callable[[bytes, int], int]) -> int:
    """Send the records over one socket, one chunk after another; returns how many were accepted.

    `accepted_by` says so for an answer's bytes and the number of events that it is about.
    """
    address = urlsplit(url)
    accepted = 0
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(records), CHUNK_EVENTS):
            chunk = records[start : start + CHUNK_EVENTS]
            body = b"[" + b",".join([encode(user, properties) for user, properties in chunk]) + b"]"
            date = formatdate(usegmt=True)
            head = (
                f"POST {PATH} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: {CONTENT_TYPE}\r\nDate: {date}\r\n"
                f"Authorization: {WORKSPACE_KEY}:{_signature(body, date)}\r\nUser-Agent: {SDK_VERSION}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            connection.sendall(head.encode() + body)
            accepted += accepted_by(_read_answer(connection), len(chunk))
    return accepted


def _all_accepted(answer: bytes, events: int) -> int:
    return events if answer.startswith(b"HTTP/1.1 207") else 0


def encode(user: str, properties: dict[str, Any]) -> bytes:
    """Return one record's event as it goes over the wire."""
    digits = os.urandom(16).hex()
    insert_id = f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"
    return to_json(
        {
            "$insert_id": insert_id,
            "$time": time.time_ns() // 1_000_000,
            "event": EVENT_NAME,
            "env": WORKSPACE_KEY,
            "distinct_id": user,
            "properties": {**properties, "$ss_sdk_version": SDK_VERSION},
            "$idempotency_key": insert_id,
        }
    )


def _signature(body: bytes, date: str) -> str:
    text = f"POST\n{hashlib.md5(body, usedforsecurity=False).hexdigest()}\n{CONTENT_TYPE}\n{date}\n{PATH}"
    return base64.b64encode(hmac.digest(WORKSPACE_SECRET.encode(), text.encode(), "sha256")).decode()


def _read_answer(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += connection.recv(65536)
    place = data.index(b"Content-Length:") + 15
    size = end + 4 + int(data[place : data.index(b"\r\n", place)])
    while len(data) < size:
        data += connection.recv(65536)
    return data
