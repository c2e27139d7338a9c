"""What a spool file holds: its rows, where it comes from, and how much there is of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from suprsend_async.buffering.kinds import EVENT

if TYPE_CHECKING:
    from suprsend_async.buffering.kinds import KindName


@dataclass(frozen=True, slots=True)
class SpoolOrigin:
    """Where a file comes from.

    Attributes:
        workspace: What stands for the workspace that its records are for, without naming it.
        boot: What the start of the machine is called in which its monotonic times were taken.
    """

    workspace: str
    boot: str


@dataclass(frozen=True, slots=True)
class SpoolRow:
    """A stored record.

    Attributes:
        position: Its place among those of its kind in the file.
        body: Its bytes.
        stored_at: When it was stored, in seconds since the epoch.
        monotonic: The same on the machine's monotonic clock, or None.
        kind: "event", "trigger" or "edit".
        repeatable: Whether it may be sent again when it may have arrived.
        begun_at: Since when it may have arrived, in seconds since the epoch; noted only of what is not repeatable.
    """

    position: int
    body: bytes = field(repr=False)
    stored_at: float
    monotonic: float | None = None
    kind: KindName = EVENT
    repeatable: bool = True
    begun_at: float | None = None


@dataclass(slots=True)
class Sizes:
    """What a file holds, and what the records that it held came to since it was opened.

    Attributes:
        pending: Records to be sent.
        pending_bytes: Their bytes.
        dead: Dead letters.
        dead_bytes: Their bytes.
        accepted: Records that the platform accepted.
        rejected: Records that it refused.
        unknown: Records that may have been processed and are not sent again.
        others: Those to be sent that are no events, by their kind.
    """

    pending: int = 0
    pending_bytes: int = 0
    dead: int = 0
    dead_bytes: int = 0
    accepted: int = 0
    rejected: int = 0
    unknown: int = 0
    others: dict[KindName, int] = field(default_factory=dict["KindName", int])

    def pending_of(self, kind: KindName) -> int:
        """Return how many records of a kind are to be sent."""
        return self.pending - sum(self.others.values()) if kind == EVENT else self.others.get(kind, 0)

    def copy(self) -> Sizes:
        """Return the same that changes no more with these."""
        return replace(self, others=self.others.copy())


def other_row(
    position: int,
    body: bytes,
    stored_at: float,
    monotonic: float | None,
    kind: KindName,
    repeatable: int,
    begun_at: float | None,
) -> SpoolRow:
    """Return the row of a record that is no event, as it stands in the file."""
    return SpoolRow(position, body, stored_at, monotonic, kind, bool(repeatable), begun_at)
