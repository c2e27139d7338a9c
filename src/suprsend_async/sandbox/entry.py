"""What the inbox shows: entries, the requests they came in, and counts. Also the shapes of the HTTP interface."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel

Verdict: TypeAlias = Literal["accepted", "refused", "repeated"]


class Entry(BaseModel):
    """One event record, or one request that was refused as a whole.

    Attributes:
        id: Rises by one with each entry, and is never used again.
        received_at: Seconds since the epoch.
        verdict: What became of it; "repeated" means that its idempotency key was known.
        status_code: The record's own status, or the request's; 0 if no answer was given on purpose.
        name: The event's name, as far as it could be read.
        distinct_id: The recipient, as far as it could be read.
        tenant_id: The tenant, or the brand under the older name.
        idempotency_key: The key without spaces around it.
        message_id: What was answered for an accepted or a repeated event.
        reason: Why it was refused, or what else there is to know.
        request_id: The request that it came in.
    """

    id: int
    received_at: float
    verdict: Verdict
    status_code: int
    name: str | None
    distinct_id: str | None
    tenant_id: str | None
    idempotency_key: str | None
    message_id: str | None
    reason: str | None
    request_id: int


class EntryPage(BaseModel):
    """Some entries, newest first.

    Attributes:
        events: The entries.
        next_cursor: What gives the entries after these; None if there are none.
        total: How many entries the filters match, on all pages.
    """

    events: list[Entry]
    next_cursor: str | None
    total: int


class RawRequest(BaseModel):
    """A request as it came on the wire.

    Attributes:
        method: The HTTP verb.
        target: The path with its query.
        headers: In the order in which they came, credentials masked.
        body: The body's text, or its beginning.
        body_size: How many bytes the whole body had.
    """

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: str
    body_size: int


class EntryDetail(Entry):
    """An entry with all that is known of it.

    Attributes:
        event: The event; None if what came was none.
        request: The request that it came in.
        history: Entries with the same idempotency key, newest first, this one included.
    """

    event: dict[str, Any] | None
    request: RawRequest
    history: list[Entry]


class Stats(BaseModel):
    """Counts since the start or the last clearing, and what is kept.

    Attributes:
        accepted: Accepted events.
        refused: Refused requests and, in bulk requests that were read, refused records.
        repeated: Events whose idempotency key was known.
        requests: Requests to the platform's API.
        connections: TCP connections, those of browsers included.
        kept: Entries that can be looked at.
        dropped: Entries that made room for newer ones.
        max_events: How many entries are kept at most.
        store: "memory", or the file's path.
        started_at: Seconds since the epoch.
    """

    accepted: int
    refused: int
    repeated: int
    requests: int
    connections: int
    kept: int
    dropped: int
    max_events: int
    store: str
    started_at: float
