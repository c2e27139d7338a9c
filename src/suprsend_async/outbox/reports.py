"""What an outbox says of itself: its counters, and its dead letters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

if TYPE_CHECKING:
    from suprsend_async.outcome import Outcome


@dataclass(frozen=True, slots=True)
class OutboxDeadLetter:
    """A record of an outbox that is not sent any more, until somebody decides.

    Attributes:
        id: Its number in the table `suprsend_outbox_dead`.
        kind: "event", "trigger" or "edit".
        body: The record's bytes as stored: as they are sent, without the workspace.
        stored_at: When it was stored, in seconds since the epoch.
        died_at: When it became one, in seconds since the epoch.
        outcome: "rejected" if the platform refused it; "unknown" if it may have arrived, and may not be sent again.
        status_code: The status code of the refusal, or None.
        error: What went wrong.

    Examples:
        >>> dead = OutboxDeadLetter(1, "event", b'{"event":"paid"}', 0.0, 0.0, "rejected", 400, "no such event")
        >>> dead.document["event"]
        'paid'
    """

    id: int
    kind: str
    body: bytes = field(repr=False)
    stored_at: float
    died_at: float
    outcome: Outcome
    status_code: int | None
    error: str

    @property
    def document(self) -> dict[str, Any]:
        """The record as the platform would read it."""
        document: dict[str, Any] = from_json(self.body)
        return document


@dataclass(frozen=True, slots=True)
class OutboxStats:
    """An outbox at one moment: the tables, which all relays share, and what this relay has done.

    Attributes:
        pending: Records in the table that are to be sent, those of all relays.
        leased: Those of them that a relay has just now.
        resting: Those of them that were tried and are sent again later.
        oldest_seconds: The age of the oldest of them, in seconds since it was stored; 0.0 if there is none.
        dead_letters: Records in the table of dead letters.
        accepted: Records of this relay that the platform accepted.
        rejected: Records of this relay that became dead letters because the platform refused them.
        unknown: Records of this relay that became dead letters because they may have arrived.
        tried_again: How often this relay has put a record back to be sent again.
        last_error: What went wrong last, with an attempt, a record or the database; None if nothing has.

    Examples:
        >>> OutboxStats(pending=2, leased=1, resting=0, oldest_seconds=0.2, dead_letters=0).pending
        2
    """

    pending: int
    leased: int
    resting: int
    oldest_seconds: float
    dead_letters: int
    accepted: int = 0
    rejected: int = 0
    unknown: int = 0
    tried_again: int = 0
    last_error: str | None = None
