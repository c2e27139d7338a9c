"""Counting what goes through a buffer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suprsend_async.outcome import Outcome


@dataclass(frozen=True, slots=True)
class BufferStats:
    """A buffer's counters at one moment; `taken == pending + accepted + rejected + not_sent + unknown` always.

    Attributes:
        taken: Events that the buffer took in; with a spool, those included that were found on disk.
        pending: Those of them without a final verdict.
        pending_bytes: The bytes of those.
        waiting: Callers that wait for room; their events are not taken in yet.
        requests: Requests in flight now.
        accepted: Events that the platform accepted.
        rejected: Events that the platform refused.
        not_sent: Events that surely never reached the platform.
        unknown: Events that were sent without a clear answer.
        dead_letters: Events that a spool has put aside and keeps, those of earlier processes included.

    Examples:
        >>> async with client.buffer() as tracker:
        ...     tracker.enqueue(Event("user-1", "page_viewed"))
        ...     await tracker.flush()
        ...     stats = tracker.stats()
        >>> stats.taken, stats.accepted, stats.pending
        (1, 1, 0)
    """

    taken: int
    pending: int
    pending_bytes: int
    waiting: int
    requests: int
    accepted: int
    rejected: int
    not_sent: int
    unknown: int
    dead_letters: int = 0


class Counts:
    """Verdicts by outcome."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.outcomes: Counter[Outcome] = Counter()

    def add(self, outcome: Outcome) -> None:
        """Count one."""
        self.outcomes[outcome] += 1

    def stats(self, *, pending: int, pending_bytes: int, waiting: int, requests: int) -> BufferStats:
        """Return the counters together with what they do not count."""
        outcomes = self.outcomes
        return BufferStats(
            taken=outcomes.total() + pending,
            pending=pending,
            pending_bytes=pending_bytes,
            waiting=waiting,
            requests=requests,
            accepted=outcomes["accepted"],
            rejected=outcomes["rejected"],
            not_sent=outcomes["not_sent"],
            unknown=outcomes["unknown"],
        )
