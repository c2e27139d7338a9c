"""What the sandbox remembers: what came, idempotency keys and counts."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, cast

from pydantic_core import from_json, to_json

from .entry import EntryDetail, Stats
from .store import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .entry import EntryPage, RawRequest, Verdict
    from .refusal import Refusal
    from .search import Filters
    from .store import Store

REMEMBERED_SECONDS: Final = 24 * 60 * 60

_NAME_KEPT: Final = 512  # characters


@dataclass(frozen=True, slots=True)
class Judged:
    """One event of a request and what the rules say.

    Attributes:
        event: What the JSON decoder made of it.
        refusal: The rule that is broken; None if none is.
    """

    event: object
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What came after an entry.

    Attributes:
        latest_id: The newest entry now.
        events: The first of the events that were accepted.
        accepted: How many events were accepted.
        repeated: How many events had a known idempotency key.
        refused: How many requests or records were refused.
    """

    latest_id: int
    events: list[dict[str, Any]]
    accepted: int
    repeated: int
    refused: int


class Ledger:
    """What came, in order, and what was counted on the way.

    The server's thread writes; any thread may read.

    Args:
        store: Where entries and idempotency keys are kept.
        clock: Gives the time in seconds. It decides when an idempotency key is forgotten.
    """

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._started_at = clock()
        self._counting = Lock()
        self._counts: dict[Verdict, int] = {"accepted": 0, "refused": 0, "repeated": 0}
        self._requests = 0
        self._connections = 0
        self._version = 0

    def take(self, request: RawRequest, events: Sequence[Judged], note: str | None = None) -> list[Refusal | str]:
        """Enter the events of one request, and return for each its message id, or why it is refused.

        A repeat of an idempotency key within 24 hours gets the first one's message id.

        Args:
            request: The request that they came in, credentials masked.
            events: The events.
            note: What there is to know of those that are not refused.
        """
        now = self._clock()
        with self._store.transaction():
            self._store.forget_keys(now - REMEMBERED_SECONDS)
            rows = [self._row(judged, now, note) for judged in events]
            contents = [_content(judged.event) for judged in events]
            self._enter(request, rows, contents)
        return [judged.refusal or cast("str", row.message_id) for judged, row in zip(events, rows, strict=True)]

    def refuse(self, request: RawRequest, refusal: Refusal) -> None:
        """Enter a request that is refused as a whole; if it holds one event, then as that event's.

        So the history of an idempotency key holds the attempts that failed as well.
        """
        event = _only_event(request)
        row = self._row(Judged(event, refusal), self._clock(), None)
        with self._store.transaction():
            self._enter(request, [row], [_content(event)])

    def _enter(self, request: RawRequest, rows: Sequence[Row], contents: Sequence[str | None]) -> None:
        request_id = self._store.add_request(request, to_json(request.headers).decode())
        self._store.add_entries(request_id, rows, contents)
        with self._counting:
            for row in rows:
                self._counts[row.verdict] += 1
            self._version += 1

    def _row(self, judged: Judged, now: float, note: str | None) -> Row:
        event = judged.event
        fields = cast("dict[str, object]", event) if isinstance(event, dict) else {}
        key = (_text(fields.get("$idempotency_key")) or "").strip() or None
        who = (
            _text(fields.get("event")),
            _text(fields.get("distinct_id")),
            _text(fields.get("tenant_id")) or _text(fields.get("brand_id")),
            key,
        )
        if judged.refusal:
            return Row(now, "refused", judged.refusal.status_code, *who, None, judged.refusal.message)
        if key and (first := self._store.find_key(key)):
            return Row(now, "repeated", 202, *who, first, note or "The idempotency key was used before.")
        message_id = str(uuid.uuid4())
        if key:
            self._store.add_key(key, now, message_id)
        return Row(now, "accepted", 202, *who, message_id, note)

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
        return self._version

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
            )

    def page(self, filters: Filters, before: int | None, limit: int) -> EntryPage:
        """Return the newest entries that match, older than the one with the id `before`."""
        return self._store.page(filters, before, limit)

    def detail(self, entry_id: int) -> EntryDetail | None:
        """Return an entry with all that is known of it; None if there is none with this id."""
        with self._store.transaction():
            found = self._store.entry(entry_id)
            if found is None:
                return None
            entry, content = found
            key = entry.idempotency_key
            return EntryDetail.model_construct(
                **entry.__dict__,
                event=None if content is None else from_json(content),
                request=self._store.request(entry.request_id),
                history=self._store.history(key) if key else [entry],
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
                store="memory" if store.path is None else str(store.path),
                started_at=self._started_at,
            )


def _only_event(request: RawRequest) -> dict[str, object] | None:
    """Return the event of a request that holds one and no more, as far as the kept part of its body tells."""
    try:
        decoded: object = from_json(request.body, allow_inf_nan=False)
    except ValueError:
        return None
    return cast("dict[str, object]", decoded) if isinstance(decoded, dict) else None


def _text(value: object) -> str | None:
    return value[:_NAME_KEPT] if isinstance(value, str) else None


def _content(event: object) -> str | None:
    return to_json(cast("dict[str, object]", event)).decode() if isinstance(event, dict) else None
