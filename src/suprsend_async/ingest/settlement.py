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
        self._ending = False

    def end(self) -> None:
        """From now on leave open what might succeed later: a resume sends it again."""
        self._ending = True

    async def settle(self, chunk: Chunk) -> None:
        """Take down a chunk that is over, durably.

        Raises:
            CheckpointError: It cannot be written.
        """
        refusal = _refused_credentials(chunk.verdicts)
        if refusal is not None:
            self._stop.ask(f"the platform refuses the credentials: {refusal.error}")
        finished: list[Place] = []
        for index, event, verdict in zip(chunk.indexes, chunk.events, chunk.verdicts, strict=True):
            place = self.places.pop(index)
            if verdict.outcome == "accepted":
                finished.append(place)
            elif refusal is not None or (verdict.retryable and (self._ending or self._stop.is_asked)):
                if verdict.outcome == "unknown":
                    self._unanswered.append(place)
            else:
                self._fail(place, event, verdict)
        self._count_accepted(finished)
        try:
            await self._journal.note().done()
        except Exception:
            self.end()
            raise

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


def _refused_credentials(verdicts: Sequence[Verdict]) -> Verdict | None:
    """Return the refusal if the whole request was refused for its credentials: no other row would fare better."""
    answered = [verdict for verdict in verdicts if verdict.status_code is not None]
    if answered and all(verdict.status_code in _UNAUTHORIZED for verdict in answered):
        return answered[0]
    return None
