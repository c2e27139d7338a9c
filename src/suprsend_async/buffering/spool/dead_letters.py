"""Dead letters: stored events that are not sent any more, for somebody to look at. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from suprsend_async.bulk.results import FailedRecord
from suprsend_async.events.attachment import Attachment
from suprsend_async.events.event import Event

if TYPE_CHECKING:
    from suprsend_async.outcome import Outcome


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that is not sent any more.

    Attributes:
        id: Its number in the spool.
        body: The event's bytes, as they were or would have been sent.
        stored_at: When it was stored, in seconds since the epoch.
        died_at: When it became one, in seconds since the epoch.
        outcome: "rejected" if the platform refused it; "unknown" if it grew too old, for it may have been sent.
        status_code: The status code of the refusal, or None.
        error: What went wrong.

    Examples:
        >>> async with client.buffer(spool="events.spool") as tracker:
        ...     dead_letters = await tracker.dead_letters(limit=10)
        ...     resent = await tracker.resend(*dead_letters)
        >>> resent
        0
    """

    id: int
    body: bytes = field(repr=False)
    stored_at: float
    died_at: float
    outcome: Outcome
    status_code: int | None
    error: str

    @property
    def event(self) -> Event:
        """The event, with the identity that it has."""
        return event_of(self.body)

    def record(self) -> FailedRecord[Event]:
        """Return the report for `on_failure`; without the event, if this version would not take such a one."""
        try:
            event = self.event
        except (ValueError, TypeError, KeyError):
            event = None
        return FailedRecord(record=event, error=self.error, code=self.status_code, index=self.id, outcome=self.outcome)


def event_of(body: bytes) -> Event:
    """Return the event that was encoded to these bytes."""
    document: dict[str, Any] = from_json(body)
    properties: dict[str, Any] = document["properties"]
    properties.pop("$ss_sdk_version", None)
    attachments = [
        Attachment(url=each["url"], filename=each["filename"], ignore_if_error=each["ignore_if_error"])
        for each in properties.pop("$attachments", ())
    ]
    return Event(
        document["distinct_id"],
        document["event"],
        properties,
        document["$idempotency_key"],
        document.get("tenant_id"),
        document.get("brand_id"),
        insert_id=document["$insert_id"],
        time=document["$time"],
        attachments=tuple(attachments),
    )
