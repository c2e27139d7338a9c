"""What came to the sandbox, and how much: events, entries and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suprsend_async.sandbox.state.search import Filters

if TYPE_CHECKING:
    from suprsend_async.sandbox.state.entry import Entry, Stats, Verdict
    from suprsend_async.sandbox.state.ledger import Arrivals, Ledger


class LedgerAccess:
    """Reads what came."""

    _ledger: Ledger

    @property
    def events(self) -> list[dict[str, Any]]:
        """The accepted events that are kept, in order, each as it came on the wire. A new list each time."""
        return self._ledger.events

    @property
    def stats(self) -> Stats:
        """The counts since the start or the last `clear`, and what is kept."""
        return self._ledger.stats()

    @property
    def requests(self) -> int:
        """How many requests came to the API, refused ones included."""
        return self._ledger.requests

    @property
    def connections(self) -> int:
        """How many TCP connections were accepted."""
        return self._ledger.connections

    @property
    def accepted(self) -> int:
        """How many events were accepted."""
        return self._ledger.accepted

    @property
    def refusals(self) -> int:
        """How many requests were refused and, in bulk requests that were read, how many of the events."""
        return self._ledger.refusals

    @property
    def repeats(self) -> int:
        """How many events were answered but not stored, because their idempotency key was known."""
        return self._ledger.repeats

    def arrivals(self, after: int, limit: int = 10) -> Arrivals:
        """Return what came after an entry, to show it as it comes.

        Args:
            after: The `latest_id` of the arrivals before; 0 for all that is kept.
            limit: How many accepted events to return at most, and how many of what was refused; all are counted.
        """
        return self._ledger.arrivals(after, limit)

    def entries(self, *, verdict: Verdict | None = None, limit: int = 50) -> list[Entry]:
        """Return what came, newest first: each event, and each request that was refused as a whole.

        Args:
            verdict: Only the "accepted", the "refused" or the "repeated".
            limit: How many at most.

        Examples:
            ```python
            from suprsend_async import Event
            from suprsend_async.sandbox import Sandbox

            with Sandbox() as sandbox, sandbox.blocking_client(max_retries=0) as client:
                sandbox.fail_next(status=404)
                client.track_event(Event("user-1", "product_purchased"))
                (entry,) = sandbox.entries(verdict="refused")
                assert entry.status_code == 404
            ```
        """
        return self._ledger.find.page(Filters(verdict=verdict), None, limit).events
