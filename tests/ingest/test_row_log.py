"""What comes of rows: which are done, which wait for a judgement, when it is an outage, and what a resume is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from suprsend_async import Event
from suprsend_async.api.verdict import NOT_SENT, Verdict
from suprsend_async.bulk.chunk import HELD_BACK, Chunk
from suprsend_async.events.bulk import event_kind
from suprsend_async.events.encoding import Encoder
from suprsend_async.ingest import CheckpointError
from suprsend_async.ingest.job.checkpoint import Checkpoint, SourceProgress
from suprsend_async.ingest.job.outage import MOST_HELD, OUTAGE_CHUNKS
from suprsend_async.ingest.job.report import Stop
from suprsend_async.ingest.job.row_log import RowLog
from suprsend_async.ingest.sources.source import Place, Row

if TYPE_CHECKING:
    from suprsend_async.ingest import FailedRow

KIND = event_kind(Encoder("test-workspace-key-0123456789", "suprsend-async/test", 819_200))
EVENT = Event("user-1", "signed_up")
NOW = 1_767_225_600.0

# A row's verdict, by a dead letter.
VERDICTS = {
    "a": Verdict("accepted", 202),
    "r": Verdict("rejected", 400, "no such name"),
    "t": Verdict("rejected", 429, "too many", retryable=True),
    "b": Verdict("rejected", 503, "busy", retryable=True),
    "u": Verdict("unknown", error="no answer", retryable=True),
    "p": Verdict("unknown", 507, "a gateway's page"),
    "n": NOT_SENT,
    "h": HELD_BACK,
    "i": Verdict("rejected", error="properties.a cannot be written"),
    "k": Verdict("rejected", 401, "wrong key"),
    "f": Verdict("rejected", 403, "no right"),
}


class Written:
    def __init__(self, error: Exception | None) -> None:
        self.error = error

    async def done(self) -> None:
        if self.error is not None:
            raise self.error


class Pages:
    """A journal in memory."""

    def __init__(self, fingerprint: str) -> None:
        self.checkpoint = Checkpoint("target", "mapping", 0, [SourceProgress("rows.csv", fingerprint)])
        self.dead_letters: list[FailedRow] = []
        self.writes = 0
        self.error: Exception | None = None

    def note(self, *dead_letters: FailedRow) -> Written:
        self.dead_letters += dead_letters
        self.writes += not dead_letters
        return Written(self.error)


class Judged:
    """A settlement of one source's rows, whose numbers are those of the events."""

    def __init__(self, fingerprint: str = "1", **options: Any) -> None:
        self.writer, self.stop = Pages(fingerprint), Stop()
        given: dict[str, Any] = {"max_failures": None, "wall": lambda: NOW}
        self.row_log = RowLog(self.writer, self.stop, **{**given, **options})  # type: ignore[arg-type]
        self.row_log.places.add(0, [Row(number, {}) for number in range(1_000)])

    async def end_of(self, first: int, verdicts: str) -> None:
        """Settle a chunk whose rows begin at a number and came to these verdicts."""
        chunk = Chunk(KIND)
        for number, dead_letter in enumerate(verdicts, first):
            chunk.add(number, EVENT, b"{}")
            chunk.verdicts[-1] = VERDICTS[dead_letter]
        await self.row_log.note_chunk(chunk)

    @property
    def failed(self) -> list[int]:
        return [dead_letter.row for dead_letter in self.writer.dead_letters]

    @property
    def finished(self) -> list[int]:
        source = self.writer.checkpoint.sources[0]
        return [row for row in range(1_000) if row in source.finished]

    @property
    def unanswered(self) -> list[int]:
        return [row for start, end in self.row_log.unanswered(0) for row in range(start, end)]


def rows(text: str) -> list[int]:
    """Return the numbers that a text lists: "0-3 7"."""
    found: list[int] = []
    for part in text.split():
        start, _, end = part.partition("-")
        found += range(int(start), int(end or start) + 1)
    return found


@dataclass(frozen=True)
class Case:
    """What a run's chunks came to, in the order in which they ended, and what follows.

    Attributes:
        chunks: The first row of each, and its verdicts.
        done: The rows that are finished by then, accepted or failed.
        failed: Those of them that failed.
        stops: Words of the reason why the run stops; None if it goes on.
        doubt: Rows that are left open and may have arrived.
        then_done: The rows that are finished once the run has ended by itself.
        then_failed: Those of them that failed.
        then_stops: Words of the reason by then.
        then_doubt: Rows that are left open by then and may have arrived.
    """

    chunks: list[tuple[int, str]]
    done: str = ""
    failed: str = ""
    stops: str | None = None
    doubt: str = ""
    then_done: str | None = None
    then_failed: str | None = None
    then_stops: str | None = None
    then_doubt: str | None = None


OUTAGE = "accepts nothing now"
CASES: dict[str, Case] = {
    "all accepted": Case([(0, "aa"), (2, "aa")], done="0-3"),
    "refused for what they are": Case([(0, "rr"), (2, "ar")], done="0-3", failed="0 1 3"),
    "refused before they were sent": Case([(0, "ia")], done="0 1", failed="0"),
    # A failure that may pass waits for what is sent after it.
    "one waits, and nothing came through": Case([(0, "uu")], then_done="", then_stops=OUTAGE, then_doubt="0 1"),
    "one waits after a success": Case([(0, "aa"), (2, "uu")], done="0 1", then_done="0-3", then_failed="2 3"),
    "a later success makes it the rows' own": Case([(0, "uu"), (2, "aa")], done="0-3", failed="0 1"),
    "a later refusal does so, too": Case([(0, "uu"), (2, "rr")], done="0-3", failed="0-3"),
    "an earlier success that comes late does not": Case(
        [(2, "uu"), (0, "aa")], done="0 1", then_done="0-3", then_failed="2 3"
    ),
    "what ends after a later success fails at once": Case([(2, "aa"), (0, "uu")], done="0-3", failed="0 1"),
    "a success of the past takes nothing back": Case([(4, "a"), (0, "a"), (2, "u")], done="0 2 4", failed="2"),
    "some of a chunk": Case([(0, "au")], done="0 1", failed="1"),
    "some of a chunk, refused": Case([(0, "rnt")], done="0-2", failed="0-2"),
    # None of these is a decision of the platform's.
    **{
        f"{dead_letter} decides nothing": Case(
            [(0, "uu"), (2, dead_letter * 2)],
            then_done="",
            then_stops=OUTAGE,
            then_doubt="0 1" + (" 2 3" if VERDICTS[dead_letter].outcome == "unknown" else ""),
        )
        for dead_letter in "tbupn"
    },
    # Many in a row are an outage.
    "two and then a success": Case([(0, "u"), (1, "u"), (2, "a")], done="0-2", failed="0 1"),
    "three": Case([(0, "u"), (1, "u"), (2, "u")], stops=OUTAGE, doubt="0-2"),
    "three, busy": Case([(0, "b"), (1, "t"), (2, "n")], stops=OUTAGE),
    "three, a gateway's page": Case([(0, "p"), (1, "p"), (2, "p")], stops=OUTAGE, doubt="0-2"),
    "three after a success": Case([(0, "a"), (1, "u"), (2, "u"), (3, "u")], done="0", stops=OUTAGE, doubt="1-3"),
    "three with a success before two of them": Case(
        [(0, "u"), (1, "a"), (2, "u"), (3, "u")], done="0 1", failed="0", then_done="0-3", then_failed="0 2 3"
    ),
    "three of which the first ended last": Case([(1, "u"), (2, "u"), (0, "u")], stops=OUTAGE, doubt="0-2"),
    "after an outage nothing waits any more": Case(
        [(0, "u"), (1, "u"), (2, "u"), (3, "u"), (4, "a")], done="4", stops=OUTAGE, doubt="0-3"
    ),
    "after an outage refusals are still failures": Case(
        [(0, "n"), (1, "n"), (2, "n"), (3, "r")], done="3", failed="3", stops=OUTAGE
    ),
    # What is held back for another row of its user was not sent, and is no sign of an outage.
    "held back": Case([(0, "a"), (1, "u"), (2, "h"), (3, "h"), (4, "h")], done="0", then_done="0-4", then_failed="1-4"),
    "held back beside others": Case([(0, "u"), (1, "hu"), (3, "hn")], stops=OUTAGE, doubt="0 2"),
    "held back and then a success": Case([(0, "u"), (1, "h"), (2, "a")], done="0-2", failed="0 1"),
    # Credentials that are refused are no fault of a row.
    "wrong credentials": Case([(0, "kk")], stops="refuses the credentials: wrong key"),
    "no right": Case([(0, "ff")], stops="refuses the credentials: no right"),
    "wrong credentials after an outage of two": Case(
        [(0, "u"), (1, "u"), (2, "k")],
        stops="refuses the credentials",
        then_stops="refuses the credentials",
        then_done="",
        then_doubt="0 1",
    ),
    "a refusal of one row's own": Case([(0, "ak")], done="0 1", failed="1"),
    "wrong credentials beside what was refused here": Case([(0, "ki")], stops="refuses the credentials"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_what_follows_from_what_chunks_came_to(case: Case) -> None:
    judged = Judged()
    for first, verdicts in case.chunks:
        await judged.end_of(first, verdicts)
    assert judged.failed == rows(case.failed)
    assert judged.finished == rows(case.done)
    assert judged.unanswered == rows(case.doubt)
    assert (judged.stop.reason is None) == (case.stops is None)
    assert case.stops is None or case.stops in (judged.stop.reason or "")
    # All chunks are over.
    judged.row_log.conclude()
    judged.row_log.end()
    assert sorted(judged.failed) == rows(case.failed if case.then_failed is None else case.then_failed)
    assert judged.finished == rows(case.done if case.then_done is None else case.then_done)
    assert judged.unanswered == rows(case.doubt if case.then_doubt is None else case.then_doubt)
    stops = case.stops if case.then_stops is None else case.then_stops
    assert (judged.stop.reason is None) == (stops is None)
    assert stops is None or stops in (judged.stop.reason or "")
    assert judged.row_log.accepted + judged.row_log.failed == len(judged.finished)
    checkpoint = judged.writer.checkpoint
    assert (checkpoint.accepted, checkpoint.failed) == (judged.row_log.accepted, judged.row_log.failed)


def test_three_chunks_are_an_outage() -> None:
    assert OUTAGE_CHUNKS == 3


@pytest.mark.parametrize("verdicts", ["u", "t", "n"])
async def test_once_it_ends_what_may_pass_is_left_open_at_once(verdicts: str) -> None:
    judged = Judged()
    await judged.end_of(0, "a")
    await judged.end_of(1, verdicts)
    judged.row_log.end()
    await judged.end_of(2, verdicts)
    await judged.end_of(3, "ar")
    assert (judged.finished, judged.failed) == ([0, 3, 4], [4])
    assert judged.unanswered == ([1, 2] if verdicts == "u" else [])


async def test_what_was_read_from_a_pipe_cannot_be_left_open() -> None:
    judged = Judged(fingerprint="")
    for row in range(3):
        await judged.end_of(row, "u")
    assert (judged.finished, judged.failed, judged.unanswered) == ([0, 1, 2], [0, 1, 2], [])
    assert OUTAGE in (judged.stop.reason or "")
    assert [dead_letter.outcome for dead_letter in judged.writer.dead_letters] == ["unknown"] * 3


@pytest.mark.parametrize(("first", "ends"), [("a", "failures"), ("u", "an outage")])
async def test_no_more_chunks_wait_than_fit_in_memory(first: str, ends: str) -> None:
    judged = Judged()
    await judged.end_of(0, first)
    await judged.end_of(1, "u")
    for row in range(2, MOST_HELD):
        await judged.end_of(row, "h")
    if ends == "an outage":
        assert OUTAGE in (judged.stop.reason or "")
        return
    assert judged.failed == []
    await judged.end_of(MOST_HELD, "h")
    assert judged.failed == list(range(1, MOST_HELD + 1))
    assert judged.stop.reason is None


async def test_as_many_failures_as_are_allowed_stop_it() -> None:
    judged = Judged(max_failures=3)
    await judged.end_of(0, "rar")
    assert judged.stop.reason is None
    await judged.end_of(3, "ar")
    assert judged.stop.reason == "3 rows failed, and --max-failures is 3"


async def test_a_row_that_no_event_can_be_made_of_is_a_failure() -> None:
    judged = Judged()
    judged.row_log.refuse(Place(0, 4), "user: the cell is empty", None)
    [dead_letter] = judged.writer.dead_letters
    assert (
        dead_letter.row,
        dead_letter.event,
        dead_letter.error,
        dead_letter.outcome,
        dead_letter.code,
        dead_letter.at,
    ) == (
        4,
        None,
        "user: the cell is empty",
        "rejected",
        None,
        NOW,
    )
    assert (judged.finished, judged.row_log.failed) == ([4], 1)


async def test_a_failure_holds_the_event_and_the_servers_words() -> None:
    judged = Judged()
    await judged.end_of(0, "ra")
    [dead_letter] = judged.writer.dead_letters
    assert (dead_letter.source, dead_letter.row, dead_letter.event) == ("rows.csv", 0, EVENT)
    assert (dead_letter.error, dead_letter.code, dead_letter.outcome, dead_letter.at) == (
        "no such name",
        400,
        "rejected",
        NOW,
    )


async def test_a_row_that_an_earlier_run_may_have_sent_stays_unknown_when_it_is_refused() -> None:
    judged = Judged()
    judged.writer.checkpoint.sources[0].recall(0, NOW - 3_600)
    await judged.end_of(0, "rr")
    assert [(dead_letter.outcome, dead_letter.at) for dead_letter in judged.writer.dead_letters] == [
        ("unknown", NOW - 3_600),
        ("rejected", NOW),
    ]


async def test_a_chunk_is_over_once_it_is_written() -> None:
    judged = Judged()
    await judged.end_of(0, "a")
    assert judged.writer.writes == 1
    await judged.end_of(1, "u")
    assert judged.writer.writes == 2


async def test_a_checkpoint_that_cannot_be_written_leaves_the_rest_open() -> None:
    judged = Judged()
    await judged.end_of(0, "u")
    judged.writer.error = CheckpointError("no space")
    with pytest.raises(CheckpointError, match="no space"):
        await judged.end_of(1, "u")
    assert (judged.finished, judged.unanswered) == ([], [0, 1])


async def test_a_callback_that_raises_is_heard_once_all_of_them_are_taken_down() -> None:
    rows_heard: list[int] = []

    def on_failure(dead_letter: FailedRow) -> None:
        rows_heard.append(dead_letter.row)
        raise LookupError(f"row {dead_letter.row}")

    judged = Judged(on_failure=on_failure)
    with pytest.raises(LookupError, match="row 0"):
        await judged.end_of(0, "rra")
    assert rows_heard == [0, 1]
    assert judged.finished == [0, 1, 2]
