"""What comes of rows, taken down: in the checkpoint, and among the dead letters."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from suprsend_async.events.user_order import HELD_BACK
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
"""If nothing came through of so many chunks, nor of any that was sent after them, the rows are not at fault."""

MOST_HELD = 100
"""Chunks that wait for a judgement at most: in order, all that come after a failure may be of its user."""


class Place(NamedTuple):
    """Where an event comes from.

    Attributes:
        source: The source's position among the sources.
        row: The row's number.
    """

    source: int
    row: int


_Failed = tuple[Place, "Event | None", Verdict]


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
        # Chunks that failed in a way that may pass, by their first index, until it is known whether later ones came
        # through.
        self._held: dict[int, list[_Failed]] = {}
        # The first index of the latest chunk that the platform has decided on.
        self._through = -1
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
        first = chunk.indexes[0]
        if refusal is None and _came_through(chunk.verdicts):
            self._through = max(self._through, first)
        accepted: list[Place] = []
        left_open: list[_Failed] = []
        held: list[_Failed] = []
        failed: list[_Failed] = []
        for index, event, verdict in zip(chunk.indexes, chunk.events, chunk.verdicts, strict=True):
            place = self.places.pop(index)
            if verdict.outcome == "accepted":
                accepted.append(place)
            elif refusal is not None or (_may_pass(verdict) and (self._ending or self._stop.is_asked)):
                left_open.append((place, event, verdict))
            elif _may_pass(verdict) and first > self._through:
                held.append((place, event, verdict))
            else:
                failed.append((place, event, verdict))
        self._count_accepted(accepted)
        if held:
            self._held[first] = held
        self._let_held_fail(self._through)
        self._fail(failed)
        self._leave_open(left_open)
        self._look_for_outage()
        try:
            await self._journal.note().done()
        except Exception:
            self.end()
            raise

    def conclude(self) -> None:
        """Judge what is held: the rows' own failure if anything came through in this run, and else an outage."""
        if self._through < 0:
            self._tell_outage()
        else:
            self._let_held_fail(max(self._held, default=-1) + 1)

    def _look_for_outage(self) -> None:
        if sum(map(_was_sent, self._held.values())) >= OUTAGE_CHUNKS:
            self._tell_outage()
        elif len(self._held) >= MOST_HELD:
            self.conclude()

    def _tell_outage(self) -> None:
        """Stop, and leave open what failed: the same command goes on with it."""
        if self._held:
            [(_, _, verdict), *_] = next(iter(self._held.values()))
            self._stop.ask(f"the platform takes nothing now ({verdict.error})")
            self._leave_held_open()

    def _let_held_fail(self, through: int) -> None:
        """Something that was sent later has come through: so it was these rows."""
        for first in [first for first in self._held if first < through]:
            self._fail(self._held.pop(first))

    def _leave_held_open(self) -> None:
        held, self._held = self._held, {}
        self._leave_open(chain.from_iterable(held.values()))

    def _leave_open(self, rows: Iterable[_Failed]) -> None:
        """Leave rows to a resume, and note those that may have arrived. What came by a pipe cannot be read again."""
        for place, event, verdict in rows:
            if not self._journal.checkpoint.sources[place.source].fingerprint:
                self._fail([(place, event, verdict)])
            elif verdict.outcome == "unknown":
                self._unanswered.append(place)

    def refuse(self, place: Place, error: str) -> None:
        """Take down a row of which no event can be made."""
        self._fail([(place, None, Verdict("rejected", error=error))])

    def unanswered(self, source: int) -> list[Span]:
        """Return the rows of a source that were sent in this run and are left open without an answer."""
        return spans_of(sorted(place.row for place in self._unanswered if place.source == source))

    def _count_accepted(self, places: list[Place]) -> None:
        self.accepted += len(places)
        self._journal.checkpoint.accepted += len(places)
        self._finish(places)

    def _fail(self, rows: Iterable[_Failed]) -> None:
        problem: Exception | None = None
        now = self._wall()
        for place, event, verdict in rows:
            letter = self._letter(place, event, verdict, now)
            self.failed += 1
            self._journal.checkpoint.failed += 1
            self._finish([place])
            self._journal.note(letter)
            if self._on_failure is not None:
                try:
                    self._on_failure(letter)
                except Exception as error:  # noqa: BLE001 - raised once all of them are taken down
                    problem = problem or error
            if self._max_failures is not None and self.failed >= self._max_failures:
                self._stop.ask(f"{self.failed:,} rows failed, and --max-failures is {self._max_failures:,}")
        if problem is not None:
            raise problem

    def _letter(self, place: Place, event: Event | None, verdict: Verdict, at: float) -> DeadLetter:
        outcome = verdict.outcome
        source = self._journal.checkpoint.sources[place.source]
        earlier = None if event is None else source.sent_since(place.row)
        if earlier is not None:
            # It may have been sent before this run, and only a yes would settle that.
            outcome, at = "unknown", earlier
        return DeadLetter(source.name, place.row, event, verdict.error or "", verdict.status_code, outcome, at)

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
    return any(
        verdict.outcome == "accepted" or (verdict.status_code is not None and not _may_pass(verdict))
        for verdict in verdicts
    )


def _may_pass(verdict: Verdict) -> bool:
    """Tell whether the row is not at fault as far as is known, be it that a gateway answered for the platform."""
    return verdict.retryable or verdict.outcome == "unknown"


def _was_sent(rows: Sequence[_Failed]) -> bool:
    """Tell whether any of these went out, or was to: events in order may be held back for others of their user."""
    return any(verdict is not HELD_BACK for _, _, verdict in rows)


def _refused_credentials(verdicts: Sequence[Verdict]) -> Verdict | None:
    """Return the refusal if the whole request was refused for its credentials: no other row would fare better."""
    answered = [verdict for verdict in verdicts if verdict.status_code is not None]
    if answered and all(verdict.status_code in _UNAUTHORIZED for verdict in answered):
        return answered[0]
    return None
