"""Dead letters: stored records that are not sent any more, for somebody to look at. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic_core import from_json

from suprsend_async.buffering.kinds import EVENT, TRIGGER, KindName
from suprsend_async.bulk.results import FailedRecord
from suprsend_async.events.attachment import Attachment
from suprsend_async.events.event import Event
from suprsend_async.resources.edits import UserEdit
from suprsend_async.resources.trigger import WorkflowTriggerRequest

if TYPE_CHECKING:
    from suprsend_async.buffering.kinds import AnyRecord
    from suprsend_async.outcome import Outcome


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that is not sent any more.

    Attributes:
        id: Its number in the spool.
        body: The record's bytes, as they were or would have been sent.
        stored_at: When it was stored, in seconds since the epoch.
        died_at: When it became one, in seconds since the epoch.
        outcome: "rejected" if the platform said no; "unknown" if it may have been processed, and must not be sent again
            by itself: it grew too old, or is an edit that would count twice.
        status_code: The status code of the refusal, or None.
        error: What went wrong.
        kind: "event", "trigger" or "edit".
        repeatable: Whether it may be sent again when it may have been processed: not an edit that increments a number
            or appends to a list.

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
    kind: KindName = EVENT
    repeatable: bool = True

    @property
    def event(self) -> Event:
        """The event, with the identity that it has.

        Raises:
            TypeError: It is a trigger or an edit.
        """
        record = self._read()
        return record if isinstance(record, Event) else self._refuse(EVENT)

    @property
    def trigger(self) -> WorkflowTriggerRequest:
        """The trigger, with the identity that it has; its attachments stand in its data.

        Raises:
            TypeError: It is an event or an edit.
        """
        record = self._read()
        return record if isinstance(record, WorkflowTriggerRequest) else self._refuse(TRIGGER)

    @property
    def edit(self) -> UserEdit:
        """The edit, with the identity that it has.

        Raises:
            TypeError: It is an event or a trigger.
        """
        record = self._read()
        return record if isinstance(record, UserEdit) else self._refuse("edit")

    def _refuse(self, wanted: str) -> NoReturn:
        raise TypeError(f"this dead letter holds no {wanted}: its kind is {self.kind!r}, read it with .{self.kind}")

    def _read(self) -> AnyRecord:
        """Return the record, of whichever kind, with the identity that it has."""
        if self.kind == EVENT:
            return event_of(self.body)
        return trigger_of(self.body) if self.kind == TRIGGER else edit_of(self.body)

    def record(self) -> FailedRecord[Any]:
        """Return the report for `on_failure`; without the record, if this version would not take such a one."""
        try:
            record = self._read()
        except (ValueError, TypeError, KeyError):
            record = None
        return FailedRecord(record=record, error=self.error, code=self.status_code, index=self.id, outcome=self.outcome)


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


def trigger_of(body: bytes) -> WorkflowTriggerRequest:
    """Return the trigger that was encoded to these bytes."""
    document: dict[str, Any] = from_json(body)
    return WorkflowTriggerRequest(body=document)


def edit_of(body: bytes) -> UserEdit:
    """Return the edit that was encoded to these bytes."""
    document: dict[str, Any] = from_json(body)
    edit = UserEdit(document["distinct_id"], document.get("tenant_id"))
    edit.operations = document["$user_operations"]
    edit.insert_id, edit.time = document["$insert_id"], document["$time"]
    return edit
