"""What a buffer reports: its counters, and the failures that no caller waits for."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio

from suprsend_async import logs
from suprsend_async.callbacks import REPORT_SECONDS, call

if TYPE_CHECKING:
    from suprsend_async.bulk.results import FailedRecord
    from suprsend_async.callbacks import Callback
    from suprsend_async.outcome import Outcome
    from suprsend_async.transport.session import Session

# Failures that may wait to be reported before no more are made.
MANY = 1_000


@dataclass(frozen=True, slots=True)
class BufferStats:
    """A buffer's counters at one moment; `taken == pending + accepted + rejected + not_sent + unknown` always.

    Attributes:
        taken: Records that the buffer took in; with a spool, those included that were found on disk.
        pending: Those of them without a final verdict.
        pending_bytes: The bytes of those.
        waiting: Callers that wait for room; their records are not taken in yet.
        requests: Requests in flight now.
        accepted: Records that the platform accepted.
        rejected: Records that the platform refused.
        not_sent: Records that surely never reached the platform.
        unknown: Records that were sent without a clear answer.
        dead_letters: Records that a spool keeps, those of earlier processes included.
        last_error: What went wrong last, with an attempt or with a record; None if nothing has. It stays when all is
            well again.

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
    last_error: str | None = None


class Failures:
    """Failures that are still to be reported.

    Args:
        on_failure: The user's callback; the log says how many there were in any case.
        session: Counts those that an outage is to blame for.

    Attributes:
        error: What the callback raised first, to be raised again at the end.
        last_error: What went wrong last, with an attempt or with a record.
    """

    def __init__(self, on_failure: Callback[FailedRecord[Any]] | None, session: Session) -> None:
        """Begin with nothing to report."""
        self.error: Exception | None = None
        self.last_error: str | None = None
        self._session = session
        self._on_failure = on_failure
        self._unreported: deque[FailedRecord[Any]] = deque()
        # By outcome and status.
        self._unlogged: Counter[tuple[Outcome, int | None]] = Counter()

    @property
    def are_many(self) -> bool:
        """Whether so many wait to be reported that no more should be made."""
        return len(self._unreported) >= MANY

    def note_error(self, error: str | None) -> None:
        """Note what went wrong last."""
        self.last_error = error or self.last_error

    def add(self, record: FailedRecord[Any]) -> None:
        """Note a failure."""
        self._unlogged[record.outcome, record.code] += 1
        if self._on_failure is not None:
            self._unreported.append(record)

    async def report_the_last(self) -> None:
        """Report for a last few seconds, whatever cancels the buffer."""
        with anyio.move_on_after(REPORT_SECONDS, shield=True):
            await self.report()

    async def report(self) -> None:
        """Log how many failures were noted, and call the callback for each."""
        if self._unlogged:
            unlogged, self._unlogged = self._unlogged, Counter()
            own = [count for failure, count in unlogged.items() if not self._session.count_lost(*failure, count)]
            if own:
                logs.buffered_failed(sum(own), has_callback=self._on_failure is not None)
        while self._on_failure is not None and self._unreported:
            try:
                await call(self._on_failure, self._unreported.popleft())
            except Exception as error:  # noqa: BLE001 - what the user's code raises is raised again at the end
                logs.on_failure_raised(error)
                self.error = self.error or error
