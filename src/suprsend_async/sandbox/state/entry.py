"""What the inbox shows: entries, the requests they came in, and counts. Also the shapes of the HTTP interface."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from pydantic import BaseModel, computed_field

if TYPE_CHECKING:
    from collections.abc import Mapping

BODY_KEPT = 16_384  # bytes of a request's or an answer's body

Verdict: TypeAlias = Literal["accepted", "refused", "repeated"]


class Entry(BaseModel):
    """One event record, or one request that was refused as a whole.

    Attributes:
        id: Rises by one with each entry, and is never used again.
        received_at: Seconds since the epoch.
        verdict: The verdict; "repeated" means that its idempotency key was known.
        status_code: The record's own status, or the request's; 0 if no answer was given on purpose.
        name: The event's name, as far as it could be read.
        distinct_id: The recipient, as far as it could be read.
        tenant_id: The tenant, or the brand under the older name.
        idempotency_key: The key without spaces around it.
        message_id: What was answered for an accepted or a repeated event.
        reason: Why it was refused, or what else there is to know.
        request_id: The request that it came in.
        records: How many records that request held; 0 if this stands for a request that was refused as a whole.
        preview: The first of its properties; of a whole request, its method and path; None if there is nothing to see.
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
    records: int
    preview: str | None


class EntryPage(BaseModel):
    """Some entries, newest first.

    Attributes:
        events: The entries.
        next_cursor: What gives the entries after these; None if there are none.
        total: How many entries the filters match, on all pages.
        whole_requests: How many of these are no events, but requests that were refused as a whole.
    """

    events: list[Entry]
    next_cursor: str | None
    total: int
    whole_requests: int


class RawMessage(BaseModel):
    """What a request and an answer have in common.

    Attributes:
        headers: Their names and values.
        body: The body's text, or its beginning.
        body_size: How many bytes the whole body had.
    """

    headers: list[tuple[str, str]]
    body: str
    body_size: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def body_left_out(self) -> int:
        """How many bytes of the body are not shown. The text does not tell: it may stand for bytes that are no text."""
        return max(0, self.body_size - BODY_KEPT)


class RawRequest(RawMessage):
    """A request as it came on the wire; its headers in the order in which they came, credentials masked.

    Attributes:
        method: The HTTP verb.
        target: The path with its query.
    """

    method: str
    target: str


class RawResponse(RawMessage):
    """The answer to a request, as it went out; its headers are those that belong to the answer, not to the connection.

    Attributes:
        status_code: The HTTP status.
    """

    status_code: int


class Outcome(NamedTuple):
    """The result of a request.

    Attributes:
        received_at: Seconds since the epoch.
        status_code: The HTTP status of the answer; 0 if none was given on purpose.
        reason: Why it, or the first refused record in it, was refused.
        duration: Seconds from its arrival to its answer; None if nobody took the time.
    """

    received_at: float
    status_code: int
    reason: str | None
    duration: float | None


@dataclass(frozen=True, slots=True)
class SentAnswer:
    """One HTTP answer before it is written."""

    status_code: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def shown(self) -> RawResponse:
        """Return it for people to look at, not more of the body than fits a page."""
        return RawResponse.model_construct(
            status_code=self.status_code,
            headers=[("content-type", self.content_type), *self.headers.items()],
            body=self.body[:BODY_KEPT].decode(errors="replace"),
            body_size=len(self.body),
        )


class EntryDetail(Entry):
    """An entry with all that is known of it.

    Attributes:
        event: The event; None if what came was none.
        request: The request that it came in.
        response: The answer to that request; None if none was given, on purpose.
        history: Entries with the same idempotency key, newest first, this one included.
    """

    event: dict[str, Any] | None
    request: RawRequest
    response: RawResponse | None
    history: list[Entry]


class RequestRow(BaseModel):
    """One request, and the verdicts on its entries that match the filters.

    Attributes:
        id: Rises by one with each request.
        received_at: Seconds since the epoch.
        records: How many records it held; 0 if it was refused as a whole.
        accepted: How many were accepted.
        refused: How many were refused.
        repeated: How many had a known idempotency key.
        names: How many different names the events have.
        example: One of its entries: the newest that was refused, or else the newest.
    """

    id: int
    received_at: float
    records: int
    accepted: int
    refused: int
    repeated: int
    names: int
    example: Entry


class RequestPage(BaseModel):
    """Some requests, newest first.

    Attributes:
        requests: The requests.
        next_cursor: What gives the requests after these; None if there are none.
        total: How many entries the filters match, in all requests.
        whole_requests: How many of these are no events, but requests that were refused as a whole.
    """

    requests: list[RequestRow]
    next_cursor: str | None
    total: int
    whole_requests: int


class RequestDetail(RequestRow):
    """A request with all that is known of it.

    Attributes:
        request: The request as it came.
        response: The answer; None if none was given, on purpose.
        entries: What is kept of it, in the order of its records.
    """

    request: RawRequest
    response: RawResponse | None
    entries: list[Entry]


class Stats(BaseModel):
    """Counts since the start or the last clearing, and what is kept.

    Attributes:
        accepted: Accepted events.
        refused: Refused requests and, in bulk requests that were read, refused events.
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
