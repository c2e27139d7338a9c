"""What comes of rows, taken down: in the checkpoint, and among the dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from suprsend_async.events.verdict import Verdict
from suprsend_async.ingest.dead_letter import DeadLetter
from suprsend_async.ingest.ranges import spans_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from suprsend_async.events.chunk import Chunk
    from suprsend_async.events.event import Event
    from suprsend_async.ingest.journal import Journal
    from suprsend_async.ingest.ranges import Span
    from suprsend_async.ingest.stop import Stop

_UNAUTHORIZED = (401, 403)
OUTAGE_CHUNKS = 3
"""After so many chunks in a row of which nothing came through, the platform is at fault and not the rows."""


class Place(NamedTuple):
    """Where an event comes from.

    Attributes:
        source: The source's position among the sources.
        row: The row's number.
    """

    source: int
    row: int


class Settlement:
    """Takes down what came of rows, and asks to stop when it must not go on like this.

    Attributes:
        places: Where the events on their way come from, by their index in the job.
        accepted: Events accepted in this run.
        failed: Rows that failed in this run.
    """

    def __init__(
        self,
        journal: Journal,
        stop: Stop,
        *,
        max_failures: int | None,
        wall: Callable[[], float],
        on_failure: Callable[[DeadLetter], None] | None = None,
    ) -> None:
        self.places: dict[int, Place] = {}
        self.accepted: int = 0
        self.failed: int = 0
        self._journal = journal
        self._stop = stop
        self._max_failures = max_failures
        self._wall = wall
        self._on_failure = on_failure
        self._unanswered: list[Place] = []
        # Of chunks that failed in a way that may pass, until it is known whether others fare better.
        self._held: list[tuple[Place, Event | None, Verdict]] = []
        self._failed_chunks = 0
        self._ending = False

    def end(self) -> None:
        """From now on leave open what might succeed later: a resume sends it again."""
        self._ending = True
        self._leave_held_open()

    async def settle(self, chunk: Chunk) -> None:
        """Take down a chunk that is over, durably.

        Raises:
            CheckpointError: It cannot be written.
        """
        refusal = _refused_credentials(chunk.verdicts)
        if refusal is not None:
            self._stop.ask(f"the platform refuses the credentials: {refusal.error}")
        came_through = refusal is None and _came_through(chunk.verdicts)
        finished: list[Place] = []
        for index, event, verdict in zip(chunk.indexes, chunk.events, chunk.verdicts, strict=True):
            place = self.places.pop(index)
            if verdict.outcome == "accepted":
                finished.append(place)
            elif refusal is not None or (verdict.retryable and (self._ending or self._stop.is_asked)):
                self._leave_open(place, verdict)
            elif verdict.retryable and not came_through:
                self._held.append((place, event, verdict))
            else:
                self._fail(place, event, verdict)
        self._count_accepted(finished)
        if came_through:
            self._let_held_fail()
        elif any(verdict.retryable for verdict in chunk.verdicts):
            self._failed_chunks += 1
            if self._failed_chunks >= OUTAGE_CHUNKS:
                self.conclude()
        try:
            await self._journal.note().done()
        except Exception:
            self.end()
            raise

    def conclude(self) -> None:
        """Take what failed last, with no success after it, for an outage: it is left open, and the job stops."""
        if self._held:
            self._stop.ask(f"the platform takes nothing now ({self._held[0][2].error})")
            self._leave_held_open()

    def _let_held_fail(self) -> None:
        """The platform is there: so it was these rows."""
        self._failed_chunks = 0
        held, self._held = self._held, []
        for place, event, verdict in held:
            self._fail(place, event, verdict)

    def _leave_held_open(self) -> None:
        for place, _, verdict in self._held:
            self._leave_open(place, verdict)
        self._held.clear()

    def _leave_open(self, place: Place, verdict: Verdict) -> None:
        """A resume sends it again; it is noted if it may have arrived."""
        if verdict.outcome == "unknown":
            self._unanswered.append(place)

    def refuse(self, place: Place, error: str) -> None:
        """Take down a row of which no event can be made."""
        self._fail(place, None, Verdict("rejected", error=error))

    def unanswered(self, source: int) -> list[Span]:
        """Return the rows of a source that were sent in this run and are left open without an answer."""
        return spans_of(sorted(place.row for place in self._unanswered if place.source == source))

    def _count_accepted(self, places: list[Place]) -> None:
        self.accepted += len(places)
        self._journal.checkpoint.accepted += len(places)
        self._finish(places)

    def _fail(self, place: Place, event: Event | None, verdict: Verdict) -> None:
        letter = DeadLetter(
            self._journal.checkpoint.sources[place.source].name,
            place.row,
            event,
            verdict.error or "",
            verdict.status_code,
            verdict.outcome,
            self._wall(),
        )
        self.failed += 1
        self._journal.checkpoint.failed += 1
        self._finish([place])
        self._journal.note(letter)
        if self._on_failure is not None:
            self._on_failure(letter)
        if self._max_failures is not None and self.failed >= self._max_failures:
            self._stop.ask(f"{self.failed:,} rows failed, and --max-failures is {self._max_failures:,}")

    def _finish(self, places: Iterable[Place]) -> None:
        sources = self._journal.checkpoint.sources
        rows: dict[int, list[int]] = {}
        for source, row in places:
            rows.setdefault(source, []).append(row)
        for source, numbers in rows.items():
            for span in spans_of(numbers):
                sources[source].finished.add(span)


def _came_through(verdicts: Sequence[Verdict]) -> bool:
    """Tell whether the platform has decided on anything that was sent."""
    return any(not verdict.retryable and verdict.status_code is not None for verdict in verdicts)


def _refused_credentials(verdicts: Sequence[Verdict]) -> Verdict | None:
    """Return the refusal if the whole request was refused for its credentials: no other row would fare better."""
    answered = [verdict for verdict in verdicts if verdict.status_code is not None]
    if answered and all(verdict.status_code in _UNAUTHORIZED for verdict in answered):
        return answered[0]
    return None
