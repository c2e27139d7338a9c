"""One request and what is done with it: the moves that faults are made of."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from tests.faults import notifications, users
from tests.faults.ledger import Ledger, split_array
from tests.faults.wire import Connection, Head, answer, error_document, to_json

WORKSPACE_KEY = "workspace-key-of-the-fault-bench"
WORKSPACE_SECRET = "workspace-secret-of-the-fault-bench"

SINGLE = "/v2/event/"
BULK = "/v2/bulk/event/"

# The platform's limits for one bulk request.
MAX_EVENTS = 100
MAX_BYTES = 819_200

# Tells which of a request's events the platform takes, by position and number of events.
Choice = Callable[[int, int], bool]


def everything(position: int, count: int) -> bool:
    """Choose all events."""
    return True


def first_half(position: int, count: int) -> bool:
    """Choose the first half of the events, rounded up."""
    return position < (count + 1) // 2


class Part(Protocol):
    """A part of the platform beside its events."""

    def is_about(self, head: Head) -> bool:
        """Whether a request is this part's."""
        ...

    def take(self, ledger: Ledger, head: Head, body: bytes, choice: Choice) -> tuple[int, object]:
        """Do what is asked, as far as it is chosen."""
        ...

    def complaint(self, head: Head, body: bytes) -> str | None:
        """Return what is wrong with a request, whatever the server does to it."""
        ...


_PARTS: tuple[Part, ...] = (users, notifications)


def _part_for(head: Head) -> Part | None:
    return next((part for part in _PARTS if part.is_about(head)), None)


class Exchange:
    """One request on one connection.

    Attributes:
        connection: Where it came.
        clock_offset: Seconds by which the server's clock is off.
        complaints: What is wrong with the requests themselves; shared by the whole server.
    """

    def __init__(
        self, connection: Connection, ledger: Ledger, complaints: list[str], authorization: str | None, offset: float
    ) -> None:
        self.connection = connection
        self.complaints = complaints
        self._ledger = ledger
        self.clock_offset = offset
        self._authorization = authorization
        self._head: Head | None = None
        self._body: bytes | None = None

    async def head(self) -> Head:
        """Read the request's head."""
        if self._head is None:
            self._head = await self.connection.read_head()
        return self._head

    async def body(self) -> bytes:
        """Read the whole request, and check what every request must be."""
        head = await self.head()
        if self._body is None:
            self._body = await self.connection.read(head.length)
            self._check(head, self._body)
        return self._body

    async def is_bulk(self) -> bool:
        """Whether it is answered record by record."""
        head = await self.head()
        return head.target == BULK or notifications.is_bulk(head, await self.body())

    async def take(self, choice: Choice = everything) -> tuple[int, Any]:
        """Take the chosen events as the platform does; return the honest answer's status, and its document or bytes.

        An event with the property `poison` is refused. An event that is not chosen is seen and not taken. Calls on
        users, edits of them, triggers, broadcasts and what is added to lists are taken in the same way.
        """
        body, head = await self.body(), await self.head()
        part = _part_for(head)
        if part is not None:
            return part.take(self._ledger, head, body, choice)
        if not await self.is_bulk():
            record = self._arrive(body, accept=choice(0, 1))
            if record["status"] == "success":
                return 202, {"status": "success", "message_id": record["message_id"]}
            return record["status_code"], {"status": "error", "error": record["error"]}
        raws = split_array(body)
        records = [self._arrive(raw, accept=choice(position, len(raws))) for position, raw in enumerate(raws)]
        return 207, {"status": "success", "records": records}

    async def refuse(self) -> None:
        """Read the request and take nothing of it."""
        await self.take(lambda position, count: False)

    def _arrive(self, raw: bytes, *, accept: bool) -> dict[str, Any]:
        event = json.loads(raw)
        if event["properties"].get("poison"):
            self._ledger.arrive(raw, accept=False)
            return {"status_code": 400} | error_document("the event is poison")
        message_id = self._ledger.arrive(raw, accept=accept)
        if message_id is None:
            return {"status_code": 500} | error_document("not taken", "internal_error")
        return {"status": "success", "status_code": 202, "message_id": message_id}

    async def answer(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        """Send a whole answer; a body that is not bytes goes out as JSON."""
        await self.connection.send(answer(status, to_json(body), headers))

    async def genuine(self) -> None:
        """Do what the platform does when nothing goes wrong."""
        status, document = await self.take()
        await self.answer(status, document)

    async def age(self) -> float:
        """Return by how many seconds the request's date differs from the server's clock."""
        return abs(_date(await self.head()) - time.time() - self.clock_offset)

    async def genuine_answer(self) -> bytes:
        """Take the events; return the bytes of the honest answer, unsent."""
        status, document = await self.take()
        return answer(status, to_json(document))

    def _check(self, head: Head, body: bytes) -> None:
        """Note what no client may get wrong, whatever the server does to it."""
        part = _part_for(head)
        if part is None and (head.method != "POST" or head.target not in (SINGLE, BULK)):
            self.complaints.append(f"{head.method} {head.target}")
            return
        expected = self._authorization or signed(head, body)
        if head.headers.get("authorization") != expected:
            self.complaints.append(f"{head.target}: the signature does not fit the request")
        # A client that has not learned the server's clock yet signs with its own.
        off = min(abs(_date(head) - time.time() - offset) for offset in (0.0, self.clock_offset))
        # So much as the client itself takes for the same clock: on a busy machine a request is under way for seconds.
        if self._authorization is None and off > 60:
            self.complaints.append(f"{head.target}: signed with a date that is not now")
        try:
            problem = part.complaint(head, body) if part is not None else _complaint(body)
        except ValueError:
            problem = "the body is not JSON"
        if problem is not None:
            self.complaints.append(f"{head.target}: {problem}")


def _complaint(body: bytes) -> str | None:
    document = json.loads(body)
    if isinstance(document, list) and (len(document) > MAX_EVENTS or len(body) > MAX_BYTES) and len(document) > 1:
        return f"{len(document)} events, {len(body)} bytes"
    return None


def signed(head: Head, body: bytes) -> str:
    """Return the `Authorization` that the request must carry."""
    digest = hashlib.md5(body).hexdigest() if body else ""
    headers = head.headers
    text = "\n".join((head.method, digest, headers.get("content-type", ""), headers.get("date", ""), head.target))
    signature = hmac.digest(WORKSPACE_SECRET.encode(), text.encode(), "sha256")
    return f"{WORKSPACE_KEY}:{base64.b64encode(signature).decode()}"


def _date(head: Head) -> float:
    try:
        return parsedate_to_datetime(head.headers.get("date", "")).timestamp()
    except ValueError:
        return 0.0


Fault = Callable[[Exchange], Awaitable[None]]
"""What is done with one request, from its first byte on."""


async def no_fault(exchange: Exchange) -> None:
    """Serve the request as the platform does."""
    await exchange.genuine()
