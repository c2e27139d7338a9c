"""The checkpoint: what it keeps, what it refuses, and what is in doubt."""

import json

import pytest

from suprsend_async.ingest import CheckpointError, Position
from suprsend_async.ingest.job.checkpoint import (
    SAFE_SECONDS,
    Checkpoint,
    InFlight,
    RowSums,
    SourceProgress,
    read_checkpoint,
)
from suprsend_async.ingest.job.same_job import check_same_job


def job(**changes: object) -> Checkpoint:
    values = {"target": "target", "mapping": "mapping", "started": 1_767_225_600_000, "sources": [source()], **changes}
    return Checkpoint(**values)  # type: ignore[arg-type]


def source(name: str = "a.csv", fingerprint: str = "1") -> SourceProgress:
    return SourceProgress(name, fingerprint)


def test_it_comes_back_as_it_was() -> None:
    checkpoint = job(accepted=240, failed=10)
    (progress,) = checkpoint.sources
    progress.rows = 400
    progress.reserve((0, 150), 5.0)
    progress.release([(0, 150)])
    progress.reserve((0, 400), 7.0)
    progress.finished.add((0, 100))
    progress.finished.add((150, 300))
    progress.passed(Position(100, 4_000, 120))
    progress.accepted = RowSums(3, (2**64 - 1, 0))
    again = read_checkpoint(checkpoint.to_json())
    assert again.sources[0].start == Position(100, 4_000, 120)
    assert again.sources[0].accepted == progress.accepted
    # What this run may send is in flight for a later one.
    assert again.sources[0].in_flight == [InFlight(100, 150, 5.0), InFlight(300, 400, 7.0)]
    assert again.to_json() == checkpoint.to_json()
    assert again.finished == 250


def test_reading_goes_on_at_the_last_place_that_all_finished_rows_lie_before() -> None:
    progress = source()
    for number in (100, 200, 300):
        progress.passed(Position(number, number * 10))
    progress.finished.add((0, 250))
    progress.finished.add((290, 400))
    progress.move_start()
    assert progress.start == Position(200, 2_000)


def test_complete_once_every_row_is_finished() -> None:
    checkpoint = job(sources=[source(), source("b.csv", "2")])
    first, second = checkpoint.sources
    first.finished.add((0, 10))
    first.rows, second.rows = 10, 0
    assert first.is_complete
    assert checkpoint.is_complete
    second.rows = None
    assert not checkpoint.is_complete


def test_the_earlier_moment_stays() -> None:
    progress = source()
    progress.reserve((0, 100), 1.0)
    progress.release([(0, 100)])
    progress.finished.add((0, 50))
    progress.reserve((0, 200), 2.0)
    progress.drop_finished()
    assert (progress.in_flight, progress.reserved) == ([InFlight(50, 100, 1.0)], [InFlight(100, 200, 2.0)])


def test_what_was_never_sent_is_forgotten() -> None:
    progress = source()
    progress.in_flight = [InFlight(0, 100, 9.0)]
    progress.reserve((0, 300), 5.0)
    progress.release([(90, 120), (250, 260)])
    assert progress.in_flight == [InFlight(0, 100, 9.0), InFlight(100, 120, 5.0), InFlight(250, 260, 5.0)]
    assert not progress.reserved


def test_what_another_job_may_have_sent_is_in_flight_since_then() -> None:
    progress = source()
    progress.in_flight = [InFlight(0, 2, 1.0)]
    progress.finished.add((3, 4))
    for row in range(6):
        progress.recall(row, 2.0)
    progress.recall(6, 3.0)
    assert progress.in_flight == [InFlight(0, 2, 1.0), InFlight(2, 3, 2.0), InFlight(4, 6, 2.0), InFlight(6, 7, 3.0)]
    assert [progress.sent_since(row) for row in (1, 2, 3, 6, 7)] == [1.0, 2.0, None, 3.0, None]


def test_in_doubt_after_23_hours() -> None:
    progress = source()
    progress.reserve((0, 100), 0.0)
    progress.reserve((100, 200), 60.0)
    progress.release([(0, 200)])
    progress.reserve((200, 300), 0.0)
    progress.finished.add((40, 60))
    assert progress.in_doubt(SAFE_SECONDS - 1.0) == []
    assert progress.in_doubt(SAFE_SECONDS) == [InFlight(0, 40, 0.0), InFlight(60, 100, 0.0)]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (job(sources=[source(), source("b.csv")]), "other sources (a.csv)"),
        (job(sources=[source(fingerprint="2")]), "a.csv has changed since the job began"),
        (job(mapping="another"), "the mapping has changed"),
        (job(target="another"), "the workspace or the address has changed"),
    ],
)
def test_another_job_is_refused(wanted: Checkpoint, words: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        check_same_job(job(), wanted)
    assert words in caught.value.message
    assert "--restart" in caught.value.message
    assert "--checkpoint FILE" in caught.value.message


def test_a_renamed_source_is_the_same() -> None:
    check_same_job(job(), job(sources=[source("moved/a.csv")]))


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b"[" * 100_000, b'{"format": 1}', b"\xff", b'{"format": 1, "target": 1}']
)
def test_what_is_no_checkpoint_is_refused(content: bytes) -> None:
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        read_checkpoint(content)


@pytest.mark.parametrize("name", sorted(json.loads(job().to_json())))
@pytest.mark.parametrize("value", [None, -1, "x", [], [{}], {"a": 1}, 1.5, True])
def test_whatever_stands_in_a_checkpoint_it_is_read_or_refused(name: str, value: object) -> None:
    document = json.loads(job().to_json())
    [progress] = document["sources"]
    for content in [{**document, name: value}] + [
        {**document, "sources": [{**progress, field: value}]} for field in progress if name == "sources"
    ]:
        try:
            kept = read_checkpoint(json.dumps(content).encode())
        except CheckpointError:
            continue
        # What was read can be worked with.
        assert read_checkpoint(kept.to_json()).to_json() == kept.to_json()
        _ = [kept.is_complete, kept.finished, kept.job, *(each.in_doubt(0.0) for each in kept.sources)]


def test_an_earlier_program_does_not_go_on_with_other_keys() -> None:
    checkpoint = job()
    assert json.loads(checkpoint.to_json())["format"] == 1
    checkpoint.sources[0].origin = "0"
    assert json.loads(checkpoint.to_json())["format"] == 2
    assert read_checkpoint(checkpoint.to_json()).sources[0].origin == "0"


def test_a_later_version_is_refused() -> None:
    document = {**json.loads(job().to_json()), "format": 4}
    with pytest.raises(CheckpointError, match="another version"):
        read_checkpoint(json.dumps(document).encode())
