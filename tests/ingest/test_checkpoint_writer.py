"""The journal: many changes with one write, dead letters first, and nobody waits forever."""

from typing import Any

import anyio
import pytest

from suprsend_async.ingest import CheckpointError, FailedRow
from suprsend_async.ingest.job.checkpoint import Checkpoint, SourceProgress, read_checkpoint
from suprsend_async.ingest.job.checkpoint_writer import CheckpointWriter
from suprsend_async.tasks import OwnedTask


class Disk:
    """Keeps checkpoints and dead letters in memory, in the order in which they came; fails on demand."""

    name = "disk"

    def __init__(self) -> None:
        self.log: list[Any] = []
        self.error: Exception | None = None

    def write(self, dead_letters: list[FailedRow]) -> None:
        self.log.append([dead_letter.row for dead_letter in dead_letters])

    def save(self, content: bytes) -> None:
        if self.error is not None:
            raise self.error
        self.log.append(read_checkpoint(content).accepted)


def dead_letter(row: int) -> FailedRow:
    return FailedRow("a.csv", row, None, "no", None, "rejected", 0.0)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def writer(disk: Disk) -> CheckpointWriter:
    checkpoint = Checkpoint("target", "mapping", 0, [SourceProgress("a.csv", "1")])
    return CheckpointWriter(checkpoint, disk, disk)  # type: ignore[arg-type]


async def test_what_comes_together_is_written_together(writer: CheckpointWriter, disk: Disk) -> None:
    async def change() -> None:
        writer.checkpoint.accepted += 100
        await writer.note().done()
        # What was noted is on the disk by now.
        assert disk.log[-1] >= 100

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(writer.run)
        async with anyio.create_task_group() as changes:
            for _ in range(50):
                changes.start_soon(change)
        writer.close()
    assert disk.log[-1] == 5_000
    assert len(disk.log) <= 3


async def test_letters_are_written_before_the_checkpoint_that_counts_on_them(
    writer: CheckpointWriter, disk: Disk
) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(writer.run)
        await writer.note(dead_letter(3), dead_letter(4)).done()
        writer.close()
    assert disk.log[:2] == [[3, 4], 0]


async def test_closing_writes_what_is_left(writer: CheckpointWriter, disk: Disk) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(writer.run)
        writer.checkpoint.accepted = 7
        last = writer.note(dead_letter(1))
        writer.close()
        await last.done()
    assert disk.log == [[1], 7]
    # Nobody writes any more, and nobody waits for it.
    await writer.note().done()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left on device", "a.checkpoint"), "a.checkpoint cannot be written: No space left"),
        (RuntimeError("secret"), "its store raised RuntimeError"),
    ],
)
async def test_what_cannot_be_written_is_told_to_all_who_wait(
    writer: CheckpointWriter, disk: Disk, error: Exception, words: str
) -> None:
    disk.error = error
    told: list[str] = []

    async def change() -> None:
        try:
            await writer.note(dead_letter(1)).done()
        except CheckpointError as caught:
            told.append(caught.message)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(writer.run)
        async with anyio.create_task_group() as changes:
            for _ in range(5):
                changes.start_soon(change)
        disk.error = None
        writer.close()
    assert len(told) == 5
    assert all(words in message and "secret" not in message for message in told)
    # Once there is room again, the dead letters come once more.
    assert disk.log[-2:] == [[1] * 5, 0]


async def test_cancelling_who_waits_for_a_write_does_not_stop_the_writing(writer: CheckpointWriter, disk: Disk) -> None:
    task = OwnedTask(writer.run())
    with anyio.CancelScope() as scope:
        scope.cancel()
        await writer.note().done()
    with anyio.CancelScope(shield=True):
        await writer.note().done()
        writer.close()
        await task.finish(5)
    assert disk.log == [0, 0]


async def test_who_waits_for_a_journal_that_was_cancelled_does_not_wait_for_ever(writer: CheckpointWriter) -> None:
    task = OwnedTask(writer.run())
    writing = writer.note()
    await task.finish(0)
    with pytest.raises(CheckpointError, match="given up"):
        await writing.done()
