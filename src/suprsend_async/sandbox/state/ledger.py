"""What the sandbox remembers: what came, idempotency keys and counts."""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic_core import from_json

from suprsend_async.sandbox.state.entry import EntryDetail, Outcome, RequestDetail, Stats
from suprsend_async.sandbox.state.finder import Finder
from suprsend_async.sandbox.state.transaction import Judged, Transaction

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from suprsend_async.sandbox.refusal import Refusal
    from suprsend_async.sandbox.state.entry import Entry, RawRequest, RawResponse, SentAnswer, Verdict
    from suprsend_async.sandbox.state.store import EntryStore


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What came after an entry.

    Attributes:
        latest_id: The newest entry now.
        events: The first of the events that were accepted.
        accepted: How many events were accepted.
        repeated: How many events had a known idempotency key.
        refused: How many requests or records were refused.
        refusals: The first of those that were refused.
    """

    latest_id: int
    events: list[dict[str, Any]]
    accepted: int
    repeated: int
    refused: int
    refusals: list[Entry]


class Ledger:
    """What came, in order, and what was counted on the way.

    The server's thread writes; any thread may read. `find` finds entries and requests.

    Args:
        store: Where entries and idempotency keys are kept.
        clock: Gives the time in seconds. It decides when an idempotency key is forgotten.
    """

    def __init__(self, store: EntryStore, clock: Callable[[], float]) -> None:
        self._store = store
        self.find: Finder = Finder(store)
        self._clock = clock
        self._started_at = clock()
        self._counting = Lock()
        self._counts: dict[Verdict, int] = {"accepted": 0, "refused": 0, "repeated": 0}
        self._requests = 0
        self._connections = 0
        self._version = 0

    def act(
        self,
        request: RawRequest,
        act: Callable[[Transaction], SentAnswer],
        unanswered: str | None = None,
        began: float | None = None,
    ) -> SentAnswer:
        """Let one call change the state, as a whole or not at all; enter its events, and return its answer.

        Args:
            request: The request, credentials masked.
            act: Changes the state, and makes the answer.
            unanswered: Why the answer will not be given, if it will not.
            began: When the request came, as `time.perf_counter` has it.
        """
        now = self._clock()
        with self._store.transaction():
            transaction = Transaction(self._store, now, unanswered)
            answer = act(transaction)
            refused = next((row.reason for row in transaction.rows if row.verdict == "refused"), None)
            status_code = 0 if unanswered else answer.status_code
            outcome = Outcome(now, status_code, unanswered or refused, _since(began))
            self._enter(request, None if unanswered else answer, outcome, len(transaction.rows), transaction)
        return answer

    def change(self, act: Callable[[Transaction], T]) -> T:
        """Let something beside a call change the state, as a whole or not at all, and return what it returns."""
        with self._store.transaction():
            result = act(Transaction(self._store, self._clock()))
        with self._counting:
            self._version += 1
        return result

    def refuse(
        self,
        request: RawRequest,
        refusal: Refusal,
        answer: SentAnswer | None,
        began: float | None = None,
        *,
        is_event: bool = False,
    ) -> None:
        """Enter a request that is refused as a whole; if it holds one event, then as that event's.

        So the history of an idempotency key holds the attempts that failed as well.

        Args:
            request: The request, credentials masked.
            refusal: Why it is refused.
            answer: The answer that is given; None if none is.
            began: When the request came, as `time.perf_counter` has it.
            is_event: Whether its body, if it is an object, is an event.
        """
        event = _only_event(request) if is_event else None
        judged = Judged(event, refusal)
        now = self._clock()
        with self._store.transaction():
            transaction = Transaction(self._store, now)
            transaction.enter(judged)
            status_code = 0 if answer is None else answer.status_code
            outcome = Outcome(now, status_code, refusal.message, _since(began))
            self._enter(request, answer, outcome, 0 if event is None else 1, transaction)

    def _enter(
        self,
        request: RawRequest,
        answer: SentAnswer | None,
        outcome: Outcome,
        records: int,
        transaction: Transaction,
    ) -> None:
        rows = transaction.rows
        response = None if answer is None else answer.shown()
        request_id = self._store.add_request(request, response, outcome, has_entries=bool(rows))
        if rows:
            self._store.add_entries(request_id, records, rows, transaction.contents)
        with self._counting:
            for row in rows:
                self._counts[row.verdict] += 1
            self._version += 1

    def count_request(self) -> None:
        """Count one request to the API."""
        with self._counting:
            self._requests += 1
            self._version += 1

    def count_connection(self) -> None:
        """Count one accepted TCP connection."""
        with self._counting:
            self._connections += 1

    def clear(self) -> None:
        """Forget everything: entries, idempotency keys and counts."""
        self._store.clear()
        with self._counting:
            self._counts = dict.fromkeys(self._counts, 0)
            self._requests = self._connections = 0
            self._version += 1

    @property
    def version(self) -> int:
        """Another number whenever there is something new to show."""
        return self._version + self._store.records.version

    @property
    def latest_id(self) -> int:
        """The newest entry's id; 0 before the first."""
        return self._store.latest_id

    @property
    def requests(self) -> int:
        """Requests to the API, refused ones included."""
        return self._requests

    @property
    def connections(self) -> int:
        """TCP connections accepted."""
        return self._connections

    @property
    def accepted(self) -> int:
        """Events that were accepted."""
        return self._counts["accepted"]

    @property
    def refusals(self) -> int:
        """Refused requests and, in bulk, refused records."""
        return self._counts["refused"]

    @property
    def repeats(self) -> int:
        """Events that were answered but not accepted again."""
        return self._counts["repeated"]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The accepted events that are kept, in order, in a list of the caller's own."""
        return self._store.events()

    def arrivals(self, after: int, limit: int) -> Arrivals:
        """Return what came after an entry; of the events that were accepted, no more than the limit."""
        with self._store.transaction():
            counts = self._store.counts_after(after)
            return Arrivals(
                latest_id=self._store.latest_id,
                events=self._store.events(after, limit),
                accepted=counts.get("accepted", 0),
                repeated=counts.get("repeated", 0),
                refused=counts.get("refused", 0),
                refusals=self._store.refused_after(after, limit) if "refused" in counts else [],
            )

    def detail(self, entry_id: int) -> EntryDetail | None:
        """Return an entry with all that is known of it; None if there is none with this id."""
        with self._store.transaction():
            found = self._store.entry(entry_id)
            if found is None:
                return None
            entry, content = found
            exchange = self._store.requests.get(entry.request_id)
            request, response = cast("tuple[RawRequest, RawResponse | None]", exchange)
            key = entry.idempotency_key
            return EntryDetail.model_construct(
                **entry.__dict__,
                event=None if content is None else from_json(content),
                request=request,
                response=response,
                history=self._store.history(key) if key else [entry],
            )

    def request(self, request_id: int) -> RequestDetail | None:
        """Return a request with all that is known of it; None if it is not kept."""
        with self._store.transaction():
            found = self._store.requests.get(request_id)
            entries = self._store.entries_of(request_id) if found else []
            if found is None or not entries:
                return None
            counts = Counter(entry.verdict for entry in entries)
            refused = [entry for entry in entries if entry.verdict == "refused"]
            return RequestDetail.model_construct(
                id=request_id,
                received_at=entries[0].received_at,
                records=entries[0].records,
                accepted=counts["accepted"],
                refused=counts["refused"],
                repeated=counts["repeated"],
                names=len({entry.name for entry in entries}),
                example=(refused or entries)[-1],
                request=found[0],
                response=found[1],
                entries=entries,
            )

    def stats(self) -> Stats:
        """Return the counts."""
        store = self._store
        # Not under both locks: whoever takes events in holds them the other way round.
        kept, dropped = store.kept, store.dropped
        with self._counting:
            return Stats(
                **self._counts,
                requests=self._requests,
                connections=self._connections,
                kept=kept,
                dropped=dropped,
                max_events=store.max_entries,
                store="memory" if store.path is None else _shown(store.path),
                started_at=self._started_at,
            )


def _since(began: float | None) -> float | None:
    return None if began is None else time.perf_counter() - began


def _only_event(request: RawRequest) -> dict[str, object] | None:
    """Return the event of a request that holds one and no more, as far as the kept part of its body tells."""
    try:
        decoded: object = from_json(request.body, allow_inf_nan=False)
    except ValueError:
        return None
    return cast("dict[str, object]", decoded) if isinstance(decoded, dict) else None


def _shown(path: Path) -> str:
    """Return a file's name as text, also if it is none in this system's encoding."""
    return os.fsencode(path).decode(errors="replace")
